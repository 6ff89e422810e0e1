//! The statements of a write command, from their encoding to the last batch.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

use bytes::Bytes;
use stator_wire::bson::{Doc, DocWriter};

use super::{Batch, Documents, OperationError, Sparse, WriteFailure};
use crate::connection::{Connection, Sequence};
use crate::hello::Limits;

/// What a statement may have beyond a stored document (specification *Bulk Write*: operators, filter, options).
const OVERHEAD: usize = 16 * 1024;
/// The field of an insert command.
pub(super) const DOCUMENTS: &str = "documents";

/// Encoded statements and how far they have been sent.
#[derive(Clone, Debug)]
pub(super) struct Statements {
    documents: Documents,
    /// The statements that may touch several documents, in rising order: their batch is not retryable.
    many: Vec<usize>,
    batch: Batch,
    sequence: Sequence,
    /// What has gone wrong so far.
    pub(super) failure: Sparse<WriteFailure>,
}

impl Statements {
    /// Whether each statement of the current batch touches one document at most. The first statement answers before there
    /// is a batch.
    pub(super) fn is_single(&self) -> bool {
        let Range { start, end } = self.batch.current();
        let end = end.max(start + 1);
        let from = self.many.partition_point(|&index| index < start);
        self.many.get(from).is_none_or(|&index| index >= end)
    }

    /// The index of the batch's first statement.
    pub(super) fn offset(&self) -> usize {
        self.batch.current().start
    }

    /// What a statement may have beyond `maxBsonObjectSize`; a document to be inserted has nothing.
    fn overhead(&self) -> usize {
        if self.sequence.identifier == DOCUMENTS { 0 } else { OVERHEAD }
    }

    /// Refuses statements that are too long for any command, as the first batch would.
    pub(super) fn check(&self, limits: &Limits) -> Result<(), OperationError> {
        self.documents.check(limits, self.overhead())
    }

    /// Cuts the next batch.
    pub(super) fn prepare(&mut self, connection: &Connection) -> Result<(), OperationError> {
        self.batch.next(&self.documents, &connection.hello().limits, self.overhead())?;
        self.sequence.documents = self.documents.slice(self.batch.current());
        Ok(())
    }

    /// The statements that were answered, given that no batch of them is in flight.
    pub(super) const fn answered(&self) -> usize {
        self.batch.done()
    }

    /// The current batch, for the message.
    pub(super) const fn sequences(&self) -> &[Sequence] {
        core::slice::from_ref(&self.sequence)
    }

    /// The current batch is over; whether another is to be sent.
    pub(super) const fn advance(&mut self) -> bool {
        self.batch.advance(&self.documents)
    }

    /// Notes the errors of a reply; whether another batch is to be sent.
    pub(super) fn handle_reply(&mut self, reply: Doc<'_>, ordered: bool) -> Result<bool, OperationError> {
        let offset = self.offset();
        WriteFailure::note(&mut self.failure, reply, offset)?;
        Ok((!ordered || self.failure.write_errors.is_empty()) && self.advance())
    }

    /// The failure of all batches, of which `done` tells what was done nevertheless; `Ok` if nothing failed.
    pub(super) fn finish(&mut self, done: u64) -> Result<(), OperationError> {
        if self.failure.is_empty() {
            return Ok(());
        }
        self.failure.done = done;
        Err(OperationError::Write(Box::new(self.failure.take())))
    }
}

/// Encodes statements one behind the other.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    many: Vec<usize>,
}

impl Encoder {
    /// Appends a statement. `many` says whether it may touch several documents.
    pub(super) fn push(&mut self, many: bool, write: impl FnOnce(&mut DocWriter<'_>)) -> Result<(), OperationError> {
        if many {
            self.many.push(self.ends.len());
        }
        let mut statement = DocWriter::new(&mut self.bytes);
        write(&mut statement);
        // The keys are constants and the values are documents already, so only the length can be wrong.
        statement.finish().map_err(|_| OperationError::InvalidArgument("a statement is too long for BSON"))?;
        self.ends.push(self.bytes.len());
        Ok(())
    }

    /// Appends a document that is encoded already.
    pub(super) fn push_document(&mut self, document: Doc<'_>) {
        self.bytes.extend_from_slice(document.as_bytes());
        self.ends.push(self.bytes.len());
    }

    /// How many statements there are.
    pub(super) const fn len(&self) -> usize {
        self.ends.len()
    }

    /// The encoded statements alone, and which of them may touch several documents.
    pub(super) fn into_documents(self) -> (Documents, Vec<usize>) {
        (Documents::new(self.bytes, self.ends), self.many)
    }

    /// The statements, for the field `identifier`; `empty` is said if there are none.
    pub(super) fn finish(self, identifier: &'static str, empty: &'static str) -> Result<Statements, OperationError> {
        if self.ends.is_empty() {
            return Err(OperationError::InvalidArgument(empty));
        }
        Ok(Statements {
            documents: Documents::new(self.bytes, self.ends),
            many: self.many,
            batch: Batch::default(),
            sequence: Sequence { identifier, documents: Bytes::new() },
            failure: Sparse::new(),
        })
    }
}
