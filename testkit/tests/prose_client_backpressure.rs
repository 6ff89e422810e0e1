//! The prose tests of the specification *Client Backpressure*. (There is no test 2.)
//!
//! The generator of the jitter cannot be made to say 0 or 1. Where backoffs are measured, a simulated world without latency
//! repeats the operation for many seeds: time passes there by backoff alone, and what is measured comes close to both ends.
#![cfg(unix)]

use std::time::Duration;

use stator_blocking::Blocking;
use stator_client::{Document, Error, Runtime, doc};
use stator_sim::server::{FakeServer, Reply};
use stator_sim::{Link, Sim};
use stator_testkit::prose::{FailPoint, Record};
use stator_testkit::server::unique_db;

/// `MAX_RETRIES`.
const MAX_RETRIES: usize = 2;
const OVERLOADED: [&str; 2] = ["SystemOverloadedError", "RetryableError"];

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// How long an insert takes that an overloaded server refuses again and again, for many seeds, in order.
fn refused_inserts(error: &Document) -> Vec<Duration> {
    let mut durations: Vec<Duration> = (0..400).map(|seed| refused_insert(seed, error.clone())).collect();
    durations.sort();
    durations
}

fn refused_insert(seed: u64, error: Document) -> Duration {
    let sim = Sim::new(seed);
    sim.set_default_link(Link::fixed(Duration::ZERO));
    let server = FakeServer::start(&sim, "10.0.0.1:27017".parse().unwrap());
    server.script(move |request| match request.name() {
        "insert" => Reply::Doc(error.clone()),
        _ => Reply::Engine,
    });
    let client = Record::new().client(sim.clone(), "mongodb://10.0.0.1/");
    sim.run(async {
        client.connect().await.unwrap();
        let start = sim.now();
        client.database("db").collection("things").insert_one(doc! { "a": 1 }).await.unwrap_err();
        sim.now() - start
    })
    .unwrap()
}

/// Test 1: Operation Retry Uses Exponential Backoff. The backoffs are up to 0.2 s and 0.4 s.
#[test]
fn prose_1_operation_retry_uses_exponential_backoff() {
    let took = refused_inserts(&doc! { "ok": 0.0, "code": 2, "errmsg": "", "errorLabels": &OVERLOADED[..] });
    assert!(took[0] < millis(50) && took[399] > millis(550), "{:?} .. {:?}", took[0], took[399]);
    assert!(took[399] <= millis(600), "{:?}", took[399]);
}

/// Finds on a server that is always overloaded; the error and how many attempts there were.
fn find_overloaded(options: &str) -> (Error, usize) {
    let fail_point = FailPoint::of_standalone();
    let record = Record::new();
    let client = record.client(Blocking, &fail_point.uri(options));
    // IngressRequestRateLimitExceeded
    fail_point.set("alwaysOn", doc! { "failCommands": ["find"], "errorCode": 462, "errorLabels": &OVERLOADED[..] });
    let things = client.database(&unique_db("overloaded")).collection::<Document>("things");
    let error = things.find(doc! {}).run().map(drop).unwrap_err();
    (error, record.started("find").len())
}

/// Test 3: Overload Errors are Retried a Maximum of MAX_RETRIES times.
#[test]
fn prose_3_overload_errors_are_retried_max_retries_times() {
    let (error, attempts) = find_overloaded("");
    assert!(OVERLOADED.iter().all(|label| error.has_label(label)), "{error:?}");
    assert_eq!((error.code(), attempts), (Some(462), MAX_RETRIES + 1));
}

/// Test 4: Overload Errors are Retried a Maximum of maxAdaptiveRetries times when configured.
#[test]
fn prose_4_overload_errors_are_retried_max_adaptive_retries_times() {
    let (error, attempts) = find_overloaded("maxAdaptiveRetries=1");
    assert!(OVERLOADED.iter().all(|label| error.has_label(label)), "{error:?}");
    assert_eq!((error.code(), attempts), (Some(462), 1 + 1));
}

/// Test 5: Overload Errors with baseBackoffMS override base backoff. No server at hand (9.0 and later) says `baseBackoffMS`, a
/// scripted one does: the backoffs are up to 0.1 s and 0.2 s instead of 0.2 s and 0.4 s.
#[test]
fn prose_5_base_backoff_ms_overrides_the_base_backoff() {
    let mut error = doc! { "ok": 0.0, "code": 462, "errmsg": "", "errorLabels": &OVERLOADED[..] };
    let exponential = refused_inserts(&error);
    error.insert("baseBackoffMS", 50);
    let with_base = refused_inserts(&error);
    assert!((millis(550)..=millis(600)).contains(&exponential[399]), "{:?}", exponential[399]);
    assert!((millis(275)..=millis(300)).contains(&with_base[399]), "{:?}", with_base[399]);
}
