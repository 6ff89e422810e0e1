//! The prose tests of the specification *Retryable Writes*.
#![cfg(unix)]

mod prose;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use prose::mongoses;
use stator_blocking::Blocking;
use stator_client::event::{CheckOutFailedReason, CommandEvent, Listener, PoolEventKind};
use stator_client::{Document, Error, doc};
use stator_sim::server::{Config, FakeServer, Reply};
use stator_sim::{Link, Sim};
use stator_testkit::prose::{self as kit, FailPoint, Record};
use stator_testkit::server::unique_db;

/// `MAX_RETRIES` of *Client Backpressure*.
const MAX_RETRIES: usize = 2;
/// A server whose fail point says that it shuts down does not tell its monitors so: they find out with the next heartbeat.
const SOON: &str = "heartbeatFrequencyMS=500";
const OVERLOADED: [&str; 2] = ["RetryableError", "SystemOverloadedError"];
const OVERLOADED_NO_WRITES: [&str; 3] = ["RetryableError", "SystemOverloadedError", "NoWritesPerformed"];

/// The only member of a simulated replica set, as whose primary it answers.
fn member(sim: &Sim) -> FakeServer {
    let me = "10.0.0.1:27017";
    let config = Config { me: me.into(), set_name: Some("rs0".into()), ..Config::default() };
    FakeServer::start_with(sim, me.parse().unwrap(), config)
}

/// 1: Test that retryable writes raise an exception when using the MMAPv1 storage engine. On a simulated member, for no server
/// that the driver knows has that engine.
#[test]
fn prose_1_mmapv1_raises_an_exception_that_says_what_to_do() {
    let sim = Sim::new(1);
    let server = member(&sim);
    server.script(|request| match request.name() {
        "insert" => Reply::Doc(doc! {
            "ok": 0.0, "code": 20, "codeName": "IllegalOperation",
            "errmsg": "Transaction numbers are only allowed on storage engines that support document-level locking",
        }),
        _ => Reply::Engine,
    });
    let client = Record::new().client(sim.clone(), "mongodb://10.0.0.1/?replicaSet=rs0");
    let inserted = sim.run(async { client.database("db").collection("things").insert_one(doc! {}).await });
    let error = inserted.unwrap().unwrap_err();
    assert_eq!(error.code(), Some(20));
    let message = "This MongoDB deployment does not support retryable writes. Please add retryWrites=false to your \
                   connection string.";
    assert!(error.to_string().contains(message), "{error}");
}

/// 2: Test that drivers properly retry after encountering PoolClearedErrors.
#[test]
fn prose_2_pool_cleared_errors_are_retried() {
    let fail_point = FailPoint::of_primary();
    let record = Record::new();
    let client = record.client(Blocking, &fail_point.uri(&format!("maxPoolSize=1&retryWrites=true&{SOON}")));
    let things = client.database(&unique_db("writes")).collection("things");
    fail_point.set(
        doc! { "times": 1 },
        doc! {
            "failCommands": ["insert"], "errorCode": 91, "blockConnection": true, "blockTimeMS": 1000,
            "errorLabels": ["RetryableWriteError"],
        },
    );
    let insert = |id: i32| things.insert_one(doc! { "_id": id }).run();
    let (one, two) = kit::both(|| insert(1), || insert(2));
    one.unwrap();
    two.unwrap();
    let pools: Vec<_> = record.pools().into_iter().map(|event| event.kind).collect();
    let told: Vec<_> = pools.iter().map(PoolEventKind::name).filter(|name| TOLD.contains(name)).collect();
    assert_eq!(
        told,
        [
            "ConnectionCheckedOutEvent",
            "PoolClearedEvent",
            "ConnectionCheckOutFailedEvent",
            "ConnectionCheckedOutEvent",
            "ConnectionCheckedOutEvent",
        ]
    );
    let reason = pools.iter().find_map(|kind| match kind {
        PoolEventKind::ConnectionCheckOutFailed { reason, .. } => Some(*reason),
        _ => None,
    });
    assert_eq!(reason, Some(CheckOutFailedReason::ConnectionError));
    assert_eq!(record.started("insert").len(), 3);
}

/// The pool's events that the test is about.
const TOLD: [&str; 3] = ["ConnectionCheckedOutEvent", "PoolClearedEvent", "ConnectionCheckOutFailedEvent"];

