//! A runtime with a clock and nothing else, and requests as the execution path encodes them.

use core::future::pending;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use stator_proto::connection::{Compression, Reply, Request, SendBuf, Sequence};
use stator_proto::{Connection, Instant};
use stator_wire::bson::DocWriter;
use stator_wire::op_msg::{Builder, Flags};

use crate::runtime::{Closer, Endpoint, Runtime, SpawnError, Stream};

/// A clock that tests turn.
#[derive(Clone, Debug)]
pub(super) struct Clock(Arc<Mutex<Instant>>);

impl Clock {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::ORIGIN)))
    }

    pub(super) fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = *now + by;
    }
}

impl Runtime for Clock {
    type Stream = NoStream;

    fn now(&self) -> Instant {
        *self.0.lock().unwrap()
    }

    fn unix_time(&self) -> Duration {
        Duration::ZERO
    }

    fn fill_random(&self, _: &mut [u8]) {}

    fn sleep_until(&self, _: Instant) -> impl Future<Output = ()> + Send + 'static {
        pending()
    }

    fn spawn(&self, _: &'static str, _: impl Future<Output = ()> + Send + 'static) -> Result<(), SpawnError> {
        Err(SpawnError::new("this runtime is a clock"))
    }

    async fn connect(&self, _: &Endpoint, _: Instant) -> io::Result<NoStream> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn lookup(&self, _: &str, _: u16, _: Instant) -> io::Result<Vec<SocketAddr>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn exchange_datagram(&self, _: SocketAddr, _: &[u8], _: Instant) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A stream that there is none of.
#[derive(Debug)]
pub(super) enum NoStream {}

impl Stream for NoStream {
    fn poll_recv(&mut self, _: &mut Context<'_>, _: &mut [u8], _: Instant) -> Poll<io::Result<usize>> {
        match *self {}
    }

    fn poll_send(&mut self, _: &mut Context<'_>, _: &[IoSlice<'_>], _: Instant) -> Poll<io::Result<usize>> {
        match *self {}
    }

    fn try_recv(&mut self, _: &mut [u8]) -> io::Result<Option<usize>> {
        match *self {}
    }

    fn closer(&self) -> Closer {
        match *self {}
    }
}

/// A document from a function that writes it.
pub(super) fn document(write: impl Fn(&mut DocWriter<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut document = DocWriter::new(&mut bytes);
    write(&mut document);
    document.finish().unwrap();
    bytes
}

/// The request as it stands in the buffer before it is written.
pub(super) fn request(name: &str, write: &dyn Fn(&mut DocWriter<'_>), sequences: &[Sequence]) -> SendBuf {
    let body = |body: &mut DocWriter<'_>| {
        body.i32(name, 1);
        write(body);
        body.str("$db", "shop");
    };
    let request = Request { name, body: &body, sequences, exhaust: false, no_reply: false };
    let mut output = SendBuf::new();
    let mut connection = Connection::new(Compression::none());
    connection.send(Instant::ORIGIN, &request, Instant::FAR_FUTURE, &mut output).unwrap();
    output
}

/// A reply with this document.
pub(super) fn reply(write: impl Fn(&mut DocWriter<'_>)) -> Reply {
    let mut frame = Vec::new();
    let mut builder = Builder::new(&mut frame, 9, 1, Flags::NONE);
    let mut body = builder.body();
    write(&mut body);
    body.finish().unwrap();
    builder.finish().unwrap();
    Reply::parse(Bytes::from(frame)).unwrap()
}
