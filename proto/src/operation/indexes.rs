//! `createIndexes`, `dropIndexes` and `listIndexes` (specification *Index Management*).

use core::time::Duration;

use stator_wire::bson::{DocBuf, DocWriter, ValueBuf};

use super::{
    CommandError, MaxTime, NAMESPACE_NOT_FOUND, Namespace, Operation, OperationError, Optional, Progress, TimeoutMode,
    Traits, WIRE_VERSION_4_4, WriteFailure, check_cursor,
};
use crate::connection::{Connection, Reply};
use crate::cursor::{CursorReply, DocBatch};

/// Creates indexes; those that exist already with the same definition are no error.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are the command's own options, documented by the server's manual")]
pub struct CreateIndexes {
    pub namespace: Namespace,
    /// An array of documents, each with `key` and `name`.
    pub indexes: DocBuf,
    /// A number of members or a mode (4.4 and later).
    pub commit_quorum: Option<ValueBuf>,
    pub max_time: Option<Duration>,
    pub comment: Option<ValueBuf>,
}

impl CreateIndexes {
    /// Creates `indexes`, an array of documents that each have a `key` and a `name`.
    pub const fn new(namespace: Namespace, indexes: DocBuf) -> Self {
        Self { namespace, indexes, commit_quorum: None, max_time: None, comment: None }
    }
}

impl Operation for CreateIndexes {
    type Output = ();

    fn name(&self) -> &str {
        "createIndexes"
    }

    fn database(&self) -> &str {
        self.namespace.database()
    }

    fn traits(&self) -> Traits {
        Traits::DDL
    }

    fn max_time(&self) -> MaxTime {
        MaxTime::Deadline(self.max_time)
    }

    fn prepare(&mut self, connection: &Connection) -> Result<(), OperationError> {
        if self.commit_quorum.is_some() && connection.hello().max_wire_version < WIRE_VERSION_4_4 {
            return Err(OperationError::InvalidArgument("a commit quorum needs server 4.4"));
        }
        Ok(())
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        body.str("createIndexes", self.namespace.collection())
            .array("indexes", self.indexes.as_doc())
            .opt_value("commitQuorum", self.commit_quorum.as_ref())
            .opt_value("comment", self.comment.as_ref());
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<()>, OperationError> {
        WriteFailure::check(reply.body(), 0).map(Progress::Done)
    }

    fn unacknowledged(&mut self) -> Option<Progress<()>> {
        Some(Progress::Done(()))
    }
}

/// Drops an index, or all but the one of `_id`.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are the command's own options, documented by the server's manual")]
pub struct DropIndexes {
    pub namespace: Namespace,
    /// A name, a document of keys, or `*`; there must be one.
    pub index: Option<ValueBuf>,
    pub max_time: Option<Duration>,
    pub comment: Option<ValueBuf>,
}

impl DropIndexes {
    /// Drops `index`: a name, a document of keys, or `*`.
    pub const fn new(namespace: Namespace, index: Option<ValueBuf>) -> Self {
        Self { namespace, index, max_time: None, comment: None }
    }
}

impl Operation for DropIndexes {
    type Output = ();

    fn name(&self) -> &str {
        "dropIndexes"
    }

    fn database(&self) -> &str {
        self.namespace.database()
    }

    fn traits(&self) -> Traits {
        Traits::DDL
    }

    fn max_time(&self) -> MaxTime {
        MaxTime::Deadline(self.max_time)
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        body.str("dropIndexes", self.namespace.collection())
            .opt_value("index", self.index.as_ref())
            .opt_value("comment", self.comment.as_ref());
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<()>, OperationError> {
        WriteFailure::check(reply.body(), 0).map(Progress::Done)
    }

    fn unacknowledged(&mut self) -> Option<Progress<()>> {
        Some(Progress::Done(()))
    }
}

/// Lists the indexes of a collection. One that is not there has none.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are the command's own options, documented by the server's manual")]
pub struct ListIndexes {
    pub namespace: Namespace,
    pub batch_size: Option<u32>,
    pub max_time: Option<Duration>,
    pub comment: Option<ValueBuf>,
    /// What `timeoutMS` counts for.
    pub timeout_mode: Option<TimeoutMode>,
}

impl ListIndexes {
    /// Lists those of `namespace`.
    pub const fn new(namespace: Namespace) -> Self {
        Self { namespace, batch_size: None, max_time: None, comment: None, timeout_mode: None }
    }
}

impl Operation for ListIndexes {
    type Output = CursorReply;

    fn name(&self) -> &str {
        "listIndexes"
    }

    fn database(&self) -> &str {
        self.namespace.database()
    }

    fn traits(&self) -> Traits {
        Traits::LIST
    }

    fn max_time(&self) -> MaxTime {
        MaxTime::opening(self.timeout_mode, self.max_time)
    }

    fn timeout_mode(&self) -> TimeoutMode {
        self.timeout_mode.unwrap_or_default()
    }

    fn check_timeout(&self, timeout: Option<Duration>) -> Result<(), OperationError> {
        check_cursor(self.timeout_mode, false, None, timeout)
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        body.str("listIndexes", self.namespace.collection());
        body.document("cursor").opt_i64("batchSize", self.batch_size.map(i64::from));
        body.opt_value("comment", self.comment.as_ref());
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<CursorReply>, OperationError> {
        CursorReply::parse(reply, "firstBatch", Some(&self.namespace)).map(Progress::Done)
    }

    fn handle_error(&mut self, error: CommandError) -> Result<CursorReply, OperationError> {
        if error.code != NAMESPACE_NOT_FOUND {
            return Err(OperationError::Command(error));
        }
        let namespace = Some(self.namespace.clone());
        Ok(CursorReply { id: 0, namespace, batch: DocBatch::default(), resume_token: None })
    }
}
