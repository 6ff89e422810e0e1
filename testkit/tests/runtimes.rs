//! Clients and the lives of executors: none, one after the other, two at once, and the end.
#![cfg(unix)]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use stator_async_std::AsyncStd;
use stator_blocking::Blocking;
use stator_client::runtime::BlockOn;
use stator_client::{Client, ClientOptions, Document, ErrorKind, Runtime, doc};
use stator_smol::Smol;
use stator_testkit::server::{Mongod, MongodOptions, unique_db};
use stator_tokio::Tokio;

/// How long something may take that is only a matter of time.
const PATIENCE: Duration = Duration::from_secs(20);

fn client<R: Runtime>(runtime: R, options: &str) -> Client<R> {
    let uri = format!("{}?{options}", Mongod::shared().unwrap().uri());
    Client::with_runtime(runtime, ClientOptions::parse(&uri).unwrap()).unwrap()
}

fn on_tokio() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn on_tokio_threads() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

async fn ping<R: Runtime>(client: &Client<R>) -> stator_client::Result<Document> {
    client.database("admin").run_command(doc! { "ping": 1 }).await
}

/// `count` pings at once, so that there are as many connections.
async fn pings<R: Runtime>(client: &Client<R>, count: usize) {
    let mut pings: Vec<_> = (0..count).map(|_| Box::pin(ping(client))).collect();
    poll_fn(|cx| {
        pings.retain_mut(|ping| match ping.as_mut().poll(cx) {
            Poll::Ready(outcome) => {
                outcome.unwrap();
                false
            }
            Poll::Pending => true,
        });
        if pings.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[track_caller]
fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn open(app: &str) -> usize {
    Mongod::shared().unwrap().admin().unwrap().connections_of(app).unwrap()
}

#[test]
fn one_static_client_over_runtimes_one_after_the_other() {
    static CLIENT: LazyLock<Client<Tokio>> = LazyLock::new(|| client(Tokio, "appName=static"));
    for round in 0..4 {
        let runtime = if round % 2 == 0 { on_tokio() } else { on_tokio_threads() };
        runtime.block_on(pings(&CLIENT, 3));
        runtime.block_on(ping(&CLIENT)).unwrap();
        assert!(CLIENT.pool_stats().idle > 0, "idle connections exist when the runtime goes");
        drop(runtime);
        assert_eq!(CLIENT.pool_stats().total(), 0, "they go with it");
    }
    eventually("the server sees them go", || open("static") == 0);
}

/// All of them have threads of their own: a runtime that nobody drives would not drive its connections either.
#[test]
fn one_client_on_two_runtimes_at_once() {
    let client = client(Tokio, "appName=both");
    let mut first = on_tokio_threads();
    for _ in 0..10 {
        first.block_on(ping(&client)).unwrap();
        // More connections than the first has: the second makes its own.
        let second = on_tokio_threads();
        second.block_on(pings(&client, 4));
        drop(second);
        // What was connected on the second is dead; the first does not suffer from it.
        for _ in 0..5 {
            first.block_on(ping(&client)).unwrap();
        }
        first.block_on(pings(&client, 4));
        let third = on_tokio_threads();
        third.block_on(pings(&client, 4));
        drop(core::mem::replace(&mut first, third));
        first.block_on(pings(&client, 4));
    }
}

#[test]
fn a_runtime_that_dies_with_a_crowd_in_the_queue() {
    let mongod = Mongod::standalone().unwrap();
    let data = doc! { "failCommands": ["ping"], "blockConnection": true, "blockTimeMS": 60_000, "appName": "crowd" };
    mongod.admin().unwrap().fail_command(doc! { "times": 1_000_000 }, data).unwrap();
    let client =
        stator_tokio::Client::new(format!("mongodb://{}/?maxPoolSize=3&appName=crowd", mongod.address())).unwrap();
    for runtime in [on_tokio(), on_tokio_threads()] {
        let waiting = |stats: stator_proto::pool::PoolStats| stats.waiting;
        runtime.block_on(async {
            for _ in 0..3000 {
                let client = client.clone();
                tokio::spawn(async move { ping(&client).await.unwrap_err() });
            }
            while waiting(client.pool_stats()) < 2997 {
                tokio::task::yield_now().await;
            }
        });
        drop(runtime);
        eventually("nobody waits", || waiting(client.pool_stats()) == 0);
        assert_eq!(client.pool_stats().in_use, 0);
    }
}

fn creating_needs_no_executor<R: Runtime>(runtime: R) {
    thread::spawn(move || {
        let made = client(runtime, "minPoolSize=2&appName=unused");
        let things = made.database("d").collection::<Document>("c");
        drop((made.list_databases(), things.find(doc! {}), things.insert_one(doc! {})));
        assert_eq!(made.pool_stats().idle, 0);
        drop((made, things));
        assert_eq!(open("unused"), 0, "nothing was connected");
    })
    .join()
    .unwrap();
}

#[test]
fn creating_a_client_does_nothing() {
    creating_needs_no_executor(Tokio);
    creating_needs_no_executor(Smol);
    creating_needs_no_executor(AsyncStd);
    creating_needs_no_executor(Blocking);
}

/// Polls on a plain thread, where no executor is; wakes are heard.
fn drive<F: IntoFuture>(future: F) -> F::Output {
    stator_client::host::block_on(future.into_future())
}

#[test]
fn tokio_without_a_runtime_is_a_typed_error() {
    let client = client(Tokio, "");
    for _ in 0..2 {
        let error = drive(ping(&client)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Runtime(_)), "{error:?}");
        assert!(error.to_string().contains("tokio"), "{error}");
        assert!(!error.is_timeout() && !error.is_network() && !error.maybe_executed());
    }
    // It is not broken by it.
    on_tokio().block_on(ping(&client)).unwrap();

    // While a runtime lives elsewhere, a plain thread can use what is connected there, but not connect.
    let runtime = on_tokio_threads();
    runtime.block_on(ping(&client)).unwrap();
    drive(ping(&client)).unwrap();
    let things = client.database(&unique_db("elsewhere")).collection::<Document>("c");
    let slow = doc! { "$where": "sleep(300) || true" };
    drive(things.insert_one(doc! {})).unwrap();
    let timed = drive(things.find_one(&slow).timeout(Duration::from_millis(20))).unwrap_err();
    assert!(timed.is_timeout(), "{timed:?}");
    drop(things.find_one(slow));
    drop(runtime);
    let error = drive(ping(&client)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Runtime(_)), "{error:?}");
}

#[test]
fn the_others_need_no_executor_of_yours() {
    drive(ping(&client(Smol, ""))).unwrap();
    drive(ping(&client(AsyncStd, ""))).unwrap();
    drive(ping(&client(Blocking, ""))).unwrap();
}

#[test]
fn smol_under_tokio_and_the_reverse() {
    on_tokio().block_on(ping(&client(Smol, ""))).unwrap();
    on_tokio_threads().block_on(pings(&client(AsyncStd, ""), 3));
    let runtime = on_tokio_threads();
    let _entered = runtime.enter();
    smol::block_on(ping(&client(Tokio, ""))).unwrap();
}

/// The last handle ends the background task and closes the connections.
///
/// `run` has it connected; `turn` lets an executor that has no thread of its own go on.
fn the_end<R: Runtime>(runtime: &R, app: &str, run: impl Fn(&Client<R>), turn: impl Fn()) {
    let gone = || {
        turn();
        open(app) == 0
    };
    let made = client(runtime.clone(), &format!("appName={app}"));
    run(&made);
    assert!(open(app) > 0);
    let cursor_keeps_it = made.database("d");
    drop(made);
    assert!(open(app) > 0, "a database is a handle too");
    drop(cursor_keeps_it);
    eventually("the server sees them go", gone);

    let made = client(runtime.clone(), &format!("appName={app}"));
    run(&made);
    let other = made.clone();
    drive(made.close());
    drive(made.close());
    assert_eq!(other.pool_stats().total(), 0);
    eventually("the server sees them go", gone);
    let error = drive(ping(&other)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Closed), "{error:?}");
    assert!(!error.maybe_executed() && !error.is_retryable());
}

