//! Replies to commands: errors are told from answers, cursors give documents that lie within their frame.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use stator_proto::connection::Reply;
use stator_proto::cursor::CursorReply;
use stator_proto::operation::CommandError;
use stator_wire::bson::Doc;
use stator_wire::op_msg::{Builder, Flags};

fuzz_target!(|data: &[u8]| {
    let mut body = (5 + data.len() as i32).to_le_bytes().to_vec();
    body.extend_from_slice(data);
    body.push(0);
    let mut frame = Vec::new();
    let mut builder = Builder::new(&mut frame, 1, 2, Flags::NONE);
    builder.body_doc(Doc::new(&body).expect("length and terminator are right"));
    builder.finish().expect("it fits");
    let reply = Reply::parse(Bytes::from(frame)).expect("a whole message");
    assert_eq!(reply.to_doc_buf().as_bytes(), body);

    if let Ok(Some(error)) = CommandError::from_reply(&reply) {
        let _ = format!("{error} {error:?}");
    }
    if let Ok(mut cursor) = CursorReply::parse(reply, "firstBatch", None) {
        let mut left = data.len();
        while let Some(next) = cursor.batch.next_doc_buf() {
            let Ok(doc) = next else {
                assert!(cursor.batch.is_empty(), "nothing follows an error");
                break;
            };
            left = left.checked_sub(doc.as_bytes().len()).expect("documents do not overlap");
        }
    }
});
