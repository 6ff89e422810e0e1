//! The control plane of one client, behind one short lock: the cluster machine, and beside it the places where what its ids
//! stand for is kept.
//!
//! Whoever feeds the cluster drains all of its actions while the lock is held ([`Hub::drain`]); what must not happen under the
//! lock (waking, dropping streams, spawning) is collected in [`After`] and done once it is released.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stator_proto::auth::scram::KeyCache;
use stator_proto::cluster::{Action, Cluster, ServerId};
use stator_proto::connection::Cancelled;
use stator_proto::operation::Reached;
use stator_proto::pool::{self, CloseReason, ConnectionId, PoolError};
use stator_proto::topology::TopologyKind;
use stator_proto::{Instant, ServerAddress};

use crate::error::Error;
use crate::event::Category;
use crate::link::Link;
use crate::runtime::Runtime;

mod after;
mod desk;
mod site;
mod teller;
mod waiting;

pub(crate) use after::{After, Dial, Rest};
pub(crate) use desk::{Farewell, KeeperDesk, Kill, MonitorDesk, Orders};
pub(crate) use site::Site;
pub(crate) use teller::Teller;
pub(crate) use waiting::{Grant, Place, Slot, Watchers};

/// Which connection: of which server, and which of its pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) server: ServerId,
    pub(crate) connection: ConnectionId,
}

/// Everything behind the client's lock.
#[derive(Debug)]
pub(crate) struct Hub<R: Runtime> {
    pub(crate) cluster: Cluster<Error>,
    /// What belongs to each server, by the cluster's slots.
    sites: Vec<Option<Site<R>>>,
    /// Check-outs in the queues of pools. Not by their slots: the pool gives a slot to the next ticket as soon as it has granted
    /// one, but the waiter has yet to come for the grant.
    pub(crate) waiting: HashMap<Place, Slot<R>>,
    /// Who waits for something to be learnt of the deployment.
    pub(crate) watchers: Watchers,
    pub(crate) srv: SrvState,
    pub(crate) keeper: KeeperDesk<R>,
    /// A monitor has ended without being told to, or could not be started: whoever comes next starts it again.
    pub(crate) monitors_missing: bool,
    pub(crate) keys: KeyCache,
    /// Who tells listeners what happens; `None` if there are none.
    pub(crate) teller: Option<Teller>,
    pub(crate) closed: bool,
}

/// Where the seeds of a `mongodb+srv` client are.
#[derive(Debug)]
pub(crate) enum SrvState {
    /// The seeds are known.
    Known,
    /// They are to be asked for. With the failure of the last time, and the round that told it.
    Needed(Option<(u64, Error)>),
    /// They are being asked for.
    Asking,
}

