//! The writes of a bulk write.

use serde::Serialize;
use stator_proto::operation::{Change, DeleteStatement, Namespace, UpdateStatement};
use stator_wire::bson::DocBuf;

use crate::action::{Doubt, change};
use crate::collection::Collection;
use crate::options::UpdateModifications;
use crate::runtime::Runtime;

/// One write of [`Collection::bulk_write`].
///
/// ```
/// use stator_client::doc;
/// use stator_client::options::{DeleteManyModel, InsertOneModel, UpdateOneModel, WriteModel};
///
/// let models: [WriteModel; 3] = [
///     InsertOneModel::new(doc! { "_id": 1, "name": "nut" }).into(),
///     UpdateOneModel::new(doc! { "name": "bolt" }, doc! { "$inc": { "count": 5 } }).upsert(true).into(),
///     DeleteManyModel::new(doc! { "count": 0 }).into(),
/// ];
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WriteModel {
    /// Inserts a document.
    InsertOne(InsertOneModel),
    /// Changes the first document that matches.
    UpdateOne(UpdateOneModel),
    /// Changes all documents that match.
    UpdateMany(UpdateManyModel),
    /// Replaces the first document that matches.
    ReplaceOne(ReplaceOneModel),
    /// Deletes the first document that matches.
    DeleteOne(DeleteOneModel),
    /// Deletes all documents that match.
    DeleteMany(DeleteManyModel),
}

/// One write of [`Client::bulk_write`](crate::Client::bulk_write): a model, and the collection that it is for. Made by a
/// model's `on`, or of a pair.
#[derive(Clone, Debug)]
pub struct ClientWriteModel {
    /// The collection.
    pub namespace: Namespace,
    /// The write.
    pub model: WriteModel,
}

impl<M: Into<WriteModel>> From<(Namespace, M)> for ClientWriteModel {
    fn from((namespace, model): (Namespace, M)) -> Self {
        Self { namespace, model: model.into() }
    }
}

impl<R: Runtime, T> From<&Collection<R, T>> for Namespace {
    fn from(collection: &Collection<R, T>) -> Self {
        collection.namespace().clone()
    }
}

impl WriteModel {
    /// The same write, for a collection.
    pub fn on(self, namespace: impl Into<Namespace>) -> ClientWriteModel {
        ClientWriteModel { namespace: namespace.into(), model: self }
    }
}

/// Inserts a document; it gets an `_id` (an ObjectId) if it has none. A document that is no BSON makes the bulk write fail
/// before anything is sent.
#[derive(Clone, Debug)]
pub struct InsertOneModel {
    pub(crate) document: DocBuf,
    pub(crate) doubt: Doubt,
}

impl InsertOneModel {
    /// Inserts `document`, which is encoded here and now.
    pub fn new(document: impl Serialize) -> Self {
        let mut doubt = Doubt::default();
        Self { document: doubt.doc(&document), doubt }
    }
}

/// Changes the first document that matches.
#[derive(Clone, Debug)]
pub struct UpdateOneModel {
    pub(crate) statement: UpdateStatement,
    pub(crate) doubt: Doubt,
}

/// Changes all documents that match.
#[derive(Clone, Debug)]
pub struct UpdateManyModel {
    pub(crate) statement: UpdateStatement,
    pub(crate) doubt: Doubt,
}

/// Replaces the first document that matches.
#[derive(Clone, Debug)]
pub struct ReplaceOneModel {
    pub(crate) statement: UpdateStatement,
    pub(crate) doubt: Doubt,
}

/// Deletes the first document that matches.
#[derive(Clone, Debug)]
pub struct DeleteOneModel {
    pub(crate) statement: DeleteStatement,
    pub(crate) doubt: Doubt,
}

/// Deletes all documents that match.
#[derive(Clone, Debug)]
pub struct DeleteManyModel {
    pub(crate) statement: DeleteStatement,
    pub(crate) doubt: Doubt,
}

