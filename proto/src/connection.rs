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

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use bytes::Bytes;
use stator_wire::bson::{BsonError, Doc, DocBuf, DocWriter};
use stator_wire::op_compressed::{Noop, compressor};
use stator_wire::op_msg::{Builder, Flags};
use stator_wire::{Codec, Deframer, Header, OpCode, OpCompressed, OpMsg, WireError};

use crate::Instant;
use crate::hello::HelloReply;

/// Bytes on their way out: up to three slices for one vectored write.
#[derive(Default)]
pub struct SendBuf {
    head: Vec<u8>,
    payload: Bytes,
    tail: Bytes,
    written: usize,
    scratch: Vec<u8>,
}

impl SendBuf {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is still to be written, in order; all three are empty when nothing is.
    pub fn slices(&self) -> [&[u8]; 3] {
        let mut skip = self.written;
        [&self.head[..], &self.payload[..], &self.tail[..]].map(|slice| {
            let skipped = skip.min(slice.len());
            skip -= skipped;
            &slice[skipped..]
        })
    }

    /// Bytes still to be written.
    pub fn remaining(&self) -> usize {
        self.head.len() + self.payload.len() + self.tail.len() - self.written
    }

    /// Whether everything was written.
    pub fn is_empty(&self) -> bool {
        self.remaining() == 0
    }

    fn advance(&mut self, count: usize) {
        self.written += count.min(self.remaining());
        if self.is_empty() {
            self.clear();
        }
    }

    fn clear(&mut self) {
        self.head.clear();
        self.payload = Bytes::new();
        self.tail = Bytes::new();
        self.written = 0;
    }
}

impl fmt::Debug for SendBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendBuf").field("written", &self.written).field("remaining", &self.remaining()).finish()
    }
}

/// Something that writes the body of a command.
pub trait WriteBody {
    /// Appends the command's elements; the command's name comes first.
    fn write_body(&self, body: &mut DocWriter<'_>);
}

impl<F: Fn(&mut DocWriter<'_>)> WriteBody for F {
    fn write_body(&self, body: &mut DocWriter<'_>) {
        self(body);
    }
}

/// Documents of a command that stand outside of its body (OP_MSG section kind 1).
#[derive(Clone, Debug, Default)]
pub struct Sequence {
    /// The field that they stand for, such as `documents`.
    pub identifier: &'static str,
    /// The documents, one behind the other.
    pub documents: Bytes,
}

/// One command to be sent.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The command's name: decides whether it may be compressed.
    pub name: &'a str,
    /// Writes the body.
    pub body: &'a dyn WriteBody,
    /// Up to two document sequences.
    pub sequences: &'a [Sequence],
    /// Whether the server may answer with several replies (exhaust).
    pub exhaust: bool,
    /// Whether no reply is wanted (unacknowledged writes).
    pub no_reply: bool,
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A reply, owning its frame: documents are slices of it.
#[derive(Clone)]
pub struct Reply {
    header: Header,
    frame: Bytes,
    body: Range<usize>,
    more_to_come: bool,
}

impl Reply {
    /// Reads a whole OP_MSG frame.
    pub fn parse(frame: Bytes) -> Result<Self, WireError> {
        let message = OpMsg::parse(&frame)?;
        let body = message.body().as_bytes();
        let start = body.as_ptr() as usize - frame.as_ptr() as usize;
        let body = start..start + body.len();
        let more_to_come = message.flags().contains(Flags::MORE_TO_COME);
        Ok(Self { header: message.header(), body, more_to_come, frame })
    }

    /// The message's header.
    pub const fn header(&self) -> Header {
        self.header
    }

    /// The reply's document.
    pub fn body(&self) -> Doc<'_> {
        // `parse` took the range from a document, so the slice is one.
        Doc::new(&self.frame[self.body.clone()]).unwrap_or(Doc::EMPTY)
    }

    /// The reply's document, sharing the frame.
    pub fn to_doc_buf(&self) -> DocBuf {
        DocBuf::slice_of(&self.frame, self.body())
    }

    /// The whole frame: what [`body`](Self::body) is a slice of.
    pub const fn frame(&self) -> &Bytes {
        &self.frame
    }

    /// Whether the server will send another reply without being asked.
    pub const fn more_to_come(&self) -> bool {
        self.more_to_come
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("bytes", &self.frame.len()).field("more_to_come", &self.more_to_come).finish()
    }
}

