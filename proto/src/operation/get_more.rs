//! `getMore`.

use core::time::Duration;

use stator_wire::bson::{DocWriter, ValueBuf};

use super::{MaxTime, Namespace, Operation, OperationError, Optional, Progress, SessionUse, Traits, WIRE_VERSION_4_4};
use crate::connection::{Connection, Reply};
use crate::cursor::CursorReply;

/// Fetches the next batch of a cursor. Never retried: the server moves on with every try.
#[derive(Clone, Debug)]
pub struct GetMore {
    /// The cursor's namespace.
    pub namespace: Namespace,
    /// The cursor's id.
    pub cursor_id: i64,
    /// The most documents in the batch; `None` lets the server decide.
    pub batch_size: Option<u32>,
    /// How long the server waits for documents on an awaiting cursor.
    pub max_await_time: Option<Duration>,
    /// Shown in the server's log and profile; not sent to servers before 4.4, which would refuse it.
    pub comment: Option<ValueBuf>,
    /// Whether the server may send all further batches without being asked.
    pub exhaust: bool,
}

impl Operation for GetMore {
    type Output = CursorReply;

    fn name(&self) -> &str {
        "getMore"
    }

    fn database(&self) -> &str {
        self.namespace.database()
    }

    fn traits(&self) -> Traits {
        Traits { read_preference: true, session: SessionUse::Given, ..Traits::PLAIN }
    }

    /// Only awaiting cursors take one; elsewhere the time of the first command counts on.
    fn max_time(&self) -> MaxTime {
        MaxTime::Await(self.max_await_time)
    }

    /// Servers before 4.4 refuse a comment here, though not in the command that the cursor comes from.
    fn prepare(&mut self, connection: &Connection) -> Result<(), OperationError> {
        if connection.hello().max_wire_version < WIRE_VERSION_4_4 {
            self.comment = None;
        }
        Ok(())
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        body.i64("getMore", self.cursor_id)
            .str("collection", self.namespace.collection())
            .opt_i64("batchSize", self.batch_size.filter(|&size| size > 0).map(i64::from))
            .opt_value("comment", self.comment.as_ref());
    }

    fn exhaust(&self) -> bool {
        self.exhaust
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<CursorReply>, OperationError> {
        CursorReply::parse(reply, "nextBatch", Some(&self.namespace)).map(Progress::Done)
    }
}
