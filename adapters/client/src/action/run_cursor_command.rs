//! `run_cursor_command`.

use std::sync::Arc;

use bson::Document;
use serde::Serialize;
use stator_proto::operation::{self as op, CursorType, Namespace};
use stator_wire::bson::{DocBuf, ValueBuf};

use super::Doubt;
use crate::call::Call;
use crate::cursor::Cursor;
use crate::database::Database;
use crate::error::{Error, Result};
use crate::inner::Core;
use crate::options::TimeoutMode;
use crate::runtime::Runtime;

/// Runs any command whose reply is a cursor; see [`Database::run_cursor_command`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct RunCursorCommand<R: Runtime> {
    database: Database<R>,
    command: DocBuf,
    cursor_type: CursorType,
    batch_size: Option<u32>,
    max_await_time: Option<core::time::Duration>,
    comment: Option<ValueBuf>,
    timeout_mode: Option<TimeoutMode>,
    call: Call<R>,
    doubt: Doubt,
}

impl<R: Runtime> RunCursorCommand<R> {
    pub(crate) fn new(database: &Database<R>, command: &(impl Serialize + ?Sized)) -> Self {
        let mut doubt = Doubt::default();
        Self {
            command: doubt.doc(command),
            cursor_type: CursorType::default(),
            batch_size: None,
            max_await_time: None,
            comment: None,
            timeout_mode: None,
            // As run_command.
            call: database.call().on_primary(),
            database: database.clone(),
            doubt,
        }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.database.client().core()
    }

    /// What kind of cursor the command opens; default: one that ends.
    pub fn cursor_type(mut self, cursor_type: CursorType) -> Self {
        self.cursor_type = cursor_type;
        self
    }

    async fn execute(self) -> Result<Cursor<R, Document>> {
        self.doubt.check()?;
        if self.cursor_type == CursorType::Exhaust {
            return Err(Error::invalid("a command of your own cannot open an exhaust cursor"));
        }
        let core = Arc::clone(self.database.client().core());
        let mut op = op::RunCursorCommand::new(self.database.name(), self.command)?;
        op.cursor_type = self.cursor_type;
        op.timeout_mode = self.timeout_mode;
        op.max_await_time = self.max_await_time;
        let namespace = Namespace::new(self.database.name(), "$cmd");
        let (batch_size, wait, comment) = (self.batch_size, self.max_await_time, self.comment);
        let machine = |reply| stator_proto::Cursor::new(reply, namespace, batch_size, wait, comment);
        Cursor::open(core, op, self.call, machine).await
    }
}

setters! { RunCursorCommand:
    /// The most documents in each further batch; the first is the command's own business.
    u32 batch_size => batch_size;
    /// How long the server may wait for documents of each further batch.
    duration max_await_time => max_await_time;
    /// Shown in the server's log and profile, with each further batch.
    value comment => comment;
    /// What the timeout counts for.
    timeout_mode timeout_mode => timeout_mode;
    /// Where to run it; default primary.
    read_preference read_preference => call.given.read_preference;
    /// The time for the whole operation; zero is no limit.
    duration timeout => call.given.timeout;
}

awaitable!(RunCursorCommand => Cursor<R, Document>);
