//! Operations of collections that change documents.

use std::time::Duration;

use bson::{Bson, Document, doc};
use stator_client::options::{Hint, ReturnDocument, UpdateModifications, WriteConcern};
use stator_client::results::UpdateResult;
use stator_client::{Collection, Runtime};

use super::arguments::{Argument, Arguments};
use super::{Done, Output};
use crate::unified::schema::Operation;
use crate::unified::stop::Outcome;

/// The options that all updates share.
macro_rules! set_update {
    ($arguments:ident, $action:ident) => {
        set!($arguments, $action;
            "upsert" upsert bool,
            "sort" sort Document,
            "collation" collation Document,
            "hint" hint Hint,
            "bypassDocumentValidation" bypass_document_validation bool,
            "let" let_vars Document,
            "comment" comment Bson,
            "writeConcern" write_concern WriteConcern,
            "timeoutMS" timeout Duration,
            "rawData" raw_data bool,
        );
    };
}

pub(super) async fn update<R: Runtime>(
    collection: &Collection<R>,
    operation: &Operation,
    mut arguments: Arguments,
) -> Outcome<Done<R>> {
    let filter = arguments.need::<Document>("filter")?;
    if operation.name == "replaceOne" {
        let mut action = collection.replace_one(filter, arguments.need::<Document>("replacement")?);
        set_update!(arguments, action);
        arguments.end()?;
        return Ok(action.await.map(|done| Output::root(updated(done))));
    }
    let change = arguments.need::<UpdateModifications>("update")?;
    let mut action = match operation.name.as_str() {
        "updateOne" => collection.update_one(filter, change),
        _ => collection.update_many(filter, change),
    };
    set_update!(arguments, action);
    set!(arguments, action; "arrayFilters" array_filters Vec<Document>,);
    arguments.end()?;
    Ok(action.await.map(|done| Output::root(updated(done))))
}

fn updated(done: UpdateResult) -> Document {
    if !done.acknowledged {
        return doc! { "acknowledged": false };
    }
    let upserted = i64::from(done.upserted_id.is_some());
    let mut shown = doc! {
        "matchedCount": done.matched_count as i64, "modifiedCount": done.modified_count as i64,
        "upsertedCount": upserted, "acknowledged": true,
    };
    shown.extend(done.upserted_id.map(|id| ("upsertedId".to_owned(), id)));
    shown
}

/// The options that all of `findOneAnd...` share.
macro_rules! set_find_and {
    ($arguments:ident, $action:ident) => {
        set!($arguments, $action;
            "sort" sort Document,
            "projection" projection Document,
            "hint" hint Hint,
            "collation" collation Document,
            "let" let_vars Document,
            "maxTimeMS" max_time Duration,
            "comment" comment Bson,
            "writeConcern" write_concern WriteConcern,
            "timeoutMS" timeout Duration,
            "rawData" raw_data bool,
        );
    };
}

/// The options of those that leave a document.
macro_rules! set_find_and_change {
    ($arguments:ident, $action:ident) => {
        set_find_and!($arguments, $action);
        set!($arguments, $action;
            "upsert" upsert bool,
            "bypassDocumentValidation" bypass_document_validation bool,
            "returnDocument" return_document ReturnDocument,
        );
    };
}

pub(super) async fn find_one_and<R: Runtime>(
    collection: &Collection<R>,
    operation: &Operation,
    mut arguments: Arguments,
) -> Outcome<Done<R>> {
    let filter = arguments.need::<Document>("filter")?;
    let done = match operation.name.as_str() {
        "findOneAndDelete" => {
            let mut action = collection.find_one_and_delete(filter);
            set_find_and!(arguments, action);
            arguments.end()?;
            action.await
        }
        "findOneAndReplace" => {
            let mut action = collection.find_one_and_replace(filter, arguments.need::<Document>("replacement")?);
            set_find_and_change!(arguments, action);
            arguments.end()?;
            action.await
        }
        _ => {
            let mut action = collection.find_one_and_update(filter, arguments.need::<UpdateModifications>("update")?);
            set_find_and_change!(arguments, action);
            set!(arguments, action; "arrayFilters" array_filters Vec<Document>,);
            arguments.end()?;
            action.await
        }
    };
    Ok(done.map(Output::maybe))
}

impl Argument for ReturnDocument {
    fn read(value: Bson) -> Result<Self, String> {
        let name = String::read(value)?;
        match name.to_ascii_lowercase().as_str() {
            "before" => Ok(Self::Before),
            "after" => Ok(Self::After),
            _ => Err(format!("{name} is neither Before nor After")),
        }
    }
}
