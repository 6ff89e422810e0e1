//! `find_one_and_delete`, `find_one_and_replace` and `find_one_and_update`.

use core::time::Duration;

use bson::{Bson, doc};
use serde::{Deserialize, Serialize};
use stator_client::Runtime;
use stator_client::options::ReturnDocument;

use super::Fixture;

pub(super) async fn delete<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(3).await;
    assert_eq!(things.find_one_and_delete(doc! { "x": 1 }).await.unwrap(), Some(doc! { "_id": 1, "x": 1 }));
    assert_eq!(things.find_one_and_delete(doc! { "x": 1 }).await.unwrap(), None);
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 2);
}

pub(super) async fn replace<R: Runtime>(t: &Fixture<'_, R>) {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Point {
        x: i32,
    }
    t.numbered(3).await;
    let points = t.database.collection::<Point>("things");
    assert_eq!(points.find_one_and_replace(doc! { "x": 1 }, Point { x: 10 }).await.unwrap(), Some(Point { x: 1 }));
    let after = points.find_one_and_replace(doc! { "x": 10 }, &Point { x: 11 }).return_document(ReturnDocument::After);
    assert_eq!(after.await.unwrap(), Some(Point { x: 11 }));
    let upserted = points.find_one_and_replace(doc! { "x": 50 }, Point { x: 51 }).upsert(true);
    assert_eq!(upserted.await.unwrap(), None);
    assert_eq!(points.find_one(doc! { "x": 51 }).await.unwrap(), Some(Point { x: 51 }));
}

pub(super) async fn update<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(3).await;
    let increment = || doc! { "$inc": { "x": 1 } };
    let before = things.find_one_and_update(doc! { "_id": 1 }, increment()).await.unwrap();
    assert_eq!(before, Some(doc! { "_id": 1, "x": 1 }));
    let after = things.find_one_and_update(doc! { "_id": 1 }, increment()).return_document(ReturnDocument::After);
    assert_eq!(after.await.unwrap(), Some(doc! { "_id": 1, "x": 3 }));
    assert_eq!(things.find_one_and_update(doc! { "_id": 9 }, increment()).await.unwrap(), None);
    let upsert = things.find_one_and_update(doc! { "_id": 9 }, increment()).upsert(true);
    assert_eq!(upsert.return_document(ReturnDocument::After).await.unwrap(), Some(doc! { "_id": 9, "x": 1 }));
}

pub(super) async fn sort_and_projection<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(5).await;
    let last = things.find_one_and_delete(doc! {}).sort(doc! { "x": -1 }).projection(doc! { "_id": 0 });
    assert_eq!(last.await.unwrap(), Some(doc! { "x": 4 }));
    let first = things.find_one_and_update(doc! {}, doc! { "$set": { "y": 1 } }).sort(doc! { "x": 1 });
    assert_eq!(first.projection(doc! { "x": 1 }).await.unwrap(), Some(doc! { "_id": 0, "x": 0 }));
}

pub(super) async fn options<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.filled([doc! { "_id": 1, "name": "A", "marks": [1, 9] }]).await;
    let update = things.find_one_and_update(doc! { "name": "a" }, doc! { "$set": { "marks.$[high]": 0 } });
    let update = update.collation(doc! { "locale": "en", "strength": 2 }).array_filters([doc! { "high": 9 }]);
    let update = update.max_time(Duration::from_secs(10)).bypass_document_validation(true);
    let found = update.return_document(ReturnDocument::After).await.unwrap().unwrap();
    assert_eq!(found.get_array("marks").unwrap(), &[Bson::from(1), Bson::from(0)]);
    let stages = vec![doc! { "$set": { "name": { "$concat": ["$name", "!"] } } }];
    let piped = things.find_one_and_update(doc! {}, stages).return_document(ReturnDocument::After).await.unwrap();
    assert_eq!(piped.unwrap().get_str("name").unwrap(), "A!");
    let hinted = things.find_one_and_update(doc! {}, doc! { "$set": { "z": 1 } }).hint("_id_").await;
    // Hints on findAndModify came with 4.4; older servers refuse the field.
    assert_eq!(hinted.is_ok(), t.server().version >= (4, 4), "{hinted:?}");
    let of_variable = doc! { "$expr": { "$eq": ["$_id", "$$id"] } };
    let deleted = things.find_one_and_delete(of_variable).let_vars(doc! { "id": 1 }).await;
    // `let` came with 5.0; older servers refuse the field.
    assert_eq!(deleted.is_ok_and(|deleted| deleted.is_some()), t.server().version >= (5, 0));
}
