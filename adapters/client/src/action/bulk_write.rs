//! `bulk_write` of a collection.

use std::sync::Arc;

use bson::{Bson, Document};
use stator_proto::operation::{self as op, WriteModel as Write};
use stator_wire::bson::{DocBuf, ValueBuf};

use super::Doubt;
use super::insert::with_id;
use crate::call::Call;
use crate::collection::Collection;
use crate::error::{ErrorKind, Result};
use crate::inner::Core;
use crate::models::WriteModel;
use crate::results::{BulkWriteResult, InsertedIds};
use crate::runtime::Runtime;

/// Writes of several kinds; see [`Collection::bulk_write`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct BulkWrite<R: Runtime> {
    collection: Collection<R>,
    models: Vec<Write>,
    /// The `_id`s of what is to be inserted.
    ids: InsertedIds,
    ordered: Option<bool>,
    bypass_document_validation: Option<bool>,
    let_vars: Option<DocBuf>,
    comment: Option<ValueBuf>,
    call: Call<R>,
    doubt: Doubt,
}

impl<R: Runtime> BulkWrite<R> {
    pub(crate) fn new(
        collection: &Collection<R, Document>,
        models: impl IntoIterator<Item = impl Into<WriteModel>>,
    ) -> Self {
        let (mut writes, mut ids, mut doubt) = (Vec::new(), InsertedIds::default(), Doubt::default());
        for (index, model) in models.into_iter().enumerate() {
            let (write, id) = encode(model.into(), collection.core(), &mut doubt);
            writes.push(write);
            if let Some(id) = id {
                ids.push(index, id);
            }
        }
        Self {
            models: writes,
            ids,
            ordered: None,
            bypass_document_validation: None,
            let_vars: None,
            comment: None,
            call: collection.call(),
            collection: collection.clone(),
            doubt,
        }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.collection.core()
    }

    async fn execute(self) -> Result<BulkWriteResult> {
        self.doubt.check()?;
        let mut op = op::BulkWrite::new(self.collection.namespace().clone(), self.ordered, self.models)?;
        op.bypass_document_validation = self.bypass_document_validation;
        op.let_vars = self.let_vars;
        op.comment = self.comment;
        match self.collection.core().execute(&mut op, self.call).await {
            Ok(written) => BulkWriteResult::new(written, self.ids),
            Err(error) => {
                let noted = op.take_failure();
                let inserted = op.inserted(error.refused_writes(&noted));
                let partial = BulkWriteResult::new(op.take_written(), self.ids.keep(&inserted))?;
                let is_nothing = partial.is_nothing();
                Err(error.into_bulk(noted, partial, is_nothing, ErrorKind::BulkWrite))
            }
        }
    }
}

/// The command's view of a write, and the `_id` if it inserts.
pub(super) fn encode<R: Runtime>(model: WriteModel, core: &Core<R>, doubt: &mut Doubt) -> (Write, Option<Bson>) {
    let mut id = None;
    let (write, part) = match model {
        WriteModel::InsertOne(model) => {
            let (document, its_id) = doubt.take(with_id(&model.document, || core.new_object_id()));
            id = Some(its_id);
            (Write::Insert(document), model.doubt)
        }
        WriteModel::UpdateOne(model) => (Write::Update(model.statement), model.doubt),
        WriteModel::UpdateMany(model) => (Write::Update(model.statement), model.doubt),
        WriteModel::ReplaceOne(model) => (Write::Update(model.statement), model.doubt),
        WriteModel::DeleteOne(model) => (Write::Delete(model.statement), model.doubt),
        WriteModel::DeleteMany(model) => (Write::Delete(model.statement), model.doubt),
    };
    doubt.join(part);
    (write, id)
}

setters! { BulkWrite:
    /// Whether to stop at the first write that fails; default true.
    bool ordered => ordered;
    /// Whether inserts, updates and replacements skip the collection's validation rules.
    bool bypass_document_validation => bypass_document_validation;
    /// Variables for expressions in updates, replacements and deletions (5.0 and later).
    doc let_vars => let_vars;
    /// Shown in the server's log and profile.
    value comment => comment;
    /// Instead of the collection's write concern.
    write_concern write_concern => call.given.write_concern;
    /// The time for the whole operation; zero is no limit.
    duration timeout => call.given.timeout;
}

awaitable!(BulkWrite => BulkWriteResult);
