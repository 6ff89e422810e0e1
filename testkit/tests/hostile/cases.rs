//! The ways to answer a `find` wrongly.

use std::io::Write;
use std::net::Shutdown;

use bson::doc;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use stator_client::decode::DecodeReason;
use stator_client::{ErrorKind, Phase};
use stator_proto::connection::ConnectionError;
use stator_proto::operation::OperationError;
use stator_wire::bson::{BsonError, Doc, DocBuf};
use stator_wire::op_compressed::compressor;
use stator_wire::{Header, OpCode, WireError};

use crate::peer::{Peer, found, message, set_length};

/// A way to answer a `find` wrongly, and how the error shows it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) answer: fn(&mut Peer, i32),
    pub(crate) phase: Phase,
    pub(crate) is: fn(&ErrorKind) -> bool,
    pub(crate) network: bool,
}

/// A body whose documents lie in one another 10,000 deep: a find's reply is around them.
pub(crate) fn deep() -> Vec<u8> {
    let mut inner = Doc::EMPTY.as_bytes().to_vec();
    for _ in 0..10_000 {
        let mut outer = ((inner.len() + 4 + 3 + 1) as i32).to_le_bytes().to_vec();
        outer.extend_from_slice(b"\x03a\0");
        outer.extend_from_slice(&inner);
        outer.push(0);
        inner = outer;
    }
    inner
}

/// The body of a find's reply with these bytes as its only document.
pub(crate) fn found_raw(document: &[u8]) -> Vec<u8> {
    let document = DocBuf::new(document.to_vec()).unwrap();
    let mut out = Vec::new();
    let mut body = stator_wire::bson::DocWriter::new(&mut out);
    let mut cursor = body.document("cursor");
    cursor.i64("id", 0).str("ns", "d.c");
    let mut batch = cursor.array_of("firstBatch");
    batch.doc(document.as_doc());
    batch.finish().unwrap();
    cursor.finish().unwrap();
    body.i32("ok", 1);
    body.finish().unwrap();
    out
}

/// An OP_COMPRESSED frame with these fields.
pub(crate) fn compressed(to: i32, original: i32, size: i32, id: u8, data: &[u8]) -> Vec<u8> {
    let header = Header { length: 0, request_id: 1, response_to: to, op_code: OpCode::Compressed };
    let mut out = header.to_bytes().to_vec();
    out.extend_from_slice(&original.to_le_bytes());
    out.extend_from_slice(&size.to_le_bytes());
    out.push(id);
    out.extend_from_slice(data);
    set_length(&mut out, None);
    out
}

/// 100 MiB of zeros, packed.
pub(crate) fn bomb() -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..100 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    encoder.finish().unwrap()
}

pub(crate) fn wire(kind: &ErrorKind) -> Option<&WireError> {
    match kind {
        ErrorKind::Connection(ConnectionError::Wire(error)) => Some(error),
        _ => None,
    }
}

