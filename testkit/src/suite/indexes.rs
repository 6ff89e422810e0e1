//! Indexes, and commands about a collection as a whole.

use std::time::Duration;

use bson::{Document, doc};
use stator_client::options::CursorType;
use stator_client::{IndexModel, Runtime};

use super::Fixture;
use super::context::failure;

pub(super) async fn create_list_and_drop_indexes<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(3).await;
    let name = things.create_index(IndexModel::new(doc! { "x": 1, "y.z": -1 }).unique(true)).await.unwrap();
    assert_eq!(name, "x_1_y.z_-1");
    // The same again is no error, another of its name is.
    things.create_index(IndexModel::new(doc! { "x": 1, "y.z": -1 }).unique(true)).await.unwrap();
    let other = IndexModel::new(doc! { "x": -1 }).named("x_1_y.z_-1");
    assert!(failure(things.create_index(other).await).code().is_some());
    let models = [
        IndexModel::new(doc! { "text": "text" }).default_language("none"),
        IndexModel::new(doc! { "at": 1 }).expire_after(Duration::from_secs(3600)).sparse(true).named("soon"),
        IndexModel::new(doc! { "h": "hashed" }).option("partialFilterExpression", doc! { "x": { "$gt": 1 } }),
    ];
    assert_eq!(things.create_indexes(models).await.unwrap(), ["text_text", "soon", "h_hashed"]);
    let mut names = things.list_index_names().await.unwrap();
    names.sort_unstable();
    assert_eq!(names, ["_id_", "h_hashed", "soon", "text_text", "x_1_y.z_-1"]);
    let all = things.list_indexes().batch_size(2).await.unwrap().to_list(None).await.unwrap();
    let soon = all.iter().find(|index| index.name() == "soon").unwrap();
    assert_eq!(soon.keys(), Some(&doc! { "at": 1 }));
    assert!(soon.as_document().get_bool("sparse").unwrap());
    assert!(things.insert_one(doc! { "x": 0 }).await.unwrap_err().is_duplicate_key(), "the index is unique");

    things.drop_index("soon").await.unwrap();
    things.drop_index(doc! { "h": "hashed" }).await.unwrap();
    assert!(failure(things.drop_index("soon").await).code().is_some(), "it is not there any more");
    assert!(things.drop_index("*").await.is_err(), "all are dropped by a name of their own only");
    things.drop_indexes().await.unwrap();
    assert_eq!(things.list_index_names().await.unwrap(), ["_id_"]);
    // What is not there has no indexes.
    let nothing = t.database.collection::<Document>("nothing");
    assert_eq!(nothing.list_index_names().await.unwrap(), Vec::<String>::new());
    assert!(things.create_indexes([]).await.is_err());
}

pub(super) async fn rename_modify_and_validate<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(3).await;
    let others = t.database.collection::<Document>("others");
    others.insert_one(doc! { "_id": "other" }).await.unwrap();
    assert!(things.rename("others").await.is_err(), "the name is taken");
    things.rename("others").drop_target(true).await.unwrap();
    assert_eq!(others.count_documents(doc! {}).await.unwrap(), 3);
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 0);

    let validator = doc! { "validator": { "x": { "$type": "int" } } };
    others.modify(validator).await.unwrap();
    assert!(others.insert_one(doc! { "x": "no number" }).await.is_err());
    let report = others.validate().full(true).await.unwrap();
    assert!(report.get_bool("valid").unwrap(), "{report}");
    assert!(failure(things.modify(doc! { "validator": {} }).await).code().is_some(), "there is no such collection");
}

pub(super) async fn counted_by_the_command<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(10).await;
    assert_eq!(things.count(doc! { "x": { "$gte": 5 } }).await.unwrap(), 5);
    assert_eq!(things.count(doc! {}).skip(2).limit(3).hint(doc! { "_id": 1 }).await.unwrap(), 3);
}

pub(super) async fn cursors_of_any_command<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(7).await;
    let command = doc! { "find": things.name(), "batchSize": 2, "sort": { "_id": 1 } };
    let mut cursor = t.database.run_cursor_command(command.clone()).batch_size(3).await.unwrap();
    let all = cursor.to_list(None).await.unwrap();
    assert_eq!(all.iter().map(|one| one.get_i32("_id").unwrap()).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);
    assert!(!cursor.is_alive());
    assert!(t.database.run_cursor_command(doc! { "ping": 1 }).await.is_err(), "there is no cursor in the reply");
    assert!(t.database.run_cursor_command(command).cursor_type(CursorType::Exhaust).await.is_err());

    // A tailable one, of which there is nothing more at the moment.
    t.database.create_collection("ring").capped(true).size(4096).await.unwrap();
    t.database.collection::<Document>("ring").insert_one(doc! { "_id": 1 }).await.unwrap();
    let tail = t.database.run_cursor_command(doc! { "find": "ring", "tailable": true });
    let mut tail = tail.cursor_type(CursorType::Tailable).await.unwrap();
    assert!(tail.next_if_any().await.unwrap().is_some());
    assert!(tail.next_if_any().await.unwrap().is_none());
    assert!(tail.is_alive());
}

pub(super) async fn listed_as_handles<R: Runtime>(t: &Fixture<'_, R>) {
    t.numbered(4).await;
    let collections = t.database.list_collection_objects().await.unwrap();
    let [things] = &collections[..] else { panic!("{collections:?}") };
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 4);
    let databases = t.client.list_database_objects().await.unwrap();
    assert!(databases.iter().any(|database| database.name() == t.database.name()));
}
