//! The control plane of one client: topology, and a pool for each of its servers, composed.
//!
//! A [`Cluster`] holds ids and decisions only. Streams, tasks and wakers are the host's, who keeps the cluster behind one
//! short lock; whoever feeds it drains [`Cluster::poll_action`] (and [`Cluster::poll_event`], where somebody listens)
//! before the lock is released.
//!
//! ```text
//!            check_out                            poll_action
//!   user ───────────────▶ ┌──────────────────┐ ───────────────▶ Pool { Dial, Grant, Refuse, Close, .. }
//!                         │ Topology, select │                  StartMonitor, StopMonitor
//!   monitor ────────────▶ │  server ─ Pool   │                  CheckNow, CancelCheck
//!        handle_checked,  │  server ─ Pool   │                  Changed, ResolveSrv
//!   dial ───────────────▶ └──────────────────┘
//!        handle_established, handle_dial_failed
//! ```
//!
//! The monitors are not in here: each is a [`Monitor`](crate::monitor::Monitor) owned by the task that owns its stream, as a
//! connection is. The cluster starts and stops them, asks them to check now or to give a check up, and hears what they have
//! seen.
//!
//! Selection and check-out are one call: a server that suits is chosen, and its pool asked, in one go. If none suits, the
//! caller waits for [`Action::Changed`] and asks again.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use crate::pool::{Pool, PoolOptions};
use crate::select::{RttTracker, SelectOptions};
use crate::session::{ClusterTime, ServerSessions};
use crate::topology::{Topology, TopologyDescription, TopologyOptions};
use crate::{Instant, ServerAddress};

mod checkout;
mod connection;
mod monitoring;
mod output;
mod sessions;
mod srv;

#[cfg(test)]
mod tests;

pub use checkout::CheckOut;
pub use output::{Action, Event, ServerId};
pub use srv::MIN_RESCAN;

/// What a cluster is told when it is made.
#[derive(Clone, Debug, Default)]
pub struct ClusterOptions {
    /// Seeds and shape.
    pub topology: TopologyOptions,
    /// The options of each server's pool.
    pub pool: PoolOptions,
    /// Staleness and latency.
    pub select: SelectOptions,
    /// Whether the seeds came from SRV records, which are to be asked again: how often at most.
    pub srv_rescan: Option<Duration>,
}

/// The control plane of one client. `C` is the host's error type, cheap to clone.
#[derive(Debug)]
pub struct Cluster<C> {
    options: ClusterOptions,
    topology: Topology<C>,
    servers: Vec<Option<Server<C>>>,
    /// The number that the next server gets.
    next_number: u64,
    actions: VecDeque<Action<C>>,
    events: VecDeque<Event<C>>,
    listening: bool,
    pools_listening: bool,
    srv: srv::Rescan,
    sessions: ServerSessions,
    cluster_time: Option<ClusterTime>,
}

/// One server's share.
#[derive(Debug)]
struct Server<C> {
    id: ServerId,
    address: Arc<ServerAddress>,
    pool: Pool<C>,
    rtt: RttTracker,
    /// No longer part of the deployment; kept until its last connection has come back.
    removed: bool,
}

impl<C: Clone + PartialEq> Cluster<C> {
    /// A cluster that does nothing before [`Cluster::open`].
    pub fn new(now: Instant, options: ClusterOptions) -> Self {
        let topology = Topology::new(now, options.topology.clone());
        Self {
            topology,
            servers: Vec::new(),
            next_number: 1,
            actions: VecDeque::new(),
            events: VecDeque::new(),
            listening: options.topology.events,
            pools_listening: options.topology.events,
            srv: srv::Rescan::new(options.srv_rescan),
            sessions: if options.topology.load_balanced {
                ServerSessions::load_balanced()
            } else {
                ServerSessions::new()
            },
            cluster_time: None,
            options,
        }
    }

    /// Begins: monitors are started, and events told. Nothing to a cluster that is open.
    pub fn open(&mut self, now: Instant) {
        self.topology.open(now);
        self.srv.open(now);
        self.absorb_topology(now);
    }

    /// Ends for good: monitors are stopped, pools closed, and whoever waits is refused.
    pub fn close(&mut self, now: Instant) {
        self.srv.close();
        self.topology.close(now);
        self.absorb_topology(now);
        self.actions.push_back(Action::Changed);
    }

    /// What is known of the deployment: a snapshot, cheap to clone.
    pub fn description(&self) -> &Arc<TopologyDescription<C>> {
        self.topology.description()
    }

    /// How servers are selected.
    pub const fn select_options(&self) -> SelectOptions {
        self.options.select
    }

    /// The next thing to do, oldest first.
    pub fn poll_action(&mut self) -> Option<Action<C>> {
        self.actions.pop_front()
    }

    /// The next thing to tell, oldest first.
    pub fn poll_event(&mut self) -> Option<Event<C>> {
        self.events.pop_front()
    }

    /// Whether the events of pools are recorded from now on: there are several for each operation. At first as
    /// `TopologyOptions::events` says.
    pub fn set_pool_events(&mut self, listening: bool) {
        if self.pools_listening == listening {
            return;
        }
        self.pools_listening = listening;
        for server in self.servers.iter_mut().flatten() {
            server.pool.set_events(listening);
        }
    }

    /// When to call [`Cluster::handle_timeout`], if at all.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let pools = self.servers.iter().flatten().filter_map(|server| server.pool.poll_timeout());
        pools.chain(self.srv.poll_timeout()).min()
    }

    /// Time has passed: serves the pools' timers and SRV polling. Harmless when nothing is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        for slot in 0..self.servers.len() {
            if let Some(Some(server)) = self.servers.get_mut(slot) {
                server.pool.handle_timeout(now);
                self.absorb_pool(slot);
            }
        }
        if self.srv.handle_timeout(now) {
            self.actions.push_back(Action::ResolveSrv);
        }
    }

    /// The servers that there are now, with their pools.
    pub fn pools(&self) -> impl Iterator<Item = (ServerId, &ServerAddress, &Pool<C>)> {
        self.present().map(|server| (server.id, &*server.address, &server.pool))
    }

    /// The pool of a server; `None` once the server was removed.
    pub fn pool(&self, id: ServerId) -> Option<&Pool<C>> {
        Some(&self.server(id)?.pool)
    }

    /// The address of a server; `None` once the server was removed.
    pub fn address(&self, id: ServerId) -> Option<&Arc<ServerAddress>> {
        Some(&self.server(id)?.address)
    }

    /// The server of an address, if it is part of the deployment.
    pub fn server_at(&self, address: &ServerAddress) -> Option<ServerId> {
        self.present().find(|server| *server.address == *address).map(|server| server.id)
    }

    fn present(&self) -> impl Iterator<Item = &Server<C>> {
        self.servers.iter().flatten().filter(|server| !server.removed)
    }

    fn server(&self, id: ServerId) -> Option<&Server<C>> {
        self.servers.get(id.slot())?.as_ref().filter(|server| server.id == id)
    }

    fn server_mut(&mut self, id: ServerId) -> Option<&mut Server<C>> {
        self.servers.get_mut(id.slot())?.as_mut().filter(|server| server.id == id)
    }
}
