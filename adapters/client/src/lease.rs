//! Leases: connections in use.

use core::ops::Deref;
use core::time::Duration;
use std::sync::Arc;

use stator_proto::Instant;
use stator_proto::connection::Reply;
use stator_proto::operation::Reached;
use stator_proto::pool::PoolError;

use crate::error::{Error, ErrorKind, Phase, Result};
use crate::hub::{After, lock};
use crate::inner::Core;
use crate::link::Link;
use crate::runtime::{Runtime, Stream};

/// A checked-out connection. Dropping it gives it back in whatever state it is: idle, owing, or to be closed.
#[derive(Debug)]
pub(crate) struct Lease<R: Runtime, C: Deref<Target = Core<R>>> {
    core: C,
    /// `None` only while it is being given back.
    link: Option<Box<Link<R>>>,
}

/// A lease that needs no borrow of its client.
pub(crate) type OwnedLease<R> = Lease<R, Arc<Core<R>>>;

/// Connections that were silent for longer are probed before use.
const PROBE_AFTER: Duration = Duration::from_secs(1);

impl<'c, R: Runtime> Lease<R, &'c Core<R>> {
    pub(crate) const fn new(core: &'c Core<R>, link: Box<Link<R>>) -> Self {
        Self { core, link: Some(link) }
    }

    /// The same lease for somebody who outlives this borrow; `None` if the client is just being dropped.
    pub(crate) fn into_owned(mut self) -> Option<OwnedLease<R>> {
        let core = self.core.this.upgrade()?;
        Some(Lease { core, link: self.link.take() })
    }

    /// Whether a granted connection that owes nothing still lives, as far as can be told at once. If not, the lease closes it.
    pub(crate) fn is_fit(&mut self, now: Instant) -> bool {
        let link = self.link();
        link.owing_until = None;
        let fit = !link.io.stream.is_orphaned() && (now.duration_since(link.last_used) <= PROBE_AFTER || link.probe());
        link.io.broken |= !fit;
        fit
    }

    /// Finishes what a granted connection owes, until `limit` at the latest. `false` if it is of no use; the lease then closes it.
    pub(crate) async fn settle(&mut self, now: Instant, limit: Instant, deadline: Instant) -> Result<bool> {
        let core = self.core;
        let link = self.link();
        link.owing_until = Some(limit);
        if link.io.stream.is_orphaned() {
            link.io.broken = true;
            return Ok(false);
        }
        match link.settle(now, deadline.min(limit)).await {
            Ok(()) => {
                link.owing_until = None;
                Ok(true)
            }
            // The operation's own time is up, and it has sent nothing; the debt goes back to the pool.
            Err(error) if error.is_timeout() && core.runtime.now() < limit => {
                Err(Error::at(Phase::Queue, &link.address, ErrorKind::Pool(PoolError::TimedOut)))
            }
            Err(_) => {
                link.io.broken = true;
                Ok(false)
            }
        }
    }
}

impl<R: Runtime, C: Deref<Target = Core<R>>> Lease<R, C> {
    /// The connection.
    pub(crate) fn link(&mut self) -> &mut Link<R> {
        // `link` is taken in `drop` and `into_owned` only, which end the lease.
        self.link.as_mut().expect("a lease holds its connection until it is dropped")
    }

    /// The connection alone, for whoever gives it back.
    pub(crate) fn into_link(mut self) -> Option<Box<Link<R>>> {
        self.link.take()
    }

    /// What an operation is to know of the place that it has reached.
    pub(crate) fn reached(&mut self) -> Reached {
        self.link().reached.clone()
    }

    /// The next of several replies to one request (exhaust).
    pub(crate) async fn receive_more(&mut self, deadline: Instant) -> Result<Reply> {
        let now = self.core.runtime.now();
        self.link().receive(now, deadline).await
    }
}

impl<R: Runtime, C: Deref<Target = Core<R>>> Drop for Lease<R, C> {
    fn drop(&mut self) {
        let Some(mut link) = self.link.take() else { return };
        let core = &*self.core;
        let now = core.runtime.now();
        let mut after = After::default();
        link.last_used = now;
        let state = link.cancel();
        let mut hub = lock(&core.hub);
        hub.give_back(now, link, state, &mut after);
        hub.drain(&mut after);
        drop(hub);
        core.finish(after);
    }
}
