//! What is left to do once the lock is released.

use core::task::Waker;

use stator_proto::cluster::ServerId;

use super::Seat;
use crate::link::Link;
use crate::runtime::{Closer, Runtime};

/// What is left to do once the lock is released; see `Core::finish`. Most often that is nothing, or to wake somebody.
#[derive(Debug)]
pub(crate) struct After<R: Runtime> {
    pub(crate) wake: Vec<Waker>,
    /// Something was told to listeners.
    pub(crate) told: bool,
    rest: Option<Box<Rest<R>>>,
}

/// What is seldom left to do.
#[derive(Debug)]
pub(crate) struct Rest<R: Runtime> {
    pub(crate) close: Vec<Box<Link<R>>>,
    pub(crate) interrupt: Vec<Closer>,
    pub(crate) dial: Vec<Dial>,
    /// Connections whose owed reply is overdue; they are looked at once more.
    pub(crate) overdue: Vec<Box<Link<R>>>,
    /// Servers that need a monitor.
    pub(crate) monitors: Vec<ServerId>,
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
    /// What is seldom left to do, to add to it.
    pub(crate) fn rest(&mut self) -> &mut Rest<R> {
        self.rest.get_or_insert_default()
    }

    /// Takes what is seldom left to do.
    pub(crate) fn take_rest(&mut self) -> Option<Box<Rest<R>>> {
        self.rest.take()
    }
}

impl<R: Runtime> Default for After<R> {
    fn default() -> Self {
        Self { wake: Vec::new(), told: false, rest: None }
    }
}

impl<R: Runtime> Default for Rest<R> {
    fn default() -> Self {
        Self {
            close: Vec::new(),
            interrupt: Vec::new(),
            dial: Vec::new(),
            overdue: Vec::new(),
            monitors: Vec::new(),
            resolve_srv: false,
        }
    }
}
