//! The pool's own states: ready, cleared, closed.

use super::{Action, CloseReason, ConnectionId, Pool, PoolError, PoolEvent, PoolState, State};
use crate::Instant;

impl<C: Clone> Pool<C> {
    /// A monitor has seen the server: check-outs and background dials may begin. Nothing to a ready or closed pool.
    pub fn ready(&mut self, now: Instant) {
        if self.state != PoolState::Paused {
            return;
        }
        self.state = PoolState::Ready;
        self.cleared_by = None;
        self.populate_after = None;
        self.emit(|| PoolEvent::PoolReady);
        self.pump(now);
    }

    /// Everything connected so far is stale, whoever waits is refused with `cause`, and the pool is paused.
    ///
    /// `interrupt_in_use`: connections in use are interrupted as well, each once; if not, they are closed when they
    /// come back. A paused pool only takes the next generation, without an event. Nothing to a closed pool.
    pub fn clear(&mut self, now: Instant, cause: C, interrupt_in_use: bool) {
        if self.begin_clear(&cause, interrupt_in_use) {
            self.finish_clear(now, cause, interrupt_in_use);
        }
    }

    /// The pool ends: all connections that nobody uses are closed, dials included, whoever waits is refused, and
    /// connections in use are closed when they come back.
    pub fn close(&mut self, now: Instant) {
        if self.state == PoolState::Closed {
            return;
        }
        self.state = PoolState::Closed;
        self.cleared_by = None;
        self.close_unused(CloseReason::PoolClosed);
        self.evict(now, &PoolError::Closed);
        self.emit(|| PoolEvent::PoolClosed);
    }

    /// The first half of a clear: generation, state and event; `false` if the pool is closed.
    pub(super) fn begin_clear(&mut self, cause: &C, interrupt_in_use: bool) -> bool {
        if self.state == PoolState::Closed {
            return false;
        }
        self.generation.0 = self.generation.0.wrapping_add(1);
        self.cleared_by = Some(cause.clone());
        if self.state == PoolState::Ready {
            self.state = PoolState::Paused;
            self.emit(|| PoolEvent::PoolCleared { interrupt_in_use });
        }
        true
    }

    /// The second half of a clear: what follows for connections and for those who wait.
    pub(super) fn finish_clear(&mut self, now: Instant, cause: C, interrupt_in_use: bool) {
        self.close_unused(CloseReason::Stale);
        self.evict(now, &PoolError::Cleared { cause: Some(cause) });
        if interrupt_in_use {
            self.interrupt();
        }
    }

    /// Closes what nobody is using: idle and owing connections, and dials under way.
    fn close_unused(&mut self, reason: CloseReason) {
        while let Some(key) = self.connections.front(&self.idle) {
            self.connections.unlink(&mut self.idle, key);
            self.close_connection(key, reason, None);
        }
        while let Some(key) = self.connections.front(&self.owing) {
            self.connections.unlink(&mut self.owing, key);
            self.emit(|| PoolEvent::CheckedIn { connection: ConnectionId(key) });
            self.close_connection(key, reason, None);
        }
        while let Some(key) = self.connections.front(&self.pending) {
            self.connections.unlink(&mut self.pending, key);
            self.close_connection(key, reason, None);
        }
    }

    fn interrupt(&mut self) {
        for (key, connection) in self.connections.iter_mut() {
            if connection.state == State::InUse && !connection.interrupted {
                connection.interrupted = true;
                self.actions.push_back(Action::Interrupt { connection: ConnectionId(key) });
            }
        }
    }
}
