//! `findAndModify`.

use core::time::Duration;

use stator_wire::bson::{DocBuf, DocWriter, Kind, ValueBuf};

use super::update::{check_pipeline, check_replacement, check_update};
use super::{
    MaxTime, Namespace, Operation, OperationError, Optional, Progress, Traits, WriteFailure, check_unacknowledged_hint,
    count_of,
};
use crate::connection::{Connection, Reply};

/// What happens to the document that a [`FindAndModify`] finds.
#[derive(Clone, Debug, PartialEq)]
pub enum Modification {
    /// It is deleted.
    Remove,
    /// It is changed by update operators; the document begins with one.
    Update(DocBuf),
    /// It is changed by an aggregation pipeline: an array of stages, at least one.
    Pipeline(DocBuf),
    /// It becomes another document, which does not begin with an operator.
    Replace(DocBuf),
}

/// Changes or deletes one document and gives it back. The output is `None` if there was none to give.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are the command's own options, documented by the server's manual")]
pub struct FindAndModify {
    pub namespace: Namespace,
    pub filter: DocBuf,
    pub modification: Modification,
    pub sort: Option<DocBuf>,
    pub projection: Option<DocBuf>,
    /// Give the document as it is afterwards, not as it was.
    pub return_new: Option<bool>,
    pub upsert: Option<bool>,
    /// An array of documents.
    pub array_filters: Option<DocBuf>,
    pub bypass_document_validation: Option<bool>,
    /// A document or an index name.
    pub hint: Option<ValueBuf>,
    pub collation: Option<DocBuf>,
    pub let_vars: Option<DocBuf>,
    pub max_time: Option<Duration>,
    pub comment: Option<ValueBuf>,
}

impl FindAndModify {
    /// Modifies the first document that matches `filter`, with the server's defaults.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArgument`] if the modification is not what it says it is (specification *CRUD*,
    /// update vs. replace validation).
    pub fn new(namespace: Namespace, filter: DocBuf, modification: Modification) -> Result<Self, OperationError> {
        match &modification {
            Modification::Remove => {}
            Modification::Update(update) => check_update(update.as_doc())?,
            Modification::Pipeline(stages) => check_pipeline(stages.as_doc())?,
            Modification::Replace(replacement) => check_replacement(replacement.as_doc())?,
        }
        Ok(Self { modification, ..Self::remove(namespace, filter) })
    }

    /// Deletes the first document that matches `filter`, with the server's defaults.
    pub const fn remove(namespace: Namespace, filter: DocBuf) -> Self {
        Self {
            namespace,
            filter,
            modification: Modification::Remove,
            sort: None,
            projection: None,
            return_new: None,
            upsert: None,
            array_filters: None,
            bypass_document_validation: None,
            hint: None,
            collation: None,
            let_vars: None,
            max_time: None,
            comment: None,
        }
    }
}

impl Operation for FindAndModify {
    type Output = Option<DocBuf>;

    fn name(&self) -> &str {
        "findAndModify"
    }

    fn database(&self) -> &str {
        self.namespace.database()
    }

    fn traits(&self) -> Traits {
        Traits::WRITE
    }

    fn max_time(&self) -> MaxTime {
        MaxTime::Deadline(self.max_time)
    }

    fn check_unacknowledged(&self, connection: &Connection) -> Result<(), OperationError> {
        check_unacknowledged_hint(self.hint.is_some(), connection)
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        body.str("findAndModify", self.namespace.collection()).doc("query", self.filter.as_doc());
        match &self.modification {
            Modification::Remove => body.bool("remove", true),
            Modification::Pipeline(stages) => body.array("update", stages.as_doc()),
            Modification::Update(document) | Modification::Replace(document) => body.doc("update", document.as_doc()),
        };
        body.opt_doc("sort", self.sort.as_ref())
            .opt_doc("fields", self.projection.as_ref())
            .opt_bool("new", self.return_new)
            .opt_bool("upsert", self.upsert)
            .opt_array("arrayFilters", self.array_filters.as_ref())
            .opt_bool("bypassDocumentValidation", self.bypass_document_validation)
            .opt_value("hint", self.hint.as_ref())
            .opt_doc("collation", self.collation.as_ref())
            .opt_doc("let", self.let_vars.as_ref())
            .opt_value("comment", self.comment.as_ref());
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<Option<DocBuf>>, OperationError> {
        let body = reply.body();
        let done = match body.get_doc("lastErrorObject")? {
            Some(last) => count_of(last, "n")?,
            None => 0,
        };
        WriteFailure::check(body, done)?;
        let value = match body.get("value")? {
            Some(value) if value.kind() != Kind::Null => Some(DocBuf::slice_of(reply.frame(), value.as_doc()?)),
            _ => None,
        };
        Ok(Progress::Done(value))
    }

    fn unacknowledged(&mut self) -> Option<Progress<Option<DocBuf>>> {
        Some(Progress::Done(None))
    }
}
