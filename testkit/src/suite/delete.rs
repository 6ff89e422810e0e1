//! `delete_one` and `delete_many`.

use bson::doc;
use stator_client::Runtime;

use super::Fixture;

pub(super) async fn one_and_many<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(10).await;
    let one = things.delete_one(doc! { "x": { "$gte": 5 } }).await.unwrap();
    assert_eq!((one.deleted_count, one.acknowledged), (1, true));
    assert_eq!(things.delete_many(doc! { "x": { "$gte": 5 } }).await.unwrap().deleted_count, 4);
    assert_eq!(things.delete_many(doc! { "x": 99 }).await.unwrap().deleted_count, 0);
    assert_eq!(things.delete_many(doc! {}).await.unwrap().deleted_count, 5);
    assert_eq!(things.delete_one(doc! {}).await.unwrap().deleted_count, 0);
}

pub(super) async fn hints_collation_and_let<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.filled(["a", "b", "c"].map(|name| doc! { "_id": name })).await;
    let hinted = things.delete_one(doc! { "_id": "a" }).hint("_id_").comment("hinted").await;
    // Hints on deletes came with 4.4; older servers refuse the field.
    assert_eq!(hinted.is_ok_and(|deleted| deleted.deleted_count == 1), t.server().version >= (4, 4));
    let lower = doc! { "locale": "en", "strength": 2 };
    assert_eq!(things.delete_many(doc! { "_id": "B" }).collation(lower).await.unwrap().deleted_count, 1);
    let of_variable = doc! { "$expr": { "$eq": ["$_id", "$$name"] } };
    let deleted = things.delete_many(of_variable).let_vars(doc! { "name": "c" }).await;
    // `let` came with 5.0; older servers refuse the field.
    assert_eq!(deleted.is_ok_and(|deleted| deleted.deleted_count == 1), t.server().version >= (5, 0));
}
