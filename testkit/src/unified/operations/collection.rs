//! Operations of collections that read, insert and delete.

use std::time::Duration;

use bson::{Bson, Document, doc};
use stator_client::options::{CursorType, Hint, ReadConcern, ReadPreference, TimeoutMode, WriteConcern};
use stator_client::results::{DeleteResult, InsertManyResult};
use stator_client::{Collection, Runtime};

use super::arguments::Arguments;
use super::{Done, Output, bulk, cursor, indexes, modify};
use crate::unified::matching::Place;
use crate::unified::schema::Operation;
use crate::unified::stop::Outcome;

/// The options that all finds share.
macro_rules! set_find {
    ($arguments:ident, $action:ident) => {
        set!($arguments, $action;
            "sort" sort Document,
            "projection" projection Document,
            "hint" hint Hint,
            "skip" skip u64,
            "comment" comment Bson,
            "maxTimeMS" max_time Duration,
            "max" max Document,
            "min" min Document,
            "returnKey" return_key bool,
            "showRecordId" show_record_id bool,
            "allowPartialResults" allow_partial_results bool,
            "collation" collation Document,
            "allowDiskUse" allow_disk_use bool,
            "let" let_vars Document,
            "readConcern" read_concern ReadConcern,
            "readPreference" read_preference ReadPreference,
            "timeoutMS" timeout Duration,
            "rawData" raw_data bool,
        );
    };
}

pub(super) async fn execute<R: Runtime>(collection: &Collection<R>, operation: &Operation) -> Outcome<Done<R>> {
    let mut arguments = Arguments::new(&operation.arguments);
    match operation.name.as_str() {
        "find" | "createFindCursor" => {
            let mut action = collection.find(arguments.need::<Document>("filter")?);
            set_find!(arguments, action);
            set!(arguments, action;
                "cursorType" cursor_type CursorType,
                "limit" limit i64,
                "batchSize" batch_size u32,
                "noCursorTimeout" no_cursor_timeout bool,
                "oplogReplay" oplog_replay bool,
                "maxAwaitTimeMS" max_await_time Duration,
                "timeoutMode" timeout_mode TimeoutMode,
            );
            arguments.end()?;
            match operation.name.as_str() {
                "find" => Ok(cursor::all(action.await).await),
                _ => Ok(action.await.map(|cursor| Output::Cursor(Box::new(cursor)))),
            }
        }
        "findOne" => {
            let mut action = collection.find_one(arguments.need::<Document>("filter")?);
            set_find!(arguments, action);
            arguments.end()?;
            Ok(action.await.map(Output::maybe))
        }
        "aggregate" => {
            let mut action = collection.aggregate(arguments.need::<Vec<Document>>("pipeline")?);
            set!(arguments, action;
                "allowDiskUse" allow_disk_use bool,
                "batchSize" batch_size u32,
                "bypassDocumentValidation" bypass_document_validation bool,
                "collation" collation Document,
                "comment" comment Bson,
                "hint" hint Hint,
                "let" let_vars Document,
                "maxTimeMS" max_time Duration,
                "maxAwaitTimeMS" max_await_time Duration,
                "readConcern" read_concern ReadConcern,
                "readPreference" read_preference ReadPreference,
                "writeConcern" write_concern WriteConcern,
                "timeoutMode" timeout_mode TimeoutMode,
                "timeoutMS" timeout Duration,
                "rawData" raw_data bool,
            );
            arguments.end()?;
            Ok(cursor::all(action.await).await)
        }
        "count" | "countDocuments" | "estimatedDocumentCount" | "distinct" => {
            count(collection, operation, arguments).await
        }
        "insertOne" | "insertMany" => insert(collection, operation, arguments).await,
        "bulkWrite" => bulk::of_collection(collection, arguments).await,
        "deleteOne" | "deleteMany" => delete(collection, operation, arguments).await,
        "updateOne" | "updateMany" | "replaceOne" => modify::update(collection, operation, arguments).await,
        "findOneAndDelete" | "findOneAndReplace" | "findOneAndUpdate" => {
            modify::find_one_and(collection, operation, arguments).await
        }
        _ => indexes::execute(collection, operation).await,
    }
}

