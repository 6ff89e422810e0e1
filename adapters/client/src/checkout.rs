//! Check-out: one lock and a pop when a connection is idle; otherwise a place in a queue, or a watch for a server.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::sync::Arc;

use stator_proto::cluster::CheckOut;
use stator_proto::connection::Cancelled;
use stator_proto::pool::PoolError;
use stator_proto::select::Target;
use stator_proto::{Instant, ServerAddress};

use crate::error::{Error, ErrorKind, Phase, Result};
use crate::hub::{After, Grant, Place, Seat, Slot, lock};
use crate::inner::Core;
use crate::lease::Lease;
use crate::runtime::Runtime;
use crate::selection::Telling;
use crate::selector::ServerSelector;

/// What an operation asks of the cluster.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) target: Target<'a>,
    /// Servers to take only if no other suits.
    pub(crate) avoid: &'a [ServerAddress],
    /// Until when a server must be found.
    pub(crate) select_by: Instant,
    /// When the whole operation is due.
    pub(crate) deadline: Instant,
    /// How long to wait in a queue; `None`: as long as for a server, all in all.
    pub(crate) queue_timeout: Option<Duration>,
    /// The command, for listeners.
    pub(crate) name: &'a str,
    /// The operation's number, for listeners.
    pub(crate) operation_id: i64,
    /// Whether it needs a server session.
    pub(crate) wants_session: bool,
}

/// After how many dials that their runtime refused or dropped a check-out gives up.
const MAX_LOST_DIALS: u32 = 3;

/// What one look at the cluster gave.
pub(crate) enum Look<R: Runtime> {
    Granted(Grant<R>),
    Queued {
        place: Place,
        address: Arc<ServerAddress>,
        until: Instant,
    },
    /// Look again after this round.
    NoServer {
        round: u64,
    },
}

