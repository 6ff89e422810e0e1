//! Bulk writes, of collections and of clients, and what they return.

use std::collections::BTreeMap;
use std::time::Duration;

use bson::{Bson, Document, doc};
use stator_client::options::{
    ClientWriteModel, DeleteManyModel, DeleteOneModel, Hint, InsertOneModel, ReplaceOneModel, UpdateManyModel,
    UpdateModifications, UpdateOneModel, WriteConcern, WriteModel,
};
use stator_client::results::{BulkWriteResult, ClientBulkWriteResult, InsertedIds};
use stator_client::{ClientSession, Collection, Namespace, Runtime};

use super::arguments::{Argument, Arguments, fields};
use super::{Done, Output};
use crate::unified::entities::ClientUnderTest;
use crate::unified::stop::{Outcome, Stop};

/// The options that both kinds of bulk writes have.
macro_rules! set_bulk {
    ($arguments:ident, $action:ident) => {
        set!($arguments, $action;
            "ordered" ordered bool,
            "bypassDocumentValidation" bypass_document_validation bool,
            "let" let_vars Document,
            "comment" comment Bson,
            "writeConcern" write_concern WriteConcern,
            "timeoutMS" timeout Duration,
            "rawData" raw_data bool,
        );
    };
}

pub(super) async fn of_collection<R: Runtime>(
    collection: &Collection<R>,
    mut arguments: Arguments,
) -> Outcome<Done<R>> {
    let mut action = collection.bulk_write(arguments.need::<Vec<WriteModel>>("requests")?);
    set_bulk!(arguments, action);
    arguments.end()?;
    Ok(action.await.map(|done| Output::root(written(&done))))
}

pub(super) async fn of_client<R: Runtime>(
    entity: &ClientUnderTest<R>,
    mut arguments: Arguments,
    session: Option<&ClientSession<R>>,
) -> Outcome<Done<R>> {
    let mut action = entity.client.bulk_write(arguments.need::<Vec<ClientWriteModel>>("models")?);
    if let Some(session) = session {
        action = action.session(session);
    }
    set_bulk!(arguments, action);
    set!(arguments, action; "verboseResults" verbose_results bool,);
    arguments.end()?;
    Ok(action.await.map(|done| Output::root(client_written(&done))))
}

/// The result of a bulk write of a collection.
pub(super) fn written(done: &BulkWriteResult) -> Document {
    if !done.acknowledged {
        return doc! { "acknowledged": false };
    }
    doc! {
        "insertedCount": done.inserted_count as i64, "insertedIds": inserted_ids(&done.inserted_ids),
        "matchedCount": done.matched_count as i64, "modifiedCount": done.modified_count as i64,
        "deletedCount": done.deleted_count as i64,
        "upsertedCount": done.upserted_count as i64, "upsertedIds": by_index(&done.upserted_ids, Bson::clone),
        "acknowledged": true,
    }
}

/// The result of a bulk write of a collection that has done nothing.
pub(super) fn nothing() -> BulkWriteResult {
    let mut nothing = BulkWriteResult::default();
    nothing.acknowledged = true;
    nothing
}

/// The result of a bulk write of a client.
pub(super) fn client_written(done: &ClientBulkWriteResult) -> Document {
    if !done.acknowledged {
        return doc! { "acknowledged": false };
    }
    let mut shown = doc! {
        "insertedCount": done.inserted_count as i64, "upsertedCount": done.upserted_count as i64,
        "matchedCount": done.matched_count as i64, "modifiedCount": done.modified_count as i64,
        "deletedCount": done.deleted_count as i64, "acknowledged": true,
    };
    if let Some(verbose) = &done.verbose_results {
        let inserts = by_index(&verbose.insert_results, |done| doc! { "insertedId": done.inserted_id.clone() }.into());
        let updates = by_index(&verbose.update_results, |done| {
            let mut shown =
                doc! { "matchedCount": done.matched_count as i64, "modifiedCount": done.modified_count as i64 };
            shown.extend(done.upserted_id.clone().map(|id| ("upsertedId".to_owned(), id)));
            shown.into()
        });
        let deletes =
            by_index(&verbose.delete_results, |done| doc! { "deletedCount": done.deleted_count as i64 }.into());
        shown.extend(doc! { "insertResults": inserts, "updateResults": updates, "deleteResults": deletes });
    }
    shown
}

pub(super) fn inserted_ids(ids: &InsertedIds) -> Document {
    ids.iter().map(|(index, id)| (index.to_string(), id)).collect()
}

fn by_index<T>(results: &BTreeMap<usize, T>, show: impl Fn(&T) -> Bson) -> Document {
    results.iter().map(|(index, result)| (index.to_string(), show(result))).collect()
}

/// A document with one key, which names the kind of the write; what a client's bulk write has beside it is in `more`.
fn model<T>(value: Bson, more: impl FnOnce(&mut Arguments, WriteModel) -> Outcome<T>) -> Result<T, String> {
    let document = Document::read(value)?;
    let mut entries = document.into_iter();
    let (Some((kind, value)), None) = (entries.next(), entries.next()) else {
        return Err("a write model must have exactly one key".into());
    };
    fields(value, |fields| {
        let write = write(&kind, fields)?;
        more(fields, write)
    })
}

fn write(kind: &str, fields: &mut Arguments) -> Outcome<WriteModel> {
    macro_rules! set_statement {
        ($model:ident) => {
            set!(fields, $model; "collation" collation Document, "hint" hint Hint,);
        };
    }
    if kind == "insertOne" {
        return Ok(InsertOneModel::new(fields.need::<Document>("document")?).into());
    }
    let filter = fields.need::<Document>("filter")?;
    Ok(match kind {
        "updateOne" => {
            let mut model = UpdateOneModel::new(filter, fields.need::<UpdateModifications>("update")?);
            set_statement!(model);
            set!(fields, model;
                "upsert" upsert bool, "arrayFilters" array_filters Vec<Document>, "sort" sort Document,
            );
            model.into()
        }
        "updateMany" => {
            let mut model = UpdateManyModel::new(filter, fields.need::<UpdateModifications>("update")?);
            set_statement!(model);
            set!(fields, model; "upsert" upsert bool, "arrayFilters" array_filters Vec<Document>,);
            model.into()
        }
        "replaceOne" => {
            let mut model = ReplaceOneModel::new(filter, fields.need::<Document>("replacement")?);
            set_statement!(model);
            set!(fields, model; "upsert" upsert bool, "sort" sort Document,);
            model.into()
        }
        "deleteOne" => {
            let mut model = DeleteOneModel::new(filter);
            set_statement!(model);
            model.into()
        }
        "deleteMany" => {
            let mut model = DeleteManyModel::new(filter);
            set_statement!(model);
            model.into()
        }
        other => return Err(Stop::fail(format!("unknown write model {other}"))),
    })
}

impl Argument for WriteModel {
    fn read(value: Bson) -> Result<Self, String> {
        model(value, |_, write| Ok(write))
    }
}

impl Argument for ClientWriteModel {
    fn read(value: Bson) -> Result<Self, String> {
        model(value, |fields, write| {
            let namespace = fields.need::<String>("namespace")?;
            let (database, collection) =
                namespace.split_once('.').ok_or_else(|| format!("{namespace} is no namespace"))?;
            Ok(write.on(Namespace::new(database, collection)))
        })
    }
}
