//! `count`.

use core::time::Duration;

use stator_wire::bson::{DocBuf, DocWriter, ValueBuf};

use super::{
    CommandError, MaxTime, NAMESPACE_NOT_FOUND, Namespace, Operation, OperationError, Optional, Progress, Traits,
};
use crate::connection::Reply;

/// Counts documents: without a query from the collection's metadata, and so only an estimate.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are the command's own options, documented by the server's manual")]
pub struct Count {
    pub namespace: Namespace,
    pub query: Option<DocBuf>,
    pub skip: Option<u64>,
    pub limit: Option<u64>,
    /// A document or an index name.
    pub hint: Option<ValueBuf>,
    pub collation: Option<DocBuf>,
    pub max_time: Option<Duration>,
    pub comment: Option<ValueBuf>,
}

impl Count {
    /// Counts all documents by the collection's metadata.
    pub const fn new(namespace: Namespace) -> Self {
        Self {
            namespace,
            query: None,
            skip: None,
            limit: None,
            hint: None,
            collation: None,
            max_time: None,
            comment: None,
        }
    }
}

impl Operation for Count {
    type Output = u64;

    fn name(&self) -> &str {
        "count"
    }

    fn database(&self) -> &str {
        self.namespace.database()
    }

    fn traits(&self) -> Traits {
        Traits::READ
    }

    fn max_time(&self) -> MaxTime {
        MaxTime::Deadline(self.max_time)
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        body.str("count", self.namespace.collection())
            .opt_doc("query", self.query.as_ref())
            .opt_u64("skip", self.skip)
            .opt_u64("limit", self.limit)
            .opt_value("hint", self.hint.as_ref())
            .opt_doc("collation", self.collation.as_ref())
            .opt_value("comment", self.comment.as_ref());
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<u64>, OperationError> {
        let n = reply.body().get_number_i64("n")?.and_then(|n| u64::try_from(n).ok());
        n.map(Progress::Done).ok_or(OperationError::Reply("there is no count `n`"))
    }

    /// What does not exist has no documents (some servers say so with an error, specification *CRUD*).
    fn handle_error(&mut self, error: CommandError) -> Result<u64, OperationError> {
        if error.code == NAMESPACE_NOT_FOUND { Ok(0) } else { Err(OperationError::Command(error)) }
    }
}
