//! Operations of databases.

use std::time::Duration;

use bson::{Bson, Document};
use stator_client::options::{CursorType, Hint, ReadConcern, ReadPreference, TimeoutMode, WriteConcern};
use stator_client::{Database, Runtime};

use super::arguments::Arguments;
use super::{Done, Output, unknown};
use crate::unified::matching::Place;
use crate::unified::schema::Operation;
use crate::unified::stop::Outcome;

pub(super) async fn execute<R: Runtime>(database: &Database<R>, operation: &Operation) -> Outcome<Done<R>> {
    let mut arguments = Arguments::new(&operation.arguments);
    match operation.name.as_str() {
        "runCommand" => {
            let command = arguments.need::<Document>("command")?;
            // For languages whose documents have no order.
            arguments.take::<String>("commandName")?;
            let mut action = database.run_command(command);
            set!(arguments, action; "readPreference" read_preference ReadPreference, "timeoutMS" timeout Duration,);
            arguments.end()?;
            Ok(action.await.map(Output::root))
        }
        "runCursorCommand" | "createCommandCursor" => {
            let mut action = database.run_cursor_command(arguments.need::<Document>("command")?);
            arguments.take::<String>("commandName")?;
            set!(arguments, action;
                "cursorType" cursor_type CursorType,
                "batchSize" batch_size u32,
                "maxTimeMS" max_await_time Duration,
                "comment" comment Bson,
                "readPreference" read_preference ReadPreference,
                "timeoutMode" timeout_mode TimeoutMode,
                "timeoutMS" timeout Duration,
            );
            arguments.end()?;
            match operation.name.as_str() {
                "runCursorCommand" => Ok(super::cursor::all(action.await).await),
                _ => Ok(action.await.map(|cursor| Output::Cursor(Box::new(cursor)))),
            }
        }
        "modifyCollection" => {
            let name = arguments.need::<String>("collection")?;
            let mut changes = Document::new();
            for option in ["index", "validator"] {
                changes.extend(arguments.take::<Bson>(option)?.map(|value| (option.to_owned(), value)));
            }
            arguments.end()?;
            Ok(database.collection::<Document>(&name).modify(changes).await.map(Output::root))
        }
        "listCollectionObjects" => {
            arguments.end()?;
            let all = database.list_collection_objects().await;
            Ok(all.map(|all| names(all.iter().map(|one| one.name().to_owned()).collect())))
        }
        "aggregate" => {
            let mut action = database.aggregate(arguments.need::<Vec<Document>>("pipeline")?);
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
            Ok(super::cursor::all(action.await).await)
        }
        "createCollection" => create_collection(database, arguments).await,
        "dropCollection" => {
            let mut action = database.collection::<Document>(&arguments.need::<String>("collection")?).drop();
            set!(arguments, action; "comment" comment Bson, "writeConcern" write_concern WriteConcern, "timeoutMS" timeout Duration,);
            arguments.end()?;
            Ok(action.await.map(|()| Output::Nothing))
        }
        "listCollections" => {
            let mut action = database.list_collections();
            set!(arguments, action;
                "filter" filter Document,
                "nameOnly" name_only bool,
                "authorizedCollections" authorized_collections bool,
                "batchSize" batch_size u32,
                "comment" comment Bson,
                "timeoutMode" timeout_mode TimeoutMode,
                "timeoutMS" timeout Duration,
                "rawData" raw_data bool,
            );
            arguments.end()?;
            Ok(super::cursor::all(action.await).await)
        }
        "listCollectionNames" => {
            let mut action = database.list_collection_names();
            set!(arguments, action;
                "filter" filter Document,
                "authorizedCollections" authorized_collections bool,
                "comment" comment Bson,
                "timeoutMS" timeout Duration,
                "rawData" raw_data bool,
            );
            arguments.end()?;
            Ok(action.await.map(names))
        }
        _ => unknown(operation, "database"),
    }
}

async fn create_collection<R: Runtime>(database: &Database<R>, mut arguments: Arguments) -> Outcome<Done<R>> {
    let name = arguments.need::<String>("collection")?;
    let mut action = database.create_collection(&name);
    set!(arguments, action;
        "capped" capped bool,
        "size" size u64,
        "max" max u64,
        "storageEngine" storage_engine Document,
        "validator" validator Document,
        "validationLevel" validation_level String,
        "validationAction" validation_action String,
        "viewOn" view_on String,
        "pipeline" pipeline Vec<Document>,
        "collation" collation Document,
        "indexOptionDefaults" index_option_defaults Document,
        "timeseries" timeseries Document,
        "expireAfterSeconds" expire_after_seconds i64,
        "changeStreamPreAndPostImages" change_stream_pre_and_post_images Document,
        "clusteredIndex" clustered_index Document,
        "comment" comment Bson,
        "writeConcern" write_concern WriteConcern,
        "timeoutMS" timeout Duration,
        "rawData" raw_data bool,
    );
    arguments.end()?;
    Ok(action.await.map(|()| Output::Collection(database.collection(&name))))
}

/// Names as a result.
pub(super) fn names<R: Runtime>(names: Vec<String>) -> Output<R> {
    Output::Value(names.into_iter().map(Bson::String).collect(), Place::Nested)
}
