//! One connection on which nothing but hello is said.

use core::time::Duration;

use stator_wire::Deframer;
use stator_wire::bson::{DocBuf, DocWriter};

use super::MonitorOptions;
use crate::Instant;
use crate::connection::{Compression, Connection, ConnectionError, Reply, Request, SendBuf};
use crate::hello::{HelloReply, TopologyVersion};
use crate::operation::stamps::write_server_api;
use crate::operation::{CommandError, OperationError};

/// The connection of a monitor, while there is one.
#[derive(Debug, Default)]
pub(super) struct Call {
    line: Option<Line>,
}

#[derive(Debug)]
struct Line {
    connection: Connection,
    /// Whether the server knows `hello`.
    hello_ok: bool,
    /// Whether the first message, which carries the metadata, was answered.
    greeted: bool,
    /// `connectionId` as the server told it.
    server_connection_id: Option<i64>,
}

/// A reply to hello.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) hello: HelloReply,
    pub(super) document: DocBuf,
    /// Whether another one follows without being asked for.
    pub(super) more: bool,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum Unanswered {
    Connection(ConnectionError),
    Hello(OperationError),
}

impl From<ConnectionError> for Unanswered {
    fn from(error: ConnectionError) -> Self {
        Self::Connection(error)
    }
}

impl Call {
    pub(super) fn open(&mut self) {
        let connection = Connection::new(Compression::none());
        self.line = Some(Line { connection, hello_ok: false, greeted: false, server_connection_id: None });
    }

    /// Whether there was a connection to be closed.
    pub(super) fn close(&mut self) -> bool {
        self.line.take().is_some()
    }

    pub(super) const fn is_open(&self) -> bool {
        self.line.is_some()
    }

    pub(super) fn server_connection_id(&self) -> Option<i64> {
        self.line.as_ref()?.server_connection_id
    }

    /// Appends hello to `out`. With a topology version the server may wait for `max_await`, and send more replies.
    pub(super) fn send(
        &mut self,
        now: Instant,
        options: &MonitorOptions,
        awaited: Option<(TopologyVersion, Duration)>,
        deadline: Instant,
        out: &mut SendBuf,
    ) -> Result<(), ConnectionError> {
        let Some(line) = &mut self.line else { return Ok(()) };
        // The Stable API demands `hello`, whatever the reply says of `helloOk`.
        let name = if line.hello_ok || options.server_api.is_some() { "hello" } else { "isMaster" };
        let greeted = line.greeted;
        let body = |body: &mut DocWriter<'_>| {
            body.i32(name, 1).bool("helloOk", true);
            if !greeted {
                body.str("backpressure", "2").doc("client", options.metadata.as_doc());
                let mut compression = body.array_of("compression");
                for name in &options.compressors {
                    compression.str(name);
                }
            }
            if let Some((version, max_await)) = awaited {
                let mut topology_version = body.document("topologyVersion");
                topology_version.object_id("processId", version.process_id).i64("counter", version.counter);
                drop(topology_version);
                body.i64("maxAwaitTimeMS", i64::try_from(max_await.as_millis()).unwrap_or(i64::MAX));
            }
            body.str("$db", "admin");
            if let Some(api) = &options.server_api {
                write_server_api(api, body);
            }
        };
        let request = Request { name, body: &body, sequences: &[], exhaust: awaited.is_some(), no_reply: false };
        line.connection.send(now, &request, deadline, out)
    }

    pub(super) fn handle_sent(&mut self, now: Instant, out: &mut SendBuf, count: usize) {
        if let Some(line) = &mut self.line {
            line.connection.handle_sent(now, out, count);
        }
    }

    /// The next reply, if it has come.
    pub(super) fn recv(&mut self, now: Instant, input: &mut Deframer) -> Result<Option<Answer>, Unanswered> {
        let Some(line) = &mut self.line else { return Ok(None) };
        let Some(reply) = line.connection.handle_recv(now, input)? else { return Ok(None) };
        let answer = read(&reply).map_err(Unanswered::Hello)?;
        line.greeted = true;
        line.hello_ok = answer.hello.hello_ok;
        // Only the first reply on a connection need name it.
        line.server_connection_id = answer.hello.connection_id.or(line.server_connection_id);
        Ok(Some(answer))
    }

    /// The stream has ended: why the exchange failed.
    pub(super) fn handle_closed(&mut self, now: Instant, input: &Deframer) -> ConnectionError {
        match &mut self.line {
            Some(line) => line.connection.handle_closed(now, input),
            None => ConnectionError::Closed { mid_reply: false },
        }
    }
}

fn read(reply: &Reply) -> Result<Answer, OperationError> {
    if let Some(error) = CommandError::from_reply(reply)? {
        return Err(OperationError::Command(error));
    }
    let hello = HelloReply::parse(reply.body())?;
    Ok(Answer { hello, document: reply.to_doc_buf(), more: reply.more_to_come() })
}
