//! What the host says about single connections, from the dial to the end.

use super::{
    Action, CloseReason, Connection, ConnectionId, Key, Pool, PoolError, PoolEvent, PoolState, Purpose, ServiceId,
    State, WrongConnection,
};
use crate::Instant;

/// What a failed dial means for the pool. SDAM decides (error handling, "before the handshake completes"): network
/// errors and timeouts that may be overload keep the pool, others clear it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnFailure {
    /// Other connections are as good as before.
    Keep,
    /// The pool is cleared for the dial's error, before the connection counts as closed. In load-balanced mode it is
    /// cleared for the connection's service, or not at all while that is not known.
    Clear,
}

impl<C: Clone> Pool<C> {
    /// A dial has ended well, authentication included: the connection goes to the queue or becomes idle.
    ///
    /// `service_id`: that of the server's `hello`. It counts in load-balanced mode only, and only if
    /// [`Pool::handle_hello`] has not told it before.
    ///
    /// # Errors
    ///
    /// [`WrongConnection`] if it is not pending (any more): the host closes the socket.
    pub fn handle_established(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        service_id: Option<ServiceId>,
    ) -> Result<(), WrongConnection> {
        let key = connection.0;
        let created = self.pending(key)?.since;
        self.join_service(key, service_id);
        self.connections.unlink(&mut self.pending, key);
        self.emit(|| PoolEvent::ConnectionReady { connection, duration: now - created });
        self.hand_over(now, key);
        self.pump(now);
        Ok(())
    }

    /// A dial has failed. The head of the queue is refused if it was waiting when the dial began; the others wait for
    /// other dials. No [`Action::Close`] follows.
    ///
    /// # Errors
    ///
    /// [`WrongConnection`] if it is not pending (any more).
    pub fn handle_dial_failed(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        cause: C,
        then: OnFailure,
    ) -> Result<(), WrongConnection> {
        let key = connection.0;
        let &Connection { state: State::Pending { asked_by }, service, .. } = self.pending(key)? else {
            return Err(WrongConnection);
        };
        self.connections.unlink(&mut self.pending, key);
        // CMAP's order: pool cleared, connection closed, check-out failed.
        let cleared = then == OnFailure::Clear && self.begin_clear(&cause, false, service);
        self.remove(key);
        let (reason, error) = (CloseReason::Error, Some(cause.clone()));
        self.emit(|| PoolEvent::ConnectionClosed { connection, reason, error });
        self.populate_after = Some(now + self.options.populate_pause);
        let head = self.waiters.front(&self.queue);
        if head.is_some_and(|head| head.number <= asked_by)
            && let Some((ticket, waiter)) = self.pop_waiter()
        {
            self.refuse(now, ticket, &waiter, PoolError::Dial { cause: cause.clone() });
        }
        if cleared {
            self.finish_clear(now, cause, false, service);
        }
        self.pump(now);
        Ok(())
    }

    /// A connection comes back, between two messages: to the queue, to the idle ones, or, perished, to its end.
    ///
    /// # Errors
    ///
    /// [`WrongConnection`] if it is not in use.
    pub fn check_in(&mut self, now: Instant, connection: ConnectionId) -> Result<(), WrongConnection> {
        let key = connection.0;
        self.expect_in_use(key)?;
        self.emit(|| PoolEvent::CheckedIn { connection });
        let perished = self.perished(now, key);
        self.in_use -= 1;
        match perished {
            Some(reason) => self.close_connection(key, reason, None),
            None => self.hand_over(now, key),
        }
        self.pump(now);
        Ok(())
    }

    /// A connection is of no more use: broken, left in the middle of a message, or (idle ones too) without a runtime.
    /// `cause` is told to listeners.
    ///
    /// # Errors
    ///
    /// [`WrongConnection`] if it is pending (see [`Pool::handle_dial_failed`]) or unknown.
    pub fn discard(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        reason: CloseReason,
        cause: Option<C>,
    ) -> Result<(), WrongConnection> {
        let key = connection.0;
        match self.connections.get(key).ok_or(WrongConnection)?.state {
            State::Pending { .. } => return Err(WrongConnection),
            State::Idle => self.connections.unlink(&mut self.idle, key),
            State::Owing { .. } => {
                self.connections.unlink(&mut self.owing, key);
                self.emit(|| PoolEvent::CheckedIn { connection });
            }
            State::InUse => {
                self.in_use -= 1;
                self.emit(|| PoolEvent::CheckedIn { connection });
            }
        }
        self.close_connection(key, reason, cause);
        self.pump(now);
        Ok(())
    }

