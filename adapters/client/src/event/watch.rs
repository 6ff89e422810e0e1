//! Watches one command for its listeners.
//!
//! ```text
//!   start ──▶ Started ──▶ replied ─────────▶ Succeeded, or Failed if `ok` is not 1
//!                    ├──▶ unacknowledged ──▶ Succeeded
//!                    ├──▶ failed ──────────▶ Failed
//!                    └──▶ dropped ─────────▶ Failed: every Started has its end
//! ```

use std::sync::Arc;

use stator_proto::Instant;
use stator_proto::connection::{Reply, SendBuf};
use stator_proto::operation::CommandError;
use stator_wire::OpMsg;
use stator_wire::bson::{DocBuf, DocWriter};

use super::{Category, CommandEvent, CommandInfo, ConnectionInfo, Event, EventDocument, Listeners, redact};
use crate::error::{Error, ErrorKind, Phase};
use crate::runtime::Runtime;

/// A command on its way. It is nothing at all where nobody listens to commands.
#[derive(Debug)]
#[must_use = "a watch that is dropped says that its command was abandoned"]
pub(crate) struct Watch<'a, R: Runtime> {
    runtime: &'a R,
    listeners: &'a Listeners,
    pending: Option<Pending>,
}

#[derive(Debug)]
struct Pending {
    info: Arc<CommandInfo>,
    started: Instant,
    sensitive: bool,
}

impl<'a, R: Runtime> Watch<'a, R> {
    /// Tells that the request in `output` is about to be sent: to be called when it is encoded whole and nothing of it is
    /// written. `connection` is asked only if somebody listens.
    pub(crate) fn start(
        runtime: &'a R,
        listeners: &'a Listeners,
        now: Instant,
        output: &SendBuf,
        operation_id: i64,
        connection: impl FnOnce() -> ConnectionInfo,
    ) -> Self {
        let mut pending = None;
        if listeners.wants(Category::Command)
            && let Some(Sent { request_id, command, command_name, database_name }) = sent(output)
        {
            let connection = connection();
            let info = Arc::new(CommandInfo { command_name, database_name, request_id, operation_id, connection });
            let sensitive = redact::is_sensitive(&info.command_name, command.as_doc());
            let command = if sensitive { EventDocument::default() } else { EventDocument::new(command) };
            pending = Some(Pending { info: Arc::clone(&info), started: now, sensitive });
            listeners.deliver(&Event::Command(CommandEvent::Started { info, command }));
        }
        Self { runtime, listeners, pending }
    }

    /// The server has answered.
    pub(crate) fn replied(mut self, reply: &Reply) {
        let Some(pending) = self.pending.take() else { return };
        let error = match CommandError::from_reply(reply) {
            Ok(None) => return self.succeed(pending, reply.to_doc_buf()),
            Ok(Some(error)) => Error::at(Phase::Reply, &pending.info.connection.address, ErrorKind::Command(error)),
            Err(error) => Error::from(error).of_operation(&pending.info.connection.address, false),
        };
        self.fail(pending, &error);
    }

    /// The request was written, and no reply is wanted.
    pub(crate) fn unacknowledged(mut self) {
        let Some(pending) = self.pending.take() else { return };
        let mut bytes = Vec::new();
        DocWriter::new(&mut bytes).i32("ok", 1);
        // A document with one number is one.
        self.succeed(pending, DocBuf::new(bytes).unwrap_or_default());
    }

    /// Sending or receiving failed.
    pub(crate) fn failed(mut self, error: &Error) {
        if let Some(pending) = self.pending.take() {
            self.fail(pending, error);
        }
    }

    fn succeed(&self, pending: Pending, reply: DocBuf) {
        let duration = self.runtime.now().duration_since(pending.started);
        let reply = if pending.sensitive { EventDocument::default() } else { EventDocument::new(reply) };
        self.listeners.deliver(&Event::Command(CommandEvent::Succeeded { info: pending.info, duration, reply }));
    }

    fn fail(&self, pending: Pending, error: &Error) {
        let duration = self.runtime.now().duration_since(pending.started);
        let failure = if pending.sensitive { redact::failure(error) } else { error.clone() };
        self.listeners.deliver(&Event::Command(CommandEvent::Failed { info: pending.info, duration, failure }));
    }
}

impl<R: Runtime> Drop for Watch<'_, R> {
    fn drop(&mut self) {
        if let Some(pending) = self.pending.take() {
            let error = Error::at(Phase::Receive, &pending.info.connection.address, ErrorKind::Abandoned);
            self.fail(pending, &error);
        }
    }
}

/// A request, read back from what is to be sent.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) request_id: i32,
    pub(super) command: DocBuf,
    pub(super) command_name: String,
    pub(super) database_name: String,
}

/// Reads a request back. It has just been encoded, so it can be; if it could not, the command would not be watched.
pub(super) fn sent(output: &SendBuf) -> Option<Sent> {
    let message = output.uncompressed().concat();
    let message = OpMsg::parse(&message).ok()?;
    let body = message.body();
    let mut sequences = message.sequences().peekable();
    let command = if sequences.peek().is_none() {
        DocBuf::from(body)
    } else {
        let mut bytes = Vec::with_capacity(message.header().length as usize);
        let mut command = DocWriter::new(&mut bytes);
        for element in body.iter() {
            let element = element.ok()?;
            command.value(element.key().ok()?, element.value());
        }
        for sequence in sequences {
            let mut array = command.array_of(core::str::from_utf8(sequence.identifier()).ok()?);
            for document in sequence.documents() {
                array.doc(document.ok()?);
            }
        }
        command.finish().ok()?;
        DocBuf::new(bytes).ok()?
    };
    let first = body.iter().next()?.ok()?;
    Some(Sent {
        request_id: message.header().request_id,
        command_name: first.key().ok()?.into(),
        database_name: body.get_str("$db").ok().flatten().unwrap_or_default().into(),
        command,
    })
}
