//! `update`.

use alloc::vec::Vec;

use stator_wire::bson::{Doc, DocBuf, DocWriter, ValueBuf};

use super::statements::{Encoder, Statements};
use super::{Namespace, Operation, OperationError, Optional, Progress, Traits, count_of};
use crate::connection::{Connection, Reply, Sequence};

/// How documents change.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// By update operators; the document begins with one.
    Update(DocBuf),
    /// By an aggregation pipeline: an array of stages, at least one.
    Pipeline(DocBuf),
    /// Into another document, which does not begin with an operator.
    Replace(DocBuf),
}

impl Change {
    /// Checks what must be checked before a server is asked (specification *CRUD*, update vs. replace validation).
    pub fn check(&self) -> Result<(), OperationError> {
        match self {
            Self::Update(update) => check_update(update.as_doc()),
            Self::Pipeline(stages) => check_pipeline(stages.as_doc()),
            Self::Replace(replacement) => check_replacement(replacement.as_doc()),
        }
    }

    pub(super) fn write(&self, key: &str, body: &mut DocWriter<'_>) {
        match self {
            Self::Pipeline(stages) => body.array(key, stages.as_doc()),
            Self::Update(document) | Self::Replace(document) => body.doc(key, document.as_doc()),
        };
    }
}

/// One update of an [`Update`].
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are the statement's own options, documented by the server's manual")]
pub struct UpdateStatement {
    pub filter: DocBuf,
    pub change: Change,
    /// Change all documents that match, not just the first.
    pub multi: bool,
    pub upsert: Option<bool>,
    /// An array of documents.
    pub array_filters: Option<DocBuf>,
    pub collation: Option<DocBuf>,
    /// A document or an index name.
    pub hint: Option<ValueBuf>,
    /// Which document is the first, if not `multi`; servers before 8.0 refuse it.
    pub sort: Option<DocBuf>,
}

impl UpdateStatement {
    /// Changes the first document that matches `filter`, with the server's defaults.
    pub fn new(filter: DocBuf, change: Change) -> Self {
        Self {
            filter,
            change,
            multi: false,
            upsert: None,
            array_filters: None,
            collation: None,
            hint: None,
            sort: None,
        }
    }

    pub(super) fn write(&self, statement: &mut DocWriter<'_>) {
        statement.doc("q", self.filter.as_doc());
        self.change.write("u", statement);
        statement
            .opt_bool("multi", self.multi.then_some(true))
            .opt_bool("upsert", self.upsert)
            .opt_array("arrayFilters", self.array_filters.as_ref())
            .opt_doc("collation", self.collation.as_ref())
            .opt_value("hint", self.hint.as_ref())
            .opt_doc("sort", self.sort.as_ref());
    }
}

/// Updates or replaces documents, in as many commands as the server's limits demand.
#[derive(Clone, Debug)]
pub struct Update {
    /// Where to update.
    pub namespace: Namespace,
    /// Whether to stop at the first error; default true.
    pub ordered: Option<bool>,
    /// Whether to skip the collection's validation rules.
    pub bypass_document_validation: Option<bool>,
    /// Variables for the filters and pipelines.
    pub let_vars: Option<DocBuf>,
    /// Shown in the server's log and profile.
    pub comment: Option<ValueBuf>,
    statements: Statements,
    updated: Updated,
}

/// The result of an [`Update`].
#[derive(Clone, Debug, PartialEq)]
pub struct Updated {
    /// How many documents matched; upserted ones are not counted.
    pub matched: u64,
    /// How many documents were changed thereby.
    pub modified: u64,
    /// What was inserted because nothing matched: the statement's index and the `_id`.
    pub upserted: Vec<(usize, ValueBuf)>,
    /// Whether the server confirmed it.
    pub acknowledged: bool,
}

impl Update {
    /// Encodes `statements`, with the server's defaults for all of them.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArgument`] if there are none, or if one fails [`Change::check`].
    pub fn new(
        namespace: Namespace,
        statements: impl IntoIterator<Item = UpdateStatement>,
    ) -> Result<Self, OperationError> {
        let mut encoder = Encoder::default();
        for statement in statements {
            statement.change.check()?;
            encoder.push(statement.multi, |out| statement.write(out))?;
        }
        Ok(Self {
            namespace,
            ordered: None,
            bypass_document_validation: None,
            let_vars: None,
            comment: None,
            statements: encoder.finish("updates", "there is no update to send")?,
            updated: Updated::NOTHING,
        })
    }