#[test]
fn the_end_on_tokio() {
    let threads = on_tokio_threads();
    the_end(&Tokio, "end_tokio", |client| threads.block_on(pings(client, 3)), || {});
    eventually("no task is left", || threads.metrics().num_alive_tasks() == 0);
    let current = on_tokio();
    the_end(
        &Tokio,
        "end_tokio_current",
        |client| current.block_on(pings(client, 3)),
        || current.block_on(tokio::task::yield_now()),
    );
    eventually("no task is left", || {
        current.block_on(tokio::task::yield_now());
        current.metrics().num_alive_tasks() == 0
    });
}

#[test]
fn the_end_on_smol() {
    the_end(&Smol, "end_smol", |client| smol::block_on(pings(client, 3)), || {});
}

#[test]
fn the_end_on_async_std() {
    the_end(&AsyncStd, "end_async_std", |client| async_std::task::block_on(pings(client, 3)), || {});
}

#[test]
fn the_end_on_plain_threads() {
    the_end(&Blocking, "end_blocking", |client| Blocking.block_on(pings(client, 3)), || {});
}

/// Operations that wait or run when the client is closed end soon, with an error that says why.
#[test]
fn closing_ends_what_waits() {
    let made = client(Smol, "maxPoolSize=1");
    let things = made.database(&unique_db("closing")).collection::<Document>("c");
    smol::block_on(async {
        things.insert_one(doc! {}).await.unwrap();
        let mut busy = things.find_one(doc! { "$where": "sleep(100) || true" }).into_future();
        assert!(busy.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let mut waiting = pin!(things.find_one(doc! {}).into_future());
        assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        made.close().await;
        let error = waiting.await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Closed), "{error:?}");
        // What was under way when the client was closed ends well.
        assert!(busy.await.unwrap().is_some());
    });
    assert_eq!(made.pool_stats().total(), 0);
}

