//! The machine: inputs, outputs and the lists of servers.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::change::Change;
use super::{RoundTripTime, ServerDescription, TopologyAction, TopologyDescription, TopologyEvent, TopologyKind};
use crate::hello::{HelloReply, ServerKind, TopologyVersion};
use crate::{Instant, ServerAddress};

/// What a topology is told when it is made.
#[derive(Clone, Debug, Default)]
pub struct TopologyOptions {
    /// Where to begin.
    pub seeds: Vec<ServerAddress>,
    /// `replicaSet`: only members of this set count.
    pub set_name: Option<String>,
    /// `directConnection`: the one seed, whatever it is.
    pub direct: bool,
    /// `loadBalanced`: the one seed is a load balancer.
    pub load_balanced: bool,
    /// `srvMaxHosts`: the most routers to use of those that SRV records name; 0 is all of them.
    pub srv_max_hosts: Option<u32>,
    /// Whether events are recorded from the start.
    pub events: bool,
}

/// The description of a deployment and the rules by which it changes. `C` is the host's error type, cheap to clone; two that
/// are equal say the same.
#[derive(Debug)]
pub struct Topology<C> {
    pub(super) options: TopologyOptions,
    pub(super) description: Arc<TopologyDescription<C>>,
    state: State,
    pub(super) actions: VecDeque<TopologyAction<C>>,
    events: VecDeque<TopologyEvent<C>>,
    listening: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    Open,
    Closed,
}

impl<C: Clone + PartialEq> Topology<C> {
    /// A topology that wants nothing before [`open`](Self::open).
    pub fn new(now: Instant, options: TopologyOptions) -> Self {
        let kind = match &options {
            TopologyOptions { load_balanced: true, .. } => TopologyKind::LoadBalanced,
            TopologyOptions { direct: true, .. } => TopologyKind::Single,
            TopologyOptions { set_name: Some(_), .. } => TopologyKind::ReplicaSetNoPrimary,
            _ => TopologyKind::Unknown,
        };
        let unknown = |seed: &ServerAddress| (seed.clone(), Arc::new(ServerDescription::unknown(now, seed.clone())));
        let description = TopologyDescription {
            kind,
            set_name: options.set_name.clone(),
            servers: options.seeds.iter().map(unknown).collect(),
            ..TopologyDescription::empty()
        };
        Self {
            description: Arc::new(description),
            state: State::New,
            actions: VecDeque::new(),
            events: VecDeque::new(),
            listening: options.events,
            options,
        }
    }

    /// Begins: the seeds are added. Nothing to a topology that is open or closed.
    pub fn open(&mut self, now: Instant) {
        if self.state != State::New {
            return;
        }
        self.state = State::Open;
        self.emit(|| TopologyEvent::TopologyOpening);
        let (previous, new) = (Arc::new(TopologyDescription::empty()), self.description.clone());
        self.emit(|| TopologyEvent::TopologyDescriptionChanged { previous, new });
        let seeds: Vec<ServerAddress> = self.description.servers.keys().cloned().collect();
        for address in seeds {
            self.emit(|| TopologyEvent::ServerOpening { address: address.clone() });
            let monitored = !self.options.load_balanced;
            self.actions.push_back(TopologyAction::ServerAdded { address: address.clone(), monitored });
            if !monitored {
                let server = ServerDescription {
                    kind: ServerKind::LoadBalancer,
                    ..ServerDescription::unknown(now, address.clone())
                };
                self.change(now, |change| change.replace(server));
                self.actions.push_back(TopologyAction::PoolReady { address });
            }
        }
        self.actions.push_back(TopologyAction::Changed);
    }

    /// What is known: a snapshot, cheap to clone.
    pub const fn description(&self) -> &Arc<TopologyDescription<C>> {
        &self.description
    }

    /// A monitor has seen its server.
    pub fn handle_hello(&mut self, now: Instant, address: &ServerAddress, hello: HelloReply, rtt: RoundTripTime) {
        let Some(known) = self.description.server(address) else { return };
        if !self.is_monitored() || is_older(hello.topology_version, known.topology_version) {
            return;
        }
        let mut server = ServerDescription {
            kind: hello.kind,
            topology_version: hello.topology_version,
            round_trip_time: rtt,
            hello: Some(Arc::new(hello)),
            ..ServerDescription::unknown(now, address.clone())
        };
        if let Some(rejection) = self.misfit(&server) {
            server =
                ServerDescription { rejection: Some(rejection), ..ServerDescription::unknown(now, address.clone()) };
        }
        self.update(now, server);
        if self.description.server(address).is_some_and(|server| self.opens_pool(server.kind)) {
            self.actions.push_back(TopologyAction::PoolReady { address: address.clone() });
        }
        self.actions.push_back(TopologyAction::Changed);
    }

