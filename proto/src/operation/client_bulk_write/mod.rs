//! Writes of several kinds on several collections with the command `bulkWrite` (specification *Bulk Write*).
//!
//! ```text
//!            batch sent        results left on the server
//!   +-> write ---------> reply ---------------------------> get more --+
//!   |                      | none left                 ^  |   | refused, or an ordered error
//!   |                      v                           +--+   v
//!   +---- more batches -- batch over <-- none left -----+    kill --> over
//!                          | ordered error, or the last batch
//!                          v
//!                         over
//! ```

use alloc::boxed::Box;
use alloc::vec::Vec;

use stator_wire::bson::{Doc, DocBuf, DocWriter, ValueBuf};

use self::ops::Ops;
use super::bulk_write::WriteModel;
use super::{
    CommandError, KillCursors, MaxTime, Namespace, Operation, OperationError, Optional, Progress, SessionUse, Traits,
    WriteError, WriteFailure, count_of,
};
use crate::connection::{Connection, Reply, Sequence};
use crate::cursor::CursorReply;

mod ops;

/// The wire version of server 8.0, the first with `bulkWrite`.
const WIRE_VERSION_8_0: i32 = 25;

/// Inserts, updates, replaces and deletes on any collections, in as many `bulkWrite` commands as the server's limits demand.
/// Needs server 8.0.
///
/// When it has failed for another reason than single writes and write concerns, a host that ran it by reference can ask
/// for what was done nevertheless ([`take_written`](Self::take_written), [`take_failure`](Self::take_failure)), and what
/// the server is to forget ([`take_cursor`](Self::take_cursor)).
#[derive(Clone, Debug)]
pub struct ClientBulkWrite {
    /// Whether to stop at the first error; default true.
    pub ordered: Option<bool>,
    /// Whether to skip the collections' validation rules.
    pub bypass_document_validation: Option<bool>,
    /// Variables for the filters and pipelines.
    pub let_vars: Option<DocBuf>,
    /// Shown in the server's log and profile.
    pub comment: Option<ValueBuf>,
    /// Whether to tell the outcome of each write; default false.
    pub verbose_results: Option<bool>,
    ops: Ops,
    phase: Phase,
    written: ClientBulkWritten,
    failure: WriteFailure,
}

/// What comes next, or is being done.
#[derive(Clone, Debug)]
enum Phase {
    /// A batch.
    Write,
    /// The next results of the batch, from this cursor.
    GetMore(Namespace, i64),
    /// Making the server forget the cursor, after an error of an ordered write.
    Kill(KillCursors),
    /// The same, after a refused command.
    Tidy(KillCursors),
    Over,
}

/// What a [`ClientBulkWrite`] has done.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientBulkWritten {
    /// How many documents were inserted.
    pub inserted: u64,
    /// How many documents were inserted because nothing matched an update.
    pub upserted: u64,
    /// How many documents matched updates.
    pub matched: u64,
    /// How many documents were changed thereby.
    pub modified: u64,
    /// How many documents were deleted.
    pub deleted: u64,
    /// What each write has done, by its index; empty without verbose results.
    pub outcomes: Vec<(usize, WriteOutcome)>,
    /// Whether it is certain that a write has succeeded: if not, there is nothing to be told.
    pub succeeded: bool,
    /// Whether the server confirmed it; if not, nothing is counted.
    pub acknowledged: bool,
}

/// What one write has done.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteOutcome {
    /// How many documents were inserted or deleted, or matched an update.
    pub count: u64,
    /// How many documents were changed by an update.
    pub modified: u64,
    /// The `_id` of the document that an update has inserted because nothing matched.
    pub upserted: Option<ValueBuf>,
}

impl ClientBulkWritten {
    const NOTHING: Self = Self {
        inserted: 0,
        upserted: 0,
        matched: 0,
        modified: 0,
        deleted: 0,
        outcomes: Vec::new(),
        succeeded: false,
        acknowledged: true,
    };

    fn add(&mut self, reply: Doc<'_>) -> Result<(), OperationError> {
        let counts = [
            (&mut self.inserted, "nInserted"),
            (&mut self.upserted, "nUpserted"),
            (&mut self.matched, "nMatched"),
            (&mut self.modified, "nModified"),
            (&mut self.deleted, "nDeleted"),
        ];
        for (count, key) in counts {
            *count = count.saturating_add(count_of(reply, key)?);
        }
        Ok(())
    }
}

impl ClientBulkWrite {
    /// Encodes `writes`, with the server's defaults for all of them.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArgument`] if there are none, or if an update fails [`Change::check`](super::Change::check).
    pub fn new(writes: impl IntoIterator<Item = (Namespace, WriteModel)>) -> Result<Self, OperationError> {
        Ok(Self {
            ordered: None,
            bypass_document_validation: None,
            let_vars: None,
            comment: None,
            verbose_results: None,
            ops: Ops::new(writes)?,
            phase: Phase::Write,
            written: ClientBulkWritten::NOTHING,
            failure: WriteFailure::default(),
        })
    }

