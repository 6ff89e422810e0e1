//! `aggregate`.

use core::time::Duration;

use bson::{Document, doc};
use serde::Deserialize;
use stator_client::Runtime;
use stator_client::options::{Overrides, WriteConcern};

use super::Fixture;
use super::context::{failure, numbers};

pub(super) async fn match_and_group<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(10).await;
    let stages = [doc! { "$match": { "x": { "$gte": 5 } } }, doc! { "$group": { "_id": 1, "n": { "$sum": 1 } } }];
    let found = things.aggregate(stages).await.unwrap().to_list(None).await.unwrap();
    assert_eq!(found, [doc! { "_id": 1, "n": 5 }]);
    let none = things.aggregate([doc! { "$match": { "x": 99 } }]).await.unwrap().to_list(None).await.unwrap();
    assert_eq!(none, Vec::<Document>::new());
}

pub(super) async fn typed_and_in_batches<R: Runtime>(t: &Fixture<'_, R>) {
    #[derive(Deserialize)]
    struct Doubled {
        y: i32,
    }
    let things = t.numbered(7).await;
    let stages = [doc! { "$sort": { "x": 1 } }, doc! { "$project": { "y": { "$multiply": ["$x", 2] } } }];
    let mut cursor = things.aggregate(stages).with_type::<Doubled>().batch_size(2).await.unwrap();
    assert_ne!(cursor.id(), 0);
    let doubled = cursor.to_list(None).await.unwrap();
    assert_eq!(doubled.iter().map(|doubled| doubled.y).collect::<Vec<_>>(), [0, 2, 4, 6, 8, 10, 12]);
    let mut cursor = things.aggregate([doc! { "$match": {} }]).batch_size(0).await.unwrap();
    assert_eq!(cursor.to_list(None).await.unwrap().len(), 7);
}

pub(super) async fn out_and_merge<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(5).await;
    let mut nothing =
        things.aggregate([doc! { "$match": { "x": { "$lt": 3 } } }, doc! { "$out": "kept" }]).await.unwrap();
    assert!(!nothing.advance().await.unwrap(), "$out returns no documents");
    let kept = t.database.collection::<Document>("kept");
    assert_eq!(kept.count_documents(doc! {}).await.unwrap(), 3);
    let merge = things.aggregate([doc! { "$merge": { "into": "kept" } }]).bypass_document_validation(true);
    merge.write_concern(WriteConcern::majority()).await.unwrap();
    assert_eq!(kept.count_documents(doc! {}).await.unwrap(), 5);
    // The batch size must not be sent as 0 with $out, nor an unacknowledged concern be taken for an error.
    things.aggregate([doc! { "$out": "again" }]).batch_size(0).await.unwrap();
    assert_eq!(t.database.collection::<Document>("again").count_documents(doc! {}).await.unwrap(), 5);
    let overrides = Overrides { write_concern: Some(WriteConcern::unacknowledged()), ..Overrides::default() };
    let all = things.with(&overrides).aggregate([doc! { "$match": {} }]).await.unwrap().to_list(None).await.unwrap();
    assert_eq!(all.len(), 5, "an aggregation that reads has no write concern");
}

pub(super) async fn options<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.filled(["a", "A", "b"].map(|name| doc! { "_id": name })).await;
    let stages = || [doc! { "$match": { "_id": "A" } }];
    let aggregate = things.aggregate(stages()).collation(doc! { "locale": "en", "strength": 2 }).allow_disk_use(true);
    let aggregate = aggregate.max_time(Duration::from_secs(10)).comment("options").hint(doc! { "_id": 1 });
    assert_eq!(aggregate.await.unwrap().to_list(None).await.unwrap().len(), 2);
    let of_variable = [doc! { "$match": { "$expr": { "$eq": ["$_id", "$$name"] } } }];
    let found = things.aggregate(of_variable).let_vars(doc! { "name": "b" }).await;
    // `let` came with 5.0; older servers refuse the field.
    if t.server().version >= (5, 0) {
        assert_eq!(found.unwrap().to_list(None).await.unwrap(), [doc! { "_id": "b" }]);
    } else {
        failure(found);
    }
    let error = failure(things.aggregate([doc! { "$nope": 1 }]).await);
    assert_eq!(error.code(), Some(40324), "an unknown stage: {error}");
}

pub(super) async fn on_the_database<R: Runtime>(t: &Fixture<'_, R>) {
    let admin = t.client.database("admin");
    let stages = [doc! { "$listLocalSessions": { "allUsers": true } }, doc! { "$limit": 1 }];
    admin.aggregate(stages).await.unwrap().to_list(None).await.unwrap();
    let mut ops = admin.aggregate([doc! { "$currentOp": { "allUsers": true, "idleConnections": true } }]).batch_size(1);
    ops = ops.comment("asked of the database");
    assert!(!ops.await.unwrap().to_list(None).await.unwrap().is_empty());
    // $documents came with 5.1 (6.0 for the public).
    if t.server().version >= (6, 0) {
        let stages = [doc! { "$documents": (0..5).map(|x| doc! { "x": x }).collect::<Vec<_>>() }];
        let mut cursor = t.database.aggregate(stages).batch_size(2).await.unwrap();
        assert_eq!(numbers(&cursor.to_list(None).await.unwrap(), "x"), [0, 1, 2, 3, 4]);
    }
}
