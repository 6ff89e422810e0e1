//! A connection and a server made of `wire`, in virtual time and without a socket.

mod cancel;
mod compression;
mod exchange;
mod hostile;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use alloc::{format, vec};

use bytes::Bytes;
use stator_wire::bson::{Doc, DocWriter};
use stator_wire::op_compressed::{Noop, compressor};
use stator_wire::op_msg::{Builder, Flags};
use stator_wire::{Codec, Deframer, Header, OpCode, OpCompressed, OpMsg, WireError};

use super::*;

const NOW: Instant = Instant::ORIGIN;
const LATER: Instant = Instant::from_millis(1000);

/// Both ends of one connection.
struct Pair {
    client: Connection,
    out: SendBuf,
    input: Deframer,
    /// What the server has received.
    server: Deframer,
}

impl Pair {
    fn new() -> Self {
        Self::with(Compression::none())
    }

    fn with(compression: Compression) -> Self {
        Self {
            client: Connection::new(compression),
            out: SendBuf::new(),
            input: Deframer::new(48_000_000),
            server: Deframer::new(48_000_000),
        }
    }

    fn send(&mut self, request: &Request<'_>) -> Result<(), ConnectionError> {
        self.client.send(NOW, request, LATER, &mut self.out)
    }

    /// Moves at most `count` bytes to the server, in one vectored write.
    fn write(&mut self, count: usize) {
        let bytes: Vec<u8> = self.out.slices().concat();
        let count = count.min(bytes.len());
        self.server.push(&bytes[..count]);
        self.client.handle_sent(NOW, &mut self.out, count);
    }

    /// The next request as the server reads it.
    fn request(&mut self) -> Option<Bytes> {
        self.server.next_frame().unwrap()
    }

    /// Sends `ping` whole; returns its request id.
    fn ping(&mut self) -> i32 {
        self.send(&PING).unwrap();
        self.write(usize::MAX);
        Header::parse(&self.request().unwrap()).unwrap().request_id
    }

    fn recv(&mut self) -> Result<Option<Reply>, ConnectionError> {
        self.client.handle_recv(NOW, &mut self.input)
    }

    /// Lets `bytes` arrive at once.
    fn arrive(&mut self, bytes: &[u8]) -> Result<Option<Reply>, ConnectionError> {
        self.input.push(bytes);
        self.recv()
    }

    /// The connection is as good as new: a whole exchange succeeds.
    #[track_caller]
    fn assert_usable(&mut self) {
        assert!(self.client.is_idle());
        assert_eq!(self.client.poll_timeout(), None);
        let id = self.ping();
        assert_eq!(self.client.poll_timeout(), Some(LATER));
        assert!(self.arrive(&ok(77, id, Flags::NONE)).unwrap().is_some());
        assert!(self.client.is_idle());
    }

    /// The connection answers everything with `error`.
    #[track_caller]
    fn assert_broken(&mut self, error: &ConnectionError) {
        assert_eq!(self.client.error(), Some(error));
        assert!(!self.client.is_idle() && !self.client.is_awaiting());
        assert_eq!(self.client.poll_timeout(), None);
        assert_eq!(self.send(&PING).unwrap_err(), *error);
        assert_eq!(self.recv().unwrap_err(), *error);
        assert_eq!(self.client.cancel(&mut self.out), Cancelled::Broken);
        let closed = self.client.handle_closed(NOW, &self.input);
        assert_eq!(closed, *error, "the first error sticks");
    }
}

const PING: Request<'static> = command("ping", &|body: &mut DocWriter<'_>| {
    body.i32("ping", 1).str("$db", "admin");
});

const fn command<'a>(name: &'a str, body: &'a dyn WriteBody) -> Request<'a> {
    Request { name, body, sequences: &[], exhaust: false, no_reply: false }
}

/// An OP_MSG of the server's.
fn reply(id: i32, to: i32, flags: Flags, write: impl Fn(&mut DocWriter<'_>)) -> Vec<u8> {
    let mut bytes = vec![];
    let mut builder = Builder::new(&mut bytes, id, to, flags);
    let mut body = builder.body();
    write(&mut body);
    body.finish().unwrap();
    builder.finish().unwrap();
    bytes
}

/// `{ok: 1}`
fn ok(id: i32, to: i32, flags: Flags) -> Vec<u8> {
    reply(id, to, flags, |body| {
        body.i32("ok", 1);
    })
}

fn doc(write: impl Fn(&mut DocWriter<'_>)) -> Vec<u8> {
    let mut bytes = vec![];
    let mut writer = DocWriter::new(&mut bytes);
    write(&mut writer);
    writer.finish().unwrap();
    bytes
}

/// What a server sees of an OP_MSG, as text.
fn shown(frame: &[u8]) -> String {
    let message = OpMsg::parse(frame).unwrap();
    let mut text = format!("{:?}", message.body());
    for sequence in message.sequences() {
        let documents: Vec<Doc<'_>> = sequence.documents().map(Result::unwrap).collect();
        text += &format!(" {}: {documents:?}", core::str::from_utf8(sequence.identifier()).unwrap());
    }
    text
}
