//! Tailable cursors on capped collections.

use core::time::Duration;

use bson::{Document, doc};
use stator_client::options::CursorType;
use stator_client::{Collection, Runtime};

use super::Fixture;
use super::context::failure;

async fn capped<R: Runtime>(t: &Fixture<'_, R>) -> Collection<R, Document> {
    t.database.create_collection("things").capped(true).size(1 << 20).await.unwrap();
    t.numbered(3).await
}

pub(super) async fn tailable_reads_what_comes_later<R: Runtime>(t: &Fixture<'_, R>) {
    let things = capped(t).await;
    let mut cursor = things.find(doc! {}).cursor_type(CursorType::Tailable).batch_size(2).await.unwrap();
    assert_eq!(cursor.to_list(3).await.unwrap().len(), 3);
    assert!(cursor.is_alive(), "it does not end with its documents");
    things.insert_one(doc! { "_id": 3 }).await.unwrap();
    assert_eq!(cursor.try_next().await.unwrap(), Some(doc! { "_id": 3 }));
    cursor.close().await.unwrap();
}

pub(super) async fn awaiting_wakes_for_a_document<R: Runtime>(t: &Fixture<'_, R>) {
    let things = capped(t).await;
    let find = things.find(doc! {}).cursor_type(CursorType::TailableAwait);
    let mut cursor = find.max_await_time(Duration::from_millis(300)).await.unwrap();
    assert_eq!(cursor.to_list(3).await.unwrap().len(), 3);
    let (runtime, later) = (t.runtime().clone(), t.now() + Duration::from_millis(50));
    let inserting = async move {
        runtime.sleep_until(later).await;
        things.insert_one(doc! { "_id": 3 }).await.unwrap();
    };
    t.runtime().spawn("inserting", inserting).unwrap();
    assert_eq!(cursor.try_next().await.unwrap(), Some(doc! { "_id": 3 }));
    assert!(t.now() >= later);
    cursor.close().await.unwrap();
}

pub(super) async fn awaiting_ends_by_its_timeout<R: Runtime>(t: &Fixture<'_, R>) {
    let things = capped(t).await;
    let find = things.find(doc! {}).cursor_type(CursorType::TailableAwait).max_await_time(Duration::from_millis(50));
    let mut cursor = find.timeout(Duration::from_millis(400)).await.unwrap();
    assert_eq!(cursor.to_list(3).await.unwrap().len(), 3);
    let start = t.now();
    // However many batches come empty within it.
    let error = failure(cursor.advance().await);
    assert!(error.is_timeout(), "{error:?}");
    assert!(t.now() - start < Duration::from_secs(15), "{:?}", t.now() - start);
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 3);
}
