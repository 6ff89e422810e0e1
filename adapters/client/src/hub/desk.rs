//! How background tasks are reached: what they are to do, and how to wake them.

use core::task::Waker;
use core::time::Duration;
use std::sync::Arc;

use stator_proto::operation::KillCursors;
use stator_proto::session::{ServerSession, Session};
use stator_proto::{Instant, ServerAddress};

use super::After;
use crate::link::Link;
use crate::runtime::{Closer, Runtime};

/// What the keeper is to do, and how to reach it.
#[derive(Debug)]
pub(crate) struct KeeperDesk<R: Runtime> {
    /// Whether a keeper runs.
    pub(crate) alive: bool,
    /// Set when there is something to do.
    pub(crate) rung: bool,
    pub(crate) waker: Option<Waker>,
    /// Cursors that nobody reads any more.
    pub(crate) kill: Vec<Kill<R>>,
    /// Transactions that nobody will end any more.
    pub(crate) farewells: Vec<Farewell<R>>,
    /// When the keeper means to look again; `None` while it is awake.
    pub(crate) wakes_at: Option<Instant>,
}

/// A cursor that nobody reads any more.
#[derive(Debug)]
pub(crate) struct Kill<R: Runtime> {
    pub(crate) server: Arc<ServerAddress>,
    pub(crate) command: KillCursors,
    /// The only connection that leads to it, behind a load balancer.
    pub(crate) link: Option<Box<Link<R>>>,
    /// The session in which it was opened.
    pub(crate) session: Option<ServerSession>,
    /// The cursor's timeout; `None` or zero is the background's own.
    pub(crate) timeout: Option<Duration>,
}

/// An open transaction that nobody will end any more: it is to be aborted.
#[derive(Debug)]
pub(crate) struct Farewell<R: Runtime> {
    pub(crate) session: Box<Session>,
    /// The connection that it is pinned to, behind a load balancer.
    pub(crate) link: Option<Box<Link<R>>>,
    /// The session ends with it; otherwise it is a copy, made for this.
    pub(crate) ends: bool,
    /// Not before that.
    pub(crate) due: Instant,
    /// How often that was done already.
    pub(crate) tries: u32,
}

impl<R: Runtime> Default for KeeperDesk<R> {
    fn default() -> Self {
        Self { alive: false, rung: false, waker: None, kill: Vec::new(), farewells: Vec::new(), wakes_at: None }
    }
}

impl<R: Runtime> KeeperDesk<R> {
    /// What is to be done by now.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<Farewell<R>> {
        let (due, later) = core::mem::take(&mut self.farewells).into_iter().partition(|farewell| farewell.due <= now);
        self.farewells = later;
        due
    }

    /// Tells the keeper that there is something to do; the waker is to be woken after the lock is released.
    pub(crate) fn ring(&mut self) -> Option<Waker> {
        self.rung = true;
        self.waker.take()
    }
}

/// What a monitor is to do, and how to reach it.
#[derive(Debug)]
pub(crate) struct MonitorDesk {
    /// Whether there should be one.
    pub(crate) wanted: bool,
    /// Whether it runs.
    pub(crate) alive: bool,
    pub(crate) orders: Orders,
    pub(crate) waker: Option<Waker>,
    /// Ends what its stream is waiting for.
    pub(crate) closer: Option<Closer>,
}

/// What a monitor was told since it last looked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Orders {
    pub(crate) check: bool,
    pub(crate) cancel: bool,
    pub(crate) stop: bool,
}

impl Orders {
    pub(super) const fn check(&mut self) {
        self.check = true;
    }

    pub(super) const fn cancel(&mut self) {
        self.cancel = true;
    }

    pub(super) const fn stop(&mut self) {
        self.stop = true;
    }

    /// Whether there is any.
    pub(crate) const fn any(self) -> bool {
        self.check || self.cancel || self.stop
    }
}

impl MonitorDesk {
    pub(super) const fn new(wanted: bool) -> Self {
        Self {
            wanted,
            alive: false,
            orders: Orders { check: false, cancel: false, stop: false },
            waker: None,
            closer: None,
        }
    }

    /// Whether one should run that does not.
    pub(crate) const fn is_missing(&self) -> bool {
        self.wanted && !self.alive
    }

    /// Gives an order. What cannot wait until the present check has ended ends it.
    pub(super) fn order<R: Runtime>(&mut self, order: fn(&mut Orders), after: &mut After<R>) {
        order(&mut self.orders);
        self.wanted &= !self.orders.stop;
        after.wake.extend(self.waker.take());
        if self.orders.stop || self.orders.cancel {
            after.rest().interrupt.extend(self.closer.take());
        }
    }
}
