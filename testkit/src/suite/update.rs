//! `update_one`, `update_many` and `replace_one`.

use bson::{Bson, doc};
use stator_client::Runtime;

use super::Fixture;
use super::context::{failure, numbers};

pub(super) async fn one_and_many<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(5).await;
    let one = things.update_one(doc! { "x": { "$gte": 3 } }, doc! { "$set": { "y": 1 } }).await.unwrap();
    assert_eq!((one.matched_count, one.modified_count, one.upserted_id, one.acknowledged), (1, 1, None, true));
    let many = things.update_many(doc! { "x": { "$gte": 2 } }, doc! { "$set": { "y": 1 } }).await.unwrap();
    assert_eq!((many.matched_count, many.modified_count), (3, 2), "one was so already");
    let none = things.update_many(doc! { "x": 99 }, doc! { "$inc": { "x": 1 } }).await.unwrap();
    assert_eq!((none.matched_count, none.modified_count, none.upserted_id), (0, 0, None));
    assert_eq!(things.count_documents(doc! { "y": 1 }).await.unwrap(), 3);
}

pub(super) async fn upserts_tell_their_id<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.things();
    let upserted = things.update_one(doc! { "_id": "new" }, doc! { "$set": { "x": 1 } }).upsert(true).await.unwrap();
    assert_eq!((upserted.matched_count, upserted.modified_count), (0, 0));
    assert_eq!(upserted.upserted_id, Some(Bson::from("new")));
    let again = things.update_many(doc! { "_id": "new" }, doc! { "$set": { "x": 2 } }).upsert(true).await.unwrap();
    assert_eq!((again.matched_count, again.modified_count, again.upserted_id), (1, 1, None));
    let replaced = things.replace_one(doc! { "x": 3 }, doc! { "x": 3 }).upsert(true).await.unwrap();
    let id = replaced.upserted_id.unwrap().as_object_id().expect("the server makes ObjectIds");
    assert_eq!(things.find_one(doc! { "x": 3 }).await.unwrap(), Some(doc! { "_id": id, "x": 3 }));
}

pub(super) async fn replace_keeps_the_id<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(2).await;
    let replaced = things.replace_one(doc! { "x": 1 }, doc! { "y": 5 }).await.unwrap();
    assert_eq!((replaced.matched_count, replaced.modified_count, replaced.upserted_id), (1, 1, None));
    assert_eq!(things.find_one(doc! { "_id": 1 }).await.unwrap(), Some(doc! { "_id": 1, "y": 5 }));
    let emptied = things.replace_one(doc! { "_id": 1 }, doc! {}).await.unwrap();
    assert_eq!(emptied.modified_count, 1);
    assert_eq!(things.find_one(doc! { "_id": 1 }).await.unwrap(), Some(doc! { "_id": 1 }));
}

pub(super) async fn array_filters_and_hints<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.filled([doc! { "_id": 1, "marks": [1, 5, 9] }]).await;
    let update = things.update_one(doc! {}, doc! { "$set": { "marks.$[high]": 0 } });
    update.array_filters([doc! { "high": { "$gte": 5 } }]).await.unwrap();
    let marks = things.find_one(doc! {}).await.unwrap().unwrap().get_array("marks").unwrap().clone();
    assert_eq!(marks, [1.into(), 0.into(), 0.into()].map(|mark: Bson| mark));
    let hinted = things.update_many(doc! {}, doc! { "$set": { "z": 1 } }).hint("_id_");
    assert_eq!(hinted.await.unwrap().modified_count, 1);
    let error = failure(things.update_one(doc! {}, doc! { "$set": { "z": 2 } }).hint(doc! { "no": 1 }).await);
    assert_eq!(error.code(), Some(2), "BadValue: {error}");
    let hinted = things.replace_one(doc! {}, doc! { "z": 3 }).hint(doc! { "_id": 1 }).await.unwrap();
    assert_eq!(hinted.modified_count, 1);
}

pub(super) async fn pipelines<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(3).await;
    let stages = vec![doc! { "$set": { "y": { "$add": ["$x", 10] } } }, doc! { "$unset": "x" }];
    assert_eq!(things.update_many(doc! {}, stages).await.unwrap().modified_count, 3);
    let all = things.find(doc! {}).sort(doc! { "_id": 1 }).await.unwrap().to_list(None).await.unwrap();
    assert_eq!(numbers(&all, "y"), [10, 11, 12]);
}

pub(super) async fn collation_and_let<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.filled([doc! { "_id": 1, "name": "A" }]).await;
    let lower = doc! { "locale": "en", "strength": 2 };
    let set = || doc! { "$inc": { "n": 1 } };
    assert_eq!(things.update_one(doc! { "name": "a" }, set()).await.unwrap().matched_count, 0);
    let one = things.update_one(doc! { "name": "a" }, set()).collation(&lower).await.unwrap();
    assert_eq!(one.matched_count, 1);
    let replaced = things.replace_one(doc! { "name": "a" }, doc! { "name": "b" }).collation(&lower).await.unwrap();
    assert_eq!(replaced.matched_count, 1);
    let of_variable = doc! { "$expr": { "$eq": ["$name", "$$name"] } };
    let found = things.update_one(of_variable, set()).let_vars(doc! { "name": "b" }).await;
    // `let` came with 5.0; older servers refuse the field.
    assert_eq!(found.is_ok_and(|found| found.matched_count == 1), t.server().version >= (5, 0));
}