pub(crate) const OP_MSG: i32 = 2013;

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "closes instead of answering",
        answer: |peer, _| drop(peer.stream.shutdown(Shutdown::Both)),
        phase: Phase::Receive,
        is: |kind| matches!(kind, ErrorKind::Connection(ConnectionError::Closed { mid_reply: false })),
        network: true,
    },
    Case {
        name: "closes in the middle of a reply",
        answer: |peer, to| {
            let whole = message(to, &found(&doc! {}).to_vec().unwrap());
            peer.send(&whole[..whole.len() / 2]);
            drop(peer.stream.shutdown(Shutdown::Both));
        },
        phase: Phase::Receive,
        is: |kind| matches!(kind, ErrorKind::Connection(ConnectionError::Closed { mid_reply: true })),
        network: true,
    },
    Case {
        name: "closes in the middle of a header",
        answer: |peer, _| {
            peer.send(&[40, 0, 0]);
            drop(peer.stream.shutdown(Shutdown::Both));
        },
        phase: Phase::Receive,
        is: |kind| matches!(kind, ErrorKind::Connection(ConnectionError::Closed { mid_reply: true })),
        network: true,
    },
    Case {
        name: "a length below the header's",
        answer: |peer, to| {
            let mut whole = message(to, &found(&doc! {}).to_vec().unwrap());
            set_length(&mut whole, Some(15));
            peer.send(&whole);
        },
        phase: Phase::Receive,
        is: |kind| matches!(wire(kind), Some(WireError::FrameLength { claimed: 15, .. })),
        network: false,
    },
    Case {
        name: "a negative length",
        answer: |peer, to| {
            let mut whole = message(to, &found(&doc! {}).to_vec().unwrap());
            set_length(&mut whole, Some(-1));
            peer.send(&whole);
        },
        phase: Phase::Receive,
        is: |kind| matches!(wire(kind), Some(WireError::FrameLength { claimed: -1, .. })),
        network: false,
    },
    Case {
        name: "a length that cuts the body off",
        answer: |peer, to| {
            let mut whole = message(to, &found(&doc! {}).to_vec().unwrap());
            let length = whole.len() as i32 - 10;
            set_length(&mut whole, Some(length));
            peer.send(&whole);
        },
        phase: Phase::Receive,
        is: |kind| wire(kind).is_some(),
        network: false,
    },
    Case {
        name: "a length longer than what comes",
        answer: |peer, to| {
            let mut whole = message(to, &found(&doc! {}).to_vec().unwrap());
            set_length(&mut whole, Some(47_000_000));
            peer.send(&whole);
            drop(peer.stream.shutdown(Shutdown::Both));
        },
        phase: Phase::Receive,
        is: |kind| matches!(kind, ErrorKind::Connection(ConnectionError::Closed { mid_reply: true })),
        network: true,
    },
    Case {
        name: "claims 2 GiB",
        answer: |peer, to| {
            let mut whole = message(to, &found(&doc! {}).to_vec().unwrap());
            set_length(&mut whole, Some(i32::MAX));
            peer.send(&whole);
        },
        phase: Phase::Receive,
        is: |kind| matches!(wire(kind), Some(WireError::FrameLength { claimed: i32::MAX, .. })),
        network: false,
    },
    Case {
        name: "answers another request",
        answer: |peer, to| peer.reply(to + 7, &found(&doc! {})),
        phase: Phase::Receive,
        is: |kind| matches!(kind, ErrorKind::Connection(ConnectionError::WrongReply { .. })),
        network: false,
    },
    Case {
        name: "an unknown opcode",
        answer: |peer, to| {
            let mut whole = message(to, &found(&doc! {}).to_vec().unwrap());
            whole[12..16].copy_from_slice(&9999_i32.to_le_bytes());
            peer.send(&whole);
        },
        phase: Phase::Receive,
        is: |kind| matches!(kind, ErrorKind::Connection(ConnectionError::NotOpMsg(9999))),
        network: false,
    },
    Case {
        name: "unknown flags",
        answer: |peer, to| {
            let mut whole = message(to, &found(&doc! {}).to_vec().unwrap());
            whole[16] = 0x80;
            peer.send(&whole);
        },
        phase: Phase::Receive,
        is: |kind| matches!(wire(kind), Some(WireError::UnknownFlags(_))),
        network: false,
    },
    Case {
        name: "a wrong checksum",
        answer: |peer, to| {
            let mut whole = message(to, &found(&doc! {}).to_vec().unwrap());
            whole[16] = 1;
            whole.extend_from_slice(b"oops");
            set_length(&mut whole, None);
            peer.send(&whole);
        },
        phase: Phase::Receive,
        is: |kind| matches!(wire(kind), Some(WireError::Checksum { .. })),
        network: false,
    },
    Case {
        name: "garbage instead of BSON",
        answer: |peer, to| peer.send(&message(to, &[0xFF; 64])),
        phase: Phase::Receive,
        is: |kind| wire(kind).is_some(),
        network: false,
    },
    Case {
        name: "garbage inside of a document",
        answer: |peer, to| {
            let mut body = vec![0xEE; 64];
            body[..4].copy_from_slice(&64_i32.to_le_bytes());
            body[63] = 0;
            peer.send(&message(to, &body));
        },
        phase: Phase::Decode,
        is: |kind| matches!(kind, ErrorKind::Operation(OperationError::Bson(_))),
        network: false,
    },
    Case {
        name: "an empty reply",
        answer: |peer, to| peer.reply(to, &doc! {}),
        phase: Phase::Decode,
        is: |kind| matches!(kind, ErrorKind::Operation(OperationError::Reply(_))),
        network: false,
    },
    Case {
        name: "no cursor",
        answer: |peer, to| peer.reply(to, &doc! { "ok": 1 }),
        phase: Phase::Decode,
        is: |kind| matches!(kind, ErrorKind::Operation(OperationError::Reply(_))),
        network: false,
    },
    Case {
        name: "a cursor of another kind",
        answer: |peer, to| peer.reply(to, &doc! { "cursor": { "id": "no", "ns": 7, "firstBatch": 1 }, "ok": 1 }),
        phase: Phase::Decode,
        is: |kind| matches!(kind, ErrorKind::Operation(OperationError::Bson(BsonError::WrongType { .. }))),
        network: false,
    },
    Case {
        name: "nested 10,000 deep",
        answer: |peer, to| peer.send(&message(to, &found_raw(&deep()))),
        phase: Phase::Decode,
        is: |kind| matches!(kind, ErrorKind::Decode(error) if matches!(error.reason(), DecodeReason::Malformed(BsonError::TooDeep { .. }))),
        network: false,
    },
    Case {
        name: "text that is not UTF-8",
        answer: |peer, to| peer.send(&message(to, &found_raw(b"\x10\0\0\0\x02a\0\x04\0\0\0\xFF\xFE\xFD\0\0"))),
        phase: Phase::Decode,
        is: |kind| matches!(kind, ErrorKind::Decode(_)),
        network: false,
    },
    Case {
        name: "an error whose text is not UTF-8",
        answer: |peer, to| {
            // {ok: 0, errmsg: <not UTF-8>, code: 5}
            let body = b"\x26\0\0\0\x10ok\0\0\0\0\0\x02errmsg\0\x03\0\0\0\xFF\xFE\0\x10code\0\x05\0\0\0\0";
            peer.send(&message(to, body));
        },
        phase: Phase::Reply,
        is: |kind| matches!(kind, ErrorKind::Command(error) if error.code == 5),
        network: false,
    },
    Case {
        name: "a zip bomb that claims 2 GiB",
        answer: |peer, to| peer.send(&compressed(to, OP_MSG, i32::MAX, compressor::ZLIB, &bomb())),
        phase: Phase::Receive,
        is: |kind| matches!(wire(kind), Some(WireError::UncompressedSize { claimed: i32::MAX, .. })),
        network: false,
    },
    Case {
        name: "a zip bomb that claims 1 MiB and holds 100",
        answer: |peer, to| peer.send(&compressed(to, OP_MSG, 1 << 20, compressor::ZLIB, &bomb())),
        phase: Phase::Receive,
        is: |kind| matches!(wire(kind), Some(WireError::Codec(_))),
        network: false,
    },
    Case {
        name: "compressed garbage",
        answer: |peer, to| peer.send(&compressed(to, OP_MSG, 100, compressor::ZLIB, &[0xFF; 50])),
        phase: Phase::Receive,
        is: |kind| matches!(wire(kind), Some(WireError::Codec(_))),
        network: false,
    },
    Case {
        name: "an unknown compressor",
        answer: |peer, to| peer.send(&compressed(to, OP_MSG, 100, 77, &[0; 50])),
        phase: Phase::Receive,
        is: |kind| matches!(wire(kind), Some(WireError::Compressor(77))),
        network: false,
    },
    Case {
        name: "compression in compression",
        answer: |peer, to| peer.send(&compressed(to, 2012, 100, compressor::NOOP, &[0; 100])),
        phase: Phase::Receive,
        is: |kind| matches!(wire(kind), Some(WireError::NestedCompression)),
        network: false,
    },
];
