//! `create`, `drop` and `listCollections`.

use alloc::string::String;
use core::time::Duration;

use stator_wire::bson::{DocBuf, DocWriter, ValueBuf};

use super::{
    CommandError, MaxTime, NAMESPACE_NOT_FOUND, Namespace, Operation, OperationError, Optional, Progress, TimeoutMode,
    Traits, WriteFailure, check_cursor,
};
use crate::connection::Reply;
use crate::cursor::CursorReply;

/// Creates a collection or a view.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are the command's own options, documented by the server's manual")]
pub struct Create {
    pub namespace: Namespace,
    pub capped: Option<bool>,
    /// The most bytes of a capped collection.
    pub size: Option<u64>,
    /// The most documents of a capped collection.
    pub max: Option<u64>,
    pub storage_engine: Option<DocBuf>,
    pub validator: Option<DocBuf>,
    /// `off`, `strict` or `moderate`.
    pub validation_level: Option<String>,
    /// `error`, `warn` or `errorAndLog`.
    pub validation_action: Option<String>,
    /// The collection or view that the view shows.
    pub view_on: Option<String>,
    /// The view's stages, an array.
    pub pipeline: Option<DocBuf>,
    pub collation: Option<DocBuf>,
    pub index_option_defaults: Option<DocBuf>,
    pub timeseries: Option<DocBuf>,
    pub expire_after_seconds: Option<i64>,
    pub change_stream_pre_and_post_images: Option<DocBuf>,
    pub clustered_index: Option<DocBuf>,
    /// Further options, sent as they are behind those above.
    pub extra: Option<DocBuf>,
    pub comment: Option<ValueBuf>,
}

impl Create {
    /// Creates a collection with the server's defaults.
    pub const fn new(namespace: Namespace) -> Self {
        Self {
            namespace,
            capped: None,
            size: None,
            max: None,
            storage_engine: None,
            validator: None,
            validation_level: None,
            validation_action: None,
            view_on: None,
            pipeline: None,
            collation: None,
            index_option_defaults: None,
            timeseries: None,
            expire_after_seconds: None,
            change_stream_pre_and_post_images: None,
            clustered_index: None,
            extra: None,
            comment: None,
        }
    }
}

impl Operation for Create {
    type Output = ();

    fn name(&self) -> &str {
        "create"
    }

    fn database(&self) -> &str {
        self.namespace.database()
    }

    fn traits(&self) -> Traits {
        Traits::DDL
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        body.str("create", self.namespace.collection())
            .opt_bool("capped", self.capped)
            .opt_u64("size", self.size)
            .opt_u64("max", self.max)
            .opt_doc("storageEngine", self.storage_engine.as_ref())
            .opt_doc("validator", self.validator.as_ref())
            .opt_str("validationLevel", self.validation_level.as_deref())
            .opt_str("validationAction", self.validation_action.as_deref())
            .opt_str("viewOn", self.view_on.as_deref())
            .opt_array("pipeline", self.pipeline.as_ref())
            .opt_doc("collation", self.collation.as_ref())
            .opt_doc("indexOptionDefaults", self.index_option_defaults.as_ref())
            .opt_doc("timeseries", self.timeseries.as_ref())
            .opt_i64("expireAfterSeconds", self.expire_after_seconds)
            .opt_doc("changeStreamPreAndPostImages", self.change_stream_pre_and_post_images.as_ref())
            .opt_doc("clusteredIndex", self.clustered_index.as_ref());
        if let Some(extra) = &self.extra {
            body.elements(extra.as_doc());
        }
        body.opt_value("comment", self.comment.as_ref());
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<()>, OperationError> {
        WriteFailure::check(reply.body(), 0).map(Progress::Done)
    }

    fn unacknowledged(&mut self) -> Option<Progress<()>> {
        Some(Progress::Done(()))
    }
}

/// Drops a collection or a view. That it is not there is no error.
#[derive(Clone, Debug)]
pub struct Drop {
    /// What to drop.
    pub namespace: Namespace,
    /// Shown in the server's log and profile.
    pub comment: Option<ValueBuf>,
}

impl Drop {
    /// Drops `namespace`.
    pub const fn new(namespace: Namespace) -> Self {
        Self { namespace, comment: None }
    }
}

impl Operation for Drop {
    type Output = ();

    fn name(&self) -> &str {
        "drop"
    }

    fn database(&self) -> &str {
        self.namespace.database()
    }

    fn traits(&self) -> Traits {
        Traits::DDL
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        body.str("drop", self.namespace.collection()).opt_value("comment", self.comment.as_ref());
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<()>, OperationError> {
        WriteFailure::check(reply.body(), 0).map(Progress::Done)
    }

    fn handle_error(&mut self, error: CommandError) -> Result<(), OperationError> {
        if error.code == NAMESPACE_NOT_FOUND { Ok(()) } else { Err(OperationError::Command(error)) }
    }

    fn unacknowledged(&mut self) -> Option<Progress<()>> {
        Some(Progress::Done(()))
    }
}

/// Lists the collections and views of a database (specification *Enumerating Collections*).
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are the command's own options, documented by the server's manual")]
pub struct ListCollections {
    pub database: String,
    pub filter: Option<DocBuf>,
    /// Give names and types only. A filter must then ask for nothing but `name`.
    pub name_only: Option<bool>,
    pub authorized_collections: Option<bool>,
    pub batch_size: Option<u32>,
    pub comment: Option<ValueBuf>,
    /// What `timeoutMS` counts for.
    pub timeout_mode: Option<TimeoutMode>,
}

impl ListCollections {
    /// Lists what is in `database`.
    pub fn new(database: impl Into<String>) -> Self {
        Self {
            database: database.into(),
            filter: None,
            name_only: None,
            authorized_collections: None,
            batch_size: None,
            comment: None,
            timeout_mode: None,
        }
    }
}

impl Operation for ListCollections {
    type Output = CursorReply;

    fn name(&self) -> &str {
        "listCollections"
    }

    fn database(&self) -> &str {
        &self.database
    }

    fn traits(&self) -> Traits {
        Traits::LIST
    }

    fn max_time(&self) -> MaxTime {
        MaxTime::opening(self.timeout_mode, None)
    }

    fn timeout_mode(&self) -> TimeoutMode {
        self.timeout_mode.unwrap_or_default()
    }

    fn check_timeout(&self, timeout: Option<Duration>) -> Result<(), OperationError> {
        check_cursor(self.timeout_mode, false, None, timeout)
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        body.i32("listCollections", 1)
            .opt_doc("filter", self.filter.as_ref())
            .opt_bool("nameOnly", self.name_only)
            .opt_bool("authorizedCollections", self.authorized_collections);
        body.document("cursor").opt_i64("batchSize", self.batch_size.map(i64::from));
        body.opt_value("comment", self.comment.as_ref());
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<CursorReply>, OperationError> {
        CursorReply::parse(reply, "firstBatch", None).map(Progress::Done)
    }
}
