//! What the pool does on its own: dials, minPoolSize, idle connections, overdue replies. CMAP's background thread,
//! without one.

use core::time::Duration;

use super::{Action, Connection, ConnectionId, Pool, PoolEvent, PoolState, Purpose, State};
use crate::Instant;

impl<C: Clone> Pool<C> {
    /// When to call [`Pool::handle_timeout`], if at all. Waiters' deadlines are not among it: their owners keep them.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let idle = self.connections.back(&self.idle).and_then(|key| {
            let since = self.connections.get(key)?.since;
            Some(since + self.max_idle_time()?)
        });
        let owing = self.connections.front(&self.owing).and_then(|key| self.limit_of(key));
        let populate = self.populate_after.filter(|_| self.wants_population());
        [idle, owing, populate].into_iter().flatten().min()
    }

    /// Time has passed: closes connections that were idle for too long, drains those whose reply is overdue, and
    /// keeps minPoolSize. Harmless when nothing is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(key) = self.connections.back(&self.idle)
            && let Some(reason) = self.perished(now, key)
        {
            self.connections.unlink(&mut self.idle, key);
            self.close_connection(key, reason, None);
        }
        self.pump(now);
    }

    /// Sets in motion whatever the last input made possible. Every input that frees or needs something ends here.
    pub(super) fn pump(&mut self, now: Instant) {
        self.expire_owing(now);
        while self.pending.len() < self.queue.len() && self.can_dial() {
            // The queue is not empty, so it has a back.
            let asked_by = self.waiters.back(&self.queue).map_or(0, |last| last.number);
            if !self.dial(now, asked_by) {
                break;
            }
        }
        while self.pending.len() < self.queue.len() && self.grant_owing(now) {}
        if self.populate_after.is_some_and(|after| after <= now) {
            self.populate_after = None;
        }
        while self.populate_after.is_none() && self.wants_population() && self.can_dial() && self.dial(now, 0) {}
    }

    /// Whether maxConnecting and maxPoolSize leave room for one dial more, and the pool is ready.
    pub(super) fn can_dial(&self) -> bool {
        let most = self.options.max_pool_size;
        self.state == PoolState::Ready
            && self.pending.len() < self.options.max_connecting.max(1)
            && (most == 0 || self.total() < most)
    }

    /// Owed replies whose limit has come go to the keeper, whose use of the connection is the last one.
    pub(super) fn expire_owing(&mut self, now: Instant) {
        while let Some(key) = self.connections.front(&self.owing)
            && self.limit_of(key).is_some_and(|limit| limit <= now)
        {
            self.connections.unlink(&mut self.owing, key);
            self.set_in_use(key);
            self.actions.push_back(Action::Drain { connection: ConnectionId(key) });
        }
    }

    pub(super) fn max_idle_time(&self) -> Option<Duration> {
        self.options.max_idle_time.filter(|most| !most.is_zero())
    }

    fn wants_population(&self) -> bool {
        self.state == PoolState::Ready && self.total() < self.options.min_pool_size
    }

    /// Starts a dial; nobody has asked for it if that is 0. `false` only if there is no number left for it.
    fn dial(&mut self, now: Instant, asked_by: u64) -> bool {
        let generation = self.generation;
        let state = State::Pending { asked_by };
        let (service, purpose, interrupted) = (None, Purpose::Operation, false);
        let dial = Connection { generation, service, purpose, since: now, state, interrupted };
        let Some(key) = self.connections.insert(dial) else { return false };
        let connection = ConnectionId(key);
        self.connections.push_back(&mut self.pending, key);
        self.emit(|| PoolEvent::ConnectionCreated { connection });
        self.actions.push_back(Action::Dial { connection, generation, populates: asked_by == 0 });
        true
    }
}
