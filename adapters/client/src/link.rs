//! One connection of the data plane: a stream, its machine and its buffers. Owned by whoever uses it.

use core::future::{Future, poll_fn};
use core::task::{Context, Poll, ready};
use std::io::{self, IoSlice};
use std::sync::Arc;

use stator_proto::auth::oidc::AccessToken;
use stator_proto::connection::{Cancelled, Reply};
use stator_proto::operation::{KillCursors, Namespace, Reached};
use stator_proto::session::{ClusterTime, ServerSession};
use stator_proto::{Connection, Instant, SendBuf, ServerAddress};
use stator_wire::Deframer;
use stator_wire::bson::Doc;

use crate::channel::Channel;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::hub::Seat;
use crate::runtime::{Runtime, Stream};

/// A connection with everything that belongs to it.
#[derive(Debug)]
pub(crate) struct Link<R: Runtime> {
    pub(crate) seat: Seat,
    /// The server at its other end.
    pub(crate) address: Arc<ServerAddress>,
    pub(crate) io: Io<R>,
    pub(crate) machine: Connection,
    /// The OIDC token that its user was logged in with (the specification's *Connection Cache*).
    pub(crate) token: Option<AccessToken>,
    /// The deployment, as it was when the connection was checked out.
    pub(crate) reached: Reached,
    /// A server session for the operation at hand, or one that an operation gives back.
    pub(crate) session: Option<ServerSession>,
    /// The cluster time that its operation has learnt.
    pub(crate) learnt: Option<ClusterTime>,
    /// Until when the reply of somebody who left may be awaited.
    pub(crate) owing_until: Option<Instant>,
    /// When the connection was last known to live.
    pub(crate) last_used: Instant,
    /// The server is sending one reply after the other: only its last one makes the connection useful to others.
    pub(crate) exhaust: bool,
    /// A cursor that came in a reply which nobody waited for.
    pub(crate) orphan: Option<KillCursors>,
}

/// A stream and its buffers.
pub(crate) struct Io<R: Runtime> {
    pub(crate) stream: Channel<R::Stream>,
    pub(crate) input: Deframer,
    pub(crate) output: SendBuf,
    /// An error of the stream itself: it must not be used again.
    pub(crate) broken: bool,
}

impl<R: Runtime> core::fmt::Debug for Io<R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Io").field("input", &self.input).field("broken", &self.broken).finish_non_exhaustive()
    }
}

impl<R: Runtime> Io<R> {
    pub(crate) fn new(stream: Channel<R::Stream>, limit: usize) -> Self {
        Self { stream, input: Deframer::new(limit), output: SendBuf::new(), broken: false }
    }