fn update(filter: impl Serialize, update: impl Into<UpdateModifications>, multi: bool) -> (UpdateStatement, Doubt) {
    let mut doubt = Doubt::default();
    let change = change(update.into(), &mut doubt);
    let mut statement = UpdateStatement::new(doubt.doc(&filter), change);
    statement.multi = multi;
    (statement, doubt)
}

impl UpdateOneModel {
    /// Changes the first document that matches `filter`: with update operators, or with a pipeline.
    pub fn new(filter: impl Serialize, modifications: impl Into<UpdateModifications>) -> Self {
        let (statement, doubt) = update(filter, modifications, false);
        Self { statement, doubt }
    }
}

impl UpdateManyModel {
    /// Changes all documents that match `filter`: with update operators, or with a pipeline.
    pub fn new(filter: impl Serialize, modifications: impl Into<UpdateModifications>) -> Self {
        let (statement, doubt) = update(filter, modifications, true);
        Self { statement, doubt }
    }
}

impl ReplaceOneModel {
    /// Replaces the first document that matches `filter`.
    pub fn new(filter: impl Serialize, replacement: impl Serialize) -> Self {
        let mut doubt = Doubt::default();
        let replacement = Change::Replace(doubt.doc(&replacement));
        Self { statement: UpdateStatement::new(doubt.doc(&filter), replacement), doubt }
    }
}

impl DeleteOneModel {
    /// Deletes the first document that matches `filter`.
    pub fn new(filter: impl Serialize) -> Self {
        let mut doubt = Doubt::default();
        Self { statement: DeleteStatement::new(doubt.doc(&filter), true), doubt }
    }
}

impl DeleteManyModel {
    /// Deletes all documents that match `filter`.
    pub fn new(filter: impl Serialize) -> Self {
        let mut doubt = Doubt::default();
        Self { statement: DeleteStatement::new(doubt.doc(&filter), false), doubt }
    }
}

macro_rules! common_setters {
    ($($model:ident)*) => {
        $(setters! { model $model:
            /// Rules for comparing strings.
            doc collation => statement.collation;
            /// The index to use (4.4 and later, updates 4.2 and later).
            hint hint => statement.hint;
        })*
    };
}

common_setters!(UpdateOneModel UpdateManyModel ReplaceOneModel DeleteOneModel DeleteManyModel);

macro_rules! upsert_setters {
    ($($model:ident)*) => {
        $(setters! { model $model:
            /// Whether to insert a document if none matches.
            bool upsert => statement.upsert;
        })*
    };
}

upsert_setters!(UpdateOneModel UpdateManyModel ReplaceOneModel);

setters! { model UpdateOneModel:
    /// Which elements of arrays to change.
    array array_filters => statement.array_filters;
    /// Which of several matching documents to change (8.0 and later).
    doc sort => statement.sort;
}

setters! { model UpdateManyModel:
    /// Which elements of arrays to change.
    array array_filters => statement.array_filters;
}

setters! { model ReplaceOneModel:
    /// Which of several matching documents to replace (8.0 and later).
    doc sort => statement.sort;
}

macro_rules! models {
    ($($variant:ident $model:ident)*) => {
        $(
            impl From<$model> for WriteModel {
                fn from(model: $model) -> Self {
                    Self::$variant(model)
                }
            }

            impl $model {
                /// The same write, for a collection: for [`Client::bulk_write`](crate::Client::bulk_write).
                pub fn on(self, namespace: impl Into<Namespace>) -> ClientWriteModel {
                    WriteModel::from(self).on(namespace)
                }
            }
        )*
    };
}

models! {
    InsertOne InsertOneModel
    UpdateOne UpdateOneModel
    UpdateMany UpdateManyModel
    ReplaceOne ReplaceOneModel
    DeleteOne DeleteOneModel
    DeleteMany DeleteManyModel
}
