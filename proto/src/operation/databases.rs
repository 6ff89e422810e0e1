//! `dropDatabase` and `listDatabases`.

use alloc::string::String;

use stator_wire::bson::{DocBuf, DocWriter, ValueBuf};

use super::{Operation, OperationError, Optional, Progress, Traits, WriteFailure};
use crate::connection::Reply;

/// Drops a database. That it is not there is no error.
#[derive(Clone, Debug)]
pub struct DropDatabase {
    /// What to drop.
    pub database: String,
    /// Shown in the server's log and profile.
    pub comment: Option<ValueBuf>,
}

impl DropDatabase {
    /// Drops `database`.
    pub fn new(database: impl Into<String>) -> Self {
        Self { database: database.into(), comment: None }
    }
}

impl Operation for DropDatabase {
    type Output = ();

    fn name(&self) -> &str {
        "dropDatabase"
    }

    fn database(&self) -> &str {
        &self.database
    }

    fn traits(&self) -> Traits {
        Traits::DDL
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        body.i32("dropDatabase", 1).opt_value("comment", self.comment.as_ref());
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<()>, OperationError> {
        WriteFailure::check(reply.body(), 0).map(Progress::Done)
    }

    fn unacknowledged(&mut self) -> Option<Progress<()>> {
        Some(Progress::Done(()))
    }
}

/// Lists the databases of a deployment (specification *Enumerating Databases*). The output is the array
/// `databases`, as the document that an array is encoded as, sharing the reply's frame.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the fields are the command's own options, documented by the server's manual")]
pub struct ListDatabases {
    pub filter: Option<DocBuf>,
    pub name_only: Option<bool>,
    pub authorized_databases: Option<bool>,
    pub comment: Option<ValueBuf>,
}

impl ListDatabases {
    /// Lists all databases with their sizes.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Operation for ListDatabases {
    type Output = DocBuf;

    fn name(&self) -> &str {
        "listDatabases"
    }

    fn database(&self) -> &str {
        "admin"
    }

    fn traits(&self) -> Traits {
        Traits::LIST
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        body.i32("listDatabases", 1)
            .opt_doc("filter", self.filter.as_ref())
            .opt_bool("nameOnly", self.name_only)
            .opt_bool("authorizedDatabases", self.authorized_databases)
            .opt_value("comment", self.comment.as_ref());
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<DocBuf>, OperationError> {
        let databases =
            reply.body().get_array("databases")?.ok_or(OperationError::Reply("there are no `databases`"))?;
        Ok(Progress::Done(DocBuf::slice_of(reply.frame(), databases)))
    }
}
