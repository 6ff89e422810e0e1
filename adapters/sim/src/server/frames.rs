//! Messages as a server reads and writes them.

use bson::Document;
use stator_proto::Instant;
use stator_wire::bson::Doc;
use stator_wire::op_msg::{Builder, Flags};
use stator_wire::{Message, OpCode, OpMsg};

use super::request::Request;
use crate::net::ConnectionId;

/// How a message is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Msg,
    /// OP_QUERY, which old handshakes use, is answered with OP_REPLY.
    Query,
}

/// The frame of an OP_MSG reply with `reply` as its body; empty if the document cannot be encoded.
pub fn reply_frame(request_id: i32, response_to: i32, more_to_come: bool, reply: &Document) -> Vec<u8> {
    let mut frame = Vec::new();
    let flags = if more_to_come { Flags::MORE_TO_COME } else { Flags::NONE };
    let Ok(body) = reply.to_vec() else { return frame };
    let mut message = Builder::new(&mut frame, request_id, response_to, flags);
    if Doc::new(&body).is_ok_and(|body| {
        message.body_doc(body);
        true
    }) && message.finish().is_ok()
    {
        return frame;
    }
    Vec::new()
}

/// The frame of an OP_REPLY: flags `AwaitCapable`, no cursor, one document.
pub(super) fn legacy_frame(request_id: i32, response_to: i32, reply: &Document) -> Vec<u8> {
    let Ok(body) = reply.to_vec() else { return Vec::new() };
    let mut frame = vec![0; 4];
    for number in [request_id, response_to, OpCode::Reply.to_i32(), AWAIT_CAPABLE, 0, 0, 0, 1] {
        frame.extend_from_slice(&number.to_le_bytes());
    }
    frame.extend_from_slice(&body);
    let length = i32::try_from(frame.len()).unwrap_or(i32::MAX);
    frame[..4].copy_from_slice(&length.to_le_bytes());
    frame
}

/// Reads a whole frame; `None` for what a server would close the connection for.
pub(super) fn read(frame: &[u8], at: Instant, connection: ConnectionId) -> Option<(Request, Dialect)> {
    let mut request = Request { at, connection, ..Request::new(Document::new()) };
    match Message::parse(frame).ok()? {
        Message::Msg(message) => {
            read_msg(&message, &mut request)?;
            Some((request, Dialect::Msg))
        }
        Message::Opaque(header, rest) if header.op_code == OpCode::Query => {
            request.request_id = header.request_id;
            // flags, "database.$cmd\0", numberToSkip, numberToReturn, query
            let rest = rest.get(4..)?;
            let nul = rest.iter().position(|byte| *byte == 0)?;
            let database = core::str::from_utf8(&rest[..nul]).ok()?.strip_suffix(".$cmd")?;
            request.body = document(Doc::new(rest.get(nul + 9..)?).ok()?)?;
            request.body.insert("$db", database);
            Some((request, Dialect::Query))
        }
        _ => None,
    }
}

fn read_msg(message: &OpMsg<'_>, request: &mut Request) -> Option<()> {
    request.request_id = message.header().request_id;
    request.more_to_come = message.flags().contains(Flags::MORE_TO_COME);
    request.exhaust_allowed = message.flags().contains(Flags::EXHAUST_ALLOWED);
    request.body = document(message.body())?;
    for sequence in message.sequences() {
        let identifier = core::str::from_utf8(sequence.identifier()).ok()?.to_owned();
        let mut documents = Vec::new();
        for one in sequence.documents() {
            documents.push(document(one.ok()?)?);
        }
        request.sequences.push((identifier, documents));
    }
    Some(())
}

/// Checked first, because the `bson` crate does not bound its recursion.
fn document(view: Doc<'_>) -> Option<Document> {
    view.validate().ok()?;
    Document::from_reader(view.as_bytes()).ok()
}

/// OP_REPLY flag bit 3, set by every server since 1.6.
const AWAIT_CAPABLE: i32 = 8;
