//! The control plane of one client, behind one short lock: the pool machine, and beside it a slab that holds
//! the connections which nobody is using.
//!
//! Whoever feeds the pool drains all of its actions while the lock is held; what must not happen under the lock (waking,
//! dropping streams, spawning dials) is collected in [`After`] and done once it is released.

use core::task::Waker;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use stator_proto::Instant;
use stator_proto::auth::scram::KeyCache;
use stator_proto::connection::Cancelled;
use stator_proto::operation::KillCursors;
use stator_proto::pool::{Action, CloseReason, ConnectionId, Pool, PoolError, Ticket};

use crate::error::Error;
use crate::link::Link;
use crate::runtime::{Closer, Runtime};

/// A connection on its way to a waiter.
#[derive(Debug)]
pub(crate) struct Grant<R: Runtime> {
    pub(crate) link: Box<Link<R>>,
    /// The reply of somebody who left must be read first, until then at the latest.
    pub(crate) owing: Option<Instant>,
}

/// What a waiter waits for.
#[derive(Debug)]
pub(crate) enum Slot<R: Runtime> {
    Waiting(Option<Waker>),
    Granted(Grant<R>),
    Refused(PoolError<Error>),
}

/// What the keeper is to do, and how to reach it.
#[derive(Debug, Default)]
pub(crate) struct KeeperDesk {
    /// Whether a keeper runs.
    pub(crate) alive: bool,
    /// Set when there is something to do.
    pub(crate) rung: bool,
    pub(crate) waker: Option<Waker>,
    /// Cursors that nobody reads any more.
    pub(crate) kill: Vec<KillCursors>,
    /// When the keeper means to look again; `None` while it is awake.
    pub(crate) wakes_at: Option<Instant>,
}

impl KeeperDesk {
    /// Tells the keeper that there is something to do; the waker is to be woken after the lock is released.
    pub(crate) fn ring(&mut self) -> Option<Waker> {
        self.rung = true;
        self.waker.take()
    }
}

/// Everything behind the client's lock.
#[derive(Debug)]
pub(crate) struct Hub<R: Runtime> {
    pub(crate) pool: Pool<Error>,
    /// Connections that nobody uses (idle or owing), by the pool's slots.
    idle: Vec<Option<Box<Link<R>>>>,
    /// How to interrupt a connection, dialled ones included, by the pool's slots.
    closers: Vec<Option<(ConnectionId, Closer)>>,
    /// Waiting check-outs, by the numbers of their tickets. Not by their slots: the pool gives a slot to the next ticket as
    /// soon as it has granted one, but the waiter has yet to come for the grant.
    waiting: HashMap<u64, Slot<R>>,
    pub(crate) keeper: KeeperDesk,
    pub(crate) keys: KeyCache,
    pub(crate) closed: bool,
}

/// What is left to do once the lock is released.
#[derive(Debug)]
pub(crate) struct After<R: Runtime> {
    pub(crate) wake: Vec<Waker>,
    pub(crate) close: Vec<Box<Link<R>>>,
    pub(crate) interrupt: Vec<Closer>,
    pub(crate) dial: Vec<ConnectionId>,
    /// Connections whose owed reply is overdue; they are looked at once more.
    pub(crate) overdue: Vec<Box<Link<R>>>,
}

impl<R: Runtime> Default for After<R> {
    fn default() -> Self {
        Self { wake: Vec::new(), close: Vec::new(), interrupt: Vec::new(), dial: Vec::new(), overdue: Vec::new() }
    }
}

/// Locks the hub. A panic under the lock cannot leave it half changed in a way that matters more than going on.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn put<T>(slab: &mut Vec<Option<T>>, slot: usize, value: T) -> Option<T> {
    if slab.len() <= slot {
        slab.resize_with(slot + 1, || None);
    }
    slab[slot].replace(value)
}

impl<R: Runtime> Hub<R> {
    pub(crate) fn new(pool: Pool<Error>) -> Self {
        Self {
            pool,
            idle: Vec::new(),
            closers: Vec::new(),
            waiting: HashMap::new(),
            keeper: KeeperDesk::default(),
            keys: KeyCache::new(),
            closed: false,
        }
    }

    /// Puts a connection that nobody uses into the slab; tell the pool next.
    pub(crate) fn stow(&mut self, link: Box<Link<R>>) {
        let slot = link.id.slot();
        put(&mut self.idle, slot, link);
    }

    /// Takes a connection out of the slab.
    pub(crate) fn take(&mut self, id: ConnectionId) -> Option<Box<Link<R>>> {
        let place = self.idle.get_mut(id.slot())?;
        if place.as_ref().is_some_and(|link| link.id == id) { place.take() } else { None }
    }

