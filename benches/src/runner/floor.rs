//! The floor: blocking sockets that send bytes built once and look no further than lengths. No driver can need less.

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use bson::{Document, doc};
use stator_wire::bson::Doc;
use stator_wire::op_msg::{Builder, Documents, Flags, OpMsg};

use super::{CORPUS, DATABASE, Failure, INSERTS, Runner, expect};
use crate::{Data, Task};

/// Sockets and bytes.
#[derive(Debug)]
pub struct Floor {
    stream: TcpStream,
    hello: Vec<u8>,
    find_one: Request<4>,
    insert_one: Request<8>,
    find_many: Vec<u8>,
    get_more: Request<8>,
    /// The last reply, in a buffer that is never given back.
    reply: Vec<u8>,
    walks: bool,
    corpus: i32,
    inserted: u64,
}

/// A message with a place in it that is different each time.
#[derive(Debug)]
struct Request<const N: usize> {
    bytes: Vec<u8>,
    at: usize,
}

impl<const N: usize> Request<N> {
    /// The place is where `mark` stands, once.
    fn new(bytes: Vec<u8>, mark: [u8; N]) -> Result<Self, Failure> {
        let at = bytes.windows(N).position(|window| window == mark).ok_or("the mark is missing")?;
        Ok(Self { bytes, at })
    }

    fn set(&mut self, value: [u8; N]) -> &[u8] {
        self.bytes[self.at..self.at + N].copy_from_slice(&value);
        &self.bytes
    }
}

const MARK: u64 = 0x7a6b_5c4d_3e2f_1a0b;
const SHORT_MARK: i32 = 0x7a6b_5c4d;

impl Floor {
    /// Connects; there is no handshake, the server does not insist.
    pub fn connect(address: SocketAddr, data: &Data) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let find_one = doc! { "find": CORPUS, "filter": { "_id": SHORT_MARK }, "limit": 1, "singleBatch": true };
        let get_more = doc! { "getMore": MARK as i64, "collection": CORPUS };
        Ok(Self {
            stream,
            hello: message(doc! { "hello": 1 }, None)?,
            find_one: Request::new(message(find_one, None)?, SHORT_MARK.to_le_bytes())?,
            insert_one: Request::new(insert(data)?, MARK.to_le_bytes())?,
            find_many: message(doc! { "find": CORPUS, "filter": {} }, None)?,
            get_more: Request::new(message(get_more, None)?, MARK.to_le_bytes())?,
            reply: Vec::new(),
            walks: false,
            corpus: data.corpus,
            inserted: 0,
        })
    }

    /// The same, but the documents of each batch are walked by their lengths.
    #[must_use]
    pub fn walking(mut self) -> Self {
        self.walks = true;
        self
    }

    fn find_many(&mut self, count: u64) -> Result<u64, Failure> {
        let corpus = u64::from(self.corpus.unsigned_abs());
        let (mut found, mut rounds) = (0, 0);
        while found < count {
            let mut walked = 0;
            let mut length = exchange(&mut self.stream, &self.find_many, &mut self.reply)?;
            loop {
                let cursor = cursor(&self.reply[..length])?;
                if self.walks {
                    walked += walk(cursor)?;
                }
                match cursor.get_i64("id")? {
                    None | Some(0) => break,
                    Some(id) => {
                        let request = self.get_more.set(id.to_le_bytes());
                        length = exchange(&mut self.stream, request, &mut self.reply)?;
                    }
                }
            }
            if self.walks {
                expect(walked, corpus)?;
            }
            found += corpus;
            rounds += 1;
        }
        expect(found, rounds * corpus)
    }
}

impl Runner for Floor {
    fn name(&self) -> &'static str {
        if self.walks { "floor-walk" } else { "floor" }
    }

    fn peer(&self) -> &'static str {
        "official-ct"
    }

    fn supports(&self, task: Task) -> bool {
        !self.walks || task.finds_many()
    }

    fn run(&mut self, task: Task, count: u64) -> Result<u64, Failure> {
        if task.finds_many() {
            return self.find_many(count);
        }
        for n in 0..count {
            let request = match task {
                Task::RunCommand => &self.hello[..],
                Task::InsertOne => {
                    self.inserted += 1;
                    self.insert_one.set(self.inserted.to_le_bytes())
                }
                _ => self.find_one.set(((n % u64::from(self.corpus.unsigned_abs())) as i32 + 1).to_le_bytes()),
            };
            let length = exchange(&mut self.stream, request, &mut self.reply)?;
            black_box(&self.reply[..length]);
        }
        Ok(count)
    }
}

/// Sends a request and reads its reply; returns the reply's length.
fn exchange(stream: &mut TcpStream, request: &[u8], reply: &mut Vec<u8>) -> Result<usize, Failure> {
    stream.write_all(request)?;
    if reply.is_empty() {
        reply.resize(64 * 1024, 0);
    }
    let (mut filled, mut length) = (0, 4);
    while filled < length {
        let count = stream.read(&mut reply[filled..])?;
        if count == 0 {
            return Err("the server closed the connection".into());
        }
        filled += count;
        if let Some(claimed) = reply[..filled].first_chunk::<4>() {
            length = usize::try_from(i32::from_le_bytes(*claimed))?;
            if length > reply.len() {
                reply.resize(length, 0);
            }
        }
    }
    Ok(length)
}

fn cursor(reply: &[u8]) -> Result<Doc<'_>, Failure> {
    Ok(OpMsg::parse(reply)?.body().get_doc("cursor")?.ok_or("the reply has no cursor")?)
}

/// Walks the documents of a batch by their lengths and counts them.
fn walk(cursor: Doc<'_>) -> Result<u64, Failure> {
    let batch = match cursor.get_array("nextBatch")? {
        Some(batch) => batch,
        None => cursor.get_array("firstBatch")?.ok_or("the reply has no batch")?,
    };
    let bytes = batch.as_bytes();
    let (mut rest, mut found) = (&bytes[4..bytes.len() - 1], 0);
    while let Some(nul) = rest.iter().position(|&byte| byte == 0) {
        let mut documents = Documents::new(&rest[nul + 1..]);
        let document = documents.next().ok_or("the batch is cut off")??;
        black_box(document.as_bytes());
        rest = &rest[nul + 1 + document.as_bytes().len()..];
        found += 1;
    }
    Ok(found)
}

/// One OP_MSG on the tasks' database.
fn message(mut body: Document, documents: Option<&[u8]>) -> Result<Vec<u8>, Failure> {
    body.insert("$db", DATABASE);
    let body = bson::serialize_to_vec(&body)?;
    let mut out = Vec::new();
    let mut message = Builder::new(&mut out, 1, 0, Flags::NONE);
    message.body_doc(Doc::new(&body)?);
    if let Some(documents) = documents {
        message.sequence("documents", core::iter::once(Doc::new(documents)?))?;
    }
    message.finish()?;
    Ok(out)
}

fn insert(data: &Data) -> Result<Vec<u8>, Failure> {
    let mut document = doc! { "_id": MARK as i64 };
    document.extend(data.small.clone());
    let document = bson::serialize_to_vec(&document)?;
    message(doc! { "insert": INSERTS, "ordered": true }, Some(&document))
}
