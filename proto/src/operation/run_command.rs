//! Any command, as the user wrote it.

use alloc::sync::Arc;
use core::ops::Range;

use stator_wire::bson::{DocBuf, DocWriter};

use super::{Operation, OperationError, Progress, Traits};
use crate::connection::Reply;

/// Runs a command document as it is. Neither concerns nor retries are added (specification *runCommand*).
///
/// With a `timeoutMS` what is left of it is appended as `maxTimeMS`: the command should not have one of its own then.
#[derive(Clone, Debug)]
pub struct RunCommand {
    database: Arc<str>,
    /// Where the name stands in the command.
    name: Range<usize>,
    command: DocBuf,
}

impl RunCommand {
    /// The command `command` on `database`; its first key is its name.
    pub fn new(database: impl Into<Arc<str>>, command: DocBuf) -> Result<Self, OperationError> {
        /// The document's length, and the first element's type.
        const BEFORE: usize = 4 + 1;
        let name = match command.as_doc().iter().next() {
            Some(element) => BEFORE..BEFORE + element?.key()?.len(),
            None => return Err(OperationError::InvalidArgument("the command document is empty")),
        };
        Ok(Self { database: database.into(), name, command })
    }
}

impl Operation for RunCommand {
    type Output = DocBuf;

    fn name(&self) -> &str {
        // Seen to be text before.
        self.command.as_bytes().get(self.name.clone()).and_then(|name| str::from_utf8(name).ok()).unwrap_or_default()
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
        Ok(Progress::Done(reply.into_doc_buf()))
    }
}