#[test]
fn idle_connections_are_closed_in_time() {
    let made = client(Tokio, "appName=idle&maxIdleTimeMS=100");
    on_tokio().block_on(async {
        pings(&made, 3).await;
        assert!(made.pool_stats().idle > 0);
        let deadline = Instant::now() + PATIENCE;
        while made.pool_stats().total() > 0 {
            assert!(Instant::now() < deadline, "{:?}", made.pool_stats());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        ping(&made).await.unwrap();
    });
}

/// While the pool waits for a time, the background sleeps: on one thread, nothing else would run.
#[test]
fn a_timer_of_the_pool_keeps_nobody_busy() {
    let (done, is_done) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let made = client(Tokio, "maxIdleTimeMS=600000");
        on_tokio().block_on(async {
            for _ in 0..10 {
                pings(&made, 3).await;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        done.send(()).unwrap();
    });
    is_done.recv_timeout(PATIENCE).expect("something holds the only thread");
}

/// minPoolSize is kept up in the background, and a server that comes back is found again.
#[test]
fn a_restarted_server_is_found_again() {
    let mut mongod = MongodOptions::new().start().unwrap();
    let made =
        stator_blocking::Client::new(format!("{}?minPoolSize=2&serverSelectionTimeoutMS=500", mongod.uri())).unwrap();
    let things = made.database("d").collection::<Document>("c");
    things.insert_one(doc! { "_id": 1 }).run().unwrap();
    eventually("minPoolSize is reached", || made.pool_stats().total() >= 2);
    for _ in 0..2 {
        mongod.restart().unwrap();
        let deadline = Instant::now() + PATIENCE;
        // Each connection that was there may cost one failure.
        while let Err(error) = things.find_one(doc! {}).run() {
            assert!((error.is_network() || error.is_timeout()) && error.is_retryable(), "{error:?}");
            assert!(Instant::now() < deadline, "{error:?}");
        }
        assert_eq!(things.find_one(doc! {}).run().unwrap(), Some(doc! { "_id": 1 }));
        eventually("minPoolSize is reached again", || made.pool_stats().total() >= 2);
    }
    mongod.kill().unwrap();
    while things.find_one(doc! {}).run().is_ok() {}
    let error = things.find_one(doc! {}).run().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Selection(_)) && error.to_string().contains("refused"), "{error}");
    mongod.restart().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = things.find_one(doc! {}).run() {
        assert!(Instant::now() < deadline, "{error:?}");
    }
}
