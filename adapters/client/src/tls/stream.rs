//! A [`Session`] on its stream.
//!
//! The stream's contract says: what `poll_send` has taken is on its way, what it has not taken was not sent. Between the two,
//! TLS has records that are encrypted and wait. So the last byte of what waits is not reported as taken until
//! all of it is sent: whoever gives up in between knows that the message is half sent, and whoever sees the last byte taken knows
//! that nothing waits.

use core::fmt;
use core::task::{Context, Poll, Waker, ready};
use std::io::{self, IoSlice};

use super::TlsError;
use super::session::Session;
use crate::runtime::{Closer, Instant, Stream};

/// A stream that encrypts. Dropping it says good-bye if that needs no waiting.
pub(crate) struct TlsStream<T: Stream> {
    stream: T,
    session: Session,
    /// One byte of the caller's is encrypted but was not reported.
    withheld: bool,
}

impl<T: Stream> TlsStream<T> {
    pub(super) fn new(stream: T, session: Session) -> Self {
        Self { stream, session, withheld: false }
    }

    /// Ready when both sides are sure of each other, as far as TLS lets the client know.
    pub(super) fn poll_handshake(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<io::Result<()>> {
        loop {
            let outcome = self.session.read(&mut []);
            match (ready!(self.poll_flush(cx, deadline)), outcome) {
                (_, Err(error)) => return Poll::Ready(Err(broken(error))),
                (Err(error), _) => return Poll::Ready(Err(self.explain(error))),
                _ if !self.session.is_handshaking() => return Poll::Ready(Ok(())),
                _ => {}
            }
            if !ready!(self.poll_fill(cx, deadline))? {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    /// Sends all records that wait.
    fn poll_flush(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<io::Result<()>> {
        while !self.session.output().is_empty() {
            let output = IoSlice::new(self.session.output());
            match ready!(self.stream.poll_send(cx, &[output], deadline))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.session.handle_sent(count),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Receives some records; `false` at the end of the stream.
    fn poll_fill(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<io::Result<bool>> {
        let space = self.session.space().map_err(broken)?;
        let outcome = ready!(self.stream.poll_recv(cx, space, deadline));
        Poll::Ready(self.filled(outcome))
    }

    fn filled(&mut self, outcome: io::Result<usize>) -> io::Result<bool> {
        match outcome {
            Ok(0) => self.session.ended().map_or(Ok(false), |error| Err(broken(error))),
            Ok(count) => {
                self.session.advance(count);
                Ok(true)
            }
            Err(error) if is_end(&error) => Err(self.session.ended().map_or(error, broken)),
            Err(error) => Err(error),
        }
    }

    /// Decrypts what was received. After an error, tries once to tell the server.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.session.read(into).map_err(|error| {
            self.send_now();
            broken(error)
        })
    }

    /// The stream has refused bytes: if the server closed it with an alert, that says more.
    fn explain(&mut self, error: io::Error) -> io::Error {
        if !is_end(&error) {
            return error;
        }
        while let Ok(space) = self.session.space()
            && let Ok(Some(count @ 1..)) = self.stream.try_recv(space)
        {
            self.session.advance(count);
            if let Err(alert) = self.session.read(&mut []) {
                return broken(alert);
            }
        }
        self.session.ended().map_or(error, broken)
    }

    /// Sends what waits if that needs no waiting: a deadline that has passed lets a call do what it can at once.
    fn send_now(&mut self) {
        if !self.stream.is_orphaned() {
            let _ = self.poll_flush(&mut Context::from_waker(Waker::noop()), Instant::ORIGIN);
        }
    }
}

impl<T: Stream> Stream for TlsStream<T> {
    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8], deadline: Instant) -> Poll<io::Result<usize>> {
        loop {
            let count = self.read(buf)?;
            if count > 0 || self.session.is_closed() || buf.is_empty() {
                return Poll::Ready(Ok(count));
            }
            // Rarely is there anything: an answer to a request of TLS itself.
            match self.poll_flush(cx, deadline) {
                Poll::Ready(Err(error)) if error.kind() != io::ErrorKind::TimedOut => return Poll::Ready(Err(error)),
                _ => {}
            }
            if !ready!(self.poll_fill(cx, deadline))? {
                return Poll::Ready(Ok(0));
            }
        }
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
        deadline: Instant,
    ) -> Poll<io::Result<usize>> {
        let flushed = ready!(self.poll_flush(cx, deadline));
        flushed.map_err(|error| self.explain(error))?;
        if core::mem::take(&mut self.withheld) {
            return Poll::Ready(Ok(1));
        }
        let count = self.session.write(slices).map_err(broken)?;
        match self.poll_flush(cx, deadline) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(count)),
            Poll::Ready(Err(error)) if error.kind() != io::ErrorKind::TimedOut => Poll::Ready(Err(self.explain(error))),
            // The caller comes back with the rest, of which one byte is done: then this is waited for.
            _ if count > 1 => {
                self.withheld = true;
                Poll::Ready(Ok(count - 1))
            }
            unfinished => {
                self.withheld = true;
                unfinished.map_ok(|()| count)
            }
        }
    }

    fn try_recv(&mut self, buf: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            let count = self.read(buf)?;
            if count > 0 || self.session.is_closed() {
                return Ok(Some(count));
            }
            let space = self.session.space().map_err(broken)?;
            match self.stream.try_recv(space) {
                Ok(None) => return Ok(None),
                Ok(Some(count)) => {
                    if !self.filled(Ok(count))? {
                        return Ok(Some(0));
                    }
                }
                Err(error) => {
                    self.filled(Err(error))?;
                }
            }
        }
    }

    fn closer(&self) -> Closer {
        self.stream.closer()
    }

    fn is_orphaned(&mut self) -> bool {
        self.stream.is_orphaned()
    }
}

impl<T: Stream> Drop for TlsStream<T> {
    fn drop(&mut self) {
        self.session.close();
        self.send_now();
    }
}

impl<T: Stream> fmt::Debug for TlsStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream").field("session", &self.session).finish_non_exhaustive()
    }
}

fn broken(error: TlsError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Whether the stream is at its end, however rudely.
fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset)
}
