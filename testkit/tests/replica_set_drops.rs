//! Futures dropped at every poll on a three-member set: while connecting, selecting, checking out, sending and receiving. Afterwards
//! the pools are as quiet as before, and all works.
#![cfg(unix)]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use stator_blocking::Blocking;
use stator_client::runtime::BlockOn;
use stator_client::{Client, ClientOptions, Document, Runtime, doc};
use stator_smol::Smol;
use stator_testkit::server::{MongodOptions, ReplicaSet, unique_db};
use stator_tokio::Tokio;

/// At how many points each future is dropped.
const POINTS: u32 = 25;
const STEP: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(20);

/// Polls a future `polls` times, a little apart, and drops it then.
async fn give_up_after<R: Runtime, F: IntoFuture>(runtime: &R, future: F, polls: u32) -> Option<F::Output> {
    let mut future = pin!(future.into_future());
    for _ in 0..polls {
        if let Poll::Ready(output) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            return Some(output);
        }
        runtime.sleep_until(runtime.now() + STEP).await;
    }
    None
}

/// Nobody has a connection, and nobody waits.
async fn quiet<R: Runtime>(runtime: &R, client: &Client<R>) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let stats = client.pool_stats();
        if (stats.in_use, stats.owing, stats.pending, stats.waiting) == (0, 0, 0, 0) {
            return;
        }
        assert!(Instant::now() < deadline, "{stats:?}");
        runtime.sleep_until(runtime.now() + STEP).await;
    }
}

async fn dropped_everywhere<R: Runtime>(runtime: R, uri: String) {
    let name = unique_db("drops");
    let new = || Client::with_runtime(runtime.clone(), ClientOptions::parse(&uri).unwrap()).unwrap();
    let warm = new();
    let things = warm.database(&name).collection::<Document>("things");
    things.insert_many((0..50).map(|id| doc! { "_id": id })).await.unwrap();
    let mut dropped = 0;
    for polls in 0..POINTS {
        // On a client that knows nothing yet: connecting, and selecting a server.
        let cold = new();
        dropped += u32::from(give_up_after(&runtime, cold.connect(), polls).await.is_none());
        quiet(&runtime, &cold).await;
        let cold = new();
        let found = cold.database(&name).collection::<Document>("things");
        dropped += u32::from(give_up_after(&runtime, found.find_one(doc! { "_id": 7 }), polls).await.is_none());
        quiet(&runtime, &cold).await;
        assert_eq!(found.find_one(doc! { "_id": 8 }).await.unwrap(), Some(doc! { "_id": 8 }));
        // On one that knows: checking out, sending and receiving.
        let slow = doc! { "_id": 9, "$where": "sleep(10) || true" };
        dropped += u32::from(give_up_after(&runtime, things.find_one(slow), polls).await.is_none());
        let written = doc! { "_id": format!("{polls}") };
        dropped += u32::from(give_up_after(&runtime, things.insert_one(written), polls).await.is_none());
        let mut cursor = things.find(doc! {}).batch_size(10).await.unwrap();
        for _ in 0..10 {
            assert!(cursor.advance().await.unwrap());
        }
        dropped += u32::from(give_up_after(&runtime, cursor.advance(), polls).await.is_none());
        drop(cursor);
        quiet(&runtime, &warm).await;
        assert_eq!(things.find_one(doc! { "_id": 10 }).await.unwrap(), Some(doc! { "_id": 10 }));
    }
    // On a plain thread a poll blocks until its I/O is done, so few points lie before the end.
    assert!(dropped >= 8, "only {dropped} were dropped");
    warm.database(&name).drop().await.unwrap();
}

#[test]
fn futures_on_a_replica_set_may_be_dropped_at_every_poll() {
    let set = ReplicaSet::start(3, MongodOptions::new()).unwrap();
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    tokio.block_on(dropped_everywhere(Tokio, set.uri()));
    smol::block_on(dropped_everywhere(Smol, set.uri()));
    Blocking.block_on(dropped_everywhere(Blocking, set.uri()));
}
