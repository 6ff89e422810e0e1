//! The prose tests of the specification *Convenient API for Transactions*.
//!
//! Where time matters, the server is a scripted one in a simulated world: two minutes pass in no time, and without latency all the
//! time that passes is backoff. The generator of the jitter cannot be made to say 0 or 1: many seeds come close to both.
#![cfg(unix)]

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use stator_blocking::Blocking;
use stator_client::session::TransactionFailure;
use stator_client::{Client, Document, Error, doc};
use stator_proto::Instant;
use stator_sim::server::{Config, FakeServer, Reply};
use stator_sim::{Link, Sim};
use stator_testkit::prose::{self, Record};
use stator_testkit::server::unique_db;

/// An application's own error.
#[derive(Debug)]
enum Custom {
    Driver(Error),
    Mine(&'static str),
}

impl From<Error> for Custom {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

impl fmt::Display for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Driver(error) => error.fmt(f),
            Self::Mine(reason) => f.write_str(reason),
        }
    }
}

impl TransactionFailure for Custom {
    fn driver_error(&self) -> Option<&Error> {
        match self {
            Self::Driver(error) => Some(error),
            Self::Mine(_) => None,
        }
    }
}

/// Callback Raises a Custom Error.
#[test]
fn prose_callback_raises_a_custom_error() {
    let record = Record::new();
    let client = record.client(Blocking, &prose::set().uri());
    let things = client.database(&unique_db("convenient")).collection::<Document>("things");
    things.insert_one(doc! {}).run().unwrap();
    let session = client.start_session().run().unwrap();
    let calls = AtomicU32::new(0);
    let result: Result<(), Custom> = session
        .with_transaction(|transaction| {
            calls.fetch_add(1, Ordering::SeqCst);
            let things = transaction.bind(&things);
            async move {
                things.insert_one(doc! {}).await?;
                Err(Custom::Mine("no more"))
            }
        })
        .run();
    assert!(matches!(result, Err(Custom::Mine("no more"))), "{result:?}");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert_eq!((record.started("abortTransaction").len(), record.started("commitTransaction").len()), (1, 0));
    assert_eq!(things.count_documents(doc! {}).run().unwrap(), 1);
}

/// Callback Returns a Value.
#[test]
fn prose_callback_returns_a_value() {
    let client = Record::new().client(Blocking, &prose::set().uri());
    let things = client.database(&unique_db("convenient")).collection::<Document>("things");
    things.insert_one(doc! {}).run().unwrap();
    let session = client.start_session().run().unwrap();
    let result = session
        .with_transaction(|transaction| {
            let things = transaction.bind(&things);
            async move {
                things.insert_one(doc! {}).await?;
                Ok::<_, Error>(String::from("Foo"))
            }
        })
        .run();
    assert_eq!(result.unwrap(), "Foo");
}

const TRANSIENT: &str = "TransientTransactionError";
const UNKNOWN: &str = "UnknownTransactionCommitResult";

/// A client of a simulated replica set whose only member says yes to transactions, as long as `refuse` has nothing else for the
/// command.
fn simulated(sim: &Sim, refuse: impl Fn(&str) -> Option<Document> + Send + 'static) -> (Client<Sim>, FakeServer) {
    sim.set_default_link(Link::fixed(Duration::ZERO));
    let me = "10.0.0.1:27017";
    let config = Config { me: me.into(), set_name: Some("rs0".into()), ..Config::default() };
    let server = FakeServer::start_with(sim, me.parse().unwrap(), config);
    server.script(move |request| match request.name() {
        name @ ("insert" | "commitTransaction" | "abortTransaction") => {
            Reply::Doc(refuse(name).unwrap_or_else(|| doc! { "n": 1, "ok": 1.0 }))
        }
        _ => Reply::Engine,
    });
    (Record::new().client(sim.clone(), "mongodb://10.0.0.1/?replicaSet=rs0"), server)
}

fn refusal(code: i32, labels: &[&str]) -> Document {
    doc! { "ok": 0.0, "code": code, "codeName": "Refused", "errmsg": "refused", "errorLabels": labels }
}

/// Runs a transaction whose callback takes `takes`, on a server that refuses `command` each time.
fn timed_out(takes: Duration, command: &'static str, error: Document) -> (Error, u32) {
    let sim = Sim::new(1);
    let (client, _server) = simulated(&sim, move |name| (name == command).then(|| error.clone()));
    let calls = AtomicU32::new(0);
    let result: Result<(), Error> = sim
        .run(async {
            let session = client.start_session().await.unwrap();
            let things = client.database("db").collection::<Document>("things");
            session
                .with_transaction(|transaction| {
                    calls.fetch_add(1, Ordering::SeqCst);
                    let (things, sim) = (transaction.bind(&things), sim.clone());
                    async move {
                        sim.sleep(takes).await;
                        things.insert_one(doc! {}).await.map(drop)
                    }
                })
                .await
        })
        .unwrap();
    (result.unwrap_err(), calls.into_inner())
}

