//! `insert_one` and `insert_many`.

use bson::{Bson, doc, oid::ObjectId};
use serde::{Deserialize, Serialize};
use stator_client::{ErrorKind, Runtime};

use super::Fixture;
use super::context::{failure, numbers};

pub(super) async fn one_gets_an_id_unless_it_has_one<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.things();
    let inserted = things.insert_one(doc! { "x": 1 }).await.unwrap();
    assert!(inserted.acknowledged);
    let id = inserted.inserted_id.as_object_id().expect("an ObjectId was made");
    let stored = things.find_one(doc! { "x": 1 }).await.unwrap().unwrap();
    assert_eq!(stored, doc! { "_id": id, "x": 1 });
    assert_eq!(stored.keys().next().unwrap(), "_id", "the driver puts it first");
    let other = things.insert_one(doc! { "x": 2 }).await.unwrap().inserted_id.as_object_id().unwrap();
    assert!(id < other, "ObjectIds ascend: {id} {other}");
    assert_eq!(id.bytes()[4..9], other.bytes()[4..9], "five bytes are the client's own");

    let own = things.insert_one(doc! { "x": 3, "_id": "mine" }).await.unwrap();
    assert_eq!(own.inserted_id, Bson::from("mine"));
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 3);
}

pub(super) async fn ids_may_be_of_any_type<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.things();
    let ids: Vec<Bson> = vec![
        1.into(),
        2_i64.into(),
        3.5.into(),
        "four".into(),
        ObjectId::from_bytes([7; 12]).into(),
        doc! { "a": 1 }.into(),
    ];
    let ids = ids.into_iter().chain([Bson::Null, Bson::Boolean(true)]);
    for id in ids {
        let inserted = things.insert_one(doc! { "_id": id.clone() }).await.unwrap();
        assert_eq!(inserted.inserted_id, id);
        let found = things.find_one(doc! { "_id": { "$eq": id.clone() } }).await.unwrap().unwrap();
        assert_eq!(found.get("_id"), Some(&id));
    }
}

pub(super) async fn many_maps_indexes_to_ids<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.things();
    let inserted = things.insert_many([doc! { "_id": 7 }, doc! { "x": 1 }, doc! { "_id": "z" }]).await.unwrap();
    assert!(inserted.acknowledged);
    assert_eq!(inserted.inserted_ids.len(), 3);
    assert_eq!(
        (inserted.inserted_ids.get(0), inserted.inserted_ids.get(2)),
        (Some(Bson::from(7)), Some(Bson::from("z")))
    );
    let made = inserted.inserted_ids.get(1).unwrap().as_object_id().unwrap();
    assert_eq!(things.find_one(doc! { "x": 1 }).await.unwrap().unwrap().get_object_id("_id").unwrap(), made);
}

pub(super) async fn nothing_to_insert_is_an_invalid_argument<R: Runtime>(t: &Fixture<'_, R>) {
    let error = failure(t.things().insert_many(Vec::<bson::Document>::new()).await);
    assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error:?}");
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Item {
    #[serde(rename = "_id")]
    id: i32,
    name: String,
    tags: Vec<String>,
    price: Option<f64>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Anonymous {
    name: String,
}

pub(super) async fn structs_go_in_and_come_out<R: Runtime>(t: &Fixture<'_, R>) {
    let items = t.database.collection::<Item>("things");
    let nut = Item { id: 1, name: "nut".into(), tags: vec!["steel".into()], price: Some(0.5) };
    let bolt = Item { id: 2, name: "bolt".into(), tags: vec![], price: None };
    items.insert_many([&nut, &bolt]).await.unwrap();
    assert_eq!(items.find_one(doc! { "name": "nut" }).await.unwrap(), Some(nut.clone()));
    let found = items.find(doc! {}).sort(doc! { "_id": 1 }).await.unwrap().to_list(None).await.unwrap();
    assert_eq!(found, [nut, bolt]);

    let nameless = t.database.collection::<Anonymous>("others");
    let id = nameless.insert_one(Anonymous { name: "washer".into() }).await.unwrap().inserted_id;
    assert!(id.as_object_id().is_some());
    assert_eq!(nameless.find_one(doc! { "_id": id }).await.unwrap(), Some(Anonymous { name: "washer".into() }));
}

pub(super) async fn borrowed_and_owned_documents<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.things();
    let lent = doc! { "_id": 1 };
    things.insert_one(&lent).await.unwrap();
    things.insert_many(vec![&doc! { "_id": 2 }, &doc! { "_id": 3 }]).await.unwrap();
    let raw = t.database.collection::<bson::RawDocumentBuf>("things");
    raw.insert_one(bson::rawdoc! { "_id": 4, "x": "raw" }).await.unwrap();
    let found = raw.find_one(doc! { "_id": 4 }).await.unwrap().unwrap();
    assert_eq!(found.get_str("x").unwrap(), "raw");
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 4);
}

