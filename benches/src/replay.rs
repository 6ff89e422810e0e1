//! A server that gives each command the same reply each time, but for the number of documents inserted: for counting instructions
//! and allocations, where a real server's timing would only disturb.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

use bson::{Bson, DateTime, Document, doc};
use stator_wire::bson::{Doc, DocWriter};
use stator_wire::op_msg::{Builder, Flags, OpMsg};
use stator_wire::{Deframer, Header, OpCode};

use crate::data::Scale;
use crate::driver::{CORPUS, DATABASE};
use crate::{Data, Failure};

/// A find of many gives a thousand documents in one batch, and as many are inserted at once.
pub const SCALE: Scale = Scale { corpus: 1000, small_batch: 1000, ..Scale::QUICK };

/// The replies, encoded once.
#[derive(Debug)]
struct Replies {
    hello: Vec<u8>,
    one: Vec<u8>,
    many: Vec<u8>,
    ok: Vec<u8>,
}

/// Listens on a free loopback port and serves on threads of this process until it ends.
///
/// # Errors
///
/// No port, or documents that cannot be encoded.
pub fn start(data: &Data) -> Result<SocketAddr, Failure> {
    let replies: &'static Replies = Box::leak(Box::new(Replies::new(data)?));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::Builder::new().name("replay".into()).spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                // Clients end without a word; what else fails, they see.
                let _ = serve(stream, replies);
            });
        }
    })?;
    Ok(address)
}

fn serve(mut stream: TcpStream, replies: &Replies) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let mut input = Deframer::new(48_000_000);
    let mut out = Vec::new();
    loop {
        while let Some(frame) = input.next_frame()? {
            out.clear();
            answer(&frame, replies, &mut out)?;
            stream.write_all(&out)?;
        }
        match stream.read(input.space())? {
            0 => return Ok(()),
            count => input.advance(count),
        }
    }
}

fn answer(frame: &[u8], replies: &Replies, out: &mut Vec<u8>) -> Result<(), Failure> {
    let header = Header::parse(frame)?;
    if header.op_code == OpCode::Query {
        return legacy_hello(header, replies, out);
    }
    let message = OpMsg::parse(frame)?;
    let body = message.body();
    let name = body.iter().next().ok_or("an empty command")??.key()?;
    let reply = match name {
        "hello" | "isMaster" | "ismaster" => &replies.hello,
        "find" if body.get_truthy("singleBatch")? == Some(true) || body.get_number_i64("limit")? == Some(-1) => {
            &replies.one
        }
        "find" => &replies.many,
        "insert" => &written(&message)?,
        _ => &replies.ok,
    };
    let mut builder = Builder::new(out, 1, header.request_id, Flags::NONE);
    builder.body_doc(Doc::new(reply)?);
    builder.finish()?;
    Ok(())
}

/// All documents are in. Some drivers send again what was not counted.
fn written(message: &OpMsg<'_>) -> Result<Vec<u8>, Failure> {
    let mut count = 0;
    for sequence in message.sequences() {
        count += i32::try_from(sequence.documents().count())?;
    }
    let mut reply = Vec::new();
    let mut document = DocWriter::new(&mut reply);
    document.i32("n", count).f64("ok", 1.0);
    document.finish()?;
    Ok(reply)
}

/// Drivers without a Stable API version begin with OP_QUERY; its reply is OP_REPLY.
fn legacy_hello(header: Header, replies: &Replies, out: &mut Vec<u8>) -> Result<(), Failure> {
    // Flags, cursor id, starting from, number returned.
    let mut rest = [0; 20];
    rest[16] = 1;
    let length = i32::try_from(Header::SIZE + rest.len() + replies.hello.len())?;
    let header = Header { length, request_id: 1, response_to: header.request_id, op_code: OpCode::Reply };
    out.extend_from_slice(&header.to_bytes());
    out.extend_from_slice(&rest);
    out.extend_from_slice(&replies.hello);
    Ok(())
}

impl Replies {
    fn new(data: &Data) -> Result<Self, Failure> {
        let hello = doc! {
            "helloOk": true, "isWritablePrimary": true, "ismaster": true,
            "maxBsonObjectSize": 16_777_216, "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000,
            "localTime": DateTime::from_millis(1_700_000_000_000), "logicalSessionTimeoutMinutes": 30,
            "connectionId": 1, "minWireVersion": 0, "maxWireVersion": 17, "readOnly": false, "ok": 1.0,
        };
        Ok(Self {
            hello: bson::serialize_to_vec(&hello)?,
            one: bson::serialize_to_vec(&batch([data.numbered_tweet(1)]))?,
            many: bson::serialize_to_vec(&batch((1..=SCALE.corpus).map(|id| data.numbered_tweet(id))))?,
            ok: bson::serialize_to_vec(&doc! { "ok": 1.0 })?,
        })
    }
}

fn batch(documents: impl IntoIterator<Item = Document>) -> Document {
    let documents: Vec<Bson> = documents.into_iter().map(Bson::Document).collect();
    let namespace = format!("{DATABASE}.{CORPUS}");
    doc! { "cursor": { "firstBatch": documents, "id": 0_i64, "ns": namespace }, "ok": 1.0 }
}