impl<R: Runtime> Core<R> {
    /// A connection that is ready for a request to a server that suits. `time` becomes later if it had to wait.
    ///
    /// All that most operations do of it is here; the rest, with what it needs, is in a box.
    #[expect(clippy::manual_async_fn, reason = "its arguments would be in its future twice")]
    pub(crate) fn check_out<'a, 'b>(
        &'a self,
        time: &'b mut Instant,
        ask: &'b Ask<'b>,
    ) -> impl Future<Output = Result<Lease<R, &'a Self>>> + use<'a, 'b, R> {
        async move {
            let mut told = Telling::begin(self, ask);
            let looked = match self.look(*time, ask, &mut told) {
                Ok(Look::Granted(Grant { link, owing: None })) => {
                    let mut lease = Lease::new(self, link);
                    if lease.is_fit(*time) {
                        return Ok(lease);
                    }
                    None
                }
                looked => Some(looked),
            };
            Box::pin(self.wait_for_connection(time, ask, told, looked)).await
        }
    }

    /// The rest of a check-out that found no connection at its first look, if it is still `looked` at.
    async fn wait_for_connection<'a>(
        &'a self,
        time: &mut Instant,
        ask: &Ask<'_>,
        mut told: Telling<'_, R>,
        mut looked: Option<Result<Look<R>>>,
    ) -> Result<Lease<R, &'a Self>> {
        let mut lost_dials = 0;
        loop {
            let look = match looked.take() {
                Some(look) => look,
                None => {
                    *time = self.runtime.now();
                    self.look(*time, ask, &mut told)
                }
            };
            let grant = match look.inspect_err(|error| told.fails(error))? {
                Look::Granted(grant) => grant,
                Look::NoServer { round } => {
                    told.waits(*time);
                    self.wait_for_change(round, ask).await.inspect_err(|error| told.fails(error))?;
                    continue;
                }
                Look::Queued { place, address, until } => {
                    let waited = self.wait(place, &address, until, ask.wants_session).await;
                    *time = self.runtime.now();
                    match waited {
                        Ok(Some(grant)) => grant,
                        // The server is no longer part of the deployment: another may be.
                        Ok(None) => continue,
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
            let mut lease = Lease::new(self, grant.link);
            let fit = match grant.owing {
                None => lease.is_fit(*time),
                Some(limit) => lease.settle(*time, limit, self.queue_until(*time, ask)).await?,
            };
            if fit {
                if grant.owing.is_some() {
                    *time = self.runtime.now();
                }
                return Ok(lease);
            }
        }
    }

    fn queue_until(&self, now: Instant, ask: &Ask<'_>) -> Instant {
        ask.queue_timeout.map_or(ask.select_by, |timeout| ask.deadline.min(now + timeout))
    }

    fn look(&self, now: Instant, ask: &Ask<'_>, told: &mut Telling<'_, R>) -> Result<Look<R>> {
        let until = self.queue_until(now, ask);
        let random = self.random();
        let mut after = After::default();
        let mut hub = self.lock_awake(now)?;
        let outcome = match self.selector.as_ref().filter(|_| ServerSelector::is_asked(&ask.target)) {
            None => hub.cluster.check_out(now, &ask.target, ask.avoid, until, random),
            Some(selector) => {
                let (description, options) = (hub.cluster.description().clone(), hub.cluster.select_options());
                // The application's function runs without the lock.
                drop(hub);
                let servers = selector.select(&description, ask, &options)?;
                hub = self.lock_awake(now)?;
                hub.cluster.check_out_among(now, &servers, until, random)
            }
        };
        let selected = match &outcome {
            CheckOut::Granted { server, .. } | CheckOut::Wait { server, .. } | CheckOut::Refused { server, .. } => {
                Some(*server)
            }
            CheckOut::NoServer | CheckOut::Impossible(_) => None,
        };
        told.looked(&mut hub, selected);
        let outcome = match outcome {
            CheckOut::Granted { server, connection, owing } => match hub.take(Seat { server, connection }) {
                Some(mut link) => {
                    hub.equip(now, &mut link, ask.wants_session);
                    Ok(Look::Granted(Grant { link, owing }))
                }
                // A site holds every connection that its pool calls idle or owing.
                None => Err(Error::new(Phase::Queue, ErrorKind::Closed)),
            },
            CheckOut::Wait { server, ticket } => match hub.site(server).map(|site| Arc::clone(&site.address)) {
                Some(address) => {
                    let place = Place::new(server, ticket);
                    hub.waiting.insert(place, Slot::Waiting(None));
                    Ok(Look::Queued { place, address, until })
                }
                // Every server that can be selected has a site.
                None => Err(Error::new(Phase::Queue, ErrorKind::Closed)),
            },
            CheckOut::NoServer if hub.closed => Err(Error::new(Phase::Select, ErrorKind::Closed)),
            CheckOut::NoServer => Ok(Look::NoServer { round: hub.watchers.round() }),
            CheckOut::Refused { server, error } => {
                let address = hub.site(server).map(|site| Arc::clone(&site.address));
                Err(queue_error(address.as_deref(), error))
            }
            CheckOut::Impossible(error) => Err(Error::new(Phase::Select, ErrorKind::Impossible(error))),
        };
        hub.drain(&mut after);
        drop(hub);
        self.finish(after);
        outcome
    }

    /// Whether a server suits, without checking anything out of its pool; if none does, look again after that round.
    pub(crate) fn look_for_server(&self, ask: &Ask<'_>) -> Result<Option<u64>> {
        let random = self.random();
        let mut after = After::default();
        let mut hub = self.lock_awake(self.runtime.now())?;
        let outcome = match hub.cluster.select(&ask.target, ask.avoid, random) {
            Ok(Some(_)) => Ok(None),
            Ok(None) if hub.closed => Err(Error::new(Phase::Select, ErrorKind::Closed)),
            Ok(None) => {
                hub.cluster.check_all();
                Ok(Some(hub.watchers.round()))
            }
            Err(error) => Err(Error::new(Phase::Select, ErrorKind::Impossible(error))),
        };
        hub.drain(&mut after);
        drop(hub);
        self.finish(after);
        outcome
    }

    /// Waits in a queue; `None` if the server was removed meanwhile.
    async fn wait(
        &self,
        place: Place,
        address: &ServerAddress,
        until: Instant,
        wants_session: bool,
    ) -> Result<Option<Grant<R>>> {
        let waiter = Waiter { core: self, place, wants_session };
        let mut timer = pin!(self.runtime.sleep_until(until));
        poll_fn(|cx| {
            if let Poll::Ready(outcome) = waiter.poll(cx) {
                return Poll::Ready(outcome.map_err(|error| queue_error(Some(address), error)));
            }
            match timer.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(Err(queue_error(Some(address), PoolError::TimedOut))),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}

fn queue_error(server: Option<&ServerAddress>, error: PoolError<Error>) -> Error {
    let kind = match error {
        PoolError::Closed => ErrorKind::Closed,
        error => ErrorKind::Pool(error),
    };
    match server {
        Some(server) => Error::at(Phase::Queue, server, kind),
        None => Error::new(Phase::Queue, kind),
    }
}

/// A place in the queue; dropping it leaves the queue.
struct Waiter<'c, R: Runtime> {
    core: &'c Core<R>,
    place: Place,
    wants_session: bool,
}

impl<R: Runtime> Waiter<'_, R> {
    fn poll(&self, cx: &Context<'_>) -> Poll<Result<Option<Grant<R>>, PoolError<Error>>> {
        // The former one, dropped after the lock.
        let mut _waker = None;
        let mut hub = lock(&self.core.hub);
        match hub.waiting.get_mut(&self.place) {
            Some(Slot::Waiting(waker)) => {
                if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                    _waker = waker.replace(cx.waker().clone());
                }
                Poll::Pending
            }
            Some(Slot::Granted(_) | Slot::Refused(_)) => match hub.waiting.remove(&self.place) {
                Some(Slot::Granted(mut grant)) => {
                    let now = self.core.runtime.now();
                    hub.equip(now, &mut grant.link, self.wants_session);
                    Poll::Ready(Ok(Some(grant)))
                }
                Some(Slot::Refused(error)) if hub.is_removed(self.place.server, &error) => Poll::Ready(Ok(None)),
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
        match hub.waiting.remove(&self.place) {
            // Granted, but nobody came for it.
            Some(Slot::Granted(Grant { mut link, owing })) => {
                link.owing_until = owing;
                let state = if owing.is_some() { Cancelled::Owing } else { Cancelled::Idle };
                hub.give_back(now, link, state, &mut after);
            }
            Some(Slot::Waiting(waker)) => {
                _waker = waker;
                let Place { server, ticket } = self.place;
                hub.cluster.cancel(now, server, ticket);
            }
            Some(Slot::Refused(_)) | None => {}
        }
        hub.drain(&mut after);
        drop(hub);
        self.core.finish(after);
    }
}
