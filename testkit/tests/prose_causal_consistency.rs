//! The test plan of the specification *Causal Consistency*. (10 was removed.)
#![cfg(unix)]

use stator_blocking::{Blocking, ClientSession, Collection};
use stator_client::options::{Overrides, ReadConcern, ReadConcernLevel};
use stator_client::{Document, doc};
use stator_testkit::prose::{self, FailPoint, Record, reads, with_options, writes};
use stator_testkit::server::unique_db;

/// A collection of the replica set.
fn things(record: &Record) -> Collection<Document> {
    things_at(record, &prose::set().uri())
}

fn things_at(record: &Record, uri: &str) -> Collection<Document> {
    let client = record.client(Blocking, &with_options(uri, "retryWrites=false&retryReads=false"));
    client.database(&unique_db("causal")).collection("things")
}

fn session(things: &Collection<Document>) -> ClientSession {
    things.database().client().start_session().causal_consistency(true).run().unwrap()
}

/// `readConcern.afterClusterTime` of a command.
fn after(command: &Document) -> Option<bson::Timestamp> {
    command.get_document("readConcern").ok()?.get_timestamp("afterClusterTime").ok()
}

/// `operationTime` of the last reply to a command of this name.
fn operation_time(record: &Record, command: &str) -> Option<bson::Timestamp> {
    record.replies(command).pop()?.get_timestamp("operationTime").ok()
}

/// 1: When a `ClientSession` is first created the `operationTime` has no value.
#[test]
fn prose_1_no_operation_time_at_first() {
    assert_eq!(session(&things(&Record::new())).operation_time(), None);
}

/// 2: The first read in a causally consistent session must not send `afterClusterTime` to the server.
#[test]
fn prose_2_the_first_read_sends_no_after_cluster_time() {
    let record = Record::new();
    let things = things(&record);
    for action in reads() {
        action.run(&things, Some(&session(&things))).unwrap();
        assert_eq!(after(&record.last(action.command)), None, "{}", action.name);
    }
}

/// 3: The first read or write on a `ClientSession` should update the `operationTime` of the `ClientSession`, even if there is an
/// error.
#[test]
fn prose_3_the_first_operation_updates_the_operation_time() {
    let record = Record::new();
    let things = things(&record);
    for causal in [true, false] {
        for action in reads().into_iter().chain(writes()) {
            let session = things.database().client().start_session().causal_consistency(causal).run().unwrap();
            action.run(&things, Some(&session)).unwrap();
            assert!(session.operation_time().is_some());
            assert_eq!(session.operation_time(), operation_time(&record, action.command), "{}", action.name);
        }
    }
    let fail_point = FailPoint::of_primary();
    let things = things_at(&record, &fail_point.uri(""));
    for action in reads().into_iter().chain(writes()) {
        fail_point.set(doc! { "times": 1 }, doc! { "failCommands": [action.command], "errorCode": 1 });
        let session = session(&things);
        assert_eq!(action.fail(&things, Some(&session)).code(), Some(1), "{}", action.name);
        assert!(session.operation_time().is_some(), "{}", action.name);
    }
}

/// 4: A `findOne` followed by any other read operation should include the `operationTime` returned by the server for the first
/// operation in the `afterClusterTime` parameter of the second operation.
#[test]
fn prose_4_reads_come_after_the_read_before() {
    let record = Record::new();
    let things = things(&record);
    for action in reads() {
        let session = session(&things);
        things.find_one(doc! {}).session(&session).run().unwrap();
        let time = session.operation_time();
        assert_eq!(time, operation_time(&record, "find"));
        action.run(&things, Some(&session)).unwrap();
        assert!(time.is_some() && after(&record.last(action.command)) == time, "{}", action.name);
    }
}