    fn is_ordered(&self) -> bool {
        self.ordered.unwrap_or(true)
    }
}

impl Updated {
    /// Nothing is changed so far.
    pub(super) const NOTHING: Self = Self { matched: 0, modified: 0, upserted: Vec::new(), acknowledged: true };

    /// Adds what a reply reports. `place` tells the index of a statement by that in its batch.
    pub(super) fn add(&mut self, reply: &Reply, place: impl Fn(usize) -> usize) -> Result<(), OperationError> {
        let body = reply.body();
        let mut matched = count_of(body, "n")?;
        if let Some(upserted) = body.get_array("upserted")? {
            for element in upserted.iter() {
                let entry = element?.value().as_doc()?;
                let index = entry.get_number_i64("index")?.and_then(|index| usize::try_from(index).ok());
                let index = index.ok_or(OperationError::Reply("an upserted document has no index"))?;
                let id = entry.get("_id")?.ok_or(OperationError::Reply("an upserted document has no `_id`"))?;
                self.upserted.push((place(index), ValueBuf::slice_of(reply.frame(), id)));
                // `n` counts them too.
                matched = matched.saturating_sub(1);
            }
        }
        self.matched = self.matched.saturating_add(matched);
        self.modified = self.modified.saturating_add(count_of(body, "nModified")?);
        Ok(())
    }
}

impl Operation for Update {
    type Output = Updated;

    fn name(&self) -> &str {
        "update"
    }

    fn database(&self) -> &str {
        self.namespace.database()
    }

    fn traits(&self) -> Traits {
        Traits { retryable: self.statements.is_single(), ..Traits::WRITE }
    }

    fn prepare(&mut self, connection: &Connection) -> Result<(), OperationError> {
        self.statements.prepare(connection)
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        body.str("update", self.namespace.collection())
            .bool("ordered", self.is_ordered())
            .opt_bool("bypassDocumentValidation", self.bypass_document_validation)
            .opt_doc("let", self.let_vars.as_ref())
            .opt_value("comment", self.comment.as_ref());
    }

    fn sequences(&self) -> &[Sequence] {
        self.statements.sequences()
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<Updated>, OperationError> {
        let offset = self.statements.offset();
        self.updated.add(&reply, |index| offset.saturating_add(index))?;
        if self.statements.handle_reply(reply.body(), self.is_ordered())? {
            return Ok(Progress::More);
        }
        if !self.statements.failure.is_empty() {
            self.statements.failure.modified = self.updated.modified;
            self.statements.failure.upserted.clone_from(&self.updated.upserted);
        }
        self.statements.finish(self.updated.matched)?;
        Ok(Progress::Done(self.updated.clone()))
    }

    fn unacknowledged(&mut self) -> Option<Progress<Updated>> {
        self.updated.acknowledged = false;
        Some(if self.statements.advance() { Progress::More } else { Progress::Done(self.updated.clone()) })
    }
}

/// An update begins with an operator; the server judges the rest.
pub(super) fn check_update(update: Doc<'_>) -> Result<(), OperationError> {
    match begins_with_operator(update)? {
        Some(true) => Ok(()),
        Some(false) => Err(OperationError::InvalidArgument("an update document must begin with a `$` operator")),
        None => Err(OperationError::InvalidArgument("the update document is empty")),
    }
}

/// A replacement does not begin with an operator; the server judges the rest.
pub(super) fn check_replacement(replacement: Doc<'_>) -> Result<(), OperationError> {
    match begins_with_operator(replacement)? {
        Some(true) => Err(OperationError::InvalidArgument("a replacement must not begin with a `$` operator")),
        Some(false) | None => Ok(()),
    }
}

/// A pipeline has a stage; the server judges the rest.
pub(super) fn check_pipeline(stages: Doc<'_>) -> Result<(), OperationError> {
    match stages.iter().next() {
        Some(stage) => stage.map(drop).map_err(|_| UNREADABLE),
        None => Err(OperationError::InvalidArgument("the update pipeline is empty")),
    }
}

fn begins_with_operator(document: Doc<'_>) -> Result<Option<bool>, OperationError> {
    let first = document.iter().next().transpose().map_err(|_| UNREADABLE)?;
    Ok(first.map(|element| element.key_bytes().starts_with(b"$")))
}

const UNREADABLE: OperationError = OperationError::InvalidArgument("the update document is not readable BSON");
