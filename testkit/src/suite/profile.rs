//! What reaches the server, as its profiler has seen it.

use core::time::Duration;

use bson::{Document, doc};
use stator_client::Runtime;
use stator_client::options::{ReadConcern, ReadConcernLevel, ReadPreference, ReturnDocument, WriteConcern};

use super::Fixture;

/// The last command with this comment.
async fn seen<R: Runtime>(t: &Fixture<'_, R>, comment: &str) -> Document {
    let profile = t.database.collection::<Document>("system.profile");
    let entry = profile.find_one(doc! { "command.comment": comment }).sort(doc! { "ts": -1 }).await.unwrap();
    entry.unwrap_or_else(|| panic!("no command with the comment {comment}")).get_document("command").unwrap().clone()
}

#[track_caller]
fn contains(command: &Document, expected: Document) {
    for (key, value) in expected {
        assert_eq!(command.get(&key), Some(&value), "`{key}` in {command}");
    }
}

async fn begin<R: Runtime>(t: &Fixture<'_, R>) {
    t.numbered(3).await;
    t.command(doc! { "createIndexes": "things", "indexes": [{ "key": { "x": 1 }, "name": "by_x" }] }).await;
    t.command(doc! { "profile": 2 }).await;
}

async fn end<R: Runtime>(t: &Fixture<'_, R>) {
    t.command(doc! { "profile": 0 }).await;
}

const LONG: Duration = Duration::from_millis(12_345);

pub(super) async fn find_sends_all_its_options<R: Runtime>(t: &Fixture<'_, R>) {
    begin(t).await;
    let find = t.things().find(doc! { "x": 1 }).sort(doc! { "x": 1 }).projection(doc! { "x": 1 }).hint("by_x");
    let find = find.skip(1).limit(20).batch_size(5).comment("find").max_time(LONG).min(doc! { "x": 0 });
    let find = find.max(doc! { "x": 9 }).return_key(false).show_record_id(false).no_cursor_timeout(true);
    let find = find.allow_partial_results(false).collation(doc! { "locale": "simple" });
    let find = find.read_concern(ReadConcern::new(ReadConcernLevel::Local));
    find.read_preference(ReadPreference::secondary_preferred()).await.unwrap();
    let command = seen(t, "find").await;
    let expected = doc! {
        "find": "things", "filter": { "x": 1 }, "sort": { "x": 1 }, "projection": { "x": 1 }, "hint": "by_x",
        "skip": 1_i64, "limit": 20_i64, "batchSize": 5_i64, "min": { "x": 0 }, "max": { "x": 9 }, "returnKey": false,
        "showRecordId": false, "noCursorTimeout": true, "allowPartialResults": false,
        "collation": { "locale": "simple" }, "readConcern": { "level": "local" }, "$db": t.database.name(),
    };
    for (key, value) in &expected {
        // The profile may show numbers in another type.
        let found = command.get(key).unwrap_or_else(|| panic!("no `{key}` in {command}"));
        let number = |value: &bson::Bson| value.as_i64().or(value.as_i32().map(i64::from));
        assert!(found == value || number(found).is_some_and(|n| Some(n) == number(value)), "`{key}` in {command}");
    }
    let max_time = command.get("maxTimeMS").unwrap();
    assert_eq!(max_time.as_i64().or(max_time.as_i32().map(i64::from)), Some(12_345));
    // Directly connected to a standalone, the preference is not sent, or as one that lets any server answer.
    let preference = command.get_document("$readPreference").ok().map(|sent| sent.get_str("mode").unwrap());
    assert!(matches!(preference, None | Some("secondaryPreferred" | "primaryPreferred")), "{command}");
    end(t).await;
}

pub(super) async fn writes_send_all_their_options<R: Runtime>(t: &Fixture<'_, R>) {
    // Without comments on writes (4.4), they cannot be told apart here.
    if t.server().version < (4, 4) {
        return;
    }
    begin(t).await;
    let things = t.things();
    let journal = || WriteConcern { journal: Some(true), ..WriteConcern::default() };
    things.insert_many([doc! { "_id": "a" }]).ordered(false).comment("insert").write_concern(journal()).await.unwrap();
    contains(&seen(t, "insert").await, doc! { "ordered": false, "writeConcern": { "j": true } });
    let found = things.find_one_and_update(doc! { "x": 1 }, doc! { "$set": { "y": 1 } }).sort(doc! { "x": 1 });
    let found = found.projection(doc! { "y": 1 }).upsert(true).return_document(ReturnDocument::After);
    found.comment("modify").write_concern(journal()).await.unwrap();
    let expected = doc! {
        "query": { "x": 1 }, "sort": { "x": 1 }, "update": { "$set": { "y": 1 } }, "fields": { "y": 1 },
        "upsert": true, "new": true, "writeConcern": { "j": true },
    };
    contains(&seen(t, "modify").await, expected);
    end(t).await;
}

pub(super) async fn reads_send_all_their_options<R: Runtime>(t: &Fixture<'_, R>) {
    begin(t).await;
    let things = t.things();
    things.count_documents(doc! { "x": 1 }).skip(1).limit(2).hint("by_x").comment("count").await.unwrap();
    let command = seen(t, "count").await;
    contains(&command, doc! { "aggregate": "things", "hint": "by_x" });
    assert_eq!(command.get_array("pipeline").unwrap().len(), 4, "{command}");
    let aggregate = things.aggregate([doc! { "$match": {} }]).allow_disk_use(true).batch_size(7).comment("aggregate");
    aggregate.read_concern(ReadConcern::new(ReadConcernLevel::Local)).await.unwrap();
    let command = seen(t, "aggregate").await;
    contains(&command, doc! { "allowDiskUse": true, "readConcern": { "level": "local" } });
    assert_eq!(command.get_document("cursor").unwrap().len(), 1, "{command}");
    // A getMore carries the comment since 4.4; before, servers refuse it.
    let mut cursor = things.find(doc! {}).batch_size(2).comment("more").await.unwrap();
    assert_eq!(cursor.to_list(None).await.unwrap().len(), 3);
    let of_comment = doc! { "op": "getmore", "command.comment": "more" };
    let seen = t.database.collection::<Document>("system.profile").count_documents(of_comment).await.unwrap();
    assert_eq!(seen > 0, t.server().version >= (4, 4));
    end(t).await;
}
