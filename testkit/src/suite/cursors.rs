//! Cursors.

use core::future::poll_fn;
use core::pin::Pin;
use core::time::Duration;

use bson::{Document, doc};
use futures_core::Stream;
use serde::Deserialize;
use stator_client::options::CursorType;
use stator_client::{Client, Cursor, ErrorKind, Runtime};

use super::Fixture;
use super::context::{failure, numbers};

/// The server's code for a cursor that it does not know (any more).
const CURSOR_NOT_FOUND: i32 = 43;

pub(super) async fn batches_are_fetched_as_needed<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(10).await;
    let mut cursor = things.find(doc! {}).sort(doc! { "_id": 1 }).batch_size(3).await.unwrap();
    assert_ne!(cursor.id(), 0);
    let mut seen = Vec::new();
    while let Some(document) = cursor.try_next().await.unwrap() {
        seen.push(document);
    }
    assert_eq!(numbers(&seen, "x"), Vec::from_iter(0..10));
    assert_eq!((cursor.id(), cursor.is_alive()), (0, false));
    assert!(cursor.try_next().await.unwrap().is_none(), "an ended cursor stays ended");
    // A batch size of 0 asks for the cursor alone.
    let mut cursor = things.find(doc! {}).batch_size(0).await.unwrap();
    assert!(cursor.is_alive() && cursor.id() != 0);
    assert_eq!(cursor.to_list(4).await.unwrap().len(), 4);
}

pub(super) async fn advance_and_current_walk_without_copies<R: Runtime>(t: &Fixture<'_, R>) {
    #[derive(Deserialize)]
    struct Borrowed<'a> {
        name: &'a str,
    }
    let names = ["zero", "one", "two", "three", "four"];
    let things = t.filled(names.iter().zip(0..).map(|(name, id)| doc! { "_id": id, "name": *name })).await;
    let mut cursor = things.find(doc! {}).sort(doc! { "_id": 1 }).batch_size(2).await.unwrap();
    assert!(cursor.current().is_none());
    failure(cursor.deserialize_current::<Document>());
    let mut seen = Vec::new();
    while cursor.advance().await.unwrap() {
        let current = cursor.current().unwrap();
        assert_eq!(current.get_i32("_id").unwrap(), seen.len() as i32);
        seen.push(cursor.deserialize_current::<Borrowed<'_>>().unwrap().name.to_owned());
    }
    assert_eq!(seen, names);
    assert!(cursor.current().is_none(), "nothing is current behind the end");
}

pub(super) async fn to_list_takes_what_it_is_told<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(10).await;
    let mut cursor = things.find(doc! {}).sort(doc! { "_id": 1 }).batch_size(4).await.unwrap();
    assert_eq!(cursor.to_list(0).await.unwrap(), Vec::<Document>::new());
    assert_eq!(numbers(&cursor.to_list(5).await.unwrap(), "x"), [0, 1, 2, 3, 4]);
    assert_eq!(numbers(&cursor.to_list(None).await.unwrap(), "x"), [5, 6, 7, 8, 9]);
    assert_eq!(cursor.to_list(3).await.unwrap(), Vec::<Document>::new());
}

pub(super) async fn a_stream_of_documents<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(7).await;
    let mut cursor = things.find(doc! {}).sort(doc! { "_id": 1 }).batch_size(2).await.unwrap();
    let mut seen = Vec::new();
    while let Some(document) = poll_fn(|cx| Pin::new(&mut cursor).poll_next(cx)).await {
        seen.push(document.unwrap());
    }
    assert_eq!(numbers(&seen, "x"), Vec::from_iter(0..7));
}

