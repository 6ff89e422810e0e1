//! One established connection: one request in flight, its reply matched by request id.
//!
//! ```text
//!            send                 all bytes written
//!   idle ------------> sending ----------------------> awaiting --+
//!    ^  ^                 |   (no reply wanted: idle)     |   ^    | reply with moreToCome
//!    |  +-----------------|------- reply -----------------+   +----+
//!    |  nothing written   | cancelled
//!    +--------------------+
//!                         | part of it written                any error, end of stream
//!                         +--------------------------> broken <------------------------
//! ```
//!
//! Buffers belong to the caller: output is appended to a [`SendBuf`], input is taken from a
//! [`Deframer`]. After the handshake both simply stay beside the connection.
//!
//! # Cancellation
//!
//! Whoever stops caring about a request calls [`Connection::cancel`]: it says whether the connection is as
//! good as new, owes a reply that must be read first, or is to be closed.

use bytes::Bytes;
use stator_wire::op_compressed::{Noop, compressor};
use stator_wire::{Deframer, Header, OpCode, OpCompressed, WireError};

use crate::Instant;
use crate::hello::HelloReply;

mod compression;
mod error;
mod reply;
mod request;
mod send_buf;

#[cfg(test)]
mod tests;

pub use compression::{Compression, UNCOMPRESSED_COMMANDS};
pub use error::ConnectionError;
pub use reply::Reply;
pub use request::{Request, Sequence, WriteBody};
pub use send_buf::SendBuf;

/// What becomes of a connection whose request nobody waits for any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// Nothing was written or nothing is owed: use it again.
    Idle,
    /// The request is with the server: its reply must be read before the next request.
    Owing,
    /// Part of a request was written: close it.
    Broken,
}

/// The machine of one connection, before and after its handshake.
#[derive(Debug)]
pub struct Connection {
    state: State,
    next_request_id: i32,
    hello: HelloReply,
    compression: Compression,
    deadline: Instant,
}

#[derive(Clone, Debug)]
enum State {
    Idle,
    Sending { request: i32, no_reply: bool, exhaust: bool },
    Awaiting { request: i32, exhaust: bool },
    Broken(ConnectionError),
}

impl Connection {
    /// A connection on which nothing was said yet.
    pub fn new(compression: Compression) -> Self {
        Self {
            state: State::Idle,
            next_request_id: 1,
            hello: HelloReply::default(),
            compression,
            deadline: Instant::FAR_FUTURE,
        }
    }

    /// What the server said of itself in the handshake.
    pub const fn hello(&self) -> &HelloReply {
        &self.hello
    }

    pub(crate) fn set_hello(&mut self, hello: HelloReply, requests: Option<u8>) {
        self.hello = hello;
        self.compression.requests = requests;
    }

    /// Appends `request` to `out`, which must be empty, and begins the exchange. `deadline` is when its reply is due.
    pub fn send(
        &mut self,
        _now: Instant,
        request: &Request<'_>,
        deadline: Instant,
        out: &mut SendBuf,
    ) -> Result<(), ConnectionError> {
        match &self.state {
            State::Idle if out.is_empty() => {}
            State::Broken(error) => return Err(error.clone()),
            _ => return Err(ConnectionError::Busy),
        }
        let id = self.next_request_id;
        match request.encode(id, self.hello.limits.max_message_size, &self.compression, out) {
            Ok(()) => {}
            Err(error) => {
                // Nothing was written: the connection is as good as before.
                out.clear();
                return Err(error);
            }
        }
        self.next_request_id = self.next_request_id.checked_add(1).unwrap_or(1);
        self.deadline = deadline;
        self.state = State::Sending { request: id, no_reply: request.no_reply, exhaust: request.exhaust };
        Ok(())
    }

    /// Says that `count` bytes of `out` were written to the stream.
    pub fn handle_sent(&mut self, _now: Instant, out: &mut SendBuf, count: usize) {
        out.advance(count);
        if out.is_empty()
            && let State::Sending { request, no_reply, exhaust } = self.state
        {
            self.state = if no_reply { State::Idle } else { State::Awaiting { request, exhaust } };
        }
    }

