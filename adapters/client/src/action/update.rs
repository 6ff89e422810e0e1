//! `update_one`, `update_many` and `replace_one`.

use std::sync::Arc;

use bson::{Bson, Document};
use serde::Serialize;
use stator_proto::operation::{self as op, Change, UpdateStatement, Updated};
use stator_wire::bson::{DocBuf, ValueBuf};

use super::Doubt;
use crate::call::Call;
use crate::collection::Collection;
use crate::convert::{from_value, to_array};
use crate::error::Result;
use crate::inner::Core;
use crate::options::UpdateModifications;
use crate::results::UpdateResult;
use crate::runtime::Runtime;

/// Changes documents; see [`Collection::update_one`] and [`Collection::update_many`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct Update<R: Runtime> {
    collection: Collection<R>,
    statement: UpdateStatement,
    command: CommandOptions,
    call: Call<R>,
    doubt: Doubt,
}

/// Replaces a document; see [`Collection::replace_one`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct ReplaceOne<R: Runtime> {
    collection: Collection<R>,
    statement: UpdateStatement,
    command: CommandOptions,
    call: Call<R>,
    doubt: Doubt,
}

/// The command's view of how to change a document.
pub(crate) fn change(update: UpdateModifications, doubt: &mut Doubt) -> Change {
    match update {
        UpdateModifications::Document(document) => Change::Update(doubt.doc(&document)),
        UpdateModifications::Pipeline(stages) => Change::Pipeline(doubt.take(to_array(&stages))),
    }
}

impl<R: Runtime> Update<R> {
    pub(crate) fn new(
        collection: &Collection<R, Document>,
        filter: &(impl Serialize + ?Sized),
        update: UpdateModifications,
        multi: bool,
    ) -> Self {
        let mut doubt = Doubt::default();
        let change = change(update, &mut doubt);
        let mut statement = UpdateStatement::new(doubt.doc(filter), change);
        statement.multi = multi;
        Self {
            command: CommandOptions::default(),
            statement,
            call: collection.call(),
            collection: collection.clone(),
            doubt,
        }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.collection.core()
    }

    async fn execute(self) -> Result<UpdateResult> {
        self.doubt.check()?;
        run(&self.collection, self.statement, self.command, self.call).await
    }
}

impl<R: Runtime> ReplaceOne<R> {
    pub(crate) fn new(
        collection: &Collection<R, Document>,
        filter: &(impl Serialize + ?Sized),
        replacement: &(impl Serialize + ?Sized),
    ) -> Self {
        let mut doubt = Doubt::default();
        let replacement = Change::Replace(doubt.doc(replacement));
        Self {
            command: CommandOptions::default(),
            statement: UpdateStatement::new(doubt.doc(filter), replacement),
            call: collection.call(),
            collection: collection.clone(),
            doubt,
        }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.collection.core()
    }

    async fn execute(self) -> Result<UpdateResult> {
        self.doubt.check()?;
        run(&self.collection, self.statement, self.command, self.call).await
    }
}

/// The options of the command beside those of its statement.
#[derive(Debug, Default)]
struct CommandOptions {
    bypass_document_validation: Option<bool>,
    let_vars: Option<DocBuf>,
    comment: Option<ValueBuf>,
}

async fn run<R: Runtime>(
    collection: &Collection<R>,
    statement: UpdateStatement,
    command: CommandOptions,
    call: Call<R>,
) -> Result<UpdateResult> {
    let mut op = op::Update::new(collection.namespace().clone(), [statement])?;
    op.bypass_document_validation = command.bypass_document_validation;
    op.let_vars = command.let_vars;
    op.comment = command.comment;
    result(collection.core().execute(op, call).await?)
}

fn result(updated: Updated) -> Result<UpdateResult> {
    let upserted_id: Option<Bson> = match updated.upserted.first() {
        Some((_, id)) => Some(from_value(id.kind(), id.as_raw().bytes())?),
        None => None,
    };
    Ok(UpdateResult {
        matched_count: updated.matched,
        modified_count: updated.modified,
        upserted_id,
        acknowledged: updated.acknowledged,
    })
}

macro_rules! update_setters {
    ($action:ident) => {
        setters! { $action:
            /// Whether to insert a document if none matches.
            bool upsert => statement.upsert;
            /// Which of several matching documents to change first (8.0 and later; not for `update_many`).
            doc sort => statement.sort;
            /// Rules for comparing strings.
            doc collation => statement.collation;
            /// The index to use.
            hint hint => statement.hint;
            /// Whether to skip the collection's validation rules.
            bool bypass_document_validation => command.bypass_document_validation;
            /// Variables for expressions (5.0 and later).
            doc let_vars => command.let_vars;
            /// Shown in the server's log and profile.
            value comment => command.comment;
            /// Instead of the collection's write concern.
            write_concern write_concern => call.given.write_concern;
            /// The time for the whole operation; zero is no limit.
            duration timeout => call.given.timeout;
        }
    };
}

update_setters!(Update);
update_setters!(ReplaceOne);

setters! { Update:
    /// Which elements of arrays to change.
    array array_filters => statement.array_filters;
}

awaitable!(Update => UpdateResult);
awaitable!(ReplaceOne => UpdateResult);
