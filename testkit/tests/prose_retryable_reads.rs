//! The prose tests of the specification *Retryable Reads*.
#![cfg(unix)]

mod prose;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use prose::mongoses;
use stator_blocking::Blocking;
use stator_client::event::{CheckOutFailedReason, CommandEvent, Listener, PoolEventKind};
use stator_client::{BlockOn, Document, doc};
use stator_sim::server::{FakeServer, Reply};
use stator_sim::{Link, Sim};
use stator_testkit::prose::{self as kit, FailPoint, Record};
use stator_testkit::server::unique_db;

/// `MAX_RETRIES` of *Client Backpressure*.
const MAX_RETRIES: usize = 2;
/// A server whose fail point says that it shuts down does not tell its monitors so: they find out with the next heartbeat.
const SOON: &str = "heartbeatFrequencyMS=500";

/// 1: PoolClearedError Retryability Test.
#[test]
fn prose_1_pool_cleared_error_retryability() {
    let fail_point = FailPoint::of_standalone();
    let record = Record::new();
    let client = record.client(Blocking, &fail_point.uri(&format!("maxPoolSize=1&retryReads=true&{SOON}")));
    fail_point.set(
        doc! { "times": 1 },
        doc! { "failCommands": ["find"], "errorCode": 91, "blockConnection": true, "blockTimeMS": 1000 },
    );
    let things = client.database(&unique_db("reads")).collection::<Document>("things");
    let (one, two) = kit::both(|| things.find_one(doc! {}).run(), || things.find_one(doc! {}).run());
    assert_eq!((one.unwrap(), two.unwrap()), (None, None));
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
    assert_eq!(record.started("find").len(), 3);
}

/// The pool's events that the test is about.
const TOLD: [&str; 3] = ["ConnectionCheckedOutEvent", "PoolClearedEvent", "ConnectionCheckOutFailedEvent"];

/// Sets the fail point through a client of this mongos alone.
async fn fail_find_once(sim: &Sim, server: &FakeServer) {
    let data = doc! { "failCommands": ["find"], "errorCode": 6 };
    let command = doc! { "configureFailPoint": "failCommand", "mode": { "times": 1 }, "data": data };
    let client = Record::new().client(sim.clone(), &format!("mongodb://{}/", server.address()));
    client.database("admin").run_command(command).await.unwrap();
}

/// 2.1 Retryable Reads Are Retried on a Different mongos When One is Available. On simulated mongoses, for many seeds: chance
/// alone would choose the same one again in some of them.
#[test]
fn prose_2_1_retried_on_a_different_mongos_when_one_is_available() {
    for seed in 0..20 {
        let (sim, record) = (Sim::new(seed), Record::new());
        let (client, servers) = mongoses(&sim, &record, 2, "retryReads=true");
        sim.run(async {
            for server in &servers {
                fail_find_once(&sim, server).await;
            }
            kit::know_all(&client).await;
            let error = client.database("db").collection::<Document>("things").find_one(doc! {}).await.unwrap_err();
            assert_eq!(error.code(), Some(6), "{error:?}");
        })
        .unwrap();
        let outcomes = record.outcomes("find");
        assert_eq!(outcomes.iter().map(|(_, succeeded)| *succeeded).collect::<Vec<_>>(), [false, false]);
        assert_ne!(outcomes[0].0.connection.address, outcomes[1].0.connection.address, "seed {seed}");
    }
}

/// 2.2 Retryable Reads Are Retried on the Same mongos When No Others are Available. On a simulated mongos.
#[test]
fn prose_2_2_retried_on_the_same_mongos_when_no_others_are_available() {
    let (sim, record) = (Sim::new(1), Record::new());
    let (client, servers) = mongoses(&sim, &record, 1, "retryReads=true");
    sim.run(async {
        fail_find_once(&sim, &servers[0]).await;
        client.database("db").collection::<Document>("things").find_one(doc! {}).await.unwrap();
    })
    .unwrap();
    let outcomes = record.outcomes("find");
    assert_eq!(outcomes.iter().map(|(_, succeeded)| *succeeded).collect::<Vec<_>>(), [false, true]);
    assert_eq!(outcomes[0].0.connection.address, outcomes[1].0.connection.address);
}

/// Lets a find fail once on a replica set's primary, with these labels; whether it succeeds on the same server then.
fn retried_on_the_same_server(options: &str, labels: &[&str]) -> bool {
    let fail_point = FailPoint::of_primary();
    let record = Record::new();
    let options = format!("retryReads=true&readPreference=primaryPreferred{options}");
    let client = record.client(Blocking, &fail_point.uri(&options));
    let things = client.database(&unique_db("reads")).collection::<Document>("things");
    // One would be there to go to.
    Blocking.block_on(kit::know_all(&client));
    fail_point.set(doc! { "times": 1 }, doc! { "failCommands": ["find"], "errorLabels": labels, "errorCode": 6 });
    things.find_one(doc! {}).run().unwrap();
    let outcomes = record.outcomes("find");
    assert_eq!(outcomes.iter().map(|(_, succeeded)| *succeeded).collect::<Vec<_>>(), [false, true]);
    outcomes[0].0.connection.address == outcomes[1].0.connection.address
}

