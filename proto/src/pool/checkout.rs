//! Checking out: the fast path, the queue, and how waiting ends.

use core::time::Duration;

use super::{Action, CheckOut, ConnectionId, Key, Pool, PoolError, PoolEvent, PoolState, State, Ticket, Waiter};
use crate::Instant;

impl<C: Clone> Pool<C> {
    /// Asks for a connection until `deadline`. An idle one is granted at once, without an action.
    ///
    /// # Errors
    ///
    /// [`CheckOut::Refused`] when the pool is paused or closed, the deadline has passed, or the queue is full.
    pub fn check_out(&mut self, now: Instant, deadline: Instant) -> CheckOut<C> {
        self.emit(|| PoolEvent::CheckOutStarted);
        match self.state {
            PoolState::Ready if deadline > now => {}
            PoolState::Ready => return self.refuse_at_once(PoolError::TimedOut),
            PoolState::Paused => {
                let cause = self.cleared_by.clone();
                return self.refuse_at_once(PoolError::Cleared { cause });
            }
            PoolState::Closed => return self.refuse_at_once(PoolError::Closed),
        }
        if let Some(connection) = self.take_idle(now) {
            self.checked_out(connection, Duration::ZERO);
            return CheckOut::Granted { connection, owing: None };
        }
        let nothing_comes = self.pending.len() <= self.queue.len() && !self.can_dial();
        if nothing_comes {
            self.expire_owing(now);
            if self.queue.len() == 0
                && let Some((connection, limit)) = self.take_owing()
            {
                self.checked_out(connection, Duration::ZERO);
                return CheckOut::Granted { connection, owing: Some(limit) };
            }
            // Those for whom a dial is under way are served; only the others count as waiting.
            let unserved = self.queue.len().saturating_sub(self.pending.len());
            if self.owing.len() == 0 && self.options.max_waiting.is_some_and(|most| unserved >= most) {
                return self.refuse_at_once(PoolError::QueueFull);
            }
        }
        let Some(key) = self.waiters.insert(Waiter { started: now, deadline }) else {
            return self.refuse_at_once(PoolError::QueueFull);
        };
        self.waiters.push_back(&mut self.queue, key);
        self.pump(now);
        CheckOut::Wait(Ticket(key))
    }

    /// The caller stops waiting: it was dropped, or its deadline passed. A connection that is on its way to it in an
    /// action not yet taken out returns to the pool.
    ///
    /// `false`: the ticket had ended, and the host has its grant or refusal in hand; a granted connection must be
    /// checked in.
    pub fn cancel(&mut self, now: Instant, ticket: Ticket) -> bool {
        if self.waiters.get(ticket.0).is_some() {
            self.waiters.unlink(&mut self.queue, ticket.0);
            if let Some(waiter) = self.waiters.remove(ticket.0) {
                let error = if waiter.deadline <= now { PoolError::TimedOut } else { PoolError::Cancelled };
                self.emit(|| PoolEvent::CheckOutFailed { error, duration: now - waiter.started });
            }
            return true;
        }
        let of_ticket = |action: &Action<C>| match action {
            Action::Grant { ticket: whose, .. } | Action::Refuse { ticket: whose, .. } => *whose == ticket,
            _ => false,
        };
        let Some(index) = self.actions.iter().position(of_ticket) else { return false };
        if let Some(Action::Grant { connection, owing, .. }) = self.actions.remove(index) {
            // It was granted, so it is in use, and neither call can find it otherwise.
            let _ = match owing {
                None => self.check_in(now, connection),
                Some(limit) => self.owe(now, connection, Some(limit)),
            };
        }
        true
    }

    /// The idle connection used last; those that perished are closed on the way.
    fn take_idle(&mut self, now: Instant) -> Option<ConnectionId> {
        while let Some(key) = self.connections.front(&self.idle) {
            let perished = self.perished(now, key);
            self.connections.unlink(&mut self.idle, key);
            match perished {
                None => {
                    self.set_in_use(key);
                    return Some(ConnectionId(key));
                }
                Some(reason) => self.close_connection(key, reason, None),
            }
        }
        None
    }

    /// The connection whose owed reply is due first, in use again, with its limit.
    fn take_owing(&mut self) -> Option<(ConnectionId, Instant)> {
        let key = self.connections.front(&self.owing)?;
        let State::Owing { limit } = self.connections.get(key)?.state else { return None };
        self.connections.unlink(&mut self.owing, key);
        self.emit(|| PoolEvent::CheckedIn { connection: ConnectionId(key) });
        self.set_in_use(key);
        Some((ConnectionId(key), limit))
    }

    /// Gives a healthy connection that belongs to nobody to the head of the queue, or makes it idle.
    pub(super) fn hand_over(&mut self, now: Instant, key: Key) {
        if let Some((ticket, waiter)) = self.next_waiter(now) {
            self.set_in_use(key);
            self.grant(now, ticket, &waiter, ConnectionId(key), None);
        } else if let Some(connection) = self.connections.get_mut(key) {
            connection.state = State::Idle;
            connection.since = now;
            self.connections.push_front(&mut self.idle, key);
        }
    }

    /// Gives the first owing connection to the head of the queue; `false` if there is none, or nobody.
    pub(super) fn grant_owing(&mut self, now: Instant) -> bool {
        if self.owing.len() == 0 {
            return false;
        }
        let Some((ticket, waiter)) = self.next_waiter(now) else { return false };
        let Some((connection, limit)) = self.take_owing() else { return false };
        self.grant(now, ticket, &waiter, connection, Some(limit));
        true
    }

    /// Takes the first waiter whose deadline has not passed out of the queue; refuses those before it.
    fn next_waiter(&mut self, now: Instant) -> Option<(Ticket, Waiter)> {
        loop {
            let (ticket, waiter) = self.pop_waiter()?;
            if waiter.deadline > now {
                return Some((ticket, waiter));
            }
            self.refuse(now, ticket, &waiter, PoolError::TimedOut);
        }
    }

    pub(super) fn pop_waiter(&mut self) -> Option<(Ticket, Waiter)> {
        let key = self.waiters.front(&self.queue)?;
        self.waiters.unlink(&mut self.queue, key);
        Some((Ticket(key), self.waiters.remove(key)?))
    }

    /// Fails everybody who waits.
    pub(super) fn evict(&mut self, now: Instant, error: &PoolError<C>) {
        while let Some((ticket, waiter)) = self.pop_waiter() {
            self.refuse(now, ticket, &waiter, error.clone());
        }
    }

    fn grant(
        &mut self,
        now: Instant,
        ticket: Ticket,
        waiter: &Waiter,
        connection: ConnectionId,
        owing: Option<Instant>,
    ) {
        self.checked_out(connection, now - waiter.started);
        self.actions.push_back(Action::Grant { ticket, connection, owing });
    }

    fn checked_out(&mut self, connection: ConnectionId, duration: Duration) {
        self.granted += 1;
        self.waited = self.waited.saturating_add(duration);
        self.last_wait = duration;
        self.emit(|| PoolEvent::CheckedOut { connection, duration });
    }

    pub(super) fn refuse(&mut self, now: Instant, ticket: Ticket, waiter: &Waiter, error: PoolError<C>) {
        self.emit(|| PoolEvent::CheckOutFailed { error: error.clone(), duration: now - waiter.started });
        self.actions.push_back(Action::Refuse { ticket, error });
    }

    fn refuse_at_once(&mut self, error: PoolError<C>) -> CheckOut<C> {
        self.emit(|| PoolEvent::CheckOutFailed { error: error.clone(), duration: Duration::ZERO });
        CheckOut::Refused(error)
    }
}
