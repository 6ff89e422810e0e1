//! `find`.

use core::time::Duration;

use stator_wire::bson::{DocBuf, DocWriter, ValueBuf};

use super::{
    Empty, MaxTime, Namespace, Operation, OperationError, Optional, Progress, Sparse, TimeoutMode, Traits, check_cursor,
};
use crate::connection::Reply;
use crate::cursor::CursorReply;

/// What happens when a cursor has given all documents that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CursorType {
    /// It ends.
    #[default]
    NonTailable,
    /// It stays open on a capped collection; a `getMore` that finds nothing returns at once.
    Tailable,
    /// As `Tailable`, and the server waits for a while for new documents.
    TailableAwait,
    /// The server sends batch after batch without being asked.
    Exhaust,
}

impl CursorType {
    /// Whether it stays open when it has given all documents that there are.
    pub const fn is_tailable(self) -> bool {
        matches!(self, Self::Tailable | Self::TailableAwait)
    }

    /// What `timeoutMS` counts for if nothing else is said.
    pub const fn timeout_mode(self) -> TimeoutMode {
        if self.is_tailable() { TimeoutMode::Iteration } else { TimeoutMode::CursorLifetime }
    }
}

/// Finds documents.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are the command's own options, documented by the server's manual")]
pub struct Find {
    pub namespace: Namespace,
    pub filter: DocBuf,
    /// Negative: as many documents at most, in a single batch.
    pub limit: Option<i64>,
    pub batch_size: Option<u32>,
    /// Close the cursor after the first batch.
    pub single_batch: bool,
    pub cursor_type: CursorType,
    /// What `timeoutMS` counts for.
    pub timeout_mode: Option<TimeoutMode>,
    pub options: Sparse<FindOptions>,
}

/// The options of a [`Find`] that most do without.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "the fields are the command's own options, documented by the server's manual")]
pub struct FindOptions {
    pub sort: Option<DocBuf>,
    pub projection: Option<DocBuf>,
    /// A document or an index name.
    pub hint: Option<ValueBuf>,
    pub skip: Option<u64>,
    pub comment: Option<ValueBuf>,
    pub max_time: Option<Duration>,
    pub max: Option<DocBuf>,
    pub min: Option<DocBuf>,
    pub return_key: Option<bool>,
    pub show_record_id: Option<bool>,
    pub oplog_replay: Option<bool>,
    pub no_cursor_timeout: Option<bool>,
    pub allow_partial_results: Option<bool>,
    pub collation: Option<DocBuf>,
    pub allow_disk_use: Option<bool>,
    pub let_vars: Option<DocBuf>,
    /// For `getMore` of a tailable, awaiting cursor.
    pub max_await_time: Option<Duration>,
}

impl Empty for FindOptions {
    fn empty() -> &'static Self {
        static EMPTY: FindOptions = FindOptions {
            sort: None,
            projection: None,
            hint: None,
            skip: None,
            comment: None,
            max_time: None,
            max: None,
            min: None,
            return_key: None,
            show_record_id: None,
            oplog_replay: None,
            no_cursor_timeout: None,
            allow_partial_results: None,
            collation: None,
            allow_disk_use: None,
            let_vars: None,
            max_await_time: None,
        };
        &EMPTY
    }
}

impl Find {
    /// Finds what matches `filter`, with the server's defaults.
    pub fn new(namespace: Namespace, filter: DocBuf) -> Self {
        Self {
            namespace,
            filter,
            limit: None,
            batch_size: None,
            single_batch: false,
            cursor_type: CursorType::default(),
            timeout_mode: None,
            options: Sparse::new(),
        }
    }

    /// Finds the first document that matches: a limit of one in a single batch.
    pub fn one(mut self) -> Self {
        self.limit = Some(1);
        self.single_batch = true;
        self
    }
}

impl Operation for Find {
    type Output = CursorReply;

    fn name(&self) -> &str {
        "find"
    }

    fn database(&self) -> &str {
        self.namespace.database()
    }

    fn traits(&self) -> Traits {
        Traits::READ
    }

    /// A tailable cursor that does not wait would be ended by the time of its first command.
    fn max_time(&self) -> MaxTime {
        match self.cursor_type {
            CursorType::Tailable => MaxTime::Unbounded(self.options.max_time),
            CursorType::TailableAwait => MaxTime::Deadline(self.options.max_time),
            CursorType::NonTailable | CursorType::Exhaust => MaxTime::opening(self.timeout_mode, self.options.max_time),
        }
    }

    fn timeout_mode(&self) -> TimeoutMode {
        self.timeout_mode.unwrap_or(self.cursor_type.timeout_mode())
    }

    fn check_timeout(&self, timeout: Option<Duration>) -> Result<(), OperationError> {
        check_cursor(self.timeout_mode, self.cursor_type.is_tailable(), self.options.max_await_time, timeout)
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        let single = self.single_batch || self.limit.is_some_and(|limit| limit < 0);
        let limit = self.limit.filter(|&limit| limit != 0).map(|limit| limit.saturating_abs());
        // A batch of exactly `limit` documents would leave a cursor open for nothing (specification *Find, getMore, killCursors*).
        let batch_size = self.batch_size.map(i64::from).map(|size| match limit {
            Some(limit) if limit == size => size.saturating_add(1),
            _ => size,
        });
        body.str("find", self.namespace.collection()).doc("filter", self.filter.as_doc());
        if let Some(options) = self.options.get() {
            options.write(body);
        }
        body.opt_i64("limit", limit)
            .opt_i64("batchSize", batch_size.filter(|_| !single))
            .opt_bool("singleBatch", single.then_some(true))
            .opt_bool("tailable", self.cursor_type.is_tailable().then_some(true))
            .opt_bool("awaitData", (self.cursor_type == CursorType::TailableAwait).then_some(true));
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<CursorReply>, OperationError> {
        CursorReply::parse(reply, "firstBatch", Some(&self.namespace)).map(Progress::Done)
    }
}

impl FindOptions {
    fn write(&self, body: &mut DocWriter<'_>) {
        body.opt_doc("sort", self.sort.as_ref())
            .opt_doc("projection", self.projection.as_ref())
            .opt_value("hint", self.hint.as_ref())
            .opt_u64("skip", self.skip)
            .opt_value("comment", self.comment.as_ref())
            .opt_doc("max", self.max.as_ref())
            .opt_doc("min", self.min.as_ref())
            .opt_bool("returnKey", self.return_key)
            .opt_bool("showRecordId", self.show_record_id)
            .opt_bool("oplogReplay", self.oplog_replay)
            .opt_bool("noCursorTimeout", self.no_cursor_timeout)
            .opt_bool("allowPartialResults", self.allow_partial_results)
            .opt_doc("collation", self.collation.as_ref())
            .opt_bool("allowDiskUse", self.allow_disk_use)
            .opt_doc("let", self.let_vars.as_ref());
    }
}
