//! Who waits: in the queues of pools, and for something to be learnt.

use core::task::Waker;
use std::collections::HashMap;

use stator_proto::Instant;
use stator_proto::cluster::ServerId;
use stator_proto::pool::{PoolError, Ticket};

use crate::error::Error;
use crate::link::Link;
use crate::runtime::Runtime;

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

/// A place in the queue of a server's pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) server: ServerId,
    pub(crate) ticket: Ticket,
}

impl Place {
    pub(crate) const fn new(server: ServerId, ticket: Ticket) -> Self {
        Self { server, ticket }
    }
}

/// Who wants to be woken when something is learnt of the deployment.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    /// How often something was learnt.
    round: u64,
    wakers: HashMap<u64, Waker>,
    next: u64,
}

impl Watchers {
    /// How often something was learnt so far.
    pub(crate) const fn round(&self) -> u64 {
        self.round
    }

    /// Something was learnt.
    pub(super) fn changed(&mut self, wake: &mut Vec<Waker>) {
        self.round += 1;
        wake.extend(self.wakers.drain().map(|(_, waker)| waker));
    }

    /// A number for somebody who may wait.
    pub(crate) const fn register(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Waits for the next round; what it returns is to be dropped after the lock is released.
    pub(crate) fn wait(&mut self, number: u64, waker: &Waker) -> Option<Waker> {
        match self.wakers.get(&number) {
            Some(known) if known.will_wake(waker) => None,
            _ => self.wakers.insert(number, waker.clone()),
        }
    }

    /// Waits no more.
    pub(crate) fn leave(&mut self, number: u64) -> Option<Waker> {
        self.wakers.remove(&number)
    }
}
