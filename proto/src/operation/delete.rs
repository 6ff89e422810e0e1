//! `delete`.

use stator_wire::bson::{DocBuf, DocWriter, ValueBuf};

use super::statements::{Encoder, Statements};
use super::{Namespace, Operation, OperationError, Optional, Progress, Traits, check_unacknowledged_hint, count_of};
use crate::connection::{Connection, Reply, Sequence};

/// One deletion of a [`Delete`].
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are the statement's own options, documented by the server's manual")]
pub struct DeleteStatement {
    pub filter: DocBuf,
    /// Delete only the first document that matches.
    pub limit_one: bool,
    pub collation: Option<DocBuf>,
    /// A document or an index name.
    pub hint: Option<ValueBuf>,
}

impl DeleteStatement {
    /// Deletes the first document that matches `filter` if `limit_one`, else all of them.
    pub fn new(filter: DocBuf, limit_one: bool) -> Self {
        Self { filter, limit_one, collation: None, hint: None }
    }

    pub(super) fn write(&self, statement: &mut DocWriter<'_>) {
        statement
            .doc("q", self.filter.as_doc())
            .i32("limit", i32::from(self.limit_one))
            .opt_doc("collation", self.collation.as_ref())
            .opt_value("hint", self.hint.as_ref());
    }
}

/// Deletes documents, in as many commands as the server's limits demand.
#[derive(Clone, Debug)]
pub struct Delete {
    /// Where to delete.
    pub namespace: Namespace,
    /// Whether to stop at the first error; default true.
    pub ordered: Option<bool>,
    /// Variables for the filters.
    pub let_vars: Option<DocBuf>,
    /// Shown in the server's log and profile.
    pub comment: Option<ValueBuf>,
    statements: Statements,
    /// Whether a statement names an index.
    hinted: bool,
    deleted: u64,
}

/// The result of a [`Delete`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// How many documents were deleted.
    pub count: u64,
    /// Whether the server confirmed it.
    pub acknowledged: bool,
}

impl Delete {
    /// Encodes `statements`, with the server's defaults for all of them.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArgument`] if there are none.
    pub fn new(
        namespace: Namespace,
        statements: impl IntoIterator<Item = DeleteStatement>,
    ) -> Result<Self, OperationError> {
        let (mut encoder, mut hinted) = (Encoder::default(), false);
        for statement in statements {
            hinted |= statement.hint.is_some();
            encoder.push(!statement.limit_one, |out| statement.write(out))?;
        }
        let statements = encoder.finish("deletes", "there is no deletion to send")?;
        Ok(Self { namespace, ordered: None, let_vars: None, comment: None, statements, hinted, deleted: 0 })
    }

    fn is_ordered(&self) -> bool {
        self.ordered.unwrap_or(true)
    }
}

impl Operation for Delete {
    type Output = Deleted;

    fn name(&self) -> &str {
        "delete"
    }

    fn database(&self) -> &str {
        self.namespace.database()
    }

    fn traits(&self) -> Traits {
        Traits { retryable: self.statements.is_single(), ..Traits::WRITE }
    }

    fn check_unacknowledged(&self, connection: &Connection) -> Result<(), OperationError> {
        check_unacknowledged_hint(self.hinted, connection)
    }

    fn prepare(&mut self, connection: &Connection) -> Result<(), OperationError> {
        self.statements.prepare(connection)
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        body.str("delete", self.namespace.collection())
            .bool("ordered", self.is_ordered())
            .opt_doc("let", self.let_vars.as_ref())
            .opt_value("comment", self.comment.as_ref());
    }

    fn sequences(&self) -> &[Sequence] {
        self.statements.sequences()
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<Deleted>, OperationError> {
        let body = reply.body();
        self.deleted = self.deleted.saturating_add(count_of(body, "n")?);
        if self.statements.handle_reply(body, self.is_ordered())? {
            return Ok(Progress::More);
        }
        self.statements.finish(self.deleted)?;
        Ok(Progress::Done(Deleted { count: self.deleted, acknowledged: true }))
    }

    fn unacknowledged(&mut self) -> Option<Progress<Deleted>> {
        Some(if self.statements.advance() {
            Progress::More
        } else {
            Progress::Done(Deleted { count: 0, acknowledged: false })
        })
    }
}
