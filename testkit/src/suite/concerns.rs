//! Read and write concerns, read preferences, and who overrides whom.

use core::time::Duration;

use bson::{Document, doc};
use stator_client::options::{
    Acknowledgment, Overrides, ReadConcern, ReadConcernLevel, ReadPreference, UpdateModifications, WriteConcern,
};
use stator_client::{Collection, ErrorKind, Runtime};

use super::Fixture;
use super::context::failure;

pub(super) async fn unacknowledged_writes<R: Runtime>(t: &Fixture<'_, R>) {
    let silent = Overrides { write_concern: Some(WriteConcern::unacknowledged()), ..Overrides::default() };
    let (things, watched) = (t.things().with(&silent), t.things());
    let is = |filter: Document, count| {
        let watched = watched.clone();
        async move { watched.count_documents(filter).await.unwrap() == count }
    };
    let inserted = things.insert_one(doc! { "_id": 1 }).await.unwrap();
    assert!(!inserted.acknowledged);
    assert_eq!(inserted.inserted_id, 1.into());
    t.eventually("it is inserted", || is(doc! {}, 1)).await;
    // An error is not heard of, and hurts nobody.
    assert!(!things.insert_one(doc! { "_id": 1 }).await.unwrap().acknowledged);
    let updated = things.update_one(doc! {}, UpdateModifications::from(doc! { "$set": { "y": 1 } })).await.unwrap();
    assert_eq!((updated.acknowledged, updated.matched_count, updated.modified_count), (false, 0, 0));
    t.eventually("it is updated", || is(doc! { "y": 1 }, 1)).await;
    assert!(!things.replace_one(doc! {}, doc! { "z": 1 }).await.unwrap().acknowledged);
    t.eventually("it is replaced", || is(doc! { "z": 1 }, 1)).await;
    let deleted = things.delete_one(doc! {}).await.unwrap();
    assert_eq!((deleted.acknowledged, deleted.deleted_count), (false, 0));
    t.eventually("it is deleted", || is(doc! {}, 0)).await;
}

pub(super) async fn unacknowledged_many<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.things();
    let documents = (0..500).map(|i| doc! { "_id": i });
    let inserted = things.insert_many(documents).write_concern(WriteConcern::unacknowledged()).await.unwrap();
    assert!(!inserted.acknowledged);
    assert_eq!(inserted.inserted_ids.len(), 500);
    t.eventually("all are inserted", || async { things.count_documents(doc! {}).await.unwrap() == 500 }).await;
}

pub(super) async fn write_concerns_are_sent<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.things();
    let confirmed = WriteConcern { journal: Some(true), ..WriteConcern::majority() };
    assert!(things.insert_one(doc! { "_id": 1 }).write_concern(confirmed).await.unwrap().acknowledged);
    // A server without a replica set says so when it is asked for two.
    let two = || WriteConcern::new(Acknowledgment::Nodes(2));
    let error = failure(things.insert_one(doc! { "_id": 2 }).write_concern(two()).await);
    assert_eq!(error.code(), Some(2), "BadValue: {error}");
    let client = t.client_with("w=2");
    let inherited: Collection<R> = client.database(t.database.name()).collection("things");
    failure(inherited.insert_one(doc! { "_id": 2 }).await);
    failure(inherited.update_one(doc! { "_id": 1 }, doc! { "$set": { "x": 1 } }).await);
    failure(inherited.delete_one(doc! { "_id": 1 }).await);
    failure(inherited.find_one_and_delete(doc! { "_id": 1 }).await);
    failure(inherited.aggregate([doc! { "$out": "out" }]).await);
    failure(inherited.database().create_collection("created").await);
    // What reads has no write concern.
    inherited.find_one(doc! {}).await.unwrap();
    inherited.insert_one(doc! { "_id": 2 }).write_concern(WriteConcern::new(Acknowledgment::Nodes(1))).await.unwrap();
}

pub(super) async fn read_concerns_are_sent<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(3).await;
    for level in [ReadConcernLevel::Local, ReadConcernLevel::Available] {
        let found = things.find_one(doc! {}).read_concern(ReadConcern::new(level)).await.unwrap();
        assert!(found.is_some());
    }
    // A server without a replica set refuses it: a proof that it was asked.
    let strict = || ReadConcern::new(ReadConcernLevel::Linearizable);
    let code = |error: stator_client::Error| {
        assert!(matches!(error.kind(), ErrorKind::Command(_)), "{error:?}");
    };
    code(failure(things.find_one(doc! {}).read_concern(strict()).await));
    code(failure(things.find(doc! {}).read_concern(strict()).await));
    code(failure(things.count_documents(doc! {}).read_concern(strict()).await));
    code(failure(things.distinct("x", doc! {}).read_concern(strict()).await));
    code(failure(things.aggregate([]).read_concern(strict()).await));
    let client = t.client_with("readConcernLevel=linearizable");
    let inherited: Collection<R> = client.database(t.database.name()).collection("things");
    code(failure(inherited.find_one(doc! {}).await));
    inherited.insert_one(doc! {}).await.unwrap();
    let local = Overrides { read_concern: Some(ReadConcern::default()), ..Overrides::default() };
    assert!(inherited.with(&local).find_one(doc! {}).await.unwrap().is_some(), "the server's default overrides");
}

pub(super) async fn overrides_are_inherited<R: Runtime>(t: &Fixture<'_, R>) {
    t.numbered(3).await;
    let silent = Overrides { write_concern: Some(WriteConcern::unacknowledged()), ..Overrides::default() };
    let loud = Overrides { write_concern: Some(WriteConcern::new(Acknowledgment::Nodes(1))), ..Overrides::default() };
    let name = t.database.name();
    let database = t.client.database_with(name, &silent);
    let things: Collection<R> = database.collection("things");
    assert!(!things.insert_one(doc! {}).await.unwrap().acknowledged, "from the database");
    assert!(things.with(&loud).insert_one(doc! {}).await.unwrap().acknowledged, "the collection's own");
    let own: Collection<R> = t.client.database(name).collection_with("things", &silent);
    assert!(!own.insert_one(doc! {}).await.unwrap().acknowledged);
    assert!(!own.sub("below").insert_one(doc! {}).await.unwrap().acknowledged, "and of what is below it");
    assert_eq!(own.sub("below").name(), "things.below");
    let preferring = Overrides {
        read_preference: Some(ReadPreference::secondary_preferred()),
        timeout: Some(Duration::from_secs(10)),
        ..Overrides::default()
    };
    assert!(t.things().with(&preferring).find_one(doc! {}).await.unwrap().is_some());
    let one = t.things().find_one(doc! {}).read_preference(ReadPreference::nearest());
    assert!(one.await.unwrap().is_some());
}