    /// The answer to SRV polling: only an unknown or sharded deployment follows it. Hosts that are new are chosen by `random`
    /// if there are more than `srvMaxHosts` (specification *Polling SRV Records for mongos Discovery*).
    pub fn handle_srv_hosts(&mut self, now: Instant, hosts: Vec<ServerAddress>, random: u64) {
        let follows = matches!(self.description.kind, TopologyKind::Unknown | TopologyKind::Sharded);
        if self.state != State::Open || !follows || hosts.is_empty() {
            return;
        }
        // A set, since a host may have several records.
        let hosts: BTreeSet<ServerAddress> = hosts.into_iter().collect();
        let (mut wanted, new): (BTreeSet<_>, BTreeSet<_>) =
            hosts.into_iter().partition(|host| self.description.servers.contains_key(host));
        let mut new: Vec<ServerAddress> = new.into_iter().collect();
        let most = self.options.srv_max_hosts.filter(|&most| most > 0).map_or(usize::MAX, |most| most as usize);
        let mut bits = random;
        while wanted.len() < most && !new.is_empty() {
            // A step of a linear congruential generator: which of the equals is taken matters little.
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let index = (bits >> 33) as usize % new.len();
            wanted.insert(new.swap_remove(index));
        }
        self.change(now, |change| {
            change.retain(|address| wanted.contains(address));
            wanted.iter().for_each(|address| change.add(address));
        });
        self.actions.push_back(TopologyAction::Changed);
    }

    /// Ends for good: every server is removed.
    pub fn close(&mut self, now: Instant) {
        match core::mem::replace(&mut self.state, State::Closed) {
            State::Open => {}
            State::New => {
                let kind = self.description.kind;
                self.description = Arc::new(TopologyDescription { kind, ..TopologyDescription::empty() });
                return;
            }
            State::Closed => return,
        }
        self.change(now, |change| {
            change.retain(|_| false);
            change.description.kind = TopologyKind::Unknown;
        });
        self.emit(|| TopologyEvent::TopologyClosed);
        self.actions.push_back(TopologyAction::Changed);
    }

    /// The next thing to do, oldest first.
    pub fn poll_action(&mut self) -> Option<TopologyAction<C>> {
        self.actions.pop_front()
    }

    /// The next thing to tell, oldest first.
    pub fn poll_event(&mut self) -> Option<TopologyEvent<C>> {
        self.events.pop_front()
    }

    /// Whether events are recorded from now on.
    pub const fn set_events(&mut self, listening: bool) {
        self.listening = listening;
    }

    pub(super) const fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Whether monitors are heard: there are none for a load balancer.
    pub(super) fn is_monitored(&self) -> bool {
        self.is_open() && self.description.kind != TopologyKind::LoadBalanced
    }

    fn opens_pool(&self, kind: ServerKind) -> bool {
        match kind {
            ServerKind::Standalone | ServerKind::Mongos | ServerKind::RsPrimary | ServerKind::RsSecondary => true,
            ServerKind::Unknown => false,
            _ => self.description.kind == TopologyKind::Single,
        }
    }

    pub(super) fn emit(&mut self, event: impl FnOnce() -> TopologyEvent<C>) {
        if self.listening {
            self.events.push_back(event());
        }
    }

    /// Changes the description, and says and tells what follows from the difference.
    pub(super) fn change(&mut self, now: Instant, act: impl FnOnce(&mut Change<C>)) {
        let previous = self.description.clone();
        let mut change = Change { now, description: (*previous).clone(), check_now: Vec::new() };
        act(&mut change);
        change.settle();
        let Change { description, check_now, .. } = change;
        let new = Arc::new(description);
        self.description = new.clone();
        let removed = only_in(&previous.servers, &new.servers);
        let added = only_in(&new.servers, &previous.servers);
        if self.listening {
            self.tell(previous, new, &removed, &added);
        }
        let servers = &self.description.servers;
        let removed = removed.into_iter().map(|address| TopologyAction::ServerRemoved { address });
        let added = added.into_iter().map(|address| TopologyAction::ServerAdded { address, monitored: true });
        let check_now = check_now.into_iter().filter(|address| servers.contains_key(address));
        let check_now = check_now.map(|address| TopologyAction::CheckNow { address });
        self.actions.extend(removed.chain(added).chain(check_now));
    }

    /// The events of a change.
    fn tell(
        &mut self,
        previous: Arc<TopologyDescription<C>>,
        new: Arc<TopologyDescription<C>>,
        removed: &[ServerAddress],
        added: &[ServerAddress],
    ) {
        let before = self.events.len();
        for (address, server) in &new.servers {
            if let Some(was) = previous.servers.get(address)
                && !Arc::ptr_eq(was, server)
                && !was.says_the_same(server)
            {
                let (address, previous, new) = (address.clone(), was.clone(), server.clone());
                self.events.push_back(TopologyEvent::ServerDescriptionChanged { address, previous, new });
            }
        }
        let closed = removed.iter().map(|address| TopologyEvent::ServerClosed { address: address.clone() });
        self.events.extend(closed);
        let opening = added.iter().map(|address| TopologyEvent::ServerOpening { address: address.clone() });
        self.events.extend(opening);
        if self.events.len() > before || !previous.says_the_same(&new) {
            self.events.push_back(TopologyEvent::TopologyDescriptionChanged { previous, new });
        }
    }
}

type Servers<C> = BTreeMap<ServerAddress, Arc<ServerDescription<C>>>;

fn only_in<C>(these: &Servers<C>, those: &Servers<C>) -> Vec<ServerAddress> {
    these.keys().filter(|address| !those.contains_key(address)).cloned().collect()
}

/// Whether the first of two versions of one process is the older.
pub(super) fn is_older(one: Option<TopologyVersion>, other: Option<TopologyVersion>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return false };
    one.process_id == other.process_id && one.counter < other.counter
}
