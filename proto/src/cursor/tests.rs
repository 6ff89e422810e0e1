//! A cursor against the replies of a server, whole and broken.

use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};

use stator_wire::bson::DocWriter;
use stator_wire::op_msg::{Builder, Flags};

use super::*;
use crate::operation::Operation;

fn document(write: impl Fn(&mut DocWriter<'_>)) -> Vec<u8> {
    let mut bytes = vec![];
    let mut writer = DocWriter::new(&mut bytes);
    write(&mut writer);
    writer.finish().unwrap();
    bytes
}

fn frame(body: &[u8]) -> Reply {
    let mut bytes = vec![];
    let mut builder = Builder::new(&mut bytes, 1, 1, Flags::NONE);
    builder.body_doc(Doc::new(body).unwrap());
    builder.finish().unwrap();
    Reply::parse(bytes.into()).unwrap()
}

/// `{cursor: {..}, ok: 1}`
fn cursor_of(write: impl Fn(&mut DocWriter<'_>)) -> Reply {
    frame(&document(|body| {
        let mut cursor = body.document("cursor");
        write(&mut cursor);
        drop(cursor);
        body.i32("ok", 1);
    }))
}

fn batch(id: i64, key: &str, numbers: Range<i32>) -> Reply {
    cursor_of(|cursor| {
        cursor.i64("id", id).str("ns", "db.coll");
        let mut documents = cursor.array_of(key);
        for number in numbers.clone() {
            documents.document().i32("_id", number);
        }
    })
}

fn start(reply: Reply) -> Cursor {
    let reply = CursorReply::parse(reply, "firstBatch", None).unwrap();
    Cursor::new(reply, Namespace::new("other", "name"), Some(3), Some(Duration::from_millis(250)), Some("why".into()))
}

fn next_batch(cursor: &mut Cursor, reply: Reply) {
    let mut command = cursor.poll_command().expect("the batch is empty");
    let Ok(crate::operation::Progress::Done(reply)) = command.handle_reply(reply) else { panic!("a batch") };
    cursor.handle_reply(reply);
}

/// The numbers that are left in the batch, read in both ways by turns.
fn rest(cursor: &mut Cursor) -> Vec<i32> {
    let mut found = vec![];
    loop {
        let doc = if found.len() % 2 == 0 {
            cursor.batch_mut().next_doc().map(|doc| DocBuf::from(doc.unwrap()))
        } else {
            cursor.batch_mut().next_doc_buf().map(Result::unwrap)
        };
        let Some(doc) = doc else { return found };
        found.push(doc.as_doc().get_i32("_id").unwrap().unwrap());
    }
}

fn command<O: Operation>(operation: &O) -> String {
    format!("{} {:?}", operation.database(), Doc::new(&document(|body| operation.write(body))).unwrap())
}

#[test]
fn a_batch_is_not_larger_than_what_the_limit_leaves() {
    let asked = |cursor: &Cursor| cursor.poll_command().expect("the batch is empty").batch_size;
    let mut cursor = start(batch(42, "firstBatch", 0..3)).with_limit(7);
    rest(&mut cursor);
    assert_eq!(asked(&cursor), Some(3));
    next_batch(&mut cursor, batch(42, "nextBatch", 3..6));
    rest(&mut cursor);
    assert_eq!(asked(&cursor), Some(1));
    next_batch(&mut cursor, batch(42, "nextBatch", 6..7));
    rest(&mut cursor);
    assert_eq!(asked(&cursor), Some(3), "zero would be no batch size");
    let mut cursor = start(batch(42, "firstBatch", 0..3)).with_limit(0);
    rest(&mut cursor);
    assert_eq!(asked(&cursor), Some(3));
}

#[test]
fn batches_follow_each_other_until_the_id_is_zero() {
    let mut cursor = start(batch(42, "firstBatch", 0..3));
    assert_eq!((cursor.id(), cursor.namespace().full()), (42, "db.coll"));
    assert!(cursor.poll_command().is_none(), "documents are left");
    assert_eq!(rest(&mut cursor), [0, 1, 2]);
    let more = cursor.poll_command().unwrap();
    assert_eq!(more.max_await_time, Some(Duration::from_millis(250)));
    let expected = "db {getMore: 42, collection: \"coll\", batchSize: 3, comment: \"why\"}";
    assert_eq!(command(&more), expected);

    next_batch(&mut cursor, batch(42, "nextBatch", 3..3));
    assert!(!cursor.is_exhausted(), "an empty batch is not the end");
    assert_eq!(command(&cursor.poll_command().unwrap()), expected);
    next_batch(&mut cursor, batch(0, "nextBatch", 3..5));
    assert!(!cursor.is_exhausted() && cursor.poll_command().is_none());
    assert_eq!(rest(&mut cursor), [3, 4]);
    assert!(cursor.is_exhausted() && cursor.poll_command().is_none());
    assert!(cursor.close().is_none(), "the server has closed it");
}

#[test]
fn a_single_batch_needs_no_further_command() {
    let mut cursor = start(batch(0, "firstBatch", 0..2));
    assert_eq!(rest(&mut cursor), [0, 1]);
    assert!(cursor.is_exhausted() && cursor.poll_command().is_none() && cursor.close().is_none());
    let ended = Cursor::ended(Namespace::new("a", "b"));
    assert!(ended.is_exhausted() && ended.poll_command().is_none());
}

#[test]
fn closing_kills_what_the_server_still_has_once() {
    let mut cursor = start(batch(42, "firstBatch", 0..3));
    assert!(cursor.batch_mut().next_doc().is_some());
    assert_eq!(command(&cursor.close().unwrap()), "db {killCursors: \"coll\", cursors: [42]}");
    assert!(cursor.is_exhausted() && cursor.batch_mut().next_doc().is_none());
    assert!(cursor.close().is_none());
}

#[test]
fn a_lost_cursor_gives_what_it_has_and_is_not_killed() {
    let mut cursor = start(batch(42, "firstBatch", 0..2));
    cursor.handle_lost();
    assert!(cursor.close().is_none());
    let mut cursor = start(batch(42, "firstBatch", 0..2));
    cursor.handle_lost();
    assert_eq!(rest(&mut cursor), [0, 1]);
    assert!(cursor.is_exhausted() && cursor.poll_command().is_none());
}

#[test]
fn the_last_resume_token_is_kept() {
    let with_token = |key: &'static str, token: Option<i32>| {
        cursor_of(move |cursor| {
            cursor.i64("id", 7).str("ns", "db.coll").array_of(key);
            if let Some(token) = token {
                cursor.document("postBatchResumeToken").i32("_data", token);
            }
        })
    };
    let token = |cursor: &Cursor| cursor.resume_token().map(|token| token.as_doc().get_i32("_data").unwrap().unwrap());
    assert_eq!(token(&start(with_token("firstBatch", None))), None);
    let mut cursor = start(with_token("firstBatch", Some(1)));
    assert_eq!(token(&cursor), Some(1));
    next_batch(&mut cursor, with_token("nextBatch", None));
    assert_eq!(token(&cursor), Some(1), "a reply without one leaves it");
    next_batch(&mut cursor, with_token("nextBatch", Some(2)));
    assert_eq!(token(&cursor), Some(2));
}

#[test]
fn the_namespace_is_the_replys_or_else_the_commands() {
    let cursor = start(cursor_of(|cursor| {
        cursor.i64("id", 1).array_of("firstBatch");
    }));
    assert_eq!(cursor.namespace().full(), "other.name");
    let dots = start(cursor_of(|cursor| {
        cursor.i64("id", 1).str("ns", "db.a.b").array_of("firstBatch");
    }));
    assert_eq!((dots.namespace().database(), dots.namespace().collection()), ("db", "a.b"));
}

#[test]
fn documents_are_slices_of_the_reply() {
    let reply = batch(1, "firstBatch", 0..1);
    let frame = reply.frame().clone();
    let mut cursor = start(reply);
    assert_eq!(cursor.batch().frame().as_ptr(), frame.as_ptr());
    let range = cursor.batch_mut().next_range().unwrap().unwrap();
    assert_eq!(Doc::new(&frame[range]).unwrap().get_i32("_id"), Ok(Some(0)));
}

#[test]
fn a_reply_that_lacks_what_it_must_have_is_refused() {
    let parse = |reply| CursorReply::parse(reply, "firstBatch", None).unwrap_err();
    let bare = frame(&document(|body| {
        body.i32("ok", 1);
    }));
    assert_eq!(parse(bare), OperationError::Reply("there is no `cursor`"));
    let no_id = cursor_of(|cursor| {
        cursor.str("ns", "db.coll").array_of("firstBatch");
    });
    assert_eq!(parse(no_id), OperationError::Reply("the cursor has no `id`"));
    assert_eq!(parse(batch(1, "nextBatch", 0..1)), OperationError::Reply("the cursor has no batch"));
    let wrong: [&dyn Fn(&mut DocWriter<'_>); 4] = [
        &|cursor| {
            cursor.str("id", "1").array_of("firstBatch");
        },
        &|cursor| {
            cursor.i64("id", 1).i32("ns", 1).array_of("firstBatch");
        },
        &|cursor| {
            cursor.i64("id", 1).document("firstBatch");
        },
        &|cursor| {
            cursor.i64("id", 1).i32("postBatchResumeToken", 1).array_of("firstBatch");
        },
    ];
    for write in wrong {
        assert!(matches!(parse(cursor_of(write)), OperationError::Bson(BsonError::WrongType { .. })));
    }
}

/// The array `[{_id: 0}, <element>]`, whose second element is given as bytes.
fn array_with(element: &[u8]) -> DocBatch {
    let mut bytes = vec![0; 4];
    bytes.extend(b"\x030\0");
    bytes.extend(document(|d| {
        d.i32("_id", 0);
    }));
    bytes.extend(element);
    bytes.push(0);
    let length = (bytes.len() as i32).to_le_bytes();
    bytes[..4].copy_from_slice(&length);
    let frame = Bytes::from(bytes);
    DocBatch::new(frame.clone(), Doc::new(&frame).unwrap())
}

#[test]
fn a_malformed_element_is_one_error_and_the_end() {
    let wrong_type = |found| BsonError::WrongType { key: "".into(), expected: Kind::Document.name(), found };
    let truncated = BsonError::Truncated { offset: 0 };
    let cases: [(&[u8], BsonError); 9] = [
        (b"\x101\0\x01\0\0\0", wrong_type(Kind::Int32)),
        (b"\x041\0\x05\0\0\0\0", wrong_type(Kind::Array)),
        (b"\x0a1\0", wrong_type(Kind::Null)),
        (b"\x321\0", BsonError::UnknownType { offset: 0, byte: 0x32 }),
        (b"\x03", truncated.clone()),
        (b"\x03111", truncated.clone()),
        (b"\x031\0\x05\0", truncated.clone()),
        (b"\x031\0\x7f\0\0\0\0", truncated),
        (b"\x031\0\xff\xff\xff\xff\0", BsonError::BadLength { offset: 0, length: -1 }),
    ];
    for (element, error) in cases {
        let mut batch = array_with(element);
        assert!(batch.next_doc().unwrap().is_ok());
        let found = batch.next_doc_buf().unwrap().unwrap_err();
        assert_eq!(found, error, "{element:?}");
        assert!(batch.next_doc().is_none() && batch.is_empty(), "nothing follows an error");
    }
}

#[test]
fn an_array_cut_anywhere_gives_errors_and_ends() {
    let documents = document(|d| {
        for key in ["0", "1", "2"] {
            d.document(key).str("text", "abc");
        }
    });
    for cut in 5..documents.len() {
        // Cut, closed and given the right length, as a hostile server would.
        let mut bytes = documents[..cut].to_vec();
        bytes.push(0);
        let length = (bytes.len() as i32).to_le_bytes();
        bytes[..4].copy_from_slice(&length);
        let frame = Bytes::from(bytes);
        let mut batch = DocBatch::new(frame.clone(), Doc::new(&frame).unwrap());
        let outcomes: Vec<bool> = core::iter::from_fn(|| batch.next_range().map(|range| range.is_ok())).collect();
        assert!(outcomes.len() <= 3 && outcomes.iter().rev().skip(1).all(|&ok| ok), "cut at {cut}: {outcomes:?}");
    }
}

#[test]
fn an_array_of_another_frame_is_an_empty_batch() {
    let reply = batch(1, "firstBatch", 0..2);
    let array = reply.body().get_doc("cursor").unwrap().unwrap().get_array("firstBatch").unwrap().unwrap();
    let mut batch = DocBatch::new(Bytes::from_static(&[0; 8]), array);
    assert!(batch.is_empty() && batch.next_doc().is_none());
}