    /// Takes the reply out of `input` if it is there; `None` if more bytes are needed.
    pub fn handle_recv(&mut self, _now: Instant, input: &mut Deframer) -> Result<Option<Reply>, ConnectionError> {
        let (expected, exhaust) = match &self.state {
            State::Broken(error) => return Err(error.clone()),
            State::Awaiting { request, exhaust } => (*request, *exhaust),
            State::Idle | State::Sending { .. } => {
                return if input.is_empty() { Ok(None) } else { Err(self.fail(ConnectionError::Unsolicited)) };
            }
        };
        let frame = match input.next_frame() {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ok(None),
            Err(error) => return Err(self.fail(error.into())),
        };
        match self.read_reply(frame, expected, input.limit()) {
            // OP_MSG: no reply sets moreToCome unless the request set exhaustAllowed.
            Ok((reply, _)) if reply.more_to_come() && !exhaust => Err(self.fail(ConnectionError::MoreThanAsked)),
            Ok((reply, id)) => {
                self.state = if reply.more_to_come() { State::Awaiting { request: id, exhaust } } else { State::Idle };
                Ok(Some(reply))
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    fn read_reply(&self, frame: Bytes, expected: i32, limit: usize) -> Result<(Reply, i32), ConnectionError> {
        let frame = match Header::parse(&frame)?.op_code {
            OpCode::Msg => frame,
            OpCode::Compressed => {
                let compressed = OpCompressed::parse(&frame)?;
                let id = compressed.compressor();
                match self.compression.codec(id) {
                    Some(codec) => compressed.decompress(codec, limit)?,
                    None if id == compressor::NOOP => compressed.decompress(&Noop, limit)?,
                    None => return Err(WireError::Compressor(id).into()),
                }
            }
            other => return Err(ConnectionError::NotOpMsg(other.to_i32())),
        };
        let reply = Reply::parse(frame)?;
        if reply.header().response_to != expected {
            return Err(ConnectionError::WrongReply { expected, found: reply.header().response_to });
        }
        let id = reply.header().request_id;
        Ok((reply, id))
    }

    /// Says that the stream has ended.
    pub fn handle_closed(&mut self, _now: Instant, input: &Deframer) -> ConnectionError {
        self.fail(ConnectionError::Closed { mid_reply: !input.is_empty() })
    }

    /// When the reply in flight is due; `None` if none is, or if it has no deadline.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let waiting = matches!(self.state, State::Sending { .. } | State::Awaiting { .. });
        (waiting && !self.deadline.is_far_future()).then_some(self.deadline)
    }

    /// Nobody waits for the request in flight any more (its future was dropped, or its deadline has passed).
    pub fn cancel(&mut self, out: &mut SendBuf) -> Cancelled {
        match self.state {
            State::Idle => Cancelled::Idle,
            State::Sending { .. } if out.is_untouched() => {
                out.clear();
                self.state = State::Idle;
                Cancelled::Idle
            }
            State::Sending { .. } => {
                self.fail(ConnectionError::CancelledMidWrite);
                Cancelled::Broken
            }
            State::Awaiting { .. } => Cancelled::Owing,
            State::Broken(_) => Cancelled::Broken,
        }
    }

    /// Whether the next request can be sent.
    pub const fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Whether a reply is due.
    pub const fn is_awaiting(&self) -> bool {
        matches!(self.state, State::Awaiting { .. })
    }

    /// Why the connection is broken, if it is.
    pub const fn error(&self) -> Option<&ConnectionError> {
        match &self.state {
            State::Broken(error) => Some(error),
            _ => None,
        }
    }

    fn fail(&mut self, error: ConnectionError) -> ConnectionError {
        if let State::Broken(first) = &self.state {
            return first.clone();
        }
        self.state = State::Broken(error.clone());
        error
    }
}