    /// What was done, as far as replies tell.
    pub fn take_written(&mut self) -> ClientBulkWritten {
        core::mem::replace(&mut self.written, ClientBulkWritten::NOTHING)
    }

    /// Which single writes had failed, and the write concerns that were not met.
    pub fn take_failure(&mut self) -> WriteFailure {
        core::mem::take(&mut self.failure)
    }

    /// The command that makes the server forget the results that were not read, if there are any.
    pub fn take_cursor(&mut self) -> Option<KillCursors> {
        match core::mem::replace(&mut self.phase, Phase::Over) {
            Phase::GetMore(namespace, id) => Some(KillCursors::new(namespace, id)),
            Phase::Kill(kill) | Phase::Tidy(kill) => Some(kill),
            Phase::Write | Phase::Over => None,
        }
    }

    fn is_ordered(&self) -> bool {
        self.ordered.unwrap_or(true)
    }

    fn is_verbose(&self) -> bool {
        self.verbose_results.unwrap_or(false)
    }

    fn write_options(&self, body: &mut DocWriter<'_>) {
        body.i32("bulkWrite", 1)
            .bool("errorsOnly", !self.is_verbose())
            .bool("ordered", self.is_ordered())
            .opt_bool("bypassDocumentValidation", self.bypass_document_validation)
            .opt_value("comment", self.comment.as_ref())
            .opt_doc("let", self.let_vars.as_ref());
    }

    /// The length of the command without what any command carries.
    fn options_length(&self) -> Result<usize, OperationError> {
        let mut bytes = Vec::with_capacity(64);
        let mut body = DocWriter::new(&mut bytes);
        self.write_options(&mut body);
        body.finish().map_err(|_| OperationError::InvalidArgument("the options are too long for BSON"))?;
        Ok(bytes.len())
    }

    /// The reply to a batch.
    fn handle_written(&mut self, reply: Reply) -> Result<Progress<ClientBulkWritten>, OperationError> {
        let body = reply.body();
        self.written.add(body)?;
        self.failure.add(body, 0)?;
        let errors = count_of(body, "nErrors")?;
        // What an ordered write has done before its error, the error's index tells.
        let all = self.ops.current().len() as u64;
        self.written.succeeded |= errors == 0 || (!self.is_ordered() && errors < all);
        self.handle_results(reply, "firstBatch")
    }

    /// The reply has results: some of a batch's, or the last.
    fn handle_results(&mut self, reply: Reply, key: &str) -> Result<Progress<ClientBulkWritten>, OperationError> {
        let results = CursorReply::parse(reply, key, None)?;
        let namespace = results.namespace.or_else(|| match &self.phase {
            Phase::GetMore(namespace, _) => Some(namespace.clone()),
            _ => None,
        });
        self.phase = match (namespace, results.id) {
            (_, 0) => Phase::Write,
            (Some(namespace), id) => Phase::GetMore(namespace, id),
            (None, _) => return Err(OperationError::Reply("the cursor has no `ns`")),
        };
        let mut batch = results.batch;
        while let Some(result) = batch.next_range() {
            let result = result?;
            let frame = batch.frame().clone();
            self.handle_result(&frame, Doc::new(&frame[result])?)?;
        }
        if self.is_ordered() && !self.failure.write_errors.is_empty() {
            return match self.take_cursor() {
                Some(kill) => {
                    self.phase = Phase::Kill(kill);
                    Ok(Progress::More)
                }
                None => self.finish(),
            };
        }
        if matches!(self.phase, Phase::GetMore(..)) || self.ops.advance() { Ok(Progress::More) } else { self.finish() }
    }

