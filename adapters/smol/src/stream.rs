//! A TCP or Unix socket and a timer of the async-io reactor.

use std::io::{self, IoSlice, Read};
use std::net::TcpStream;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use smol::{Async, Timer};
use stator_client::host::{ReactorSocket, ReactorStream, ReactorTimer, tune_tcp, write_slices};
use stator_client::runtime::Endpoint;

/// A connected stream of [`Smol`](crate::Smol).
pub type SmolStream = ReactorStream<Socket, Alarm>;

/// A connected socket on the reactor.
#[derive(Debug)]
pub struct Socket {
    io: Async<socket2::Socket>,
    /// Something was written since the last read.
    asked: bool,
    /// The last read waits for the reactor.
    waiting: bool,
}

/// A reusable timer of the reactor.
#[derive(Debug)]
pub struct Alarm(Timer);

pub(crate) async fn connect(to: &Endpoint) -> io::Result<SmolStream> {
    let socket = match to {
        Endpoint::Tcp(addr) => {
            let socket = socket2::Socket::from(Async::<TcpStream>::connect(*addr).await?.into_inner()?);
            tune_tcp(&socket)?;
            socket
        }
        Endpoint::Unix(path) => connect_unix(path).await?,
    };
    let socket = Socket { io: Async::new(socket)?, asked: false, waiting: false };
    Ok(ReactorStream::new(socket, Alarm(Timer::never())))
}

impl ReactorSocket for Socket {
    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if std::mem::take(&mut self.waiting) {
            // Takes the event that woke the task; left there, it would cost a read in vain next time.
            let _ = self.io.poll_readable(cx)?;
        }
        if std::mem::take(&mut self.asked) {
            // An answer takes its time: a read now would be in vain.
            self.waiting = true;
            ready!(self.io.poll_readable(cx))?;
        }
        loop {
            match self.recv_now(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
            self.waiting = true;
            ready!(self.io.poll_readable(cx))?;
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        loop {
            match write_slices(self.io.get_ref(), slices) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => {
                    self.asked = true;
                    return Poll::Ready(done);
                }
            }
            ready!(self.io.poll_writable(cx))?;
        }
    }

    fn recv_now(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.io.get_ref().read(buf)
    }
}

impl ReactorTimer for Alarm {
    fn arm(&mut self, at: Instant) {
        self.0.set_at(at);
    }

    fn poll_fired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}

#[cfg(unix)]
async fn connect_unix(path: &Path) -> io::Result<socket2::Socket> {
    Ok(Async::<UnixStream>::connect(path).await?.into_inner()?.into())
}

#[cfg(not(unix))]
async fn connect_unix(_path: &Path) -> io::Result<socket2::Socket> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this runtime has no Unix sockets on this system"))
}