/// 5: Any write operation followed by a `findOne` operation should include the `operationTime` of the first operation in the
/// `afterClusterTime` parameter of the second operation, including the case where the first operation returned an error.
#[test]
fn prose_5_reads_come_after_the_write_before() {
    let record = Record::new();
    let things = things(&record);
    let find_after = |things: &Collection<Document>, session: &ClientSession, name: &str| {
        let time = session.operation_time();
        things.find_one(doc! {}).session(session).run().unwrap();
        assert!(time.is_some() && after(&record.last("find")) == time, "{name}");
    };
    for action in writes() {
        let session = session(&things);
        action.run(&things, Some(&session)).unwrap();
        find_after(&things, &session, action.name);
    }
    let fail_point = FailPoint::of_primary();
    let things = things_at(&record, &fail_point.uri(""));
    for action in writes() {
        fail_point.set(doc! { "times": 1 }, doc! { "failCommands": [action.command], "errorCode": 1 });
        let session = session(&things);
        action.fail(&things, Some(&session));
        find_after(&things, &session, action.name);
    }
}

/// 6: A read operation in a `ClientSession` that is not causally consistent should not include the `afterClusterTime` parameter.
#[test]
fn prose_6_no_after_cluster_time_without_causal_consistency() {
    let record = Record::new();
    let things = things(&record);
    let session = things.database().client().start_session().causal_consistency(false).run().unwrap();
    for action in reads().into_iter().chain(reads()) {
        action.run(&things, Some(&session)).unwrap();
        assert!(session.operation_time().is_some());
        assert_eq!(after(&record.last(action.command)), None, "{}", action.name);
    }
}

/// 7: A read operation in a causally consistent session against a deployment that does not support cluster times does not include
/// the `afterClusterTime` parameter. On a standalone server.
#[test]
fn prose_7_no_after_cluster_time_where_there_are_no_cluster_times() {
    let record = Record::new();
    let client = record.client(Blocking, &prose::standalone().uri());
    let things = client.database(&unique_db("causal")).collection("things");
    let session = session(&things);
    for action in reads().into_iter().chain(reads()) {
        action.run(&things, Some(&session)).unwrap();
        assert_eq!(after(&record.last(action.command)), None, "{}", action.name);
    }
}

/// The read concerns that reads send after a `findOne`, where the collection has this one.
fn read_concerns(concern: ReadConcern, check: impl Fn(&Document, &str)) {
    let record = Record::new();
    let things = things(&record).with(&Overrides { read_concern: Some(concern), ..Overrides::default() });
    for action in reads() {
        let session = session(&things);
        things.find_one(doc! {}).session(&session).run().unwrap();
        let time = session.operation_time();
        action.run(&things, Some(&session)).unwrap();
        let sent = record.last(action.command);
        assert!(time.is_some() && after(&sent) == time, "{}", action.name);
        check(sent.get_document("readConcern").unwrap(), action.name);
    }
}

/// 8: When using the default server `ReadConcern` the `readConcern` parameter in the command sent to the server should not include a
/// `level` field.
#[test]
fn prose_8_the_default_read_concern_has_no_level() {
    read_concerns(ReadConcern::default(), |sent, name| assert!(!sent.contains_key("level"), "{name}"));
}

/// 9: When using a custom `ReadConcern` the `readConcern` field in the command sent to the server should be a merger of the
/// `ReadConcern` value and the `afterClusterTime` field.
#[test]
fn prose_9_a_custom_read_concern_is_merged() {
    let majority = ReadConcern { level: Some(ReadConcernLevel::Majority) };
    read_concerns(majority, |sent, name| assert_eq!(sent.get_str("level").ok(), Some("majority"), "{name}"));
}

/// 11: When connected to a deployment that does not support cluster times messages sent to the server should not include
/// `$clusterTime`. On a standalone server.
#[test]
fn prose_11_no_cluster_time_where_there_are_none() {
    let record = Record::new();
    let client = record.client(Blocking, &prose::standalone().uri());
    let things = client.database(&unique_db("causal")).collection::<Document>("things");
    for _ in 0..2 {
        things.find_one(doc! {}).run().unwrap();
        assert!(!record.last("find").contains_key("$clusterTime"));
    }
}

/// 12: When connected to a deployment that does support cluster times messages sent to the server should include `$clusterTime`: from
/// the first reply on, for handshakes are SDAM's commands, whose replies are not looked at.
#[test]
fn prose_12_cluster_time_where_there_are_some() {
    let record = Record::new();
    let things = things(&record);
    things.find_one(doc! {}).run().unwrap();
    things.find_one(doc! {}).run().unwrap();
    assert!(record.last("find").contains_key("$clusterTime"));
}