    /// What one write has done, or why it has failed.
    fn handle_result(&mut self, frame: &bytes::Bytes, result: Doc<'_>) -> Result<(), OperationError> {
        let index = result.get_number_i64("idx")?.and_then(|index| usize::try_from(index).ok());
        let index = index.ok_or(OperationError::Reply("a result has no index"))?;
        let place = self.ops.current().start.saturating_add(index);
        if !result.get_truthy("ok")?.unwrap_or(false) {
            self.written.succeeded |= self.is_ordered() && index > 0;
            self.failure.write_errors.push(WriteError::parse(result, place)?);
        } else if self.is_verbose() {
            let upserted = match result.get_doc("upserted")? {
                Some(upserted) => upserted.get("_id")?.map(|id| ValueBuf::slice_of(frame, id)),
                None => None,
            };
            let (count, modified) = (count_of(result, "n")?, count_of(result, "nModified")?);
            self.written.outcomes.push((place, WriteOutcome { count, modified, upserted }));
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Progress<ClientBulkWritten>, OperationError> {
        self.phase = Phase::Over;
        if self.failure.is_empty() {
            return Ok(Progress::Done(self.written.clone()));
        }
        let mut failure = self.take_failure();
        failure.write_errors.sort_by_key(|error| error.index);
        let written = &self.written;
        failure.done = [written.inserted, written.matched, written.deleted].into_iter().fold(0, u64::saturating_add);
        failure.modified = written.modified;
        Err(OperationError::Write(Box::new(failure)))
    }
}

impl Operation for ClientBulkWrite {
    type Output = ClientBulkWritten;

    fn name(&self) -> &str {
        match &self.phase {
            Phase::Write | Phase::Over => "bulkWrite",
            Phase::GetMore(..) => "getMore",
            Phase::Kill(kill) | Phase::Tidy(kill) => kill.name(),
        }
    }

    fn database(&self) -> &str {
        match &self.phase {
            Phase::Write | Phase::Over => "admin",
            Phase::GetMore(namespace, _) => namespace.database(),
            Phase::Kill(kill) | Phase::Tidy(kill) => kill.database(),
        }
    }

    fn traits(&self) -> Traits {
        match &self.phase {
            Phase::Write | Phase::Over => Traits { retryable: self.ops.is_single(), ..Traits::WRITE },
            Phase::GetMore(..) => Traits { session: SessionUse::Given, ..Traits::PLAIN },
            Phase::Kill(kill) | Phase::Tidy(kill) => kill.traits(),
        }
    }

    fn max_time(&self) -> MaxTime {
        match &self.phase {
            Phase::GetMore(..) => MaxTime::Await(None),
            _ => MaxTime::Deadline(None),
        }
    }

    fn check_unacknowledged(&self, _connection: &Connection) -> Result<(), OperationError> {
        if self.is_verbose() {
            return Err(OperationError::InvalidArgument(UNACKNOWLEDGED_VERBOSE));
        }
        if self.is_ordered() {
            return Err(OperationError::InvalidArgument(UNACKNOWLEDGED_ORDERED));
        }
        Ok(())
    }

    fn prepare(&mut self, connection: &Connection) -> Result<(), OperationError> {
        if !matches!(self.phase, Phase::Write) {
            return Ok(());
        }
        if connection.hello().max_wire_version < WIRE_VERSION_8_0 {
            return Err(OperationError::InvalidArgument("a bulk write on several collections needs server 8.0"));
        }
        let options = self.options_length()?;
        self.ops.cut(&connection.hello().limits, options)
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        match &self.phase {
            Phase::Write | Phase::Over => self.write_options(body),
            Phase::GetMore(namespace, id) => {
                body.i64("getMore", *id)
                    .str("collection", namespace.collection())
                    .opt_value("comment", self.comment.as_ref());
            }
            Phase::Kill(kill) | Phase::Tidy(kill) => kill.write(body),
        }
    }

    fn sequences(&self) -> &[Sequence] {
        match &self.phase {
            Phase::Write | Phase::Over => self.ops.sequences(),
            _ => &[],
        }
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<ClientBulkWritten>, OperationError> {
        match &self.phase {
            Phase::Write | Phase::Over => self.handle_written(reply),
            Phase::GetMore(..) => self.handle_results(reply, "nextBatch"),
            Phase::Kill(_) => self.finish(),
            Phase::Tidy(_) => {
                self.phase = Phase::Over;
                Ok(Progress::More)
            }
        }
    }

    fn handle_error(&mut self, error: CommandError) -> Result<ClientBulkWritten, OperationError> {
        match &self.phase {
            // What has happened before is worth more.
            Phase::Kill(_) => match self.finish()? {
                Progress::Done(written) => Ok(written),
                Progress::More => Err(OperationError::Command(error)),
            },
            _ => Err(OperationError::Command(error)),
        }
    }

    fn tidies_up(&mut self) -> bool {
        let kill = match self.phase {
            Phase::GetMore(..) => self.take_cursor(),
            _ => None,
        };
        let tidies = kill.is_some();
        if let Some(kill) = kill {
            self.phase = Phase::Tidy(kill);
        }
        tidies
    }

    fn unacknowledged(&mut self) -> Option<Progress<ClientBulkWritten>> {
        self.written.acknowledged = false;
        Some(if self.ops.advance() { Progress::More } else { Progress::Done(self.written.clone()) })
    }
}

const UNACKNOWLEDGED_VERBOSE: &str = "Cannot request unacknowledged write concern and verbose results";
const UNACKNOWLEDGED_ORDERED: &str = "Cannot request unacknowledged write concern and ordered writes";
