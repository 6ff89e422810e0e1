//! Operations about indexes, and about a collection as a whole.

use std::time::Duration;

use bson::{Bson, Document};
use stator_client::options::{TimeoutMode, WriteConcern};
use stator_client::{Collection, IndexModel, Runtime, SearchIndexModel};

use super::arguments::Arguments;
use super::{Done, Output, cursor, unknown};
use crate::unified::matching::Place;
use crate::unified::schema::Operation;
use crate::unified::stop::{Outcome, Stop};

pub(super) async fn execute<R: Runtime>(collection: &Collection<R>, operation: &Operation) -> Outcome<Done<R>> {
    let mut arguments = Arguments::new(&operation.arguments);
    let text = |name: String| Output::Value(Bson::String(name), Place::Root);
    match operation.name.as_str() {
        "createIndex" => {
            let mut index = IndexModel::new(arguments.need::<Document>("keys")?);
            if let Some(name) = arguments.take::<String>("name")? {
                index = index.named(&name);
            }
            set!(arguments, index; "unique" unique bool,);
            let mut action = collection.create_index(index);
            set!(arguments, action;
                "commitQuorum" commit_quorum Bson,
                "maxTimeMS" max_time Duration,
                "comment" comment Bson,
                "writeConcern" write_concern WriteConcern,
                "timeoutMS" timeout Duration,
                "rawData" raw_data bool,
            );
            arguments.end()?;
            Ok(action.await.map(text))
        }
        "dropIndex" | "dropIndexes" => {
            let mut action = match operation.name.as_str() {
                "dropIndex" => collection.drop_index(arguments.need::<String>("name")?),
                _ => collection.drop_indexes(),
            };
            set!(arguments, action;
                "maxTimeMS" max_time Duration,
                "comment" comment Bson,
                "writeConcern" write_concern WriteConcern,
                "timeoutMS" timeout Duration,
                "rawData" raw_data bool,
            );
            arguments.end()?;
            Ok(action.await.map(|()| Output::Nothing))
        }
        "listIndexes" => {
            let mut action = collection.list_indexes();
            set!(arguments, action;
                "batchSize" batch_size u32,
                "maxTimeMS" max_time Duration,
                "comment" comment Bson,
                "timeoutMode" timeout_mode TimeoutMode,
                "timeoutMS" timeout Duration,
                "rawData" raw_data bool,
            );
            arguments.end()?;
            Ok(cursor::all(action.await.map(|cursor| cursor.with_type())).await)
        }
        "listIndexNames" => {
            let mut action = collection.list_index_names();
            set!(arguments, action; "batchSize" batch_size u32, "comment" comment Bson, "timeoutMS" timeout Duration,);
            arguments.end()?;
            Ok(action.await.map(super::database::names))
        }
        "rename" => {
            let mut action = collection.rename(&arguments.need::<String>("to")?);
            set!(arguments, action;
                "dropTarget" drop_target bool,
                "comment" comment Bson,
                "writeConcern" write_concern WriteConcern,
                "timeoutMS" timeout Duration,
            );
            arguments.end()?;
            Ok(action.await.map(|()| Output::Nothing))
        }
        "createSearchIndex" => {
            let model = arguments.need::<Document>("model")?;
            arguments.end()?;
            let names = collection.create_search_index(search_index(model)?).await;
            Ok(names.map(|names| text(names.into_iter().next().unwrap_or_default())))
        }
        "createSearchIndexes" => {
            let models: Outcome<Vec<_>> =
                arguments.need::<Vec<Document>>("models")?.into_iter().map(search_index).collect();
            arguments.end()?;
            Ok(collection.create_search_indexes(models?).await.map(super::database::names))
        }
        "updateSearchIndex" => {
            let name = arguments.need::<String>("name")?;
            let definition = arguments.need::<Document>("definition")?;
            arguments.end()?;
            Ok(collection.update_search_index(&name, definition).await.map(|()| Output::Nothing))
        }
        "dropSearchIndex" => {
            let name = arguments.need::<String>("name")?;
            arguments.end()?;
            Ok(collection.drop_search_index(&name).await.map(|()| Output::Nothing))
        }
        "listSearchIndexes" => {
            let name = arguments.take::<String>("name")?;
            let mut action = collection.list_search_indexes(name.as_deref());
            if let Some(options) = arguments.take::<Document>("aggregationOptions")? {
                let mut given = Arguments::new(&options);
                set!(given, action; "batchSize" batch_size u32,);
                given.end()?;
            }
            arguments.end()?;
            Ok(cursor::all(action.await).await)
        }
        _ => unknown(operation, "collection"),
    }
}

fn search_index(model: Document) -> Outcome<SearchIndexModel> {
    bson::deserialize_from_document(model).map_err(|error| Stop::fail(error.to_string()))
}