/// More than the 120 seconds that `withTransaction` has for retries.
const TOO_LONG: Duration = Duration::from_secs(121);

/// Retry Timeout is Enforced: the callback raises an error with the TransientTransactionError label.
#[test]
fn prose_retry_timeout_is_enforced_for_the_callback() {
    let (error, calls) = timed_out(TOO_LONG, "insert", refusal(112, &[TRANSIENT]));
    assert!(error.is_timeout() && calls == 1, "{error:?}");
    assert_eq!(error.labels().collect::<Vec<_>>(), [TRANSIENT]);
    // Without the timeout it is tried again: for as long as it takes.
    let (error, calls) = timed_out(Duration::from_secs(50), "insert", refusal(112, &[TRANSIENT]));
    assert!(error.is_timeout() && calls == 3, "{error:?} after {calls}");
}

/// Retry Timeout is Enforced: committing raises an error with the UnknownTransactionCommitResult label.
#[test]
fn prose_retry_timeout_is_enforced_for_an_unknown_commit() {
    let (error, calls) = timed_out(TOO_LONG, "commitTransaction", refusal(64, &[UNKNOWN]));
    assert!(error.is_timeout() && calls == 1, "{error:?}");
    assert_eq!(error.labels().collect::<Vec<_>>(), [UNKNOWN]);
}

/// Retry Timeout is Enforced: committing raises an error with the TransientTransactionError label.
#[test]
fn prose_retry_timeout_is_enforced_for_a_transient_commit() {
    let (error, calls) = timed_out(TOO_LONG, "commitTransaction", refusal(251, &[TRANSIENT]));
    assert!(error.is_timeout() && calls == 1, "{error:?}");
    assert_eq!(error.labels().collect::<Vec<_>>(), [TRANSIENT]);
    let (error, calls) = timed_out(Duration::from_secs(50), "commitTransaction", refusal(251, &[TRANSIENT]));
    assert!(error.is_timeout() && calls == 3, "{error:?} after {calls}");
}

/// The times between 14 commits of one `withTransaction`, of which the server refuses the first 13.
fn backoffs(seed: u64) -> Vec<Duration> {
    let sim = Sim::new(seed);
    let left = Mutex::new(13);
    let (client, server) = simulated(&sim, move |name| {
        let mut left = left.lock().unwrap();
        if name != "commitTransaction" || *left == 0 {
            return None;
        }
        *left -= 1;
        Some(refusal(251, &[TRANSIENT]))
    });
    sim.run(async {
        let session = client.start_session().await.unwrap();
        let things = client.database("db").collection::<Document>("things");
        session
            .with_transaction(|transaction| {
                let things = transaction.bind(&things);
                async move { things.insert_one(doc! {}).await.map(drop) }
            })
            .await
    })
    .unwrap()
    .unwrap();
    let commits = server.commands().into_iter().filter(|command| command.name() == "commitTransaction");
    let at: Vec<Instant> = commits.map(|command| command.at).collect();
    assert_eq!(at.len(), 14);
    at.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// Retry Backoff is Enforced. Each backoff is jitter times `min(5 ms * 1.5^attempt, 500 ms)`, which makes 2.3 s at most.
#[test]
fn prose_retry_backoff_is_enforced() {
    let runs: Vec<Vec<Duration>> = (0..200).map(backoffs).collect();
    let mut sum = Duration::ZERO;
    for attempt in 0..13_i32 {
        let seen = || runs.iter().map(|run| run[usize::try_from(attempt).unwrap()]);
        let limit = Duration::from_secs_f64(0.005 * 1.5_f64.powi(attempt + 1)).min(Duration::from_millis(500));
        let (least, most) = (seen().min().unwrap(), seen().max().unwrap());
        // A nanosecond for rounding.
        assert!(most <= limit + Duration::from_nanos(1), "{attempt}: {most:?} of {limit:?}");
        assert!(least < limit / 10 && most > limit * 9 / 10, "{attempt}: {least:?} to {most:?} of {limit:?}");
        sum += limit;
    }
    assert!((sum.as_secs_f64() - 2.3).abs() < 0.1, "{sum:?}");
}
