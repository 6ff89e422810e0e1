//! What monitors say, and what follows from it for servers and pools.

use alloc::sync::Arc;
use core::time::Duration;

use super::{Action, Cluster, Event, Server, ServerId};
use crate::hello::{HelloReply, ServerKind};
use crate::pool::{Pool, PoolOptions};
use crate::select::RttTracker;
use crate::topology::{CheckFailure, TopologyAction, TopologyEvent};
use crate::{Instant, ServerAddress};

impl<C: Clone + PartialEq> Cluster<C> {
    /// A monitor has seen its server. `rtt`: how long the answer took, where that says something (awaited answers do not).
    pub fn handle_checked(&mut self, now: Instant, server: ServerId, hello: HelloReply, rtt: Option<Duration>) {
        let Some(found) = self.server_mut(server).filter(|found| !found.removed) else { return };
        if let Some(sample) = rtt {
            found.rtt.add(sample);
        }
        let (address, rtt) = (found.address.clone(), found.rtt.get());
        self.topology.handle_hello(now, &address, hello, rtt);
        self.absorb_topology(now);
    }

    /// A monitor's check has failed.
    pub fn handle_check_failed(&mut self, now: Instant, server: ServerId, error: C, failure: CheckFailure) {
        let Some(found) = self.server(server).filter(|found| !found.removed) else { return };
        let address = found.address.clone();
        self.topology.handle_check_failed(now, &address, error, failure);
        self.absorb_topology(now);
    }

    /// The companion of a streaming monitor has measured a round trip.
    pub fn handle_rtt(&mut self, server: ServerId, sample: Duration) {
        if let Some(found) = self.server_mut(server) {
            found.rtt.add(sample);
        }
    }

    /// Takes an event of a monitor into the order of all events.
    pub fn handle_monitor_event(&mut self, event: TopologyEvent<C>) {
        if self.listening {
            self.events.push_back(Event::Topology(event));
        }
    }

    /// Does what the topology wants: it names servers by their addresses.
    pub(super) fn absorb_topology(&mut self, now: Instant) {
        self.forget_round_trips();
        self.absorb_topology_events();
        while let Some(action) = self.topology.poll_action() {
            match action {
                TopologyAction::ServerAdded { address, monitored } => self.add(address, monitored),
                TopologyAction::ServerRemoved { address } => self.remove(now, &address),
                TopologyAction::PoolReady { address } => self.with_pool(&address, |pool| pool.ready(now)),
                TopologyAction::ClearPool { address, error, interrupt_in_use, service_id } => {
                    self.with_pool(&address, |pool| pool.clear(now, error, interrupt_in_use, service_id));
                }
                TopologyAction::CheckNow { address } => {
                    if let Some(server) = self.server_at(&address) {
                        self.actions.push_back(Action::CheckNow { server });
                    }
                }
                TopologyAction::CancelCheck { address } => {
                    if let Some(server) = self.server_at(&address) {
                        self.actions.push_back(Action::CancelCheck { server });
                    }
                }
                TopologyAction::Changed => self.actions.push_back(Action::Changed),
            }
            self.absorb_topology_events();
        }
        self.srv.handle_topology(now, self.topology.description().kind);
    }

    /// A server that has become unknown has no round trip time.
    fn forget_round_trips(&mut self) {
        let description = self.topology.description();
        let is_known = |server: &Server<C>| {
            description.server(&server.address).is_some_and(|found| found.kind != ServerKind::Unknown)
        };
        self.servers.iter_mut().flatten().filter(|server| !is_known(server)).for_each(|server| server.rtt.reset());
    }

    fn absorb_topology_events(&mut self) {
        while let Some(event) = self.topology.poll_event() {
            self.events.push_back(Event::Topology(event));
        }
    }

    fn with_pool(&mut self, address: &ServerAddress, act: impl FnOnce(&mut Pool<C>)) {
        let Some(id) = self.server_at(address) else { return };
        if let Some(server) = self.server_mut(id) {
            act(&mut server.pool);
        }
        self.absorb_pool(id.slot());
    }

    fn add(&mut self, address: ServerAddress, monitored: bool) {
        let free = self.servers.iter().position(Option::is_none);
        let slot = free.unwrap_or_else(|| {
            self.servers.push(None);
            self.servers.len() - 1
        });
        // More than 2^32 servers do not fit into memory.
        let id = ServerId { number: self.next_number, slot: u32::try_from(slot).unwrap_or(u32::MAX) };
        self.next_number += 1;
        let address = Arc::new(address);
        let pool = Pool::new(PoolOptions { events: self.pools_listening, ..self.options.pool.clone() });
        self.servers[slot] =
            Some(Server { id, address: address.clone(), pool, rtt: RttTracker::new(), removed: false });
        self.actions.push_back(Action::AddServer { server: id, address, monitored });
        self.absorb_pool(slot);
    }

    fn remove(&mut self, now: Instant, address: &ServerAddress) {
        let Some(id) = self.server_at(address) else { return };
        self.actions.push_back(Action::RemoveServer { server: id });
        if let Some(server) = self.server_mut(id) {
            server.removed = true;
            server.pool.close(now);
        }
        self.absorb_pool(id.slot());
    }
}
