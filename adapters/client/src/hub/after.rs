//! What is left to do once the lock is released.

use core::task::Waker;

use stator_proto::cluster::ServerId;

use super::Seat;
use crate::link::Link;
use crate::runtime::{Closer, Runtime};

/// What is left to do once the lock is released; see `Core::finish`.
#[derive(Debug)]
pub(crate) struct After<R: Runtime> {
    pub(crate) wake: Vec<Waker>,
    pub(crate) close: Vec<Box<Link<R>>>,
    pub(crate) interrupt: Vec<Closer>,
    pub(crate) dial: Vec<Dial>,
    /// Connections whose owed reply is overdue; they are looked at once more.
    pub(crate) overdue: Vec<Box<Link<R>>>,
    /// Servers that need a monitor.
    pub(crate) monitors: Vec<ServerId>,
    /// Something was told to listeners.
    pub(crate) told: bool,
    /// The SRV records are to be asked for again.
    pub(crate) resolve_srv: bool,
}

/// A connection to be established.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dial {
    pub(crate) seat: Seat,
    /// It is minPoolSize that asks for it.
    pub(crate) populates: bool,
}

impl<R: Runtime> After<R> {
    /// Whether nothing is left to do but to tell what has happened.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        let Self { wake, close, interrupt, dial, overdue, monitors, told: _, resolve_srv } = self;
        let calls = wake.is_empty() && close.is_empty() && interrupt.is_empty() && overdue.is_empty();
        calls && dial.is_empty() && monitors.is_empty() && !resolve_srv
    }
}

impl<R: Runtime> Default for After<R> {
    fn default() -> Self {
        Self {
            wake: Vec::new(),
            close: Vec::new(),
            interrupt: Vec::new(),
            dial: Vec::new(),
            overdue: Vec::new(),
            monitors: Vec::new(),
            told: false,
            resolve_srv: false,
        }
    }
}