async fn count<R: Runtime>(
    collection: &Collection<R>,
    operation: &Operation,
    mut arguments: Arguments,
) -> Outcome<Done<R>> {
    let number = |count: u64| Output::Value(Bson::Int64(i64::try_from(count).unwrap_or(i64::MAX)), Place::Nested);
    match operation.name.as_str() {
        "count" => {
            let mut action = collection.count(arguments.need::<Document>("filter")?);
            set!(arguments, action;
                "skip" skip u64,
                "limit" limit u64,
                "hint" hint Hint,
                "collation" collation Document,
                "maxTimeMS" max_time Duration,
                "comment" comment Bson,
                "readConcern" read_concern ReadConcern,
                "readPreference" read_preference ReadPreference,
                "timeoutMS" timeout Duration,
                "rawData" raw_data bool,
            );
            arguments.end()?;
            Ok(action.await.map(number))
        }
        "countDocuments" => {
            let mut action = collection.count_documents(arguments.need::<Document>("filter")?);
            set!(arguments, action;
                "skip" skip u64,
                "limit" limit u64,
                "hint" hint Hint,
                "collation" collation Document,
                "maxTimeMS" max_time Duration,
                "comment" comment Bson,
                "readConcern" read_concern ReadConcern,
                "readPreference" read_preference ReadPreference,
                "timeoutMS" timeout Duration,
                "rawData" raw_data bool,
            );
            arguments.end()?;
            Ok(action.await.map(number))
        }
        "estimatedDocumentCount" => {
            let mut action = collection.estimated_document_count();
            set!(arguments, action;
                "maxTimeMS" max_time Duration,
                "comment" comment Bson,
                "readConcern" read_concern ReadConcern,
                "readPreference" read_preference ReadPreference,
                "timeoutMS" timeout Duration,
                "rawData" raw_data bool,
            );
            arguments.end()?;
            Ok(action.await.map(number))
        }
        _ => {
            let field = arguments.need::<String>("fieldName")?;
            let mut action = collection.distinct(&field, arguments.need::<Document>("filter")?);
            set!(arguments, action;
                "collation" collation Document,
                "hint" hint Hint,
                "maxTimeMS" max_time Duration,
                "comment" comment Bson,
                "readConcern" read_concern ReadConcern,
                "readPreference" read_preference ReadPreference,
                "timeoutMS" timeout Duration,
                "rawData" raw_data bool,
            );
            arguments.end()?;
            // Values, not root documents.
            Ok(action.await.map(|values| Output::Value(Bson::Array(values), Place::Nested)))
        }
    }
}

async fn insert<R: Runtime>(
    collection: &Collection<R>,
    operation: &Operation,
    mut arguments: Arguments,
) -> Outcome<Done<R>> {
    if operation.name == "insertOne" {
        let mut action = collection.insert_one(arguments.need::<Document>("document")?);
        set!(arguments, action;
            "bypassDocumentValidation" bypass_document_validation bool,
            "comment" comment Bson,
            "writeConcern" write_concern WriteConcern,
            "timeoutMS" timeout Duration,
            "rawData" raw_data bool,
        );
        arguments.end()?;
        let shown = |acknowledged, id| doc! { "insertedId": id, "acknowledged": acknowledged };
        return Ok(action.await.map(|done| Output::root(shown(done.acknowledged, done.inserted_id))));
    }
    let mut action = collection.insert_many(arguments.need::<Vec<Document>>("documents")?);
    set!(arguments, action;
        "ordered" ordered bool,
        "bypassDocumentValidation" bypass_document_validation bool,
        "comment" comment Bson,
        "writeConcern" write_concern WriteConcern,
        "timeoutMS" timeout Duration,
        "rawData" raw_data bool,
    );
    arguments.end()?;
    Ok(action.await.map(|done| Output::root(inserted(done))))
}

/// As the result of a bulk write.
fn inserted(done: InsertManyResult) -> Document {
    if !done.acknowledged {
        return doc! { "acknowledged": false };
    }
    let count = done.inserted_ids.len() as i64;
    let ids = bulk::inserted_ids(&done.inserted_ids);
    doc! {
        "insertedCount": count, "insertedIds": ids, "acknowledged": true,
        "deletedCount": 0, "matchedCount": 0, "modifiedCount": 0, "upsertedCount": 0, "upsertedIds": {},
    }
}

async fn delete<R: Runtime>(
    collection: &Collection<R>,
    operation: &Operation,
    mut arguments: Arguments,
) -> Outcome<Done<R>> {
    let filter = arguments.need::<Document>("filter")?;
    let mut action = match operation.name.as_str() {
        "deleteOne" => collection.delete_one(filter),
        _ => collection.delete_many(filter),
    };
    set!(arguments, action;
        "collation" collation Document,
        "hint" hint Hint,
        "let" let_vars Document,
        "comment" comment Bson,
        "writeConcern" write_concern WriteConcern,
        "timeoutMS" timeout Duration,
        "rawData" raw_data bool,
    );
    arguments.end()?;
    let shown = |done: DeleteResult| match done.acknowledged {
        true => doc! { "deletedCount": done.deleted_count as i64, "acknowledged": true },
        false => doc! { "acknowledged": false },
    };
    Ok(action.await.map(|done| Output::root(shown(done))))
}
