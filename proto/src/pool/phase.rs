//! The pool's own states: ready, cleared, closed.

use super::{Action, CloseReason, ConnectionId, Key, Pool, PoolError, PoolEvent, PoolState, ServiceId, State};
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
    ///
    /// In load-balanced mode this is about the connections of one service only: nobody is refused, and the pool is not
    /// paused. Without a `service_id` nothing happens then, since an error before the service is known says nothing of
    /// the others. In any other mode `service_id` does not count.
    pub fn clear(&mut self, now: Instant, cause: C, interrupt_in_use: bool, service_id: Option<ServiceId>) {
        if self.begin_clear(&cause, interrupt_in_use, service_id) {
            self.finish_clear(now, cause, interrupt_in_use, service_id);
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
    pub(super) fn begin_clear(&mut self, cause: &C, interrupt_in_use: bool, service_id: Option<ServiceId>) -> bool {
        if self.state == PoolState::Closed {
            return false;
        }
        if self.options.load_balanced {
            return self.begin_service_clear(interrupt_in_use, service_id);
        }
        self.generation.0 = self.generation.0.wrapping_add(1);
        self.cleared_by = Some(cause.clone());
        if self.state == PoolState::Ready {
            self.state = PoolState::Paused;
            self.emit(|| PoolEvent::PoolCleared { interrupt_in_use, service_id: None });
        }
        true
    }

    /// The second half of a clear: what follows for connections and for those who wait.
    pub(super) fn finish_clear(
        &mut self,
        now: Instant,
        cause: C,
        interrupt_in_use: bool,
        service_id: Option<ServiceId>,
    ) {
        let service = service_id.filter(|_| self.options.load_balanced);
        match service {
            Some(service) => self.close_unused_of(service),
            None => {
                self.close_unused(CloseReason::Stale);
                self.evict(now, &PoolError::Cleared { cause: Some(cause) });
            }
        }
        if interrupt_in_use {
            self.interrupt(service);
        }
        self.pump(now);
    }

    /// Closes what nobody is using: idle and owing connections, and dials under way.
    fn close_unused(&mut self, reason: CloseReason) {
        while let Some(key) = self.connections.front(&self.idle) {
            self.close_unused_one(key, reason);
        }
        while let Some(key) = self.connections.front(&self.owing) {
            self.close_unused_one(key, reason);
        }
        while let Some(key) = self.connections.front(&self.pending) {
            self.close_unused_one(key, reason);
        }
    }

    /// Closes a connection that is not in use, whatever else it is.
    pub(super) fn close_unused_one(&mut self, key: Key, reason: CloseReason) {
        match self.connections.get(key).map(|connection| connection.state) {
            Some(State::Idle) => self.connections.unlink(&mut self.idle, key),
            Some(State::Pending { .. }) => self.connections.unlink(&mut self.pending, key),
            Some(State::Owing { .. }) => {
                self.connections.unlink(&mut self.owing, key);
                self.emit(|| PoolEvent::CheckedIn { connection: ConnectionId(key) });
            }
            Some(State::InUse) | None => return,
        }
        self.close_connection(key, reason, None);
    }

    /// Tells the users of connections, of one service or of all, to stop.
    fn interrupt(&mut self, service: Option<ServiceId>) {
        for (key, connection) in self.connections.iter_mut() {
            let concerned = service.is_none() || connection.service == service;
            if concerned && connection.state == State::InUse && !connection.interrupted {
                connection.interrupted = true;
                self.actions.push_back(Action::Interrupt { connection: ConnectionId(key) });
            }
        }
    }
}
