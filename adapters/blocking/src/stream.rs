//! A TCP or Unix stream whose owner's thread reads and writes it under socket timeouts.

use std::io::{self, ErrorKind, IoSlice, Read};
use std::net::Shutdown;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};
use stator_client::host::{SocketTimeout, time_left, tune_tcp, write_slices};
use stator_client::runtime::{Close, CloseSignal, Closer, Endpoint, Instant, Stream};

/// A connected stream of [`Blocking`](crate::Blocking).
#[derive(Debug)]
pub struct BlockingStream {
    shared: Arc<Shared>,
    recv: SocketTimeout,
    send: SocketTimeout,
}

#[derive(Debug)]
struct Shared {
    socket: Socket,
    closed: CloseSignal,
}

pub(crate) fn connect(to: &Endpoint, deadline: Instant) -> io::Result<BlockingStream> {
    let mut send = SocketTimeout::default();
    let socket = match to {
        Endpoint::Tcp(addr) => {
            let socket = Socket::new(Domain::for_address(*addr), Type::STREAM, None)?;
            // It cuts off what is less than a millisecond, which would end it before the deadline.
            let limit = time_left(deadline)?.unwrap_or(Duration::MAX).saturating_add(Duration::from_millis(1));
            socket.connect_timeout(&(*addr).into(), limit)?;
            tune_tcp(&socket)?;
            socket
        }
        Endpoint::Unix(path) => {
            let (socket, addr) = (Socket::new(Domain::UNIX, Type::STREAM, None)?, SockAddr::unix(path)?);
            // It waits for room in the listener's queue for as long as its send timeout.
            let set = |limit| socket.set_write_timeout(limit);
            send.run(deadline, set, || socket.connect(&addr))?;
            socket
        }
    };
    let shared = Arc::new(Shared { socket, closed: CloseSignal::default() });
    Ok(BlockingStream { shared, recv: SocketTimeout::default(), send })
}

impl Stream for BlockingStream {
    fn poll_recv(&mut self, _: &mut Context<'_>, buf: &mut [u8], deadline: Instant) -> Poll<io::Result<usize>> {
        let set = |limit| self.shared.socket.set_read_timeout(limit);
        Poll::Ready(self.shared.run(&mut self.recv, deadline, set, |mut socket| socket.read(buf)))
    }

    fn poll_send(&mut self, _: &mut Context<'_>, slices: &[IoSlice<'_>], deadline: Instant) -> Poll<io::Result<usize>> {
        let set = |limit| self.shared.socket.set_write_timeout(limit);
        Poll::Ready(self.shared.run(&mut self.send, deadline, set, |socket| write_slices(socket, slices)))
    }

    fn try_recv(&mut self, buf: &mut [u8]) -> io::Result<Option<usize>> {
        match self.shared.at_once(|mut socket| socket.read(buf)) {
            Err(error) if error.kind() == ErrorKind::TimedOut => Ok(None),
            done => done.map(Some),
        }
    }

    fn closer(&self) -> Closer {
        // Weak, so that a forgotten closer does not keep the socket open.
        Closer::new(Arc::new(ShutDown(Arc::downgrade(&self.shared))))
    }
}

impl Shared {
    /// Calls `io` under `deadline`, then once without waiting: data that is already there wins.
    fn run(
        &self,
        timeout: &mut SocketTimeout,
        deadline: Instant,
        set: impl Fn(Option<Duration>) -> io::Result<()>,
        mut io: impl FnMut(&Socket) -> io::Result<usize>,
    ) -> io::Result<usize> {
        match timeout.run(deadline, set, || self.call(&mut io)) {
            Err(error) if error.kind() == ErrorKind::TimedOut => self.at_once(io),
            done => done,
        }
    }

    /// Calls `io` and says whether it was the driver that ended it.
    fn call(&self, io: impl FnOnce(&Socket) -> io::Result<usize>) -> io::Result<usize> {
        let done = io(&self.socket);
        self.closed.check().and(done)
    }

    /// Calls `io` without waiting; it fails with `TimedOut` when it would have to.
    fn at_once(&self, io: impl FnOnce(&Socket) -> io::Result<usize>) -> io::Result<usize> {
        self.socket.set_nonblocking(true)?;
        let done = self.call(io);
        self.socket.set_nonblocking(false)?;
        done.map_err(|error| if error.kind() == ErrorKind::WouldBlock { ErrorKind::TimedOut.into() } else { error })
    }
}

struct ShutDown(Weak<Shared>);

impl Close for ShutDown {
    fn close(&self) {
        if let Some(shared) = self.0.upgrade() {
            shared.closed.close();
            // It fails when the peer was first; then nobody waits.
            let _ = shared.socket.shutdown(Shutdown::Both);
        }
    }
}
