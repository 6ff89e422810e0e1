//! `find` and `find_one`.

use bson::{Bson, Document, doc};
use serde::Deserialize;
use stator_client::options::{Collation, Hint};
use stator_client::{ErrorKind, Phase, Runtime};

use super::Fixture;
use super::context::{failure, numbers};

pub(super) async fn sort_skip_limit_and_projection<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(10).await;
    let find = things.find(doc! { "x": { "$gte": 2 } }).sort(doc! { "x": -1 }).skip(1).limit(3);
    let found = find.projection(doc! { "x": 1, "_id": 0 }).await.unwrap().to_list(None).await.unwrap();
    assert_eq!(found, [8, 7, 6].map(|x| doc! { "x": x }));
}

pub(super) async fn one_or_none<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(3).await;
    assert_eq!(things.find_one(doc! { "x": 1 }).await.unwrap(), Some(doc! { "_id": 1, "x": 1 }));
    assert_eq!(things.find_one(doc! { "x": 9 }).await.unwrap(), None);
    let last = things.find_one(doc! {}).sort(doc! { "x": -1 }).projection(doc! { "_id": 0 });
    assert_eq!(last.await.unwrap(), Some(doc! { "x": 2 }));
    assert_eq!(things.find_one(doc! {}).sort(doc! { "x": 1 }).skip(1).await.unwrap().unwrap().get_i32("x").unwrap(), 1);
}

pub(super) async fn a_negative_limit_is_a_single_batch<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(10).await;
    let mut cursor = things.find(doc! {}).sort(doc! { "_id": 1 }).limit(-4).await.unwrap();
    assert_eq!(cursor.id(), 0, "the server closed it");
    assert_eq!(numbers(&cursor.to_list(None).await.unwrap(), "x"), [0, 1, 2, 3]);
}

pub(super) async fn an_unknown_collection_is_empty<R: Runtime>(t: &Fixture<'_, R>) {
    let mut cursor = t.database.collection::<Document>("nowhere").find(doc! {}).await.unwrap();
    assert_eq!((cursor.id(), cursor.is_alive()), (0, false));
    assert!(!cursor.advance().await.unwrap());
    assert_eq!(cursor.namespace().to_string(), format!("{}.nowhere", t.database.name()));
}

pub(super) async fn index_options<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(10).await;
    t.command(doc! { "createIndexes": "things", "indexes": [{ "key": { "x": 1 }, "name": "by_x" }] }).await;
    let find = || things.find(doc! {});
    let bounded = find().hint("by_x").min(doc! { "x": 3 }).max(doc! { "x": 6 });
    assert_eq!(numbers(&bounded.await.unwrap().to_list(None).await.unwrap(), "x"), [3, 4, 5]);
    let keys = find().hint(doc! { "x": 1 }).return_key(true).limit(1).await.unwrap().to_list(None).await.unwrap();
    assert_eq!(keys, [doc! { "x": 0 }]);
    let with_record = find().show_record_id(true).limit(1).await.unwrap().try_next().await.unwrap().unwrap();
    assert!(with_record.contains_key("$recordId"), "{with_record}");
    let error = failure(find().hint(Hint::Name("no_such_index".into())).await);
    assert_eq!(error.code(), Some(2), "BadValue: {error}");
    assert_eq!(error.phase(), Phase::Reply);
    // Since 4.4 the command knows allowDiskUse; before, the server refuses what it does not know.
    let disk = find().sort(doc! { "x": 1 }).allow_disk_use(true).await;
    assert_eq!(disk.is_ok(), t.server().version >= (4, 4), "{disk:?}");
    let rest = find().allow_partial_results(true).no_cursor_timeout(true).oplog_replay(false).comment("rest");
    assert_eq!(rest.await.unwrap().to_list(None).await.unwrap().len(), 10);
}

