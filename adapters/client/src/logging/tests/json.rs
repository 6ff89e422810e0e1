//! Documents in messages: Extended JSON, cut.

use bson::spec::BinarySubtype;
use bson::{Binary, Document, doc};
use stator_wire::bson::DocBuf;

use crate::event::EventDocument;
use crate::extjson;
use crate::logging::json;

fn event_document(document: &Document) -> EventDocument {
    EventDocument::new(DocBuf::new(bson::serialize_to_vec(document).unwrap()).unwrap())
}

fn shown(document: &Document, limit: usize) -> String {
    json::document(&event_document(document), limit)
}

fn everything() -> Document {
    doc! {
        "double": 1.5, "text": "a \"quoted\" word\n", "document": { "a": { "b": [] } }, "array": [1, "two", [3_i64], {}],
        "binary": Binary { subtype: BinarySubtype::Generic, bytes: vec![1, 2, 3] },
        "id": bson::oid::ObjectId::from_bytes([7; 12]), "bool": true, "null": null, "long": 5_i64,
        "date": bson::DateTime::from_millis(1_356_351_330_501), "ts": bson::Timestamp { time: 1, increment: 2 },
        "regex": bson::Regex { pattern: bson::cstr!("^a").into(), options: bson::cstr!("i").into() },
        "min": bson::Bson::MinKey, "": "no key",
    }
}

#[test]
fn what_fits_is_relaxed_extended_json() {
    let document = everything();
    let whole = extjson::to_relaxed(&document);
    assert_eq!(shown(&document, 1000), whole);
    assert_eq!(extjson::parse(&whole).unwrap().len(), document.len());
    assert_eq!(shown(&doc! {}, 1000), "{}");
}

#[test]
fn what_does_not_fit_is_cut_anywhere_and_marked() {
    let whole = extjson::to_relaxed(&everything());
    for limit in 0..whole.chars().count() {
        assert_eq!(shown(&everything(), limit), format!("{}...", &whole[..limit]), "limit {limit}");
    }
    assert_eq!(shown(&everything(), whole.len()), whole, "exactly as long as it may be");
}

#[test]
fn characters_are_never_cut() {
    let document = doc! { "ключ": "値値値", "x": "🦀🦀🦀" };
    let whole = extjson::to_relaxed(&document);
    let length = whole.chars().count();
    for limit in 0..length {
        let cut = shown(&document, limit);
        assert_eq!(cut.chars().count(), limit + 3);
        assert!(whole.starts_with(cut.strip_suffix("...").unwrap()), "{cut}");
    }
    assert_eq!(shown(&document, length), whole);
}

#[test]
fn long_text_and_bytes_look_the_same_as_if_written_whole() {
    let bytes = Binary { subtype: BinarySubtype::Generic, bytes: (0..=255).cycle().take(5000).collect() };
    for document in [doc! { "t": "é\n".repeat(5000) }, doc! { "b": bytes }, doc! { "k".repeat(5000): 1 }] {
        let whole = extjson::to_relaxed(&document);
        for limit in [0, 1, 5, 20, 100, 1000] {
            let expected: String = whole.chars().take(limit).chain("...".chars()).collect();
            assert_eq!(shown(&document, limit), expected);
        }
    }
}

#[test]
fn a_large_reply_is_not_written_whole() {
    let batch: Vec<_> = (0..10_000).map(|n| doc! { "_id": n, "text": "x".repeat(100) }).collect();
    let reply = event_document(&doc! { "cursor": { "firstBatch": batch }, "ok": 1 });
    let uncut = json::uncut(reply.as_bytes(), 1000);
    assert!(uncut.len() < 5000, "{} bytes were written of {}", uncut.len(), reply.as_bytes().len());
    assert!(json::document(&reply, 1000).ends_with("..."));
}

#[test]
fn what_cannot_be_read_is_said_to_be_so() {
    // A string without UTF-8, in a document that is well-formed else.
    let bytes = b"\x10\0\0\0\x02a\0\x04\0\0\0\xff\xff\xff\0\0".to_vec();
    assert_eq!(json::bytes(&bytes, 1000), "{\"a\":\"<malformed>\"}");
    // An element that leaves the document.
    let bytes = b"\x0c\0\0\0\x02a\0\x7f\0\0\0\0".to_vec();
    assert_eq!(json::bytes(&bytes, 1000), "{\"<malformed>\"}");
    // Nesting as no server sends it, and a limit that would not end it.
    let mut deep = b"\x05\0\0\0\0".to_vec();
    for _ in 0..5000 {
        let length = i32::try_from(deep.len() + 8).unwrap();
        deep = [&length.to_le_bytes()[..], b"\x03a\0", &deep, b"\0"].concat();
    }
    let text = json::bytes(&deep, usize::MAX);
    assert!(text.contains("<malformed>") && text.len() < 5000, "{text}");
}