    /// A complete request was sent, and its user went away before the whole reply came. The connection may be given
    /// to a check-out that finds nothing better; [`Action::Drain`] comes at the limit. With
    /// [`PoolOptions::owing`](super::PoolOptions::owing) off it is discarded.
    ///
    /// `limit`: that of its grant, if this is the debt with which it was granted (a debt is never prolonged); `None`
    /// for a new one.
    ///
    /// # Errors
    ///
    /// [`WrongConnection`] if it is not in use.
    pub fn owe(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        limit: Option<Instant>,
    ) -> Result<(), WrongConnection> {
        let key = connection.0;
        self.expect_in_use(key)?;
        let perished = self.perished(now, key);
        if let Some(reason) = perished.or((!self.options.owing).then_some(CloseReason::Error)) {
            return self.discard(now, connection, reason, None);
        }
        let latest = now + self.options.reply_limit;
        let limit = limit.map_or(latest, |limit| limit.min(latest));
        self.in_use -= 1;
        if let Some(connection) = self.connections.get_mut(key) {
            connection.state = State::Owing { limit };
        }
        // New debts end last; only one that comes back has to look for its place.
        let mut prev = self.connections.back(&self.owing);
        while let Some(other) = prev.filter(|&other| self.limit_of(other).is_some_and(|theirs| theirs > limit)) {
            prev = self.connections.before(other);
        }
        match prev {
            Some(prev) => self.connections.insert_after(&mut self.owing, prev, key),
            None => self.connections.push_front(&mut self.owing, key),
        }
        self.pump(now);
        Ok(())
    }

    /// Why the connection must not be used again, if so (CMAP: "perished").
    pub(super) fn perished(&self, now: Instant, key: Key) -> Option<CloseReason> {
        let connection = self.connections.get(key)?;
        if self.state == PoolState::Closed {
            return Some(CloseReason::PoolClosed);
        }
        if connection.generation != self.current_generation(connection) {
            return Some(CloseReason::Stale);
        }
        let expires = connection.since + self.max_idle_time()?;
        (connection.state == State::Idle && expires <= now).then_some(CloseReason::Idle)
    }

    /// The last step of a connection that is in no list and no count any more.
    pub(super) fn close_connection(&mut self, key: Key, reason: CloseReason, error: Option<C>) {
        let connection = ConnectionId(key);
        self.remove(key);
        self.emit(|| PoolEvent::ConnectionClosed { connection, reason, error });
        self.actions.push_back(Action::Close { connection, reason });
    }

    pub(super) fn set_in_use(&mut self, key: Key) {
        if let Some(connection) = self.connections.get_mut(key) {
            connection.state = State::InUse;
            connection.purpose = Purpose::Operation;
            self.in_use += 1;
        }
    }

    pub(super) fn limit_of(&self, key: Key) -> Option<Instant> {
        match self.connections.get(key)?.state {
            State::Owing { limit } => Some(limit),
            _ => None,
        }
    }

    fn expect_in_use(&self, key: Key) -> Result<(), WrongConnection> {
        let connection = self.connections.get(key).ok_or(WrongConnection)?;
        (connection.state == State::InUse).then_some(()).ok_or(WrongConnection)
    }

    /// Whether the dial of `connection` is under way and still wanted.
    pub fn is_pending(&self, connection: ConnectionId) -> bool {
        self.pending(connection.0).is_ok()
    }

    pub(super) fn pending(&self, key: Key) -> Result<&Connection, WrongConnection> {
        let connection = self.connections.get(key).ok_or(WrongConnection)?;
        matches!(connection.state, State::Pending { .. }).then_some(connection).ok_or(WrongConnection)
    }
}
