//! Deadlines and closers over a non-blocking socket, once for every runtime that has a reactor.

use core::task::{Context, Poll, ready};
use std::io::{self, IoSlice};
use std::sync::Arc;

use crate::host;
use crate::runtime::{CloseSignal, Closer, Instant, Stream};

/// A connected non-blocking socket that a reactor watches.
pub trait ReactorSocket: Send + 'static {
    /// Reads, or returns `Pending` and wakes when there may be something to read.
    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes a prefix, or returns `Pending` and wakes when there may be room.
    fn poll_send(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>>;

    /// Asks the operating system, not the reactor, and fails with [`io::ErrorKind::WouldBlock`] when nothing is there.
    fn recv_now(&mut self, buf: &mut [u8]) -> io::Result<usize>;

    /// Whether the reactor is gone; see [`Stream::is_orphaned`].
    fn is_orphaned(&mut self) -> bool {
        false
    }
}

/// A timer that can be set again and again.
pub trait ReactorTimer: Send + 'static {
    /// Fires at `at` and at no other time.
    fn arm(&mut self, at: std::time::Instant);

    /// Ready when an armed timer has fired; asked again only after it has been armed again.
    fn poll_fired(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// A [`Stream`] made of a socket and a timer of one reactor.
///
/// Every call tries the socket first, so the timer and the closer cost nothing while data flows. The timer is armed
/// lazily: one that is due before the deadline is left as it is and moved only when it fires early, so operations with
/// ever later deadlines move it once per timeout, not once per call.
#[derive(Debug)]
pub struct ReactorStream<S, T> {
    socket: S,
    timer: T,
    /// When `timer` fires; never if it has fired or was not armed yet.
    armed: Instant,
    closed: Arc<CloseSignal>,
}

impl<S, T: ReactorTimer> ReactorStream<S, T> {
    /// A stream over a connected `socket`; `timer` is not armed yet.
    pub fn new(socket: S, timer: T) -> Self {
        Self { socket, timer, armed: Instant::FAR_FUTURE, closed: CloseSignal::new() }
    }

    /// Ready at the deadline, or with an error when the stream is closed.
    fn poll_wait(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<io::Result<()>> {
        self.closed.register(cx)?;
        let Some(when) = host::std_instant(deadline) else { return Poll::Pending };
        if self.armed > deadline {
            self.arm(deadline, when);
        }
        loop {
            ready!(self.timer.poll_fired(cx));
            if core::mem::replace(&mut self.armed, Instant::FAR_FUTURE) == deadline {
                return Poll::Ready(Ok(()));
            }
            self.arm(deadline, when);
        }
    }

    fn arm(&mut self, at: Instant, when: std::time::Instant) {
        self.armed = at;
        self.timer.arm(when);
    }
}

impl<S: ReactorSocket, T: ReactorTimer> Stream for ReactorStream<S, T> {
    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8], deadline: Instant) -> Poll<io::Result<usize>> {
        self.closed.check()?;
        if let Poll::Ready(done) = self.socket.poll_recv(cx, buf) {
            return Poll::Ready(done);
        }
        ready!(self.poll_wait(cx, deadline))?;
        // The reactor may not have noticed yet what is already there, and data wins over the deadline.
        Poll::Ready(self.try_recv(buf)?.ok_or_else(|| io::ErrorKind::TimedOut.into()))
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
        deadline: Instant,
    ) -> Poll<io::Result<usize>> {
        self.closed.check()?;
        if let Poll::Ready(done) = self.socket.poll_send(cx, slices) {
            return Poll::Ready(done);
        }
        ready!(self.poll_wait(cx, deadline))?;
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn try_recv(&mut self, buf: &mut [u8]) -> io::Result<Option<usize>> {
        self.closed.check()?;
        match self.socket.recv_now(buf) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            done => done.map(Some),
        }
    }

    fn closer(&self) -> Closer {
        Closer::new(self.closed.clone())
    }

    fn is_orphaned(&mut self) -> bool {
        self.socket.is_orphaned()
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