pub(super) async fn with_type_keeps_the_place<R: Runtime>(t: &Fixture<'_, R>) {
    #[derive(Debug, Deserialize)]
    struct Point {
        x: i32,
    }
    let things = t.numbered(5).await;
    let mut cursor = things.find(doc! {}).sort(doc! { "_id": 1 }).batch_size(2).await.unwrap();
    assert!(cursor.advance().await.unwrap());
    let mut points: Cursor<R, Point> = cursor.with_type();
    assert_eq!(points.deserialize_current::<Point>().unwrap().x, 0);
    let rest = points.to_list(None).await.unwrap();
    assert_eq!(rest.iter().map(|point| point.x).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

pub(super) async fn close_kills_the_server_cursor<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(10).await;
    let mut cursor = things.find(doc! {}).batch_size(2).await.unwrap();
    assert!(cursor.advance().await.unwrap());
    let id = cursor.id();
    cursor.close().await.unwrap();
    let error = failure(t.database.run_command(doc! { "getMore": id, "collection": "things" }).await);
    assert_eq!(error.code(), Some(CURSOR_NOT_FOUND), "{error}");
    // One that has ended needs nothing.
    let mut ended = things.find(doc! {}).await.unwrap();
    ended.to_list(None).await.unwrap();
    ended.close().await.unwrap();
}

/// Whether the server has the cursor: asked without touching it.
async fn lives<R: Runtime>(client: &Client<R>, id: i64) -> bool {
    let of_cursor = doc! { "$match": { "cursor.cursorId": id } };
    let stages = [doc! { "$currentOp": { "allUsers": true, "idleCursors": true } }, of_cursor];
    !client.database("admin").aggregate(stages).await.unwrap().to_list(None).await.unwrap().is_empty()
}

pub(super) async fn dropping_kills_the_server_cursor<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(10).await;
    let mut ids = Vec::new();
    for other in ["things", "others"] {
        let cursor = things.find(doc! {}).batch_size(2).await.unwrap();
        t.database.collection::<Document>(other).insert_one(doc! {}).await.unwrap();
        assert!(lives(&t.client, cursor.id()).await);
        ids.push(cursor.id());
    }
    for id in ids {
        t.eventually("the server forgets a dropped cursor", || async { !lives(&t.client, id).await }).await;
    }
}

pub(super) async fn a_killed_cursor_fails_once_and_ends<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(10).await;
    let mut cursor = things.find(doc! {}).batch_size(2).await.unwrap();
    t.command(doc! { "killCursors": "things", "cursors": [cursor.id()] }).await;
    assert_eq!(cursor.to_list(2).await.unwrap().len(), 2);
    let error = failure(cursor.advance().await);
    assert_eq!(error.code(), Some(CURSOR_NOT_FOUND), "{error:?}");
    assert!(!cursor.is_alive());
    assert!(!cursor.advance().await.unwrap());
    cursor.close().await.unwrap();
}

pub(super) async fn a_cursor_outlives_its_other_handles<R: Runtime>(t: &Fixture<'_, R>) {
    t.numbered(10).await;
    let client = t.client_with("appName=outlived");
    let things = client.database(t.database.name()).collection::<Document>("things");
    let mut cursor = things.find(doc! {}).batch_size(3).await.unwrap();
    drop((client, things));
    assert_eq!(cursor.to_list(None).await.unwrap().len(), 10);
}

pub(super) async fn comments_and_timeouts_follow_the_cursor<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(10).await;
    let find = things.find(doc! {}).batch_size(3).comment("followed").timeout(Duration::from_secs(10));
    assert_eq!(find.await.unwrap().to_list(None).await.unwrap().len(), 10);
    // A getMore of a cursor that does not await must carry no maxTimeMS.
    let find = things.find(doc! {}).batch_size(3).max_time(Duration::from_secs(10));
    assert_eq!(find.max_await_time(Duration::from_millis(5)).await.unwrap().to_list(None).await.unwrap().len(), 10);
}

pub(super) async fn exhaust_gets_all_and_keeps_its_connection<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(20).await;
    let exhaust = || things.find(doc! {}).sort(doc! { "_id": 1 }).cursor_type(CursorType::Exhaust).batch_size(3);
    let all = exhaust().await.unwrap().to_list(None).await.unwrap();
    assert_eq!(numbers(&all, "x"), Vec::from_iter(0..20));
    let mut cursor = exhaust().await.unwrap();
    cursor.to_list(7).await.unwrap();
    let stats = t.client.pool_stats();
    assert_eq!(stats.in_use, 1, "its connection is its own: {stats:?}");
    // In the middle of what the server sends, the connection is of no use to others.
    drop(cursor);
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 20);
    let mut cursor = exhaust().await.unwrap();
    cursor.to_list(4).await.unwrap();
    cursor.close().await.unwrap();
    let error = failure(exhaust().limit(5).await);
    assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error:?}");
}
