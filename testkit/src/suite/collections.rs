//! Creating, listing and dropping collections.

use bson::{Document, doc};
use stator_client::Runtime;

use super::Fixture;
use super::context::failure;

async fn names<R: Runtime>(t: &Fixture<'_, R>) -> Vec<String> {
    let mut names = t.database.list_collection_names().await.unwrap();
    names.retain(|name| !name.starts_with("system."));
    names.sort_unstable();
    names
}

pub(super) async fn create_list_and_drop<R: Runtime>(t: &Fixture<'_, R>) {
    assert_eq!(names(t).await, Vec::<String>::new());
    t.database.create_collection("one").await.unwrap();
    t.database.collection::<Document>("two").insert_one(doc! {}).await.unwrap();
    assert_eq!(names(t).await, ["one", "two"]);
    let found =
        t.database.list_collections().filter(doc! { "name": "two" }).await.unwrap().to_list(None).await.unwrap();
    let [two] = &found[..] else { panic!("{found:?}") };
    assert_eq!((two.get_str("name").unwrap(), two.get_str("type").unwrap()), ("two", "collection"));
    assert_eq!(t.database.list_collection_names().filter(doc! { "name": "one" }).await.unwrap(), ["one"]);
    assert!(t.database.create_collection("one").capped(true).size(4096).await.is_err(), "it is another already");
    t.database.collection::<Document>("one").drop().await.unwrap();
    t.database.collection::<Document>("one").drop().await.unwrap();
    assert_eq!(names(t).await, ["two"]);
}

pub(super) async fn capped<R: Runtime>(t: &Fixture<'_, R>) {
    t.database.create_collection("ring").capped(true).size(8192).max(3).await.unwrap();
    let ring = t.database.collection::<Document>("ring");
    ring.insert_many((0..5).map(|i| doc! { "_id": i })).await.unwrap();
    assert_eq!(ring.count_documents(doc! {}).await.unwrap(), 3);
    // A filter on more than the name needs more than names.
    let capped = t.database.list_collection_names().filter(doc! { "options.capped": true }).await.unwrap();
    assert_eq!(capped, ["ring"]);
    let mut listed = t.database.list_collections().batch_size(1).name_only(true).await.unwrap();
    assert_eq!(listed.to_list(None).await.unwrap().len(), 1);
}

pub(super) async fn views_and_validators<R: Runtime>(t: &Fixture<'_, R>) {
    t.numbered(4).await;
    let pipeline = [doc! { "$match": { "x": { "$gte": 2 } } }];
    t.database.create_collection("view").view_on("things").pipeline(pipeline).await.unwrap();
    assert_eq!(t.database.collection::<Document>("view").count_documents(doc! {}).await.unwrap(), 2);
    let strict = t.database.create_collection("strict").validator(doc! { "x": { "$type": "int" } });
    let strict = strict.validation_level("strict").validation_action("error");
    let strict = strict.collation(doc! { "locale": "de" }).storage_engine(doc! { "wiredTiger": {} });
    strict.index_option_defaults(doc! { "storageEngine": {} }).await.unwrap();
    let error = failure(t.database.collection("strict").insert_one(doc! { "x": "text" }).await);
    assert_eq!(error.code(), Some(121), "DocumentValidationFailure: {error}");
}

pub(super) async fn newer_kinds<R: Runtime>(t: &Fixture<'_, R>) {
    let version = t.server().version;
    let series = t.database.create_collection("series").timeseries(doc! { "timeField": "at", "metaField": "who" });
    // Time series came with 5.0, clustered collections with 5.3, pre-images with 6.0; older servers refuse the fields.
    assert_eq!(series.expire_after_seconds(3600).await.is_ok(), version >= (5, 0));
    let clustered = t.database.create_collection("clustered");
    let clustered = clustered.clustered_index(doc! { "key": { "_id": 1 }, "unique": true }).await;
    assert_eq!(clustered.is_ok(), version >= (5, 3), "{clustered:?}");
    let commented = t.database.create_collection("commented").comment("said").await;
    assert_eq!(commented.is_ok(), version >= (4, 4), "{commented:?}");
    // Pre-images need a replica set; the server says so once it knows the field.
    let images = t.database.create_collection("images").change_stream_pre_and_post_images(doc! { "enabled": false });
    assert_eq!(images.await.is_ok(), version >= (6, 0));
    let extra = t.database.create_collection("extra").extra(doc! { "noSuchField": 1 }).await;
    assert!(failure(extra).to_string().contains("noSuchField"));
}
