//! Writes of several kinds on one collection (specification *CRUD*, `bulkWrite`), with the commands that every server has.
//!
//! Ordered, neighbours of one kind share commands, and the first error ends it all. Otherwise all writes of one kind share
//! commands, and errors are collected. Each command is retryable on its own, if none of its writes may touch several documents.

use alloc::boxed::Box;
use alloc::vec::Vec;

use stator_wire::bson::{DocBuf, DocWriter, ValueBuf};

use super::insert::succeeded;
use super::statements::{DOCUMENTS, Encoder, Statements};
use super::{
    DeleteStatement, Namespace, Operation, OperationError, Optional, Progress, Traits, UpdateStatement, Updated,
    WriteError, WriteFailure, check_unacknowledged_hint, count_of,
};
use crate::connection::{Connection, Reply, Sequence};

/// One write of a [`BulkWrite`] or a [`ClientBulkWrite`](super::ClientBulkWrite).
#[derive(Clone, Debug)]
pub enum WriteModel {
    /// Inserts the document, which has an `_id`.
    Insert(DocBuf),
    /// Updates or replaces.
    Update(UpdateStatement),
    /// Deletes.
    Delete(DeleteStatement),
}

/// Which command a write belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Insert,
    Update,
    Delete,
}

impl WriteModel {
    const fn kind(&self) -> Kind {
        match self {
            Self::Insert(_) => Kind::Insert,
            Self::Update(_) => Kind::Update,
            Self::Delete(_) => Kind::Delete,
        }
    }

    /// Checks what must be checked before a server is asked.
    pub(super) fn check(&self) -> Result<(), OperationError> {
        match self {
            Self::Update(statement) => statement.change.check(),
            Self::Insert(_) | Self::Delete(_) => Ok(()),
        }
    }

    /// Whether it is a deletion that names an index.
    pub(super) fn is_hinted_delete(&self) -> bool {
        matches!(self, Self::Delete(statement) if statement.hint.is_some())
    }
}

impl Kind {
    const fn command(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    const fn identifier(self) -> &'static str {
        match self {
            Self::Insert => DOCUMENTS,
            Self::Update => "updates",
            Self::Delete => "deletes",
        }
    }
}

/// Writes that share commands.
#[derive(Clone, Debug)]
struct Group {
    kind: Kind,
    statements: Statements,
    /// The place of each in the user's list.
    models: Vec<usize>,
}

impl Group {
    /// The place in the user's list of a write of the current batch.
    fn model(&self, index: usize) -> usize {
        let last = self.models.last().copied().unwrap_or(0);
        self.models.get(self.statements.offset().saturating_add(index)).copied().unwrap_or(last)
    }

    fn check(&self, connection: &Connection) -> Result<(), OperationError> {
        self.statements.check(&connection.hello().limits).map_err(|error| self.in_list(error))
    }

    /// The same error with the place in the user's list.
    fn in_list(&self, error: OperationError) -> OperationError {
        match error {
            OperationError::DocumentTooLarge { index, length, limit } => {
                let index = self.models.get(index).copied().unwrap_or(index);
                OperationError::DocumentTooLarge { index, length, limit }
            }
            error => error,
        }
    }
}

/// A group while it is built.
#[derive(Debug)]
struct Draft {
    kind: Kind,
    encoder: Encoder,
    models: Vec<usize>,
}

/// Inserts, updates, replaces and deletes, in as many commands as kinds and the server's limits demand.
#[derive(Clone, Debug)]
pub struct BulkWrite {
    /// Where to write.
    pub namespace: Namespace,
    /// Whether inserts and updates skip the collection's validation rules.
    pub bypass_document_validation: Option<bool>,
    /// Variables for the filters and pipelines of updates and deletions.
    pub let_vars: Option<DocBuf>,
    /// Shown in the server's log and profile.
    pub comment: Option<ValueBuf>,
    ordered: bool,
    /// At least one.
    groups: Vec<Group>,
    current: usize,
    hinted: bool,
    written: BulkWritten,
    failure: WriteFailure,
}

/// What a [`BulkWrite`] has done.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkWritten {
    /// How many documents were inserted.
    pub inserted: u64,
    /// How many documents matched; upserted ones are not counted.
    pub matched: u64,
    /// How many documents were changed thereby.
    pub modified: u64,
    /// How many documents were deleted.
    pub deleted: u64,
    /// What was inserted because nothing matched: the write's index and the `_id`.
    pub upserted: Vec<(usize, ValueBuf)>,
    /// Whether the server confirmed it; if not, nothing is counted.
    pub acknowledged: bool,
}

impl BulkWritten {
    /// Nothing so far.
    pub const NOTHING: Self =
        Self { inserted: 0, matched: 0, modified: 0, deleted: 0, upserted: Vec::new(), acknowledged: true };
}

