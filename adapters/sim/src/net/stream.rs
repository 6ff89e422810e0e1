//! One end of a simulated connection.

use core::fmt;
use core::future::poll_fn;
use core::task::{Context, Poll};
use std::io::{self, IoSlice};
use std::sync::{Arc, Weak};

use stator_client::runtime::{Close, Closer, Stream};
use stator_proto::Instant;

use super::pipe::{Read, Write};
use super::{ConnectionId, PipeId, Side};
use crate::world::{Fire, Sim, State, TimerId, Waiter, World};

/// One end of a simulated connection. Dropping it closes it: the peer reads what is under way, then the end.
pub struct SimStream {
    world: Arc<World>,
    id: ConnectionId,
    side: Side,
    recv_timer: Option<TimerId>,
    send_timer: Option<TimerId>,
}

impl SimStream {
    pub(super) fn new(world: Arc<World>, id: ConnectionId, side: Side) -> Self {
        Self { world, id, side, recv_timer: None, send_timer: None }
    }

    /// The connection that this is an end of.
    pub fn id(&self) -> ConnectionId {
        self.id
    }

    /// Which end this is.
    pub fn side(&self) -> Side {
        self.side
    }

    /// The world that this stream belongs to.
    pub fn sim(&self) -> Sim {
        Sim::handle(self.world.clone())
    }

    /// Reads into `buf`, without a deadline; 0 means that the peer has closed.
    ///
    /// # Errors
    /// As [`Stream::poll_recv`].
    pub async fn recv(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        poll_fn(|cx| self.poll_recv(cx, buf, Instant::FAR_FUTURE)).await
    }

    /// Writes all of `bytes`, without a deadline.
    ///
    /// # Errors
    /// As [`Stream::poll_send`].
    pub async fn send_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let sent = poll_fn(|cx| self.poll_send(cx, &[IoSlice::new(bytes)], Instant::FAR_FUTURE)).await?;
            bytes = &bytes[sent..];
        }
        Ok(())
    }

    /// Says that nothing more will be written; reading goes on.
    pub fn finish(&mut self) {
        self.world.with(|state| state.finish(self.id, self.side));
    }
}

impl Stream for SimStream {
    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8], deadline: Instant) -> Poll<io::Result<usize>> {
        let (id, side) = (self.id, self.side);
        let incoming = PipeId(id, side.peer());
        let attempt = |state: &mut State| state.recv(id, side, buf).map_or(Attempt::Wait(None), Attempt::Done);
        self.world.poll_io(cx, &mut self.recv_timer, deadline, attempt, |state, waiter| {
            state.pipe(incoming).and_then(|pipe| pipe.reader.replace(waiter))
        })
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
        deadline: Instant,
    ) -> Poll<io::Result<usize>> {
        let (id, side) = (self.id, self.side);
        let attempt = |state: &mut State| state.send(id, side, slices).map_or(Attempt::Wait(None), Attempt::Done);
        self.world.poll_io(cx, &mut self.send_timer, deadline, attempt, |state, waiter| {
            state.pipe(PipeId(id, side)).and_then(|pipe| pipe.writer.replace(waiter))
        })
    }

    fn try_recv(&mut self, buf: &mut [u8]) -> io::Result<Option<usize>> {
        self.world.with(|state| state.recv(self.id, self.side, buf)).transpose()
    }

    fn closer(&self) -> Closer {
        Closer::new(Arc::new(CloseEnd { world: Arc::downgrade(&self.world), id: self.id, side: self.side }))
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        let timers = [self.recv_timer.take(), self.send_timer.take()];
        let garbage = self.world.with(|state| {
            let fires = timers.map(|timer| timer.and_then(|timer| state.timers.disarm(timer)));
            (fires, state.close(self.id, self.side))
        });
        drop(garbage);
    }
}

impl fmt::Debug for SimStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimStream").field("id", &self.id).field("side", &self.side).finish_non_exhaustive()
    }
}

struct CloseEnd {
    world: Weak<World>,
    id: ConnectionId,
    side: Side,
}

impl Close for CloseEnd {
    fn close(&self) {
        let Some(world) = self.world.upgrade() else { return };
        world.with(|state| {
            if let Some(connection) = state.net.connections.get_mut(&self.id) {
                connection.end(self.side).closed = true;
                state.rouse_pipe(PipeId(self.id, Side::Client));
                state.rouse_pipe(PipeId(self.id, Side::Server));
            }
        });
    }
}

/// What became of one try of a call that may have to wait.
pub(super) enum Attempt<T> {
    Done(io::Result<T>),
    /// Try again when told, or at that instant.
    Wait(Option<Instant>),
}

