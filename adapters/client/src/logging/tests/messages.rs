//! Every message, in the specifications' words.

use bson::doc;

use stator_proto::select::{SelectOptions, SelectionFailure, Target};

use super::samples::*;
use crate::error::{Error, ErrorKind, Phase};
use crate::event::{
    CheckOutFailedReason, CloseReason, CommandEvent, Event, PoolEvent, PoolEventKind, SelectionEvent,
    SelectionEventKind, Selector, TopologyEvent,
};
use crate::logging::{Component, LogLevel, LogOptions, Record, Value, record};

fn told(event: impl Into<Event>) -> Record {
    record(&event.into(), &LogOptions::default()).expect("the event has a message")
}

#[test]
fn commands_have_all_keys() {
    let [started, succeeded, failed] = commands().map(told);
    let common = doc! {
        "commandName": "ping", "databaseName": "shop", "requestId": 4_i64, "operationId": 12_i64,
        "driverConnectionId": 3_i64, "serverHost": "db.example", "serverPort": 27018_i64, "serverConnectionId": 77_i64,
    };
    let with = |message, rest| {
        let mut all = doc! { "message": message };
        all.extend(common.clone());
        all.extend::<bson::Document>(rest);
        all
    };
    assert_eq!(started.to_document(), with("Command started", doc! { "command": r#"{"ping":1,"$db":"shop"}"# }));
    assert_eq!(
        succeeded.to_document(),
        with("Command succeeded", doc! { "durationMS": 1.25, "reply": r#"{"ok":1.0}"# })
    );
    let failure = "the server refused the command: no such command (code 59, CommandNotFound) [db.example:27018], \
        labels: Odd, New, reply: {\"ok\":0,\"code\":59,\"errmsg\":\"no such command\"}";
    assert_eq!(failed.to_document(), with("Command failed", doc! { "durationMS": 1.25, "failure": failure }));
    for record in [&started, &succeeded, &failed] {
        assert_eq!((record.component, record.level), (Component::Command, LogLevel::Debug));
    }
}

#[test]
fn commands_as_sentences() {
    let [started, succeeded, failed] = commands().map(|event| told(event).text());
    let on = "using a connection with driver-generated ID 3 and server-generated ID 77 to db.example:27018. \
        The requestID is 4 and the operation ID is 12.";
    assert_eq!(
        started,
        format!(r#"Command "ping" started on database "shop" {on} Command: {{"ping":1,"$db":"shop"}}"#)
    );
    assert_eq!(
        succeeded,
        format!(r#"Command "ping" succeeded on database "shop" in 1.25 ms {on} Command reply: {{"ok":1.0}}"#)
    );
    let begin = format!(r#"Command "ping" failed on database "shop" in 1.25 ms {on} Error: the server refused"#);
    assert!(failed.starts_with(&begin), "{failed}");
    // Load balanced, on a Unix domain socket, without the server's number.
    let bare = CommandEvent::Started { info: info(socket(), None, Some(id())), command: document(&doc! {}) };
    let bare = told(bare);
    assert_eq!(
        bare.text(),
        format!(
            "Command \"ping\" started on database \"shop\" using a connection with driver-generated ID 3 to \
             /tmp/mongodb.sock with service ID {}. The requestID is 4 and the operation ID is 12. Command: {{}}",
            id()
        )
    );
    assert_eq!((bare.get("serverPort"), bare.get("serverConnectionId")), (None, None), "omitted, not null");
    assert_eq!(bare.get("serviceId"), Some(&Value::Text(id().to_hex())));
}

#[test]
fn pools_as_sentences() {
    let texts = pools().map(|event| told(event).text());
    assert_eq!(
        texts,
        [
            "Connection pool created for db.example:27018 using options maxIdleTimeMS=10000, maxPoolSize=5",
            "Connection pool ready for db.example:27018",
            "Connection pool for db.example:27018 cleared",
            "Connection pool closed for db.example:27018",
            "Connection created: address=db.example:27018, driver-generated ID=3",
            "Connection ready: address=db.example:27018, driver-generated ID=3, established in=1.25 ms",
            "Connection closed: address=db.example:27018, driver-generated ID=3. Reason: An error occurred while using \
             the connection. Error: timed out in phase `receive` [db.example:27018]",
            "Checkout started for connection to db.example:27018",
            "Checkout failed for connection to db.example:27018. Reason: An error occurred while trying to establish a \
             new connection. Error: timed out in phase `receive` [db.example:27018]. Duration: 1.25 ms",
            "Connection checked out: address=db.example:27018, driver-generated ID=3, duration=1.25 ms",
            "Connection checked in: address=db.example:27018, driver-generated ID=3",
        ]
    );
}

#[test]
fn pools_have_all_keys() {
    let records = pools().map(told);
    let messages = records.each_ref().map(|record| record.message);
    assert_eq!(
        messages,
        [
            "Connection pool created",
            "Connection pool ready",
            "Connection pool cleared",
            "Connection pool closed",
            "Connection created",
            "Connection ready",
            "Connection closed",
            "Connection checkout started",
            "Connection checkout failed",
            "Connection checked out",
            "Connection checked in",
        ]
    );
    for record in &records {
        assert_eq!((record.component, record.level), (Component::Connection, LogLevel::Debug));
        assert_eq!((record.str("serverHost"), record.int("serverPort")), (Some("db.example"), Some(27018)));
        let one = record.message.starts_with("Connection c") && !record.message.contains("checkout");
        let one = one || record.message == "Connection ready";
        assert_eq!(record.int("driverConnectionId"), one.then_some(3), "{}", record.message);
    }
    for timed in [5, 8, 9] {
        assert_eq!(records[timed].double("durationMS"), Some(1.25));
    }
    assert_eq!((records[0].int("maxPoolSize"), records[0].int("minPoolSize")), (Some(5), None));
    let cleared = PoolEventKind::PoolCleared { interrupt_in_use_connections: true };
    let cleared = told(PoolEvent { address: address(), service_id: Some(id()), kind: cleared });
    assert_eq!(cleared.str("serviceId"), Some(id().to_hex().as_str()));
    assert_eq!(cleared.text(), format!("Connection pool for db.example:27018 cleared for serviceId {}", id()));
}

#[test]
fn every_reason_has_its_words() {
    let closed = [
        (CloseReason::Stale, "Connection became stale because the pool was cleared"),
        (CloseReason::Idle, "Connection has been available but unused for longer than the configured max idle time"),
        (CloseReason::Error, "An error occurred while using the connection"),
        (CloseReason::PoolClosed, "Connection pool was closed"),
    ];
    for (reason, words) in closed {
        let record = told(pool(PoolEventKind::ConnectionClosed { connection_id: 3, reason, error: None }));
        assert_eq!((record.str("reason"), record.str("error")), (Some(words), None));
        let text = format!("Connection closed: address=db.example:27018, driver-generated ID=3. Reason: {words}");
        assert_eq!(record.text(), text);
    }
    let refused = [
        (CheckOutFailedReason::Timeout, "Wait queue timeout elapsed without a connection becoming available"),
        (CheckOutFailedReason::ConnectionError, "An error occurred while trying to establish a new connection"),
        (CheckOutFailedReason::PoolClosed, "Connection pool was closed"),
    ];
    for (reason, words) in refused {
        let record = told(pool(PoolEventKind::ConnectionCheckOutFailed { reason, error: timeout(), duration: TIME }));
        assert_eq!(record.str("reason"), Some(words));
        assert_eq!(record.str("error").is_some(), reason == CheckOutFailedReason::ConnectionError);
    }
}

const BEFORE: &str = "{ type: Unknown, servers: [] }";
const AFTER: &str = "{ type: ReplicaSetWithPrimary, setName: rs, maxSetVersion: 2, maxElectionId: \
    010101010101010101010101, logicalSessionTimeoutMinutes: 30, servers: [ { address: db.example:27018, type: RSPrimary, \
    roundTripTimeMS: 1.25 }, { address: /tmp/mongodb.sock, type: Unknown, error: timed out in phase `receive` \
    [db.example:27018] } ] }";

#[test]
fn topologies_as_sentences() {
    let [opening, closed, changed, server_opening, server_closed, server_changed, started, succeeded, failed] =
        topologies();
    assert_eq!(record(&server_changed.into(), &LogOptions::default()), None, "the topology's change tells it");
    let texts = [opening, closed, changed, server_opening, server_closed, started, succeeded, failed]
        .map(|event| told(event).text());
    let (id, on) = (id(), "on connection with driver-generated ID 8 and server-generated ID 99");
    assert_eq!(
        texts,
        [
            format!("Starting monitoring for topology with ID {id}"),
            format!("Stopped monitoring for topology with ID {id}"),
            format!(
                "Description changed for topology with ID {id}. Previous description: {BEFORE}. New description: {AFTER}"
            ),
            format!("Starting monitoring for server db.example:27018 in topology with ID {id}"),
            format!("Stopped monitoring for server db.example:27018 in topology with ID {id}"),
            format!("Heartbeat started for db.example:27018 in topology with ID {id}. Awaited: true"),
            format!(
                "Heartbeat succeeded in 1.25 ms for db.example:27018 {on} in topology with ID {id}. Awaited: true. Reply: \
                 {{\"ok\":1}}"
            ),
            format!(
                "Heartbeat failed in 1.25 ms for db.example:27018 {on} in topology with ID {id}. Awaited: true. Failure: \
                 timed out in phase `receive` [db.example:27018]"
            ),
        ]
    );
}

#[test]
fn topologies_have_all_keys() {
    let records: Vec<Record> =
        topologies().into_iter().filter_map(|event| record(&event.into(), &LogOptions::default())).collect();
    let messages: Vec<&str> = records.iter().map(|record| record.message).collect();
    assert_eq!(
        messages,
        [
            "Starting topology monitoring",
            "Stopped topology monitoring",
            "Topology description changed",
            "Starting server monitoring",
            "Stopped server monitoring",
            "Server heartbeat started",
            "Server heartbeat succeeded",
            "Server heartbeat failed",
        ]
    );
    for (at, record) in records.iter().enumerate() {
        assert_eq!((record.component, record.level), (Component::Topology, LogLevel::Debug));
        assert_eq!(record.str("topologyId"), Some(id().to_hex().as_str()));
        assert_eq!(record.int("serverPort"), (at > 2).then_some(27018));
        assert_eq!(record.bool("awaited"), (at > 4).then_some(true));
    }
    let succeeded = records[6].to_document();
    let expected = doc! {
        "message": "Server heartbeat succeeded", "topologyId": id().to_hex(), "serverHost": "db.example",
        "serverPort": 27018_i64, "driverConnectionId": 8_i64, "serverConnectionId": 99_i64, "awaited": true,
        "durationMS": 1.25, "reply": "{\"ok\":1}",
    };
    assert_eq!(succeeded, expected);
}

#[test]
fn selections_as_sentences_and_keys() {
    let records = selections().map(told);
    let rest = format!(
        "Selector: ReadPreference {{ mode: secondary, tagSets: [{{dc: \"ny\", rack: \"1\"}}, {{}}], \
         maxStalenessSeconds: 120 }}, topology description: {BEFORE}"
    );
    assert_eq!(
        records.each_ref().map(Record::text),
        [
            format!("Server selection started for operation find with ID 12. {rest}"),
            format!(
                "Waiting for server to become available for operation find with ID 12. Remaining time: 29999 ms. {rest}."
            ),
            format!(
                "Server selection succeeded for operation find with ID 12. Selected server: db.example:27018. {rest}"
            ),
            format!(
                "Server selection failed for operation find with ID 12. Failure: timed out in phase `select`. {rest}"
            ),
        ]
    );
    let [started, waiting, succeeded, failed] = &records;
    assert_eq!(started.message, "Server selection started");
    assert_eq!(waiting.message, "Waiting for suitable server to become available");
    assert_eq!((waiting.level, waiting.int("remainingTimeMS")), (LogLevel::Info, Some(29_999)));
    assert_eq!((succeeded.message, succeeded.str("serverHost")), ("Server selection succeeded", Some("db.example")));
    assert_eq!((failed.message, failed.level), ("Server selection failed", LogLevel::Debug));
    for record in &records {
        assert_eq!(record.component, Component::ServerSelection);
        assert_eq!((record.str("operation"), record.int("operationId")), (Some("find"), Some(12)));
    }
}

#[test]
fn a_failed_selection_does_not_describe_the_deployment_twice() {
    let failure = SelectionFailure::new(replica_set(), &Target::Writable, SelectOptions::default());
    let failure = Error::new(Phase::Select, ErrorKind::Selection(Box::new(failure)));
    let kind = SelectionEventKind::Failed { failure };
    let selector = Selector::from(&Target::Writable);
    let record = told(SelectionEvent::new("insert", 1, selector, &replica_set(), kind));
    let shown = record.str("failure").unwrap();
    assert!(shown.starts_with("no server is suitable for writes"), "{shown}");
    assert_eq!(record.text().matches("db.example").count(), 2, "once itself, once in its error: {}", record.text());
    assert_eq!(record.str("selector"), Some("Writable"));
}

#[test]
fn levels_decide_what_is_made() {
    let messages = |level| {
        let options = LogOptions::default().with_level(level);
        all().iter().filter_map(|event| record(event, &options)).map(|record| record.message).collect::<Vec<_>>()
    };
    assert_eq!(messages(LogLevel::Off).len(), 0);
    assert_eq!(messages(LogLevel::Notice).len(), 0);
    assert_eq!(messages(LogLevel::Info), ["Waiting for suitable server to become available"]);
    let all_but_one = all().len() - 1;
    assert_eq!(messages(LogLevel::Debug).len(), all_but_one);
    assert_eq!(messages(LogLevel::Trace).len(), all_but_one);
    let quiet = LogOptions { command: Some(LogLevel::Info), ..LogOptions::default() };
    assert_eq!(record(&commands()[0].clone().into(), &quiet), None);
    assert!(record(&pools()[0], &quiet).is_some(), "only the component that was named");
}

#[test]
fn documents_and_replies_in_errors_are_cut() {
    let options = LogOptions { max_document_length: 5, ..LogOptions::default() };
    let [started, succeeded, failed] = commands().map(|event| record(&event.into(), &options).unwrap());
    assert_eq!(started.str("command"), Some(r#"{"pin..."#));
    assert_eq!(succeeded.str("reply"), Some(r#"{"ok"..."#));
    assert!(failed.str("failure").unwrap().ends_with(r#"reply: {"ok"..."#));
    let [.., heartbeat, _] = topologies();
    assert!(matches!(heartbeat, TopologyEvent::ServerHeartbeatSucceeded { .. }));
    assert_eq!(record(&heartbeat.into(), &options).unwrap().str("reply"), Some(r#"{"ok"..."#));
    // Other errors say what they always say.
    let text = |error: Error| {
        told(CommandEvent::Failed { info: info(address(), None, None), duration: TIME, failure: error }).text()
    };
    assert!(text(timeout()).ends_with("Error: timed out in phase `receive` [db.example:27018]"));
}