/// Locks the hub. A panic under the lock cannot leave it half changed in a way that matters more than going on.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<R: Runtime> Hub<R> {
    pub(crate) fn new(cluster: Cluster<Error>, srv: SrvState) -> Self {
        Self {
            cluster,
            sites: Vec::new(),
            waiting: HashMap::new(),
            watchers: Watchers::default(),
            srv,
            keeper: KeeperDesk::default(),
            monitors_missing: false,
            keys: KeyCache::new(),
            teller: None,
            closed: false,
        }
    }

    /// What belongs to a server; `None` once another has its slot.
    pub(crate) fn site(&mut self, server: ServerId) -> Option<&mut Site<R>> {
        self.sites.get_mut(server.slot())?.as_mut().filter(|site| site.id == server)
    }

    /// Everything that belongs to servers.
    pub(crate) fn sites(&mut self) -> impl Iterator<Item = &mut Site<R>> {
        self.sites.iter_mut().flatten()
    }

    /// Takes a connection that nobody uses out of its site.
    pub(crate) fn take(&mut self, seat: Seat) -> Option<Box<Link<R>>> {
        self.site(seat.server)?.take(seat.connection)
    }

    /// Drains the cluster's actions. Call it after every input, before the lock is released.
    pub(crate) fn drain(&mut self, after: &mut After<R>) {
        while let Some(action) = self.cluster.poll_action() {
            match action {
                Action::Pool { server, action } => self.pool_action(server, action, after),
                Action::AddServer { server, address, monitored } => {
                    self.open_site(server, address, monitored);
                    if monitored {
                        after.rest().monitors.push(server);
                    }
                }
                Action::RemoveServer { server } => self.order(server, after, Orders::stop),
                Action::CheckNow { server } => self.order(server, after, Orders::check),
                Action::CancelCheck { server } => self.order(server, after, Orders::cancel),
                Action::Changed => self.watchers.changed(&mut after.wake),
                Action::ResolveSrv => after.rest().resolve_srv = true,
            }
        }
        if let Some(teller) = &self.teller {
            while let Some(event) = self.cluster.poll_event() {
                teller.tell(event);
                after.told = true;
            }
            // What listens can be switched on and off at any time (`tracing`).
            self.cluster.set_pool_events(teller.wants(Category::Pool));
        }
        // The keeper must look in time at what the cluster waits for. One that is awake will look before it sleeps.
        if let Some(wakes_at) = self.keeper.wakes_at
            && self.cluster.poll_timeout().is_some_and(|at| at < wakes_at)
        {
            after.wake.extend(self.keeper.ring());
        }
    }

    fn open_site(&mut self, server: ServerId, address: Arc<ServerAddress>, monitored: bool) {
        let slot = server.slot();
        if slot >= self.sites.len() {
            self.sites.resize_with(slot + 1, || None);
        }
        self.sites[slot] = Some(Site::new(server, address, monitored));
    }

    fn order(&mut self, server: ServerId, after: &mut After<R>, order: fn(&mut Orders)) {
        if let Some(site) = self.site(server) {
            for desk in [&mut site.monitor, &mut site.rtt_monitor] {
                desk.order(order, after);
            }
        }
    }

    fn pool_action(&mut self, server: ServerId, action: pool::Action<Error>, after: &mut After<R>) {
        match action {
            pool::Action::Dial { connection, populates, .. } => {
                after.rest().dial.push(Dial { seat: Seat { server, connection }, populates });
            }
            pool::Action::Grant { ticket, connection, owing } => {
                if let Some(link) = self.take(Seat { server, connection }) {
                    self.answer(Place::new(server, ticket), Slot::Granted(Grant { link, owing }), after);
                }
            }
            pool::Action::Refuse { ticket, error } => {
                self.answer(Place::new(server, ticket), Slot::Refused(error), after);
            }
            pool::Action::Close { connection, .. } => {
                let Some(site) = self.site(server) else { return };
                let closer = site.forget(connection);
                match site.take(connection) {
                    Some(link) => after.rest().close.push(link),
                    // A dial under way; a connection that its user has closed is forgotten already.
                    None => after.rest().interrupt.extend(closer),
                }
            }
            pool::Action::Interrupt { connection } => {
                let closer = self.site(server).and_then(|site| site.closer(connection));
                after.rest().interrupt.extend(closer);
            }
            pool::Action::Drain { connection } => after.rest().overdue.extend(self.take(Seat { server, connection })),
        }
    }

    /// Wakes whoever waits for something to be learnt.
    pub(crate) fn wake_watchers(&mut self, after: &mut After<R>) {
        self.watchers.changed(&mut after.wake);
    }

    /// Gives a connection what its next operation needs: a session, and what is known of the deployment that it has reached.
    pub(crate) fn equip(&mut self, now: Instant, link: &mut Link<R>, wants_session: bool) {
        let description = self.cluster.description();
        let hello = link.machine.hello();
        let server = description.server(&link.address);
        link.reached = Reached {
            topology: description.kind,
            min_round_trip_time: server.map(|server| server.round_trip_time.minimum).unwrap_or_default(),
            sessions: hello.logical_session_timeout.is_some() || description.kind == TopologyKind::LoadBalanced,
            cluster_time: self.cluster.cluster_time().cloned(),
        };
        if wants_session && link.reached.sessions {
            link.session = self.cluster.reuse_session(now);
        }
    }

    fn answer(&mut self, place: Place, answer: Slot<R>, after: &mut After<R>) {
        match self.waiting.get_mut(&place) {
            Some(slot) => {
                if let Slot::Waiting(Some(waker)) = core::mem::replace(slot, answer) {
                    after.wake.push(waker);
                }
            }
            // The waiter is gone although its ticket was not cancelled: its connection is not safe to use.
            None => {
                if let Slot::Granted(grant) = answer {
                    after.rest().close.push(grant.link);
                }
            }
        }
    }

    /// Discards every connection that nobody uses: their runtime is gone.
    pub(crate) fn discard_unused(&mut self, now: Instant) {
        let seats = |site: &Site<R>| {
            let server = site.id;
            site.unused().map(move |connection| Seat { server, connection }).collect::<Vec<_>>()
        };
        let unused: Vec<Seat> = self.sites.iter().flatten().flat_map(seats).collect();
        for Seat { server, connection } in unused {
            // In its site, so idle or owing: the pool knows it.
            let _ = self.cluster.discard(now, server, connection, CloseReason::Error, None);
        }
    }

    /// Takes a connection back from its user, in the state in which it is left.
    pub(crate) fn give_back(&mut self, now: Instant, mut link: Box<Link<R>>, state: Cancelled, after: &mut After<R>) {
        let Seat { server, connection } = link.seat;
        if let Some(session) = link.session.take() {
            self.cluster.give_back_session(now, session);
        }
        if let Some(time) = link.learnt.take() {
            self.cluster.advance_cluster_time(&time);
        }
        if let Some(command) = link.orphan.take() {
            let server = Arc::clone(&link.address);
            self.keeper.kill.push(Kill { server, command, link: None, session: None, timeout: None });
            after.wake.extend(self.keeper.ring());
        }
        // The connection is in use, so the pool knows it and none of these calls can fail; its site is there as long as it is.
        let _ = match state {
            Cancelled::Idle => {
                self.stow(link, after);
                self.cluster.check_in(now, server, connection)
            }
            Cancelled::Owing => {
                let limit = link.owing_until;
                self.stow(link, after);
                self.cluster.owe(now, server, connection, limit)
            }
            Cancelled::Broken => {
                if let Some(site) = self.site(server) {
                    site.forget(connection);
                }
                after.rest().close.push(link);
                self.cluster.discard(now, server, connection, CloseReason::Error, None)
            }
        };
    }

    /// Puts a connection that nobody uses into its place; tell the cluster next.
    pub(crate) fn stow(&mut self, link: Box<Link<R>>, after: &mut After<R>) {
        match self.site(link.seat.server) {
            Some(site) => site.stow(link),
            None => after.rest().close.push(link),
        }
    }

    /// The error of a queue that says nothing against the server: the caller selects again.
    pub(crate) fn is_removed(&self, server: ServerId, error: &PoolError<Error>) -> bool {
        !self.closed
            && matches!(error, PoolError::Closed)
            && self.cluster.pool(server).is_none_or(|pool| pool.is_closed())
    }

    /// Ends what is still being dialled, monitored or used: the last handle is gone.
    pub(crate) fn interrupt_all(&mut self, after: &mut After<R>) {
        for site in self.sites.iter_mut().flatten() {
            site.interrupt_all(after);
        }
    }
}
