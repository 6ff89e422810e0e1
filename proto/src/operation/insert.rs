//! `insert`.

use alloc::boxed::Box;
use alloc::vec::Vec;

use bytes::Bytes;
use stator_wire::bson::{DocWriter, ValueBuf};

use super::{
    Batch, Documents, Namespace, Operation, OperationError, Optional, Progress, Sparse, Traits, WriteError,
    WriteFailure, count_of,
};
use crate::connection::{Connection, Reply, Sequence};

/// Inserts documents, in as many commands as the server's limits demand.
#[derive(Clone, Debug)]
pub struct Insert {
    /// Where to insert.
    pub namespace: Namespace,
    /// What to insert; each document has an `_id`.
    pub documents: Documents,
    /// Whether to stop at the first error; default true.
    pub ordered: Option<bool>,
    /// Whether to skip the collection's validation rules.
    pub bypass_document_validation: Option<bool>,
    /// Shown in the server's log and profile.
    pub comment: Option<ValueBuf>,
    batch: Batch,
    sequence: Sequence,
    inserted: u64,
    failure: Sparse<WriteFailure>,
}

/// The result of an [`Insert`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inserted {
    /// How many documents were inserted.
    pub count: u64,
    /// Whether the server confirmed it.
    pub acknowledged: bool,
}

impl Insert {
    /// Inserts `documents` with the server's defaults.
    pub fn new(namespace: Namespace, documents: Documents) -> Self {
        Self {
            namespace,
            documents,
            ordered: None,
            bypass_document_validation: None,
            comment: None,
            batch: Batch::default(),
            sequence: Sequence { identifier: "documents", documents: Bytes::new() },
            inserted: 0,
            failure: Sparse::new(),
        }
    }

    /// The indexes of the documents that a server has inserted, as far as its replies tell. `errors` are all that they
    /// told of. For a host that runs the operation by reference, when it has failed.
    pub fn inserted(&self, errors: &[WriteError]) -> Vec<usize> {
        succeeded(0..self.batch.done(), errors, self.is_ordered()).collect()
    }

    /// What had gone wrong before the operation failed for another reason. For a host that runs the operation by
    /// reference.
    pub fn take_failure(&mut self) -> WriteFailure {
        self.failure.take()
    }

    fn is_ordered(&self) -> bool {
        self.ordered.unwrap_or(true)
    }
}

impl Operation for Insert {
    type Output = Inserted;

    fn name(&self) -> &str {
        "insert"
    }

    fn database(&self) -> &str {
        self.namespace.database()
    }

    fn traits(&self) -> Traits {
        Traits::WRITE
    }

    fn prepare(&mut self, connection: &Connection) -> Result<(), OperationError> {
        if self.documents.is_empty() {
            return Err(OperationError::InvalidArgument("there is no document to insert"));
        }
        self.batch.next(&self.documents, &connection.hello().limits, 0)?;
        self.sequence.documents = self.documents.slice(self.batch.current());
        Ok(())
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        body.str("insert", self.namespace.collection())
            .bool("ordered", self.is_ordered())
            .opt_bool("bypassDocumentValidation", self.bypass_document_validation)
            .opt_value("comment", self.comment.as_ref());
    }

    fn sequences(&self) -> &[Sequence] {
        core::slice::from_ref(&self.sequence)
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<Inserted>, OperationError> {
        let body = reply.body();
        self.inserted += count_of(body, "n")?;
        WriteFailure::note(&mut self.failure, body, self.batch.current().start)?;
        let stop = self.is_ordered() && !self.failure.write_errors.is_empty();
        if self.batch.advance(&self.documents) && !stop {
            return Ok(Progress::More);
        }
        if self.failure.is_empty() {
            return Ok(Progress::Done(Inserted { count: self.inserted, acknowledged: true }));
        }
        self.failure.done = self.inserted;
        Err(OperationError::Write(Box::new(self.failure.take())))
    }

    fn unacknowledged(&mut self) -> Option<Progress<Inserted>> {
        Some(if self.batch.advance(&self.documents) {
            Progress::More
        } else {
            Progress::Done(Inserted { count: 0, acknowledged: false })
        })
    }
}

/// Those of `answered`, in order, that have no error. An ordered write has done nothing from the first error on.
pub(super) fn succeeded(
    answered: impl Iterator<Item = usize>,
    errors: &[WriteError],
    ordered: bool,
) -> impl Iterator<Item = usize> {
    let mut failed: Vec<usize> = errors.iter().map(|error| error.index).collect();
    failed.sort_unstable();
    let end = failed.first().copied().filter(|_| ordered).unwrap_or(usize::MAX);
    answered.filter(move |index| *index < end && failed.binary_search(index).is_err())
}