    /// Writes all of `output`; `sent` is told after each write. Dropping it leaves the rest in `output`.
    pub(crate) fn write(
        &mut self,
        deadline: Instant,
        mut sent: impl FnMut(&mut SendBuf, usize) + Send,
    ) -> impl Future<Output = io::Result<()>> {
        poll_fn(move |cx| self.poll_write(cx, deadline, &mut sent))
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        deadline: Instant,
        mut sent: impl FnMut(&mut SendBuf, usize),
    ) -> Poll<io::Result<()>> {
        while !self.output.is_empty() {
            let slices = self.output.slices().map(IoSlice::new);
            let used = slices.iter().rposition(|slice| !slice.is_empty()).map_or(0, |last| last + 1);
            match ready!(self.stream.poll_send(cx, &slices[..used], deadline)) {
                Ok(count) if count > 0 => sent(&mut self.output, count),
                outcome => {
                    let error = outcome.err().unwrap_or_else(|| io::ErrorKind::WriteZero.into());
                    return Poll::Ready(Err(self.failed(error)));
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads some bytes into `input`; `false` at the end of the stream.
    pub(crate) fn read(&mut self, deadline: Instant) -> impl Future<Output = io::Result<bool>> {
        poll_fn(move |cx| self.poll_read(cx, deadline))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<io::Result<bool>> {
        Poll::Ready(match ready!(self.stream.poll_recv(cx, self.input.space(), deadline)) {
            Ok(0) => {
                self.broken = true;
                Ok(false)
            }
            Ok(count) => {
                self.input.advance(count);
                Ok(true)
            }
            Err(error) => Err(self.failed(error)),
        })
    }

    /// Only time leaves the stream as it was.
    #[cold]
    fn failed(&mut self, error: io::Error) -> io::Error {
        self.broken |= error.kind() != io::ErrorKind::TimedOut;
        error
    }
}

impl<R: Runtime> Link<R> {
    /// Writes the request that the machine has put into the output.
    ///
    /// Futures of a few words, here and in [`receive`](Self::receive): those of operations, of which they are parts, are moved.
    pub(crate) fn flush(&mut self, now: Instant, deadline: Instant) -> impl Future<Output = Result<()>> {
        poll_fn(move |cx| {
            let Self { io, machine, address, .. } = self;
            let written = ready!(io.poll_write(cx, deadline, |output, count| machine.handle_sent(now, output, count)));
            Poll::Ready(written.map_err(|error| Error::io(Phase::Send, address, error)))
        })
    }

    /// Reads until the reply is there.
    pub(crate) fn receive(&mut self, now: Instant, deadline: Instant) -> impl Future<Output = Result<Reply>> {
        poll_fn(move |cx| self.poll_receive(cx, now, deadline))
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>, now: Instant, deadline: Instant) -> Poll<Result<Reply>> {
        loop {
            match self.machine.handle_recv(now, &mut self.io.input) {
                Ok(Some(reply)) => return Poll::Ready(Ok(reply)),
                Ok(None) => {}
                Err(error) => {
                    return Poll::Ready(Err(Error::at(Phase::Receive, &self.address, ErrorKind::Connection(error))));
                }
            }
            match ready!(self.io.poll_read(cx, deadline)) {
                Ok(true) => {}
                Ok(false) => {
                    let error = self.machine.handle_closed(now, &self.io.input);
                    return Poll::Ready(Err(Error::at(Phase::Receive, &self.address, ErrorKind::Connection(error))));
                }
                Err(error) => return Poll::Ready(Err(Error::io(Phase::Receive, &self.address, error))),
            }
        }
    }

    /// Nobody waits for the request in flight: what is the connection good for?
    pub(crate) fn cancel(&mut self) -> Cancelled {
        if self.io.broken || (self.exhaust && !self.machine.is_idle()) {
            return Cancelled::Broken;
        }
        self.exhaust = false;
        match self.machine.cancel(&mut self.io.output) {
            // More came than was asked for: the next reader must not take it for its reply.
            Cancelled::Idle if !self.io.input.is_empty() => Cancelled::Broken,
            state => state,
        }
    }

    /// Finishes the reply that is owed to nobody, waiting for it until `deadline`.
    pub(crate) async fn settle(&mut self, now: Instant, deadline: Instant) -> Result<()> {
        while !self.machine.is_idle() {
            let reply = self.receive(now, deadline).await?;
            self.orphaned(&reply);
        }
        Ok(())
    }

    /// Finishes the reply that is owed to nobody if all of it is there; never waits.
    pub(crate) fn settle_now(&mut self, now: Instant) -> bool {
        loop {
            match self.machine.handle_recv(now, &mut self.io.input) {
                Ok(Some(reply)) => self.orphaned(&reply),
                Ok(None) if self.machine.is_idle() => return !self.io.broken,
                Ok(None) => match self.io.stream.try_recv(self.io.input.space()) {
                    Ok(Some(count)) if count > 0 => self.io.input.advance(count),
                    _ => return false,
                },
                Err(_) => return false,
            }
            if self.machine.is_idle() {
                return !self.io.broken;
            }
        }
    }

    /// Whether an idle connection still lives, as far as can be told without asking the server.
    pub(crate) fn probe(&mut self) -> bool {
        let mut byte = [0];
        // Anything else than silence is the end of the stream, or bytes that nobody has asked for.
        matches!(self.io.stream.try_recv(&mut byte), Ok(None))
    }

    /// A reply came that nobody waits for: a cursor in it is to be killed.
    fn orphaned(&mut self, reply: &Reply) {
        if let Some((id, namespace)) = cursor_of(reply.body()) {
            self.orphan = Some(KillCursors::new(namespace, id));
        }
    }
}

fn cursor_of(body: Doc<'_>) -> Option<(i64, Namespace)> {
    let cursor = body.get_doc("cursor").ok()??;
    let id = cursor.get_number_i64("id").ok()??;
    let namespace = Namespace::parse(cursor.get_str("ns").ok()??)?;
    (id != 0).then_some((id, namespace))
}