pub(super) async fn collation<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.filled([doc! { "_id": 1, "name": "Straße" }, doc! { "_id": 2, "name": "strasse" }]).await;
    let filter = || doc! { "name": "STRASSE" };
    assert_eq!(things.find_one(filter()).await.unwrap(), None);
    let collation = Collation { locale: "de".into(), strength: Some(1), ..Collation::default() };
    let found = things.find(filter()).collation(&collation).await.unwrap().to_list(None).await.unwrap();
    assert_eq!(found.len(), 2);
    assert!(things.find_one(filter()).collation(doc! { "locale": "de", "strength": 1 }).await.unwrap().is_some());
}

pub(super) async fn let_variables<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(5).await;
    let filter = || doc! { "$expr": { "$eq": ["$x", "$$wanted"] } };
    let found = things.find_one(filter()).let_vars(doc! { "wanted": 3 }).await;
    // `let` came with 5.0; older servers refuse the field.
    if t.server().version >= (5, 0) {
        assert_eq!(found.unwrap().unwrap().get_i32("x").unwrap(), 3);
        let list = things.find(filter()).let_vars(doc! { "wanted": 4 }).await.unwrap().to_list(None).await.unwrap();
        assert_eq!(numbers(&list, "x"), [4]);
    } else {
        assert!(matches!(failure(found).kind(), ErrorKind::Command(_)));
    }
}

#[derive(Debug, PartialEq, Deserialize)]
struct Point {
    x: i32,
}

pub(super) async fn typed_documents_and_decode_errors<R: Runtime>(t: &Fixture<'_, R>) {
    t.filled([doc! { "_id": 1, "x": 1 }, doc! { "_id": 2, "x": "two" }, doc! { "_id": 3, "x": 3 }]).await;
    let points = t.database.collection::<Point>("things");
    assert_eq!(points.find_one(doc! { "_id": 1 }).await.unwrap(), Some(Point { x: 1 }));
    let error = failure(points.find_one(doc! { "_id": 2 }).await);
    assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error:?}");
    assert_eq!(error.phase(), Phase::Decode);
    assert!(error.to_string().contains('x'), "the message names the field: {error}");

    // A document that does not fit is an error of its own; the cursor goes on behind it.
    let mut cursor = points.find(doc! {}).sort(doc! { "_id": 1 }).await.unwrap();
    assert_eq!(cursor.try_next().await.unwrap(), Some(Point { x: 1 }));
    assert!(matches!(failure(cursor.try_next().await).kind(), ErrorKind::Decode(_)));
    assert_eq!(cursor.try_next().await.unwrap(), Some(Point { x: 3 }));
    assert_eq!(cursor.try_next().await.unwrap(), None);
}

pub(super) async fn every_bson_type_round_trips<R: Runtime>(t: &Fixture<'_, R>) {
    let document = doc! {
        "_id": 1, "double": 1.5, "string": "é\0é", "doc": { "a": { "b": {} } }, "array": [1, [2, []]],
        "binary": bson::Binary { subtype: bson::spec::BinarySubtype::UserDefined(0x80), bytes: vec![1, 2] },
        "oid": bson::oid::ObjectId::from_bytes([7; 12]), "bool": true, "null": Bson::Null,
        "date": bson::DateTime::from_millis(-1), "int": i32::MIN, "long": i64::MAX,
        "regex": Bson::RegularExpression(bson::Regex { pattern: bson::cstr!("a.b").into(), options: bson::cstr!("i").into() }),
        "code": Bson::JavaScriptCode("1".into()), "symbol": Bson::Symbol("s".into()),
        "timestamp": Bson::Timestamp(bson::Timestamp { time: 1, increment: 2 }),
        "decimal": Bson::Decimal128("1.5E+3".parse().unwrap()), "min": Bson::MinKey, "max": Bson::MaxKey,
        "undefined": Bson::Undefined, "": "an empty key",
        "scope": Bson::JavaScriptCodeWithScope(bson::JavaScriptCodeWithScope { code: "x".into(), scope: doc! { "x": 1 } }),
    };
    let things = t.filled([document.clone()]).await;
    assert_eq!(things.find_one(doc! {}).await.unwrap(), Some(document));
}