/// Whether the command has met the first fail point: it failed with 91, or its write concern did.
fn is_the_first(event: &CommandEvent) -> bool {
    match event {
        CommandEvent::Failed { failure, .. } => failure.code() == Some(91),
        CommandEvent::Succeeded { reply, .. } => {
            let reply = reply.to_document().unwrap();
            reply.get_document("writeConcernError").is_ok_and(|error| error.get_i32("code").ok() == Some(91))
        }
        _ => false,
    }
}

/// An insert that meets `first` once and `second`, which is set when the first has struck, as often as `mode` says.
fn insert_with(first: Document, mode: impl Into<bson::Bson>, second: Document) -> (Error, Record) {
    let fail_point = FailPoint::of_primary();
    let whole = |data: Document| {
        let mut whole = doc! { "failCommands": ["insert"] };
        whole.extend(data);
        whole
    };
    let later = fail_point.later(mode, whole(second));
    let done = AtomicBool::new(false);
    let listener = Listener::commands(move |event| {
        if is_the_first(event) && !done.swap(true, Ordering::SeqCst) {
            later();
        }
    });
    let record = Record::new();
    let uri = fail_point.uri(&format!("retryWrites=true&{SOON}"));
    let client = record.client_with(Blocking, &uri, listener);
    fail_point.set(doc! { "times": 1 }, whole(first));
    let things = client.database(&unique_db("writes")).collection::<Document>("things");
    let error = things.insert_one(doc! { "x": 1 }).run().unwrap_err();
    (error, record)
}

/// 3: Test that drivers return the original error after encountering a WriteConcernError with a RetryableWriteError label.
#[test]
fn prose_3_the_original_write_concern_error_is_returned() {
    let (error, record) = insert_with(
        doc! { "errorLabels": ["RetryableWriteError"], "writeConcernError": { "code": 91 } },
        doc! { "times": 1 },
        doc! { "errorCode": 10107, "errorLabels": ["RetryableWriteError", "NoWritesPerformed"] },
    );
    assert_eq!(error.code(), Some(91), "{error:?}");
    assert_eq!(record.outcomes("insert").len(), 2);
}

/// Sets the fail point through a client of this mongos alone.
async fn fail_insert_once(sim: &Sim, server: &FakeServer, data: Document) {
    let mut whole = doc! { "failCommands": ["insert"], "errorCode": 6, "errorLabels": ["RetryableWriteError"] };
    whole.extend(data);
    let command = doc! { "configureFailPoint": "failCommand", "mode": { "times": 1 }, "data": whole };
    let client = Record::new().client(sim.clone(), &format!("mongodb://{}/", server.address()));
    client.database("admin").run_command(command).await.unwrap();
}

/// 4: Test that in a sharded cluster writes are retried on a different mongos when one is available. On simulated mongoses,
/// for many seeds: chance alone would choose the same one again in some of them.
#[test]
fn prose_4_retried_on_a_different_mongos_when_one_is_available() {
    for seed in 0..20 {
        let (sim, record) = (Sim::new(seed), Record::new());
        let (client, servers) = mongoses(&sim, &record, 2, "retryWrites=true");
        sim.run(async {
            for server in &servers {
                fail_insert_once(&sim, server, doc! {}).await;
            }
            kit::know_all(&client).await;
            let error = client.database("db").collection("things").insert_one(doc! {}).await.unwrap_err();
            assert_eq!(error.code(), Some(6), "{error:?}");
        })
        .unwrap();
        let outcomes = record.outcomes("insert");
        assert_eq!(outcomes.iter().map(|(_, succeeded)| *succeeded).collect::<Vec<_>>(), [false, false]);
        assert_ne!(outcomes[0].0.connection.address, outcomes[1].0.connection.address, "seed {seed}");
    }
}

/// 5: Test that in a sharded cluster writes are retried on the same mongos when no others are available. On a simulated mongos.
#[test]
fn prose_5_retried_on_the_same_mongos_when_no_others_are_available() {
    let (sim, record) = (Sim::new(1), Record::new());
    let (client, servers) = mongoses(&sim, &record, 1, "retryWrites=true");
    sim.run(async {
        fail_insert_once(&sim, &servers[0], doc! { "closeConnection": true }).await;
        client.database("db").collection("things").insert_one(doc! {}).await.unwrap();
    })
    .unwrap();
    let outcomes = record.outcomes("insert");
    assert_eq!(outcomes.iter().map(|(_, succeeded)| *succeeded).collect::<Vec<_>>(), [false, true]);
    assert_eq!(outcomes[0].0.connection.address, outcomes[1].0.connection.address);
}