pub(super) async fn ordered_stops_at_the_first_error<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.things();
    let error = failure(things.insert_many([1, 2, 2, 3].map(|id| doc! { "_id": id })).await);
    assert!(error.is_duplicate_key() && error.maybe_executed(), "{error:?}");
    assert_eq!(error.code(), Some(11000));
    let [refused] = error.write_errors() else { panic!("{error:?}") };
    assert_eq!((refused.index, refused.code), (2, 11000));
    let ErrorKind::BulkWrite(failed) = error.kind() else { panic!("{error:?}") };
    assert_eq!(failed.partial_result.inserted_count, 2);
    assert!(failed.partial_result.inserted_ids.iter().eq([(0, Bson::from(1)), (1, Bson::from(2))]));
    let left = things.find(doc! {}).sort(doc! { "_id": 1 }).await.unwrap().to_list(None).await.unwrap();
    assert_eq!(numbers(&left, "_id"), [1, 2]);
}

pub(super) async fn unordered_reports_every_error_by_index<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.things();
    let error = failure(things.insert_many([1, 1, 2, 2, 3].map(|id| doc! { "_id": id })).ordered(false).await);
    let refused: Vec<_> = error.write_errors().iter().map(|error| (error.index, error.code)).collect();
    assert_eq!(refused, [(1, 11000), (3, 11000)]);
    let ErrorKind::BulkWrite(failed) = error.kind() else { panic!("{error:?}") };
    let inserted: Vec<_> = failed.partial_result.inserted_ids.indexes().collect();
    assert_eq!((failed.partial_result.inserted_count, inserted.as_slice()), (3, &[0, 2, 4][..]));
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 3);
}

pub(super) async fn validation_can_be_bypassed<R: Runtime>(t: &Fixture<'_, R>) {
    t.database.create_collection("things").validator(doc! { "x": { "$exists": true } }).await.unwrap();
    let things = t.things();
    let error = failure(things.insert_one(doc! { "_id": 1 }).await);
    assert_eq!(error.code(), Some(121), "DocumentValidationFailure: {error:?}");
    // 5.0 began to say why.
    assert_eq!(error.write_errors()[0].details.is_some(), t.server().version >= (5, 0), "{error:?}");
    things.insert_one(doc! { "_id": 1 }).bypass_document_validation(true).await.unwrap();
    things.insert_many([doc! { "_id": 2 }]).bypass_document_validation(true).await.unwrap();
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 2);
}

pub(super) async fn comments<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.things();
    // Comments on writes came with 4.4; older servers refuse the field.
    let known = t.server().version >= (4, 4);
    assert_eq!(things.insert_one(doc! { "_id": 1 }).comment("one").await.is_ok(), known);
    assert_eq!(things.insert_many([doc! { "_id": 2 }]).comment(doc! { "any": "value" }).await.is_ok(), known);
    assert_eq!(things.update_one(doc! {}, doc! { "$set": { "x": 1 } }).comment(1).await.is_ok(), known);
    assert_eq!(things.replace_one(doc! {}, doc! { "x": 2 }).comment(1).await.is_ok(), known);
    assert_eq!(things.delete_one(doc! {}).comment(1).await.is_ok(), known);
    assert_eq!(things.find_one_and_update(doc! {}, doc! { "$set": { "x": 3 } }).comment(1).await.is_ok(), known);
    assert_eq!(things.find_one_and_delete(doc! {}).comment(1).await.is_ok(), known);
    things.insert_one(doc! {}).await.unwrap();
    // This one has always let it pass.
    things.drop().comment(1).await.unwrap();
}
