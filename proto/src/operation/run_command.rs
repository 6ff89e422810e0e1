//! Any command, as the user wrote it.

use alloc::string::String;

use stator_wire::bson::{DocBuf, DocWriter};

use super::{Operation, OperationError, Progress, Traits};
use crate::connection::Reply;

/// Runs a command document as it is. Neither concerns nor retries are added (specification *runCommand*).
///
/// With a `timeoutMS` what is left of it is appended as `maxTimeMS`: the command should not have one of its own then.
#[derive(Clone, Debug)]
pub struct RunCommand {
    database: String,
    name: String,
    command: DocBuf,
}

impl RunCommand {
    /// The command `command` on `database`; its first key is its name.
    pub fn new(database: &str, command: DocBuf) -> Result<Self, OperationError> {
        let first = command.as_doc().iter().next();
        let name = match first {
            Some(element) => String::from(element?.key()?),
            None => return Err(OperationError::InvalidArgument("the command document is empty")),
        };
        Ok(Self { database: database.into(), name, command })
    }
}

impl Operation for RunCommand {
    type Output = DocBuf;

    fn name(&self) -> &str {
        &self.name
    }

    fn database(&self) -> &str {
        &self.database
    }

    fn traits(&self) -> Traits {
        Traits { read_preference: true, ..Traits::PLAIN }
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        body.elements(self.command.as_doc());
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<DocBuf>, OperationError> {
        Ok(Progress::Done(reply.to_doc_buf()))
    }
}