/// 6: Case 1: Test that drivers return the correct error when receiving only errors without `NoWritesPerformed`.
#[test]
fn prose_6_case_1_only_errors_without_no_writes_performed() {
    let (error, record) = insert_with(
        doc! { "errorLabels": &OVERLOADED[..], "errorCode": 91 },
        "alwaysOn",
        doc! { "errorLabels": &OVERLOADED[..], "errorCode": 10107 },
    );
    assert_eq!(error.code(), Some(10107), "{error:?}");
    assert_eq!(record.outcomes("insert").len(), MAX_RETRIES + 1);
}

/// 6: Case 2: Test that drivers return the correct error when receiving only errors with `NoWritesPerformed`.
#[test]
fn prose_6_case_2_only_errors_with_no_writes_performed() {
    let (error, record) = insert_with(
        doc! { "errorLabels": &OVERLOADED_NO_WRITES[..], "errorCode": 91 },
        "alwaysOn",
        doc! { "errorLabels": &OVERLOADED_NO_WRITES[..], "errorCode": 10107 },
    );
    assert_eq!(error.code(), Some(91), "{error:?}");
    assert_eq!(record.outcomes("insert").len(), MAX_RETRIES + 1);
}

/// 6: Case 3: Test that drivers return the correct error when receiving some errors with `NoWritesPerformed` and some without
/// `NoWritesPerformed`.
#[test]
fn prose_6_case_3_some_errors_with_and_some_without_no_writes_performed() {
    let (error, record) = insert_with(
        doc! { "errorLabels": &OVERLOADED[..], "errorCode": 91 },
        "alwaysOn",
        doc! { "errorLabels": &OVERLOADED_NO_WRITES[..], "errorCode": 91 },
    );
    assert_eq!(error.code(), Some(91), "{error:?}");
    assert!(!error.has_label("NoWritesPerformed"), "{error:?}");
    assert_eq!(record.outcomes("insert").len(), MAX_RETRIES + 1);
}

/// 6: Case 4: Test that drivers set the maximum number of retries for all retryable write errors when an overload error is
/// encountered.
#[test]
fn prose_6_case_4_one_overload_error_sets_the_maximum_of_retries() {
    let (error, record) = insert_with(
        doc! { "errorLabels": &OVERLOADED[..], "errorCode": 91 },
        "alwaysOn",
        doc! { "errorLabels": ["RetryableError", "RetryableWriteError"], "errorCode": 91 },
    );
    assert_eq!(error.code(), Some(91), "{error:?}");
    assert_eq!(record.started("insert").len(), MAX_RETRIES + 1);
}

/// 6: Case 5: Test that drivers do not apply backoff to non-overload errors. In a simulated world without latency, where all the
/// time that passes between two attempts is backoff; and with the code 6 for 91, after which the client would look for the
/// server anew before the next attempt.
#[test]
fn prose_6_case_5_no_backoff_after_other_errors() {
    let mut backoffs = Vec::new();
    for seed in 0..20 {
        let sim = Sim::new(seed);
        sim.set_default_link(Link::fixed(Duration::ZERO));
        let server = member(&sim);
        let mut overloaded = true;
        server.script(move |request| {
            if request.name() != "insert" {
                return Reply::Engine;
            }
            let others = ["RetryableError", "RetryableWriteError"];
            let labels = if std::mem::take(&mut overloaded) { OVERLOADED } else { others };
            let error = doc! { "ok": 0.0, "code": 6, "codeName": "HostUnreachable", "errmsg": "" };
            Reply::Doc(error.into_iter().chain(doc! { "errorLabels": &labels[..] }).collect())
        });
        let client = Record::new().client(sim.clone(), "mongodb://10.0.0.1/?replicaSet=rs0");
        let inserted = sim.run(async { client.database("db").collection("things").insert_one(doc! {}).await });
        assert_eq!(inserted.unwrap().unwrap_err().code(), Some(6));
        let at: Vec<_> =
            server.commands().iter().filter(|found| found.name() == "insert").map(|found| found.at).collect();
        assert_eq!(at.len(), MAX_RETRIES + 1);
        backoffs.push(at[1] - at[0]);
        assert_eq!(at[2] - at[1], Duration::ZERO, "seed {seed}");
    }
    // 2 * BASE_BACKOFF, times the jitter.
    assert!(backoffs.iter().all(|backoff| *backoff <= Duration::from_millis(200)), "{backoffs:?}");
    assert!(backoffs.iter().max() > Some(&Duration::from_millis(100)), "{backoffs:?}");
}