impl BulkWrite {
    /// Encodes `models`, with the server's defaults for all of them. `ordered`: whether to stop at the first error;
    /// default true.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArgument`] if there are none, or if an update fails [`Change::check`](super::Change::check).
    pub fn new(
        namespace: Namespace,
        ordered: Option<bool>,
        models: impl IntoIterator<Item = WriteModel>,
    ) -> Result<Self, OperationError> {
        let ordered = ordered.unwrap_or(true);
        let (mut drafts, mut hinted): (Vec<Draft>, _) = (Vec::new(), false);
        for (index, model) in models.into_iter().enumerate() {
            model.check()?;
            hinted |= model.is_hinted_delete();
            let kind = model.kind();
            let known = match ordered {
                true => drafts.len().checked_sub(1).filter(|&last| drafts[last].kind == kind),
                false => drafts.iter().position(|draft| draft.kind == kind),
            };
            let at = known.unwrap_or_else(|| {
                drafts.push(Draft { kind, encoder: Encoder::default(), models: Vec::new() });
                drafts.len() - 1
            });
            let Draft { encoder, models, .. } = &mut drafts[at];
            models.push(index);
            match model {
                WriteModel::Insert(document) => encoder.push_document(document.as_doc()),
                WriteModel::Update(statement) => encoder.push(statement.multi, |out| statement.write(out))?,
                WriteModel::Delete(statement) => encoder.push(!statement.limit_one, |out| statement.write(out))?,
            }
        }
        if drafts.is_empty() {
            return Err(OperationError::InvalidArgument(NO_WRITES));
        }
        let groups = drafts.into_iter().map(|Draft { kind, encoder, models }| {
            Ok(Group { kind, statements: encoder.finish(kind.identifier(), NO_WRITES)?, models })
        });
        Ok(Self {
            namespace,
            bypass_document_validation: None,
            let_vars: None,
            comment: None,
            ordered,
            groups: groups.collect::<Result<_, OperationError>>()?,
            current: 0,
            hinted,
            written: BulkWritten::NOTHING,
            failure: WriteFailure::default(),
        })
    }

    /// What was done. For a host that runs the operation by reference, when it has failed.
    pub fn take_written(&mut self) -> BulkWritten {
        core::mem::replace(&mut self.written, BulkWritten::NOTHING)
    }

    /// What had gone wrong before the operation failed for another reason. For a host that runs the operation by
    /// reference.
    pub fn take_failure(&mut self) -> WriteFailure {
        core::mem::take(&mut self.failure)
    }

    /// The indexes of the inserts that a server has carried out, as far as its replies tell, in rising order. `errors` are
    /// all that they told of.
    pub fn inserted(&self, errors: &[WriteError]) -> Vec<usize> {
        let inserts = self.groups.iter().filter(|group| group.kind == Kind::Insert);
        let answered = inserts.flat_map(|group| group.models[..group.statements.answered()].iter().copied());
        succeeded(answered, errors, self.ordered).collect()
    }

    /// `new` has refused an empty list, and `current` stays within it.
    fn group(&self) -> &Group {
        &self.groups[self.current]
    }

    /// The current batch is over; whether another is to be sent.
    fn advance(&mut self) -> bool {
        if self.groups[self.current].statements.advance() {
            return true;
        }
        let more = self.current + 1 < self.groups.len();
        self.current += usize::from(more);
        more
    }

    /// Notes what a reply reports.
    fn note(&mut self, reply: &Reply) -> Result<(), OperationError> {
        let (group, written) = (&self.groups[self.current], &mut self.written);
        let count = count_of(reply.body(), "n")?;
        match group.kind {
            Kind::Insert => written.inserted = written.inserted.saturating_add(count),
            Kind::Delete => written.deleted = written.deleted.saturating_add(count),
            Kind::Update => {
                let mut updated = Updated::NOTHING;
                updated.add(reply, |index| group.model(index))?;
                written.matched = written.matched.saturating_add(updated.matched);
                written.modified = written.modified.saturating_add(updated.modified);
                written.upserted.append(&mut updated.upserted);
            }
        }
        let known = self.failure.write_errors.len();
        self.failure.add(reply.body(), 0)?;
        for error in &mut self.failure.write_errors[known..] {
            error.index = group.model(error.index);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Progress<BulkWritten>, OperationError> {
        if self.failure.is_empty() {
            return Ok(Progress::Done(self.written.clone()));
        }
        let mut failure = self.take_failure();
        failure.write_errors.sort_by_key(|error| error.index);
        failure.done = [self.written.inserted, self.written.matched, self.written.deleted]
            .into_iter()
            .fold(0, u64::saturating_add);
        failure.modified = self.written.modified;
        failure.upserted.clone_from(&self.written.upserted);
        Err(OperationError::Write(Box::new(failure)))
    }
}

const NO_WRITES: &str = "there is no write to send";

impl Operation for BulkWrite {
    type Output = BulkWritten;

    fn name(&self) -> &str {
        self.group().kind.command()
    }

    fn database(&self) -> &str {
        self.namespace.database()
    }

    fn traits(&self) -> Traits {
        Traits { retryable: self.group().statements.is_single(), ..Traits::WRITE }
    }

    fn check_unacknowledged(&self, connection: &Connection) -> Result<(), OperationError> {
        check_unacknowledged_hint(self.hinted, connection)
    }

    fn prepare(&mut self, connection: &Connection) -> Result<(), OperationError> {
        // An operation that cannot be carried out as a whole is not begun.
        if self.current == 0 && self.group().statements.answered() == 0 {
            self.groups.iter().try_for_each(|group| group.check(connection))?;
        }
        let group = &mut self.groups[self.current];
        group.statements.prepare(connection).map_err(|error| group.in_list(error))
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        let kind = self.group().kind;
        body.str(kind.command(), self.namespace.collection())
            .bool("ordered", self.ordered)
            .opt_bool("bypassDocumentValidation", self.bypass_document_validation.filter(|_| kind != Kind::Delete))
            .opt_doc("let", self.let_vars.as_ref().filter(|_| kind != Kind::Insert))
            .opt_value("comment", self.comment.as_ref());
    }

    fn sequences(&self) -> &[Sequence] {
        self.group().statements.sequences()
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<BulkWritten>, OperationError> {
        self.note(&reply)?;
        let stop = self.ordered && !self.failure.write_errors.is_empty();
        if self.advance() && !stop { Ok(Progress::More) } else { self.finish() }
    }

    fn unacknowledged(&mut self) -> Option<Progress<BulkWritten>> {
        self.written.acknowledged = false;
        Some(if self.advance() { Progress::More } else { Progress::Done(self.written.clone()) })
    }
}
