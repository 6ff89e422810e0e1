//! `count_documents` and `estimated_document_count`.

use std::sync::Arc;

use bson::{Document, doc};
use serde::{Deserialize, Serialize};
use stator_proto::operation::{self as op, AggregateTarget};
use stator_wire::bson::{DocBuf, DocWriter, ValueBuf};

use super::Doubt;
use crate::call::Call;
use crate::collection::Collection;
use crate::convert::{from_doc, to_doc};
use crate::error::Result;
use crate::inner::Core;
use crate::runtime::Runtime;

/// Counts documents exactly; see [`Collection::count_documents`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct CountDocuments<R: Runtime> {
    collection: Collection<R>,
    filter: DocBuf,
    skip: Option<u64>,
    limit: Option<u64>,
    hint: Option<ValueBuf>,
    collation: Option<DocBuf>,
    max_time: Option<core::time::Duration>,
    comment: Option<ValueBuf>,
    call: Call<R>,
    doubt: Doubt,
}

/// Estimates the number of documents; see [`Collection::estimated_document_count`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct EstimatedDocumentCount<R: Runtime> {
    collection: Collection<R>,
    op: op::Count,
    call: Call<R>,
    doubt: Doubt,
}

/// Counts documents with the command `count`; see [`Collection::count`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct Count<R: Runtime> {
    collection: Collection<R>,
    op: op::Count,
    call: Call<R>,
    doubt: Doubt,
}

impl<R: Runtime> Count<R> {
    pub(crate) fn new(collection: &Collection<R, Document>, filter: &(impl Serialize + ?Sized)) -> Self {
        let mut doubt = Doubt::default();
        let mut op = op::Count::new(collection.namespace().clone());
        op.query = Some(doubt.doc(filter));
        Self { op, call: collection.call(), collection: collection.clone(), doubt }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.collection.core()
    }

    async fn execute(self) -> Result<u64> {
        self.doubt.check()?;
        self.collection.core().execute(self.op, self.call).await
    }
}

impl<R: Runtime> CountDocuments<R> {
    pub(crate) fn new(collection: &Collection<R, Document>, filter: &(impl Serialize + ?Sized)) -> Self {
        let mut doubt = Doubt::default();
        Self {
            filter: doubt.doc(filter),
            skip: None,
            limit: None,
            hint: None,
            collation: None,
            max_time: None,
            comment: None,
            call: collection.call(),
            collection: collection.clone(),
            doubt,
        }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.collection.core()
    }

    async fn execute(self) -> Result<u64> {
        #[derive(Deserialize)]
        struct Counted {
            n: i64,
        }
        self.doubt.check()?;
        let pipeline = pipeline(&self.filter, self.skip, self.limit)?;
        let target = AggregateTarget::Collection(self.collection.namespace().clone());
        let mut op = op::Aggregate::new(target, pipeline);
        op.hint = self.hint;
        op.collation = self.collation;
        op.max_time = self.max_time;
        op.comment = self.comment;
        let mut reply = self.collection.core().execute(op, self.call).await?;
        match reply.batch.next_doc() {
            Some(document) => Ok(u64::try_from(from_doc::<Counted>(document?)?.n).unwrap_or(0)),
            None => Ok(0),
        }
    }
}

/// `$match`, `$skip`, `$limit`, and a `$group` that counts (specification *CRUD*).
fn pipeline(filter: &DocBuf, skip: Option<u64>, limit: Option<u64>) -> Result<DocBuf> {
    let mut bytes = Vec::new();
    let mut stages = DocWriter::new(&mut bytes);
    let mut array = stages.array_of("p");
    array.document().doc("$match", filter.as_doc());
    for (stage, value) in [("$skip", skip), ("$limit", limit)] {
        if let Some(value) = value {
            array.document().i64(stage, i64::try_from(value).unwrap_or(i64::MAX));
        }
    }
    let group = to_doc(&doc! { "_id": 1, "n": { "$sum": 1 } })?;
    array.document().doc("$group", group.as_doc());
    array.finish()?;
    stages.finish()?;
    let document = DocBuf::new(bytes)?;
    let array = document.as_doc().get_array("p")?.unwrap_or_default();
    Ok(DocBuf::from(array))
}

impl<R: Runtime> EstimatedDocumentCount<R> {
    pub(crate) fn new(collection: &Collection<R, Document>) -> Self {
        Self {
            op: op::Count::new(collection.namespace().clone()),
            call: collection.call(),
            collection: collection.clone(),
            doubt: Doubt::default(),
        }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.collection.core()
    }

    async fn execute(self) -> Result<u64> {
        self.doubt.check()?;
        self.collection.core().execute(self.op, self.call).await
    }
}

setters! { CountDocuments:
    /// How many documents to pass over.
    u64 skip => skip;
    /// The most to count.
    u64 limit => limit;
    /// The index to use.
    hint hint => hint;
    /// Rules for comparing strings.
    doc collation => collation;
    /// How long the server may work on the command.
    duration max_time => max_time;
    /// Shown in the server's log and profile.
    value comment => comment;
    /// Instead of the collection's read concern.
    read_concern read_concern => call.given.read_concern;
    /// Instead of the collection's read preference.
    read_preference read_preference => call.given.read_preference;
    /// The time for the whole operation; zero is no limit.
    duration timeout => call.given.timeout;
}

setters! { Count:
    /// How many documents to pass over.
    u64 skip => op.skip;
    /// The most to count.
    u64 limit => op.limit;
    /// The index to use.
    hint hint => op.hint;
    /// Rules for comparing strings.
    doc collation => op.collation;
    /// How long the server may work on the command.
    duration max_time => op.max_time;
    /// Shown in the server's log and profile.
    value comment => op.comment;
    /// Instead of the collection's read concern.
    read_concern read_concern => call.given.read_concern;
    /// Instead of the collection's read preference.
    read_preference read_preference => call.given.read_preference;
    /// The time for the whole operation; zero is no limit.
    duration timeout => call.given.timeout;
}

setters! { EstimatedDocumentCount:
    /// How long the server may work on the command.
    duration max_time => op.max_time;
    /// Shown in the server's log and profile.
    value comment => op.comment;
    /// Instead of the collection's read concern.
    read_concern read_concern => call.given.read_concern;
    /// Instead of the collection's read preference.
    read_preference read_preference => call.given.read_preference;
    /// The time for the whole operation; zero is no limit.
    duration timeout => call.given.timeout;
}

awaitable!(Count => u64);
awaitable!(CountDocuments => u64);
awaitable!(EstimatedDocumentCount => u64);
