//! `aggregate`.

use core::marker::PhantomData;
use std::sync::Arc;

use bson::Document;
use stator_proto::operation::{self as op, AggregateTarget, Namespace};

use super::Doubt;
use crate::call::Call;
use crate::collection::Collection;
use crate::convert::to_array;
use crate::cursor::Cursor;
use crate::database::Database;
use crate::error::Result;
use crate::inner::Core;
use crate::runtime::Runtime;

/// Runs a pipeline; see [`Collection::aggregate`] and [`Database::aggregate`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct Aggregate<R: Runtime, T = Document> {
    core: Arc<Core<R>>,
    namespace: Namespace,
    op: op::Aggregate,
    call: Call<R>,
    doubt: Doubt,
    documents: PhantomData<fn() -> T>,
}

impl<R: Runtime> Aggregate<R, Document> {
    pub(crate) fn on_collection(collection: &Collection<R>, pipeline: impl IntoIterator<Item = Document>) -> Self {
        let namespace = collection.namespace().clone();
        let target = AggregateTarget::Collection(namespace.clone());
        Self::new(collection.core(), target, namespace, pipeline, collection.call())
    }

    pub(crate) fn on_database(database: &Database<R>, pipeline: impl IntoIterator<Item = Document>) -> Self {
        let target = AggregateTarget::Database(database.name().into());
        let namespace = Namespace::new(database.name(), "$cmd.aggregate");
        Self::new(database.client().core(), target, namespace, pipeline, database.call())
    }

    fn new(
        core: &Arc<Core<R>>,
        target: AggregateTarget,
        namespace: Namespace,
        pipeline: impl IntoIterator<Item = Document>,
        call: Call<R>,
    ) -> Self {
        let mut doubt = Doubt::default();
        let stages: Vec<Document> = pipeline.into_iter().collect();
        let pipeline = doubt.take(to_array(&stages));
        Self {
            core: Arc::clone(core),
            op: op::Aggregate::new(target, pipeline),
            namespace,
            call,
            doubt,
            documents: PhantomData,
        }
    }
}

impl<R: Runtime, T> Aggregate<R, T> {
    /// Without the read and write concern of its handle.
    pub(crate) fn without_concerns(mut self) -> Self {
        self.call = self.call.without_concerns();
        self
    }

    /// The type of the results.
    pub fn with_type<U>(self) -> Aggregate<R, U> {
        let Self { core, namespace, op, call, doubt, .. } = self;
        Aggregate { core, namespace, op, call, doubt, documents: PhantomData }
    }

    const fn core(&self) -> &Arc<Core<R>> {
        &self.core
    }

    async fn execute(self) -> Result<Cursor<R, T>> {
        self.doubt.check()?;
        let (batch_size, comment) = (self.op.batch_size, self.op.comment.clone());
        let max_await_time = self.op.max_await_time;
        let namespace = self.namespace;
        let machine = |reply| stator_proto::Cursor::new(reply, namespace, batch_size, max_await_time, comment);
        Cursor::open(self.core, self.op, self.call, machine).await
    }
}

setters! { Aggregate<T>:
    /// Whether the server may use temporary files.
    bool allow_disk_use => op.allow_disk_use;
    /// The most documents in a batch.
    u32 batch_size => op.batch_size;
    /// Whether `$out` and `$merge` skip the collection's validation rules.
    bool bypass_document_validation => op.bypass_document_validation;
    /// Rules for comparing strings.
    doc collation => op.collation;
    /// The index to use.
    hint hint => op.hint;
    /// Variables for expressions (5.0 and later).
    doc let_vars => op.let_vars;
    /// How long the server may work on the command.
    duration max_time => op.max_time;
    /// How long the server waits for documents when the next batch is asked for.
    duration max_await_time => op.max_await_time;
    /// Shown in the server's log and profile.
    value comment => op.comment;
    /// Instead of the collection's read concern.
    read_concern read_concern => call.given.read_concern;
    /// Instead of the collection's write concern; for `$out` and `$merge`.
    write_concern write_concern => call.given.write_concern;
    /// Instead of the collection's read preference.
    read_preference read_preference => call.given.read_preference;
    /// The time for the whole operation; zero is no limit.
    duration timeout => call.given.timeout;
    /// What the timeout counts for: the whole life of the cursor (the default) or each step of it. Needs a timeout.
    timeout_mode timeout_mode => op.timeout_mode;
}

awaitable!(Aggregate<T> ['static] => Cursor<R, T>);
