//! Deadlines: the client's and the server's.

use core::time::Duration;

use bson::{Document, doc};
use stator_client::{Collection, Runtime};

use super::Fixture;
use super::context::failure;
use super::fail_point::FailPoint;

/// Machines are busy; but what ends only after this has not ended by its timeout.
const LATE: Duration = Duration::from_secs(5);

pub(super) async fn an_operation_ends_by_its_timeout<R: Runtime>(t: &Fixture<'_, R>) {
    // 4.2 has no appName and no blockConnection in fail points.
    if t.server().version < (4, 4) {
        return;
    }
    let point = FailPoint::take(t, "").await;
    let things: Collection<R> = point.client.database(t.database.name()).collection("things");
    things.insert_one(doc! { "_id": 1 }).await.unwrap();
    let timeout = Duration::from_millis(50);
    point.set(3, "find", doc! { "blockConnection": true, "blockTimeMS": 700 }).await;
    for round in 0..3 {
        let start = t.now();
        let error = failure(things.find_one(doc! {}).timeout(timeout).await);
        let taken = t.now() - start;
        assert!(error.is_timeout(), "round {round}: {error:?}");
        assert!(taken >= timeout && taken < LATE, "round {round}: {taken:?}");
    }
    point.off().await;
    let found = things.find_one(doc! {}).timeout(Duration::from_secs(10)).await.unwrap();
    assert_eq!(found, Some(doc! { "_id": 1 }), "the client serves on, and nobody gets another's reply");
}

pub(super) async fn the_client_serves_on_after_timeouts<R: Runtime>(t: &Fixture<'_, R>) {
    // 4.2 has no appName and no blockConnection in fail points.
    if t.server().version < (4, 4) {
        return;
    }
    let point = FailPoint::take(t, "&maxPoolSize=1").await;
    let things: Collection<R> = point.client.database(t.database.name()).collection("things");
    things.insert_many((0..4).map(|i| doc! { "_id": i })).await.unwrap();
    for i in 0..4 {
        point.set(1, "find", doc! { "blockConnection": true, "blockTimeMS": 150 }).await;
        failure(things.find_one(doc! { "_id": -1 }).timeout(Duration::from_millis(30)).await);
        // The only connection owes a reply: the next one reads that first, and then its own.
        assert_eq!(things.find_one(doc! { "_id": i }).await.unwrap(), Some(doc! { "_id": i }));
    }
    let stats = point.client.pool_stats();
    assert_eq!((stats.in_use, stats.owing, stats.waiting, stats.idle), (0, 0, 0, 1), "{stats:?}");
}

pub(super) async fn max_time_is_the_servers_affair<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(200).await;
    let slow = || doc! { "$where": "sleep(50) || true" };
    let short = Duration::from_millis(60);
    for error in [
        failure(things.find_one(slow()).sort(doc! { "x": 1 }).max_time(short).await),
        failure(things.distinct("x", slow()).max_time(short).await),
        failure(things.find_one_and_delete(slow()).sort(doc! { "x": 1 }).max_time(short).await),
    ] {
        assert_eq!(error.code(), Some(50), "MaxTimeMSExpired: {error:?}");
        assert!(error.is_timeout() && !error.is_network(), "{error:?}");
    }
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 200);
}

pub(super) async fn the_url_can_say_it<R: Runtime>(t: &Fixture<'_, R>) {
    t.numbered(200).await;
    let client = t.client_with("timeoutMS=200");
    let things: Collection<R> = client.database(t.database.name()).collection("things");
    things.find_one(doc! {}).await.unwrap();
    let slow = || doc! { "$where": "sleep(100) || true" };
    let start = t.now();
    // The server is told how much time is left, so it may be the first to say so.
    let error = failure(things.find(slow()).sort(doc! { "x": 1 }).await);
    assert!(error.is_timeout(), "{error:?}");
    assert!(t.now() - start < LATE);
    let unlimited = things.find_one(doc! { "_id": 3, "$where": "sleep(300) || true" }).timeout(Duration::ZERO);
    assert!(unlimited.await.unwrap().is_some(), "zero is no limit");
}

pub(super) async fn waiting_for_a_connection_has_an_end<R: Runtime>(t: &Fixture<'_, R>) {
    t.numbered(1).await;
    let client = t.client_with("maxPoolSize=1&waitQueueTimeoutMS=50");
    let things: Collection<R> = client.database(t.database.name()).collection("things");
    let (slow, runtime) = (things.clone(), t.runtime().clone());
    let occupy = async move {
        // It may outlive the test.
        let _: Result<Option<Document>, _> = slow.find_one(doc! { "$where": "sleep(600) || true" }).await;
    };
    runtime.spawn("occupying", occupy).unwrap();
    t.eventually("the connection is in use", || async { client.pool_stats().in_use == 1 }).await;
    let start = t.now();
    let error = failure(things.find_one(doc! {}).await);
    assert!(error.is_timeout() && !error.is_network() && !error.maybe_executed(), "{error:?}");
    assert_eq!(error.phase(), stator_client::Phase::Queue);
    assert!(t.now() - start < LATE);
    t.eventually("it is free again", || async { client.pool_stats().idle == 1 }).await;
    assert!(things.find_one(doc! {}).await.unwrap().is_some());
}
