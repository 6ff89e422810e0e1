//! `count_documents`, `estimated_document_count` and `distinct`.

use core::time::Duration;

use bson::{Bson, Document, doc};
use stator_client::{ErrorKind, Runtime};

use super::Fixture;
use super::context::failure;

pub(super) async fn documents<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(10).await;
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 10);
    assert_eq!(things.count_documents(doc! { "x": { "$lt": 4 } }).await.unwrap(), 4);
    assert_eq!(things.count_documents(doc! { "x": 99 }).await.unwrap(), 0);
    assert_eq!(things.count_documents(doc! {}).skip(3).limit(5).await.unwrap(), 5);
    assert_eq!(things.count_documents(doc! {}).skip(8).limit(5).await.unwrap(), 2);
    assert_eq!(t.database.collection::<Document>("nowhere").count_documents(doc! {}).await.unwrap(), 0);
}

pub(super) async fn estimated<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(10).await;
    assert_eq!(things.estimated_document_count().await.unwrap(), 10);
    assert_eq!(t.database.collection::<Document>("nowhere").estimated_document_count().await.unwrap(), 0);
}

pub(super) async fn options<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.filled(["a", "A", "b"].map(|name| doc! { "_id": name })).await;
    let lower = doc! { "locale": "en", "strength": 2 };
    assert_eq!(things.count_documents(doc! { "_id": "A" }).collation(lower).await.unwrap(), 2);
    let hinted = things.count_documents(doc! {}).hint("_id_").max_time(Duration::from_secs(10)).comment("counted");
    assert_eq!(hinted.await.unwrap(), 3);
    let error = failure(things.count_documents(doc! {}).hint("no_such_index").await);
    assert!(matches!(error.kind(), ErrorKind::Command(_)), "{error:?}");
    assert_eq!(things.estimated_document_count().max_time(Duration::from_secs(10)).await.unwrap(), 3);
    assert_eq!(things.estimated_document_count().timeout(Duration::from_secs(10)).await.unwrap(), 3);
}

pub(super) async fn distinct_values<R: Runtime>(t: &Fixture<'_, R>) {
    let values = [Bson::from(1), Bson::from(2), Bson::from(2), Bson::from("two"), Bson::Null];
    let things = t.filled(values.map(|x| doc! { "x": x })).await;
    let mut found = things.distinct("x", doc! {}).await.unwrap();
    found.sort_by_key(ToString::to_string);
    let mut expected = vec![Bson::from(1), Bson::from(2), Bson::from("two"), Bson::Null];
    expected.sort_by_key(ToString::to_string);
    assert_eq!(found, expected);
    let mut numbers: Vec<i32> = things.distinct("x", doc! { "x": { "$gt": 0 } }).typed().await.unwrap();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2]);
    let error = failure(things.distinct("x", doc! {}).typed::<i32>().await);
    assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error:?}");
    assert_eq!(things.distinct("nothing", doc! {}).await.unwrap(), Vec::<Bson>::new());
}

pub(super) async fn distinct_options<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.filled(["a", "A", "b"].map(|name| doc! { "_id": name })).await;
    let lower = doc! { "locale": "en", "strength": 2 };
    let distinct = things.distinct("_id", doc! {}).collation(lower).max_time(Duration::from_secs(10));
    assert_eq!(distinct.await.unwrap().len(), 2);
    assert_eq!(things.distinct("_id", doc! {}).comment("said").await.unwrap().len(), 3);
}
