//! Check-out: one lock and a pop when a connection is idle; otherwise a place in the queue.

use core::future::{Future, poll_fn};
use core::ops::Deref;
use core::pin::pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::sync::Arc;

use stator_proto::Instant;
use stator_proto::connection::{Cancelled, Reply};
use stator_proto::pool::{CheckOut, PoolError, Ticket};

use crate::error::{Error, ErrorKind, Phase, Result};
use crate::hub::{After, Grant, Slot, lock};
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

/// Connections that were silent for longer are probed before use.
const PROBE_AFTER: Duration = Duration::from_secs(1);

/// After how many dials that their runtime refused or dropped a check-out gives up.
const MAX_LOST_DIALS: u32 = 3;

impl<R: Runtime> Core<R> {
    /// A connection that is ready for a request, at `now`. Ends by `deadline`.
    pub(crate) async fn check_out(&self, mut now: Instant, deadline: Instant) -> Result<Lease<R, &Self>> {
        let mut lost_dials = 0;
        loop {
            let grant = match self.take_or_wait(now, deadline)? {
                Ok(grant) => grant,
                Err(ticket) => {
                    let waited = self.wait(ticket, deadline).await;
                    now = self.runtime.now();
                    match waited {
                        Ok(grant) => grant,
                        // Whoever comes first has the dial made, be it on a thread without an executor or on a runtime that is
                        // ending: ours may do better.
                        Err(error) if error.is_runtime() && lost_dials < MAX_LOST_DIALS => {
                            lost_dials += 1;
                            continue;
                        }
                        Err(error) => return Err(error),
                    }
                }
            };
            let mut lease = Lease { core: self, link: Some(grant.link) };
            if lease.make_ready(now, grant.owing, deadline).await? {
                return Ok(lease);
            }
            drop(lease);
            now = self.runtime.now();
        }
    }

    fn take_or_wait(&self, now: Instant, deadline: Instant) -> Result<Result<Grant<R>, Ticket>> {
        let mut after = After::default();
        let mut hub = self.lock_with_keeper()?;
        let outcome = hub.pool.check_out(now, deadline);
        let outcome = match outcome {
            CheckOut::Granted { connection, owing } => match hub.take(connection) {
                Some(link) => Ok(Ok(Grant { link, owing })),
                // The slab holds every connection that the pool calls idle or owing.
                None => Err(PoolError::Closed),
            },
            CheckOut::Wait(ticket) => {
                hub.wait(ticket);
                Ok(Err(ticket))
            }
            CheckOut::Refused(error) => Err(error),
        };
        hub.drain(&mut after);
        drop(hub);
        self.finish(after);
        outcome.map_err(|error| self.pool_error(error))
    }

    async fn wait(&self, ticket: Ticket, deadline: Instant) -> Result<Grant<R>> {
        let waiter = Waiter { core: self, ticket };
        let mut timer = pin!(self.runtime.sleep_until(deadline));
        poll_fn(|cx| {
            if let Poll::Ready(outcome) = waiter.poll(cx) {
                return Poll::Ready(outcome.map_err(|error| self.pool_error(error)));
            }
            match timer.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(Err(self.pool_error(PoolError::TimedOut))),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    fn pool_error(&self, error: PoolError<Error>) -> Error {
        match error {
            PoolError::Closed => Error::new(Phase::Queue, ErrorKind::Closed),
            error => Error::at(Phase::Queue, &self.server, ErrorKind::Pool(error)),
        }
    }
}

/// A place in the queue; dropping it leaves the queue.
struct Waiter<'c, R: Runtime> {
    core: &'c Core<R>,
    ticket: Ticket,
}

impl<R: Runtime> Waiter<'_, R> {
    fn poll(&self, cx: &Context<'_>) -> Poll<Result<Grant<R>, PoolError<Error>>> {
        // The former one, dropped after the lock.
        let mut _waker = None;
        let mut hub = lock(&self.core.hub);
        match hub.slot(self.ticket) {
            Some(Slot::Waiting(waker)) => {
                if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                    _waker = waker.replace(cx.waker().clone());
                }
                Poll::Pending
            }
            Some(Slot::Granted(_) | Slot::Refused(_)) => match hub.end_wait(self.ticket) {
                Some(Slot::Granted(grant)) => Poll::Ready(Ok(grant)),
                Some(Slot::Refused(error)) => Poll::Ready(Err(error)),
                _ => Poll::Ready(Err(PoolError::Cancelled)),
            },
            None => Poll::Ready(Err(PoolError::Cancelled)),
        }
    }
}

impl<R: Runtime> Drop for Waiter<'_, R> {
    fn drop(&mut self) {
        let mut after = After::default();
        let now = self.core.runtime.now();
        // Its drop may run anything, so it comes after the lock.
        let mut _waker = None;
        let mut hub = lock(&self.core.hub);
        match hub.end_wait(self.ticket) {
            // Granted, but nobody came for it.
            Some(Slot::Granted(Grant { mut link, owing })) => {
                link.owing_until = owing;
                let state = if owing.is_some() { Cancelled::Owing } else { Cancelled::Idle };
                hub.give_back(now, link, state, &mut after);
            }
            Some(Slot::Waiting(waker)) => {
                _waker = waker;
                hub.pool.cancel(now, self.ticket);
            }
            Some(Slot::Refused(_)) | None => {}
        }
        hub.drain(&mut after);
        drop(hub);
        self.core.finish(after);
    }
}

/// A lease that needs no borrow of its client.
pub(crate) type OwnedLease<R> = Lease<R, Arc<Core<R>>>;

impl<R: Runtime> Lease<R, &Core<R>> {
    /// The same lease for somebody who outlives this borrow; `None` if the client is just being dropped.
    pub(crate) fn into_owned(mut self) -> Option<OwnedLease<R>> {
        let core = self.core.this.upgrade()?;
        Some(Lease { core, link: self.link.take() })
    }

    /// Makes a granted connection fit for a request: finishes what it owes, looks whether it still lives. `false`
    /// if it is of no use; the lease then closes it.
    async fn make_ready(&mut self, now: Instant, owing: Option<Instant>, deadline: Instant) -> Result<bool> {
        let core = self.core;
        let link = self.link();
        link.owing_until = owing;
        if link.io.stream.is_orphaned() {
            link.io.broken = true;
            return Ok(false);
        }
        if let Some(limit) = owing {
            return match link.settle(now, deadline.min(limit), &core.server).await {
                Ok(()) => {
                    link.owing_until = None;
                    Ok(true)
                }
                // The operation's own time is up, and it has sent nothing; the debt goes back to the pool.
                Err(error) if error.is_timeout() && core.runtime.now() < limit => {
                    Err(core.pool_error(PoolError::TimedOut))
                }
                Err(_) => {
                    link.io.broken = true;
                    Ok(false)
                }
            };
        }
        if now.duration_since(link.last_used) > PROBE_AFTER && !link.probe() {
            link.io.broken = true;
            return Ok(false);
        }
        Ok(true)
    }
}

impl<R: Runtime, C: Deref<Target = Core<R>>> Lease<R, C> {
    /// The connection.
    pub(crate) fn link(&mut self) -> &mut Link<R> {
        // `link` is taken in `drop` and `into_owned` only, which end the lease.
        self.link.as_mut().expect("a lease holds its connection until it is dropped")
    }

    /// The next of several replies to one request (exhaust).
    pub(crate) async fn receive_more(&mut self, deadline: Instant) -> Result<Reply> {
        let now = self.core.runtime.now();
        let server = self.core.server.clone();
        self.link().receive(now, deadline, &server).await
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