const OVERLOADED: [&str; 2] = ["RetryableError", "SystemOverloadedError"];

/// 3.1 Retryable Reads Caused by Overload Errors Are Retried on a Different Replicaset Server When One is Available and
/// enableOverloadRetargeting is enabled.
#[test]
fn prose_3_1_overload_is_retried_on_a_different_server_with_retargeting() {
    assert!(!retried_on_the_same_server("&enableOverloadRetargeting=true", &OVERLOADED));
}

/// 3.2 Retryable Reads Caused by Non-Overload Errors Are Retried on the Same Replicaset Server.
#[test]
fn prose_3_2_other_errors_are_retried_on_the_same_server() {
    assert!(retried_on_the_same_server("", &["RetryableError"]));
}

/// 3.3 Retryable Reads Caused by Overload Errors Are Retried on Same Replicaset Server When enableOverloadRetargeting is disabled.
#[test]
fn prose_3_3_overload_is_retried_on_the_same_server_without_retargeting() {
    assert!(retried_on_the_same_server("", &OVERLOADED));
}

/// Lets a find fail with an overload error first and with retryable errors ever after; the events of its attempts.
fn overload_and_then_others() -> Vec<CommandEvent> {
    let fail_point = FailPoint::of_primary();
    let failing = |labels: &[&str]| doc! { "failCommands": ["find"], "errorLabels": labels, "errorCode": 91 };
    let later = fail_point.later("alwaysOn", failing(&["RetryableError"]));
    let done = AtomicBool::new(false);
    let listener = Listener::commands(move |event| {
        if let CommandEvent::Failed { failure, .. } = event
            && failure.code() == Some(91)
            && !done.swap(true, Ordering::SeqCst)
        {
            later();
        }
    });
    let record = Record::new();
    let client = record.client_with(Blocking, &fail_point.uri(SOON), listener);
    fail_point.set(doc! { "times": 1 }, failing(&OVERLOADED));
    let things = client.database(&unique_db("reads")).collection::<Document>("things");
    let error = things.find_one(doc! {}).run().unwrap_err();
    assert_eq!(error.code(), Some(91), "{error:?}");
    record.commands("find")
}

/// 4: Test that drivers set the maximum number of retries for all retryable read errors when an overload error is encountered.
#[test]
fn prose_4_one_overload_error_sets_the_maximum_of_retries() {
    let events = overload_and_then_others();
    let started = events.iter().filter(|event| matches!(event, CommandEvent::Started { .. })).count();
    assert_eq!(started, MAX_RETRIES + 1);
}

/// 5: Test that drivers do not apply backoff to non-overload errors. In a simulated world without latency, where all the time
/// that passes between two attempts is backoff; and with the code 6 for 91, after which the client would look for the server
/// anew before the next attempt.
#[test]
fn prose_5_no_backoff_after_other_errors() {
    let mut backoffs = Vec::new();
    for seed in 0..20 {
        let sim = Sim::new(seed);
        sim.set_default_link(Link::fixed(Duration::ZERO));
        let server = FakeServer::start(&sim, "10.0.0.1:27017".parse().unwrap());
        let mut overloaded = true;
        server.script(move |request| {
            if request.name() != "find" {
                return Reply::Engine;
            }
            let labels = if std::mem::take(&mut overloaded) { &OVERLOADED[..] } else { &OVERLOADED[..1] };
            let code =
                doc! { "ok": 0.0, "code": 6, "codeName": "HostUnreachable", "errmsg": "", "errorLabels": labels };
            Reply::Doc(code)
        });
        let client = Record::new().client(sim.clone(), "mongodb://10.0.0.1/");
        let found = sim.run(async { client.database("db").collection::<Document>("things").find_one(doc! {}).await });
        assert_eq!(found.unwrap().unwrap_err().code(), Some(6));
        let at: Vec<_> =
            server.commands().iter().filter(|found| found.name() == "find").map(|found| found.at).collect();
        assert_eq!(at.len(), MAX_RETRIES + 1);
        backoffs.push(at[1] - at[0]);
        assert_eq!(at[2] - at[1], Duration::ZERO, "seed {seed}");
    }
    // 2 * BASE_BACKOFF, times the jitter.
    assert!(backoffs.iter().all(|backoff| *backoff <= Duration::from_millis(200)), "{backoffs:?}");
    assert!(backoffs.iter().max() > Some(&Duration::from_millis(100)), "{backoffs:?}");
}
