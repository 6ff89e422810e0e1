//! A TCP or Unix socket and a timer of tokio's reactor.

use std::io::{self, IoSlice, Read};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use socket2::SockRef;
use stator_client::host::{ReactorSocket, ReactorStream, ReactorTimer, tune_tcp};
use stator_client::runtime::Endpoint;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
/// Never made where there are no Unix sockets: `connect_unix` fails there.
#[cfg(not(unix))]
use tokio::net::TcpStream as UnixStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::runtime::Handle;
use tokio::time::Sleep;

/// A connected stream of [`Tokio`](crate::Tokio). It belongs to the runtime on which it was connected.
pub type TokioStream = ReactorStream<Socket, Timer>;

/// A connected socket on tokio's reactor.
#[derive(Debug)]
pub struct Socket(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A reusable timer of the runtime on which it was made.
#[derive(Debug)]
pub struct Timer {
    runtime: Handle,
    sleep: Option<Pin<Box<Sleep>>>,
}

pub(crate) async fn connect(to: &Endpoint) -> io::Result<TokioStream> {
    let socket = match to {
        Endpoint::Tcp(addr) => {
            let socket = TcpStream::connect(addr).await?;
            tune_tcp(&socket)?;
            Kind::Tcp(socket)
        }
        Endpoint::Unix(path) => Kind::Unix(connect_unix(path).await?),
    };
    Ok(ReactorStream::new(Socket(socket), Timer { runtime: Handle::current(), sleep: None }))
}

impl ReactorSocket for Socket {
    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut into = ReadBuf::new(buf);
        let done = match &mut self.0 {
            Kind::Tcp(socket) => Pin::new(socket).poll_read(cx, &mut into),
            Kind::Unix(socket) => Pin::new(socket).poll_read(cx, &mut into),
        };
        done.map_ok(|()| into.filled().len())
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match (&mut self.0, slices) {
            (Kind::Tcp(socket), [one]) => Pin::new(socket).poll_write(cx, one), // the cheaper system call
            (Kind::Tcp(socket), _) => Pin::new(socket).poll_write_vectored(cx, slices),
            (Kind::Unix(socket), _) => Pin::new(socket).poll_write_vectored(cx, slices),
        }
    }

    fn recv_now(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // Past tokio's readiness cache, which knows only what the reactor has seen; reading without it is harmless.
        let socket = match &self.0 {
            Kind::Tcp(socket) => SockRef::from(socket),
            Kind::Unix(socket) => SockRef::from(socket),
        };
        (&*socket).read(buf)
    }

    fn is_orphaned(&mut self) -> bool {
        // Fails only when the runtime is gone. An idle socket is ready to be written to, so this registers no waker.
        let mut cx = Context::from_waker(Waker::noop());
        let ready = match &self.0 {
            Kind::Tcp(socket) => socket.poll_write_ready(&mut cx),
            Kind::Unix(socket) => socket.poll_write_ready(&mut cx),
        };
        matches!(ready, Poll::Ready(Err(_)))
    }
}

impl ReactorTimer for Timer {
    fn arm(&mut self, at: Instant) {
        if let Some(sleep) = &mut self.sleep {
            return sleep.as_mut().reset(at.into());
        }
        // The stream may be polled on a thread without a runtime, where making a timer panics.
        let _guard = self.runtime.enter();
        self.sleep = Some(Box::pin(tokio::time::sleep_until(at.into())));
    }

    fn poll_fired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().map_or(Poll::Pending, |sleep| sleep.as_mut().poll(cx))
    }
}

#[cfg(unix)]
async fn connect_unix(path: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(path).await
}

#[cfg(not(unix))]
async fn connect_unix(_path: &Path) -> io::Result<UnixStream> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no Unix sockets"))
}
