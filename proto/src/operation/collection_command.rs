//! Commands about one collection that only differ in their options (specifications *Collection Management*, *Index
//! Management*).

use alloc::string::String;
use core::time::Duration;

use stator_wire::bson::{DocBuf, DocWriter, ValueBuf};

use super::{
    CommandError, MaxTime, NAMESPACE_NOT_FOUND, Namespace, Operation, OperationError, Optional, Progress, Traits,
    WriteFailure,
};
use crate::connection::Reply;

/// A command whose reply is returned as it came.
#[derive(Clone, Debug)]
pub struct CollectionCommand {
    name: &'static str,
    database: String,
    /// What the command is about: the value of its first element.
    subject: String,
    /// Its further elements.
    pub options: DocBuf,
    /// How long the server may work on it.
    pub max_time: Option<Duration>,
    /// Shown in the server's log and profile.
    pub comment: Option<ValueBuf>,
    traits: Traits,
    /// That the collection is not there is no error.
    may_be_missing: bool,
}

impl CollectionCommand {
    fn new(name: &'static str, namespace: &Namespace, options: DocBuf, traits: Traits) -> Self {
        Self {
            name,
            database: namespace.database().into(),
            subject: namespace.collection().into(),
            options,
            max_time: None,
            comment: None,
            traits,
            may_be_missing: false,
        }
    }

    /// `renameCollection`, run on `admin`; options `to` (a whole namespace) and `dropTarget`.
    pub fn rename(from: &Namespace, options: DocBuf) -> Self {
        let plain = Self::new("renameCollection", from, options, Traits::DDL);
        Self { database: "admin".into(), subject: from.full().into(), ..plain }
    }

    /// `collMod`.
    pub fn modify(namespace: &Namespace, options: DocBuf) -> Self {
        Self::new("collMod", namespace, options, Traits::DDL)
    }

    /// `validate`.
    pub fn validate(namespace: &Namespace, options: DocBuf) -> Self {
        Self::new("validate", namespace, options, Traits::PLAIN)
    }

    /// `createSearchIndexes`, with `indexes`. Search indexes take neither read nor write concern.
    pub fn create_search_indexes(namespace: &Namespace, options: DocBuf) -> Self {
        Self::new("createSearchIndexes", namespace, options, Traits::PLAIN)
    }

    /// `updateSearchIndex`, with `name` and `definition`.
    pub fn update_search_index(namespace: &Namespace, options: DocBuf) -> Self {
        Self::new("updateSearchIndex", namespace, options, Traits::PLAIN)
    }

    /// `dropSearchIndex`, with `name`. That the collection is not there is no error.
    pub fn drop_search_index(namespace: &Namespace, options: DocBuf) -> Self {
        let plain = Self::new("dropSearchIndex", namespace, options, Traits::PLAIN);
        Self { may_be_missing: true, ..plain }
    }
}

impl Operation for CollectionCommand {
    type Output = DocBuf;

    fn name(&self) -> &str {
        self.name
    }

    fn database(&self) -> &str {
        &self.database
    }

    fn traits(&self) -> Traits {
        self.traits
    }

    fn max_time(&self) -> MaxTime {
        MaxTime::Deadline(self.max_time)
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        body.str(self.name, &self.subject).elements(self.options.as_doc()).opt_value("comment", self.comment.as_ref());
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<DocBuf>, OperationError> {
        WriteFailure::check(reply.body(), 0)?;
        Ok(Progress::Done(reply.into_doc_buf()))
    }

    fn handle_error(&mut self, error: CommandError) -> Result<DocBuf, OperationError> {
        if self.may_be_missing && error.code == NAMESPACE_NOT_FOUND {
            return Ok(error.reply);
        }
        Err(OperationError::Command(error))
    }

    fn unacknowledged(&mut self) -> Option<Progress<DocBuf>> {
        Some(Progress::Done(DocBuf::default()))
    }
}
