//! Where the `_id` comes from and where it stands.

use bson::oid::ObjectId;
use bson::{Bson, Document, doc};

use super::encode_one;

fn id() -> ObjectId {
    ObjectId::from_bytes([7; 12])
}

fn never() -> ObjectId {
    panic!("the document has an _id of its own")
}

#[test]
fn a_document_without_id_gets_one_in_front() {
    let mut out = Vec::new();
    assert_eq!(encode_one(&doc! { "a": 1, "b": "text" }, &mut out, id).unwrap(), Bson::ObjectId(id()));
    assert_eq!(out, bson::serialize_to_vec(&doc! { "_id": id(), "a": 1, "b": "text" }).unwrap());
    out.clear();
    encode_one(&Document::new(), &mut out, id).unwrap();
    assert_eq!(out, bson::serialize_to_vec(&doc! { "_id": id() }).unwrap());
}

#[test]
fn an_id_stays_where_and_what_it_is() {
    for document in [doc! { "_id": 5, "a": 1 }, doc! { "a": 1, "_id": { "b": [] } }, doc! { "_id": id() }] {
        let mut out = Vec::new();
        assert_eq!(encode_one(&document, &mut out, never).unwrap(), document["_id"]);
        assert_eq!(out, bson::serialize_to_vec(&document).unwrap());
    }
}

#[test]
fn documents_stand_one_behind_the_other_and_a_failure_leaves_no_trace() {
    let mut out = Vec::new();
    encode_one(&doc! { "a": 1 }, &mut out, id).unwrap();
    let first = out.clone();
    assert!(encode_one(&"no document", &mut out, id).is_err());
    assert_eq!(out, first);
    encode_one(&doc! { "_id": 2 }, &mut out, never).unwrap();
    encode_one(&doc! { "a": 3 }, &mut out, id).unwrap();
    let documents = [doc! { "_id": id(), "a": 1 }, doc! { "_id": 2 }, doc! { "_id": id(), "a": 3 }];
    let expected: Vec<u8> = documents.iter().flat_map(|document| bson::serialize_to_vec(document).unwrap()).collect();
    assert_eq!(out, expected);
}
