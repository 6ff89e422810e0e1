//! Any command whose reply is a cursor, as the user wrote it.

use alloc::string::String;
use core::time::Duration;

use stator_wire::bson::{DocBuf, DocWriter};

use super::{CursorType, MaxTime, Operation, OperationError, Progress, RunCommand, TimeoutMode, Traits, check_cursor};
use crate::connection::Reply;
use crate::cursor::CursorReply;

/// Runs a command document as it is and reads a cursor from its reply (specification *runCommand*).
#[derive(Clone, Debug)]
pub struct RunCursorCommand {
    command: RunCommand,
    database: String,
    /// What kind of cursor the command opens, for its timeouts.
    pub cursor_type: CursorType,
    /// What `timeoutMS` counts for.
    pub timeout_mode: Option<TimeoutMode>,
    /// How long the server may wait in `getMore`.
    pub max_await_time: Option<Duration>,
}

impl RunCursorCommand {
    /// The command `command` on `database`; its first key is its name.
    ///
    /// # Errors
    ///
    /// An empty document.
    pub fn new(database: &str, command: DocBuf) -> Result<Self, OperationError> {
        Ok(Self {
            command: RunCommand::new(database, command)?,
            database: database.into(),
            cursor_type: CursorType::default(),
            timeout_mode: None,
            max_await_time: None,
        })
    }
}

impl Operation for RunCursorCommand {
    type Output = CursorReply;

    fn name(&self) -> &str {
        self.command.name()
    }

    fn database(&self) -> &str {
        &self.database
    }

    fn traits(&self) -> Traits {
        self.command.traits()
    }

    fn max_time(&self) -> MaxTime {
        match self.cursor_type {
            CursorType::Tailable => MaxTime::Unbounded(None),
            CursorType::TailableAwait => MaxTime::Deadline(None),
            CursorType::NonTailable | CursorType::Exhaust => MaxTime::opening(self.timeout_mode, None),
        }
    }

    fn timeout_mode(&self) -> TimeoutMode {
        self.timeout_mode.unwrap_or(self.cursor_type.timeout_mode())
    }

    fn check_timeout(&self, timeout: Option<Duration>) -> Result<(), OperationError> {
        check_cursor(self.timeout_mode, self.cursor_type.is_tailable(), self.max_await_time, timeout)
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        self.command.write(body);
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<CursorReply>, OperationError> {
        CursorReply::parse(reply, "firstBatch", None).map(Progress::Done)
    }
}
