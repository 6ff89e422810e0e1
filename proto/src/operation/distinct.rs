//! `distinct`.

use alloc::string::String;
use core::time::Duration;

use stator_wire::bson::{DocBuf, DocWriter, ValueBuf};

use super::{MaxTime, Namespace, Operation, OperationError, Optional, Progress, Traits};
use crate::connection::Reply;

/// Finds the different values of a field. The output is the array `values`, as the document that an array is
/// encoded as, sharing the reply's frame.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are the command's own options, documented by the server's manual")]
pub struct Distinct {
    pub namespace: Namespace,
    /// The field's name, or its path with dots.
    pub key: String,
    pub filter: DocBuf,
    pub collation: Option<DocBuf>,
    /// A document or an index name; servers before 7.1 refuse it.
    pub hint: Option<ValueBuf>,
    pub max_time: Option<Duration>,
    pub comment: Option<ValueBuf>,
}

impl Distinct {
    /// The values of `key` in what matches `filter`, with the server's defaults.
    pub fn new(namespace: Namespace, key: impl Into<String>, filter: DocBuf) -> Self {
        Self { namespace, key: key.into(), filter, collation: None, hint: None, max_time: None, comment: None }
    }
}

impl Operation for Distinct {
    type Output = DocBuf;

    fn name(&self) -> &str {
        "distinct"
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
        body.str("distinct", self.namespace.collection())
            .str("key", &self.key)
            .doc("query", self.filter.as_doc())
            .opt_doc("collation", self.collation.as_ref())
            .opt_value("hint", self.hint.as_ref())
            .opt_value("comment", self.comment.as_ref());
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<DocBuf>, OperationError> {
        let values = reply.body().get_array("values")?.ok_or(OperationError::Reply("there are no `values`"))?;
        Ok(Progress::Done(DocBuf::slice_of(reply.frame(), values)))
    }
}
