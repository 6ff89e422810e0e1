//! `aggregate`.

use alloc::string::String;
use core::time::Duration;

use stator_wire::bson::{DocBuf, DocWriter, ValueBuf};

use super::{
    MaxTime, Namespace, Operation, OperationError, Optional, Progress, TimeoutMode, Traits, WriteFailure, check_cursor,
};
use crate::connection::{Connection, Reply};
use crate::cursor::{CursorReply, DocBatch};

/// What an [`Aggregate`] runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AggregateTarget {
    /// The documents of a collection.
    Collection(Namespace),
    /// A database, for stages that make their own documents (`$currentOp`, `$documents`, `$changeStream`, ...).
    Database(String),
}

/// The wire version of server 5.0, from which on secondaries run pipelines that write.
const WIRE_VERSION_5_0: i32 = 13;

/// Runs an aggregation pipeline. One that ends with `$out` or `$merge` is a write: it takes a write concern, is
/// never retried, and its cursor is empty.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are the command's own options, documented by the server's manual")]
pub struct Aggregate {
    pub target: AggregateTarget,
    /// An array of stages.
    pub pipeline: DocBuf,
    pub allow_disk_use: Option<bool>,
    /// Not sent with `$out` and `$merge`: zero would keep them from running.
    pub batch_size: Option<u32>,
    pub max_time: Option<Duration>,
    /// For `getMore` of an awaiting cursor.
    pub max_await_time: Option<Duration>,
    pub bypass_document_validation: Option<bool>,
    pub collation: Option<DocBuf>,
    /// A document or an index name.
    pub hint: Option<ValueBuf>,
    pub let_vars: Option<DocBuf>,
    pub comment: Option<ValueBuf>,
    /// What `timeoutMS` counts for. A pipeline that writes has no cursor that it could count for.
    pub timeout_mode: Option<TimeoutMode>,
    /// The server reached lets only primaries run pipelines that write.
    primary_only: bool,
}

impl Aggregate {
    /// Runs the stages of the array `pipeline` with the server's defaults.
    pub fn new(target: AggregateTarget, pipeline: DocBuf) -> Self {
        Self {
            target,
            pipeline,
            allow_disk_use: None,
            batch_size: None,
            max_time: None,
            max_await_time: None,
            bypass_document_validation: None,
            collation: None,
            hint: None,
            let_vars: None,
            comment: None,
            timeout_mode: None,
            primary_only: false,
        }
    }

    /// Whether the last stage is `$out` or `$merge`. Server selection asks for a primary then if a server before 5.0
    /// is among those available (specification *CRUD*, aggregation pipelines with write stages).
    pub fn writes(&self) -> bool {
        let last = self.pipeline.as_doc().iter().last().and_then(Result::ok);
        let stage = last.and_then(|stage| stage.value().as_doc().ok()?.iter().next()?.ok());
        stage.is_some_and(|stage| matches!(stage.key_bytes(), b"$out" | b"$merge"))
    }
}

impl Operation for Aggregate {
    type Output = CursorReply;

    fn name(&self) -> &str {
        "aggregate"
    }

    fn database(&self) -> &str {
        match &self.target {
            AggregateTarget::Collection(namespace) => namespace.database(),
            AggregateTarget::Database(name) => name,
        }
    }

    fn traits(&self) -> Traits {
        if self.writes() {
            Traits { write_concern: true, read_preference: !self.primary_only, retryable: false, ..Traits::READ }
        } else {
            Traits::READ
        }
    }

    fn max_time(&self) -> MaxTime {
        MaxTime::opening(self.timeout_mode, self.max_time)
    }

    fn timeout_mode(&self) -> TimeoutMode {
        self.timeout_mode.unwrap_or_default()
    }

    fn check_timeout(&self, timeout: Option<Duration>) -> Result<(), OperationError> {
        if self.timeout_mode == Some(TimeoutMode::Iteration) && self.writes() {
            let reason = "a pipeline that ends with `$out` or `$merge` has no iteration that a timeout could count for";
            return Err(OperationError::InvalidArgument(reason));
        }
        check_cursor(self.timeout_mode, false, self.max_await_time, timeout)
    }

    fn prepare(&mut self, connection: &Connection) -> Result<(), OperationError> {
        self.primary_only = connection.hello().max_wire_version < WIRE_VERSION_5_0;
        Ok(())
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        match &self.target {
            AggregateTarget::Collection(namespace) => body.str("aggregate", namespace.collection()),
            AggregateTarget::Database(_) => body.i32("aggregate", 1),
        };
        body.array("pipeline", self.pipeline.as_doc());
        let batch_size = self.batch_size.filter(|_| !self.writes());
        body.document("cursor").opt_i64("batchSize", batch_size.map(i64::from));
        body.opt_bool("allowDiskUse", self.allow_disk_use)
            .opt_bool("bypassDocumentValidation", self.bypass_document_validation)
            .opt_doc("collation", self.collation.as_ref())
            .opt_value("hint", self.hint.as_ref())
            .opt_doc("let", self.let_vars.as_ref())
            .opt_value("comment", self.comment.as_ref());
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<CursorReply>, OperationError> {
        if self.writes() {
            WriteFailure::check(reply.body(), 0)?;
        }
        CursorReply::parse(reply, "firstBatch", None).map(Progress::Done)
    }

    fn unacknowledged(&mut self) -> Option<Progress<CursorReply>> {
        let nothing = CursorReply { id: 0, namespace: None, batch: DocBatch::default(), resume_token: None };
        Some(Progress::Done(nothing))
    }
}
