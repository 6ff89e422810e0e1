//! The prose tests of the specification *CRUD*.
//!
//! Not here: 3 to 9, 11, 12, 15 and the part of 16 about `MongoClient.bulkWrite`, which needs MongoDB 8.0: simulated servers have
//! them, in `client_bulk_write.rs` of `stator-sim`; 10 and 13 were removed; 14 is about helpers for `explain`, of which there are none
//! (`explain` is run as a command, with the `maxTimeMS` that is written in it).
#![cfg(unix)]

use stator_blocking::Blocking;
use stator_client::options::InsertOneModel;
use stator_client::{Document, ErrorKind, doc};
use stator_testkit::prose::{self, FailPoint, Record};
use stator_testkit::server::{Version, unique_db};

/// 1: WriteConcernError.details exposes writeConcernError.errInfo.
#[test]
fn prose_1_write_concern_error_details() {
    let fail_point = FailPoint::of_primary();
    let client = Record::new().client(Blocking, &fail_point.uri(""));
    let info = doc! { "writeConcern": { "w": 2, "wtimeout": 0, "provenance": "clientSupplied" } };
    let error = doc! {
        "code": 100, "codeName": "UnsatisfiableWriteConcern", "errmsg": "Not enough data-bearing nodes", "errInfo": &info,
    };
    fail_point.set(doc! { "times": 1 }, doc! { "failCommands": ["insert"], "writeConcernError": error });
    let things = client.database(&unique_db("crud")).collection("things");
    let error = things.insert_one(doc! { "x": 1 }).run().unwrap_err();
    let ErrorKind::Write(failure) = error.kind() else { panic!("{error:?}") };
    let concern = failure.write_concern_error.as_ref().unwrap();
    assert_eq!(concern.code, 100);
    let details = concern.details.as_ref().unwrap();
    assert_eq!(Document::from_reader(details.as_bytes()).unwrap(), info);
}

/// 2: WriteError.details exposes writeErrors[].errInfo. From 5.0 on.
#[test]
fn prose_2_write_error_details() {
    if prose::standalone().version() < Version::V5_0 {
        return;
    }
    let record = Record::new();
    let client = record.client(Blocking, &prose::standalone().uri());
    let database = client.database(&unique_db("crud"));
    let create = doc! { "create": "test", "validator": { "x": { "$type": "string" } } };
    database.run_command(create).run().unwrap();
    let error = database.collection("test").insert_one(doc! { "x": 1 }).run().unwrap_err();
    assert_eq!(error.code(), Some(121));
    let details = error.write_errors()[0].details.as_ref().unwrap();
    let details = Document::from_reader(details.as_bytes()).unwrap();
    let reply = record.replies("insert").pop().unwrap();
    let told = reply.get_array("writeErrors").unwrap()[0].as_document().unwrap().get_document("errInfo").unwrap();
    assert_eq!(&details, told);
    assert!(details.contains_key("details"), "{details}");
}

/// 16: Generated document identifiers are the first field in their document: for `insertOne` and the collection's `bulkWrite`, and for
/// `insertMany` too.
#[test]
fn prose_16_generated_identifiers_come_first() {
    let record = Record::new();
    let client = record.client(Blocking, &prose::standalone().uri());
    let things = client.database(&unique_db("crud")).collection("things");
    things.insert_one(doc! { "x": 1 }).run().unwrap();
    things.bulk_write([InsertOneModel::new(doc! { "x": 2 })]).run().unwrap();
    things.insert_many([doc! { "x": 3 }, doc! { "x": 4 }]).run().unwrap();
    let sent: Vec<Document> = record
        .started("insert")
        .iter()
        .flat_map(|command| command.get_array("documents").unwrap().clone())
        .map(|document| document.as_document().unwrap().clone())
        .collect();
    assert_eq!(sent.len(), 4);
    for document in sent {
        assert_eq!(document.keys().collect::<Vec<_>>(), ["_id", "x"]);
    }
}
