//! Messages that are built once.

use std::hint::black_box;

use bson::{Document, doc};
use stator_wire::bson::Doc;
use stator_wire::op_msg::{Builder, Documents, Flags, OpMsg};

use super::super::Failure;
use crate::Data;
use crate::Task;
use crate::driver::{CORPUS, DATABASE, INSERTS};
use crate::task::Size;

/// The messages of all tasks, but for the inserts.
#[derive(Debug)]
pub(super) struct Requests {
    pub(super) hello: Vec<u8>,
    pub(super) find_one: Request<4>,
    pub(super) find_many: Vec<u8>,
    pub(super) get_more: Request<8>,
}

/// A message with a place in it that is different each time.
#[derive(Debug)]
pub(super) struct Request<const N: usize> {
    bytes: Vec<u8>,
    at: usize,
}

impl<const N: usize> Request<N> {
    /// The place is where `mark` stands, once.
    fn new(bytes: Vec<u8>, mark: [u8; N]) -> Result<Self, Failure> {
        let at = bytes.windows(N).position(|window| window == mark).ok_or("the mark is missing")?;
        Ok(Self { bytes, at })
    }

    pub(super) fn set(&mut self, value: [u8; N]) -> &[u8] {
        self.bytes[self.at..self.at + N].copy_from_slice(&value);
        &self.bytes
    }
}

const MARK: i64 = 0x7a6b_5c4d_3e2f_1a0b;
const SHORT_MARK: i32 = 0x7a6b_5c4d;

impl Requests {
    pub(super) fn new() -> Result<Self, Failure> {
        let find_one = doc! { "find": CORPUS, "filter": { "_id": SHORT_MARK }, "limit": 1, "singleBatch": true };
        let get_more = doc! { "getMore": MARK, "collection": CORPUS };
        Ok(Self {
            hello: message(doc! { "hello": true }, core::iter::empty())?,
            find_one: Request::new(message(find_one, core::iter::empty())?, SHORT_MARK.to_le_bytes())?,
            find_many: message(doc! { "find": CORPUS, "filter": {} }, core::iter::empty())?,
            get_more: Request::new(message(get_more, core::iter::empty())?, MARK.to_le_bytes())?,
        })
    }

    /// An insert of so many copies; the server gives them their `_id`s.
    pub(super) fn insert(data: &Data, size: Size, copies: usize) -> Result<Vec<u8>, Failure> {
        let document = match size {
            Size::Small => &data.small,
            Size::Large => &data.large,
        };
        let document = bson::serialize_to_vec(document)?;
        let copies = core::iter::repeat_n(Doc::new(&document)?, copies);
        message(doc! { "insert": INSERTS, "ordered": true }, copies)
    }
}

/// One OP_MSG on the tasks' database.
fn message<'a>(mut body: Document, documents: impl Iterator<Item = Doc<'a>> + Clone) -> Result<Vec<u8>, Failure> {
    body.insert("$db", DATABASE);
    let body = bson::serialize_to_vec(&body)?;
    let mut out = Vec::new();
    let mut message = Builder::new(&mut out, 1, 0, Flags::NONE);
    message.body_doc(Doc::new(&body)?);
    if documents.clone().next().is_some() {
        message.sequence("documents", documents)?;
    }
    message.finish()?;
    Ok(out)
}

/// Whether the server did what it was asked to: whoever looks at nothing might measure how fast it refuses.
pub(super) fn check(buffer: &[u8], task: Task, batch: usize) -> Result<(), Failure> {
    let length = buffer.first_chunk().map(|length| u32::from_le_bytes(*length)).ok_or("there is no reply")?;
    let reply = OpMsg::parse(buffer.get(..length as usize).ok_or("the reply is cut")?)?.body();
    let is = |key, number| Ok::<_, Failure>(reply.get(key)?.is_some_and(|value| value.as_number_i64() == Ok(number)));
    let inserted = match task {
        Task::InsertOne(_) | Task::BulkInsert(_) => is("n", batch as i64)? && reply.get("writeErrors")?.is_none(),
        Task::FindOne(_) => reply.get_doc("cursor")?.map(walk).transpose()? == Some(1),
        _ => true,
    };
    let done = is("ok", 1)? && inserted;
    if done { Ok(()) } else { Err(format!("the server did not do {task}").into()) }
}

/// The cursor of a reply.
pub(super) fn cursor(reply: &[u8]) -> Result<Doc<'_>, Failure> {
    Ok(OpMsg::parse(reply)?.body().get_doc("cursor")?.ok_or("the reply has no cursor")?)
}

/// Walks the documents of a batch by their lengths and counts them.
pub(super) fn walk(cursor: Doc<'_>) -> Result<u64, Failure> {
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