impl World {
    /// Tries until it is done or the deadline has passed; returns `Pending` in between, or blocks the task.
    pub(super) fn poll_io<T>(
        &self,
        cx: &Context<'_>,
        timer: &mut Option<TimerId>,
        deadline: Instant,
        mut attempt: impl FnMut(&mut State) -> Attempt<T>,
        mut register: impl FnMut(&mut State, Waiter) -> Option<Waiter>,
    ) -> Poll<io::Result<T>> {
        loop {
            // Wakers are dropped without the lock: that may run code.
            let mut garbage = (None, None);
            let done = self.with(|state| {
                garbage.0 = timer.take().and_then(|timer| state.timers.disarm(timer));
                let again = match attempt(state) {
                    Attempt::Done(result) => return Some(result),
                    Attempt::Wait(_) if deadline <= state.now => return Some(Err(io::ErrorKind::TimedOut.into())),
                    Attempt::Wait(again) => again.map_or(deadline, |again| again.min(deadline)),
                };
                let waiter = match state.current {
                    Some(id) if self.blocking => Waiter::Unblock(id),
                    _ => Waiter::Wake(cx.waker().clone()),
                };
                if !again.is_far_future() {
                    *timer = Some(state.timers.arm(again, Fire::Rouse(waiter.clone())));
                }
                garbage.1 = register(state, waiter);
                None
            });
            drop(garbage);
            match done {
                Some(result) => return Poll::Ready(result),
                None if !self.blocking => return Poll::Pending,
                None if self.block() => {}
                None => {
                    let why = io::Error::new(io::ErrorKind::ConnectionAborted, "the simulated run is over");
                    return Poll::Ready(Err(why));
                }
            }
        }
    }
}

impl State {
    fn pipe(&mut self, PipeId(id, side): PipeId) -> Option<&mut super::Pipe> {
        Some(&mut self.net.connections.get_mut(&id)?.end(side).out)
    }

    /// Checks what ends both reading and writing.
    fn check(&mut self, id: ConnectionId, side: Side) -> io::Result<()> {
        match self.net.connections.get_mut(&id).map(|connection| (connection.end(side).closed, connection.reset)) {
            Some((true, _)) => Err(io::ErrorKind::ConnectionAborted.into()),
            Some((false, false)) => Ok(()),
            _ => Err(io::ErrorKind::ConnectionReset.into()),
        }
    }

    fn recv(&mut self, id: ConnectionId, side: Side, buf: &mut [u8]) -> Option<io::Result<usize>> {
        if let Err(error) = self.check(id, side) {
            return Some(Err(error));
        }
        if buf.is_empty() {
            return Some(Ok(0));
        }
        let now = self.now;
        let pipe = &mut self.net.connections.get_mut(&id)?.end(side.peer()).out;
        match pipe.read(now, &mut self.chance, buf) {
            Read::Empty => None,
            Read::Closed => Some(Ok(0)),
            Read::Bytes(count) => {
                let writer = pipe.writer.take();
                for byte in &buf[..count] {
                    self.note(u64::from(*byte));
                }
                if let Some(writer) = writer {
                    self.rouse(writer);
                }
                Some(Ok(count))
            }
        }
    }

    fn send(&mut self, id: ConnectionId, side: Side, slices: &[IoSlice<'_>]) -> Option<io::Result<usize>> {
        if let Err(error) = self.check(id, side) {
            return Some(Err(error));
        }
        if slices.iter().all(|slice| slice.is_empty()) {
            return Some(Ok(0));
        }
        let now = self.now;
        let connection = self.net.connections.get_mut(&id)?;
        let hears = !connection.end(side.peer()).out.is_held();
        match connection.end(side).out.write(now, &mut self.chance, slices, hears) {
            Write::Full => None,
            Write::Broken => Some(Err(io::ErrorKind::BrokenPipe.into())),
            Write::Taken(count, arrives) => {
                self.arrive(PipeId(id, side), arrives);
                Some(Ok(count))
            }
        }
    }

    /// Tells the ends of a pipe at `at` that something has arrived.
    pub(super) fn arrive(&mut self, pipe: PipeId, at: Instant) {
        if at <= self.now {
            self.rouse_pipe(pipe);
        } else {
            self.timers.arm(at, Fire::Pipe(pipe));
        }
    }

    /// Half-close: `side` writes no more.
    pub(super) fn finish(&mut self, id: ConnectionId, side: Side) {
        let now = self.now;
        if let Some(connection) = self.net.connections.get_mut(&id) {
            let arrives = connection.end(side).out.finish(now, &mut self.chance);
            self.arrive(PipeId(id, side), arrives);
        }
    }

    /// The stream of `side` was dropped. Returns what must be dropped without the lock.
    fn close(&mut self, id: ConnectionId, side: Side) -> impl Sized + use<> {
        let now = self.now;
        let connection = self.net.connections.get_mut(&id)?;
        connection.end(side).dropped = true;
        if connection.end(side.peer()).dropped {
            return self.net.connections.remove(&id);
        }
        let noticed = connection.end(side).out.finish(now, &mut self.chance);
        connection.end(side.peer()).out.abandon(noticed);
        self.arrive(PipeId(id, side), noticed);
        self.arrive(PipeId(id, side.peer()), noticed);
        None
    }
}
