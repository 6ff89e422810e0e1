//! The test plan of the specification *Read and Write Concern*, on a real replica set.
#![cfg(unix)]

use stator_blocking::{Blocking, Collection};
use stator_client::options::{Acknowledgment, Overrides, ReadConcern, ReadConcernLevel, WriteConcern};
use stator_client::{Document, doc};
use stator_testkit::prose::{self, Record, reads, writes};
use stator_testkit::server::unique_db;

fn things(record: &Record) -> Collection<Document> {
    let client = record.client(Blocking, &prose::set().uri());
    let things = client.database(&unique_db("concerns")).collection::<Document>("things");
    things.insert_one(doc! { "x": 1 }).run().unwrap();
    things
}

/// ReadConcern 1. Commands supporting a read concern MUST NOT send the default read concern to the server.
#[test]
fn prose_read_concern_1_the_default_is_not_sent() {
    let record = Record::new();
    let things = things(&record);
    let default = Overrides { read_concern: Some(ReadConcern::default()), ..Overrides::default() };
    for things in [things.clone(), things.with(&default)] {
        for action in reads() {
            action.run(&things, None).unwrap();
            let sent = record.last(action.command);
            assert!(!sent.contains_key("readConcern"), "{}: {sent}", action.name);
        }
    }
}

/// ReadConcern 2. Commands supporting a read concern MUST send any non-default read concern to the server.
#[test]
fn prose_read_concern_2_any_other_is_sent() {
    let record = Record::new();
    let things = things(&record);
    for level in [ReadConcernLevel::Local, ReadConcernLevel::Available, ReadConcernLevel::Majority] {
        let concern = ReadConcern { level: Some(level.clone()) };
        let things = things.with(&Overrides { read_concern: Some(concern), ..Overrides::default() });
        for action in reads() {
            action.run(&things, None).unwrap();
            let sent = record.last(action.command);
            let concern = sent.get_document("readConcern").unwrap_or_else(|_| panic!("{}: {sent}", action.name));
            assert_eq!(concern.get_str("level").unwrap(), level.as_str(), "{}", action.name);
        }
    }
}

/// WriteConcern 1. Commands supporting a write concern MUST NOT send the default write concern to the server.
#[test]
fn prose_write_concern_1_the_default_is_not_sent() {
    let record = Record::new();
    let things = things(&record);
    let default = Overrides { write_concern: Some(WriteConcern::default()), ..Overrides::default() };
    for things in [things.clone(), things.with(&default)] {
        for action in writes() {
            action.run(&things, None).unwrap();
            let sent = record.last(action.command);
            assert!(!sent.contains_key("writeConcern"), "{}: {sent}", action.name);
        }
    }
}

/// WriteConcern 2. Commands supporting a write concern MUST send any non-default write concern to the server in the command.
#[test]
fn prose_write_concern_2_any_other_is_sent() {
    let record = Record::new();
    let things = things(&record);
    let journaled = WriteConcern { w: None, journal: Some(true), w_timeout: None };
    let cases = [
        (WriteConcern::new(Acknowledgment::Nodes(1)), doc! { "w": 1 }),
        (WriteConcern::new(Acknowledgment::Majority), doc! { "w": "majority" }),
        (journaled, doc! { "j": true }),
    ];
    for (concern, expected) in cases {
        let things = things.with(&Overrides { write_concern: Some(concern), ..Overrides::default() });
        for action in writes() {
            action.run(&things, None).unwrap();
            let sent = record.last(action.command);
            assert_eq!(sent.get_document("writeConcern").ok(), Some(&expected), "{}: {sent}", action.name);
        }
    }
}