/// Why a connection cannot be used any further. The first one sticks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The server's bytes break the wire protocol.
    Wire(WireError),
    /// A reply came that answers another request.
    WrongReply {
        /// The request in flight.
        expected: i32,
        /// The request that the reply names.
        found: i32,
    },
    /// Bytes came although nothing was asked.
    Unsolicited,
    /// A reply announced another one, although the request allowed only one.
    MoreThanAsked,
    /// A message of another kind than OP_MSG came.
    NotOpMsg(i32),
    /// The server closed the connection; `mid_reply` if in the middle of a reply.
    Closed {
        /// Whether part of a reply had come.
        mid_reply: bool,
    },
    /// A request was cancelled when part of it had been written.
    CancelledMidWrite,
    /// A second request while one is in flight: a mistake of the caller.
    Busy,
    /// The command cannot be written: a key contains NUL, or it is too long.
    Encode(BsonError),
    /// The command is longer than the server accepts.
    TooLong {
        /// The command's length in bytes.
        length: usize,
        /// The server's `maxMessageSizeBytes`.
        limit: usize,
    },
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wire(error) => write!(f, "the server broke the wire protocol: {error}"),
            Self::WrongReply { expected, found } => {
                write!(f, "the server answered request {found} where {expected} was in flight")
            }
            Self::Unsolicited => f.write_str("the server sent bytes although nothing was asked"),
            Self::MoreThanAsked => f.write_str("the server announced more replies than the one that was asked for"),
            Self::NotOpMsg(code) => write!(f, "the server answered with opcode {code} instead of OP_MSG"),
            Self::Closed { mid_reply: true } => {
                f.write_str("the server closed the connection in the middle of a reply")
            }
            Self::Closed { mid_reply: false } => f.write_str("the server closed the connection"),
            Self::CancelledMidWrite => f.write_str("the request was cancelled when part of it had been written"),
            Self::Busy => f.write_str("a request is already in flight on this connection"),
            Self::Encode(error) => write!(f, "the command cannot be encoded: {error}"),
            Self::TooLong { length, limit } => {
                write!(f, "the command has {length} bytes, the server accepts {limit}")
            }
        }
    }
}

impl core::error::Error for ConnectionError {}

impl From<WireError> for ConnectionError {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

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

/// Compression of one connection: the negotiated compressor and the codecs for what the server sends.
#[derive(Clone)]
pub struct Compression {
    /// The codecs that the host has, by compressor id.
    pub codecs: Arc<[(u8, Box<dyn Codec + Send + Sync>)]>,
    /// The compressor for requests, if one was negotiated.
    pub requests: Option<u8>,
}

impl Compression {
    /// No compression in either direction.
    pub fn none() -> Self {
        Self { codecs: Arc::new([]), requests: None }
    }

    fn codec(&self, id: u8) -> Option<&(dyn Codec + Send + Sync)> {
        self.codecs.iter().find(|(known, _)| *known == id).map(|(_, codec)| &**codec)
    }
}

impl fmt::Debug for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compression").field("requests", &self.requests).finish_non_exhaustive()
    }
}

/// Commands that must never be compressed (specification *OP_COMPRESSED*): they carry secrets or negotiate.
pub const UNCOMPRESSED_COMMANDS: &[&str] = &[
    "hello",
    "isMaster",
    "ismaster",
    "saslStart",
    "saslContinue",
    "getnonce",
    "authenticate",
    "createUser",
    "updateUser",
    "copydbSaslStart",
    "copydbgetnonce",
    "copydb",
];

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
        match self.encode(id, request, out) {
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

    fn encode(&self, id: i32, request: &Request<'_>, out: &mut SendBuf) -> Result<(), ConnectionError> {
        let mut flags = Flags::NONE;
        if request.exhaust {
            flags = flags.union(Flags::EXHAUST_ALLOWED);
        }
        if request.no_reply {
            flags = flags.union(Flags::MORE_TO_COME);
        }
        out.clear();
        let mut builder = Builder::new(&mut out.head, id, 0, flags);
        let mut body = builder.body();
        request.body.write_body(&mut body);
        body.finish().map_err(ConnectionError::Encode)?;
        let mut elsewhere = 0;
        match request.sequences {
            [] => {}
            [first] => {
                builder.sequence_head(first.identifier, first.documents.len())?;
                elsewhere = first.documents.len();
                out.payload = first.documents.clone();
            }
            [first, rest @ ..] => {
                builder.sequence_head(first.identifier, first.documents.len())?;
                out.payload = first.documents.clone();
                let mut tail = Vec::new();
                for sequence in rest {
                    let size = 4 + sequence.identifier.len() + 1 + sequence.documents.len();
                    let size = i32::try_from(size).map_err(|_| WireError::TooLong(size))?;
                    tail.push(1);
                    tail.extend_from_slice(&size.to_le_bytes());
                    tail.extend_from_slice(sequence.identifier.as_bytes());
                    tail.push(0);
                    tail.extend_from_slice(&sequence.documents);
                }
                elsewhere = out.payload.len() + tail.len();
                out.tail = Bytes::from(tail);
            }
        }
        let length = builder.finish_with(elsewhere)?;
        let limit = self.hello.limits.max_message_size;
        if length > limit {
            return Err(ConnectionError::TooLong { length, limit });
        }
        if let Some(id) = self.compression.requests
            && let Some(codec) = self.compression.codec(id)
            && !UNCOMPRESSED_COMMANDS.contains(&request.name)
        {
            let SendBuf { head, payload, tail, scratch, .. } = out;
            head.extend_from_slice(payload);
            head.extend_from_slice(tail);
            *payload = Bytes::new();
            *tail = Bytes::new();
            scratch.clear();
            OpCompressed::compress(head, id, codec, scratch)?;
            core::mem::swap(head, scratch);
        }
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
            Ok((reply, _)) if reply.more_to_come && !exhaust => Err(self.fail(ConnectionError::MoreThanAsked)),
            Ok((reply, id)) => {
                self.state = if reply.more_to_come { State::Awaiting { request: id, exhaust } } else { State::Idle };
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
        if reply.header.response_to != expected {
            return Err(ConnectionError::WrongReply { expected, found: reply.header.response_to });
        }
        let id = reply.header.request_id;
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
            State::Sending { .. } if out.written == 0 => {
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