    /// Remembers how to interrupt a connection.
    pub(crate) fn remember_closer(&mut self, id: ConnectionId, closer: Closer) {
        put(&mut self.closers, id.slot(), (id, closer));
    }

    /// Forgets how to interrupt a connection that has ended, or is about to.
    pub(crate) fn forget(&mut self, id: ConnectionId) -> Option<Closer> {
        let place = self.closers.get_mut(id.slot())?;
        if place.as_ref().is_some_and(|(known, _)| *known == id) {
            place.take().map(|(_, closer)| closer)
        } else {
            None
        }
    }

    /// Ends what is still being dialled, or used: the last handle is gone.
    pub(crate) fn interrupt_all(&mut self) {
        for (_, closer) in self.closers.drain(..).flatten() {
            closer.close();
        }
    }

    /// Begins to wait.
    pub(crate) fn wait(&mut self, ticket: Ticket) {
        self.waiting.insert(ticket.number(), Slot::Waiting(None));
    }

    /// The place of a waiter.
    pub(crate) fn slot(&mut self, ticket: Ticket) -> Option<&mut Slot<R>> {
        self.waiting.get_mut(&ticket.number())
    }

    /// Ends a wait and says how it stood.
    pub(crate) fn end_wait(&mut self, ticket: Ticket) -> Option<Slot<R>> {
        self.waiting.remove(&ticket.number())
    }

    /// Drains the pool's actions. Call it after every input to the pool, before the lock is released.
    pub(crate) fn drain(&mut self, after: &mut After<R>) {
        while let Some(action) = self.pool.poll_action() {
            match action {
                Action::Dial { connection, .. } => after.dial.push(connection),
                Action::Grant { ticket, connection, owing } => {
                    if let Some(link) = self.take(connection) {
                        self.answer(ticket, Slot::Granted(Grant { link, owing }), after);
                    }
                }
                Action::Refuse { ticket, error } => self.answer(ticket, Slot::Refused(error), after),
                Action::Close { connection, .. } => {
                    let closer = self.forget(connection);
                    match self.take(connection) {
                        Some(link) => after.close.push(link),
                        // A dial under way; a connection that its user has closed is forgotten already.
                        None => after.interrupt.extend(closer),
                    }
                }
                Action::Interrupt { connection } => {
                    if let Some(Some((known, closer))) = self.closers.get(connection.slot())
                        && *known == connection
                    {
                        after.interrupt.push(closer.clone());
                    }
                }
                Action::Drain { connection } => after.overdue.extend(self.take(connection)),
            }
        }
        // The keeper must look in time at what the pool waits for. One that is awake will look before it sleeps.
        if let Some(at) = self.pool.poll_timeout()
            && self.keeper.wakes_at.is_some_and(|wakes_at| at < wakes_at)
        {
            after.wake.extend(self.keeper.ring());
        }
    }

    fn answer(&mut self, ticket: Ticket, answer: Slot<R>, after: &mut After<R>) {
        match self.slot(ticket) {
            Some(slot) => {
                if let Slot::Waiting(Some(waker)) = core::mem::replace(slot, answer) {
                    after.wake.push(waker);
                }
            }
            // The waiter is gone although its ticket was not cancelled: its connection is not safe to use.
            None => {
                if let Slot::Granted(grant) = answer {
                    after.close.push(grant.link);
                }
            }
        }
    }

    /// Discards every connection that nobody uses: their runtime is gone.
    pub(crate) fn discard_unused(&mut self, now: Instant) {
        let unused: Vec<ConnectionId> = self.idle.iter().flatten().map(|link| link.id).collect();
        for id in unused {
            // In the slab, so idle or owing: the pool knows it.
            let _ = self.pool.discard(now, id, CloseReason::Error, None);
        }
    }

    /// Takes a connection back from its user, in the state in which it is left.
    pub(crate) fn give_back(&mut self, now: Instant, mut link: Box<Link<R>>, state: Cancelled, after: &mut After<R>) {
        let id = link.id;
        if let Some(kill) = link.orphan.take() {
            self.keeper.kill.push(kill);
            after.wake.extend(self.keeper.ring());
        }
        // The connection is in use, so the pool knows it and none of these calls can fail.
        let _ = match state {
            Cancelled::Idle => {
                self.stow(link);
                self.pool.check_in(now, id)
            }
            Cancelled::Owing => {
                let limit = link.owing_until;
                self.stow(link);
                self.pool.owe(now, id, limit)
            }
            Cancelled::Broken => {
                self.forget(id);
                after.close.push(link);
                self.pool.discard(now, id, CloseReason::Error, None)
            }
        };
    }
}
