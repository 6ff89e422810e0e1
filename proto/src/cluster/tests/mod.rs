//! The parts of a cluster together, on a clock that is set by hand: what one of them learns, the others do.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};

use super::*;
use crate::ServerAddress;
use crate::hello::{HelloReply, ServerKind, TopologyVersion};
use crate::pool::{self, ConnectionId, PoolEvent, Ticket};
use crate::read_preference::ReadPreference;
use crate::select::Target;
use crate::topology::{ApplicationError, CheckFailure, ErrorKind, ErrorPhase, TopologyEvent, TopologyKind};

mod balanced;
mod errors;
mod events;
mod life;
mod queue;
mod removal;

const NEVER: Instant = Instant::FAR_FUTURE;
const SET: [&str; 3] = ["a", "b", "c"];

struct World {
    cluster: Cluster<&'static str>,
    now: Instant,
    /// By their ids, those included that are gone.
    names: BTreeMap<ServerId, String>,
    /// What is being dialled, and was granted, oldest first.
    dials: Vec<(ServerId, ConnectionId)>,
    grants: Vec<(ServerId, Ticket, ConnectionId)>,
}

fn at(name: &str) -> ServerAddress {
    ServerAddress::parse(name).unwrap()
}

fn options(seeds: &[&str]) -> ClusterOptions {
    let seeds = seeds.iter().map(|seed| at(seed)).collect();
    ClusterOptions { topology: TopologyOptions { seeds, ..TopologyOptions::default() }, ..ClusterOptions::default() }
}

fn member(kind: ServerKind, hosts: &[&str]) -> HelloReply {
    HelloReply {
        kind,
        max_wire_version: 21,
        set_name: Some("rs".to_string()),
        hosts: hosts.iter().map(ToString::to_string).collect(),
        topology_version: version(5),
        logical_session_timeout: Some(Duration::from_secs(1800)),
        ..HelloReply::default()
    }
}

const fn version(counter: i64) -> Option<TopologyVersion> {
    Some(TopologyVersion { process_id: [1; 12], counter })
}

const fn error(when: ErrorPhase, kind: ErrorKind) -> ApplicationError<&'static str> {
    ApplicationError { error: "broken", stale: false, when, kind, service_id: None }
}

fn command(code: i32, counter: i64) -> ApplicationError<&'static str> {
    let kind = ErrorKind::Command { code, message: String::new(), topology_version: version(counter) };
    error(ErrorPhase::Established, kind)
}

impl World {
    /// An open cluster; nothing was taken out yet.
    fn open(options: ClusterOptions) -> Self {
        let now = Instant::from_millis(1000);
        let (names, dials, grants) = (BTreeMap::new(), Vec::new(), Vec::new());
        let mut world = Self { cluster: Cluster::new(now, options), now, names, dials, grants };
        world.cluster.open(now);
        world
    }

    /// A set of the primary `a` and the secondaries `b` and `c`, all seen; nothing is left to take out.
    fn set_with(options: ClusterOptions) -> Self {
        let mut world = Self::open(options);
        world.does();
        world.see("a", ServerKind::RsPrimary, &SET);
        world.does();
        world.see("b", ServerKind::RsSecondary, &SET);
        world.see("c", ServerKind::RsSecondary, &SET);
        world.forget();
        world
    }

    fn set() -> Self {
        Self::set_with(options(&["a"]))
    }

    /// A set in which each pool has one connection at most.
    fn narrow_set() -> Self {
        Self::set_with(ClusterOptions {
            pool: PoolOptions { max_pool_size: 1, ..PoolOptions::default() },
            ..options(&["a"])
        })
    }

    fn id(&self, name: &str) -> ServerId {
        self.cluster.server_at(&at(name)).unwrap_or_else(|| panic!("{name} is no server"))
    }

    fn see(&mut self, name: &str, kind: ServerKind, hosts: &[&str]) {
        self.see_after(name, member(kind, hosts), Some(Duration::from_millis(1)));
    }

    fn see_after(&mut self, name: &str, hello: HelloReply, rtt: Option<Duration>) {
        self.cluster.handle_checked(self.now, self.id(name), hello, rtt);
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.cluster.handle_timeout(self.now);
    }

    /// The actions in words; `dials` and `grants` are kept.
    fn does(&mut self) -> Vec<String> {
        core::iter::from_fn(|| self.cluster.poll_action())
            .collect::<Vec<_>>()
            .into_iter()
            .map(|one| self.word(one))
            .collect()
    }

    fn word(&mut self, action: Action<&'static str>) -> String {
        let (server, action) = match action {
            Action::AddServer { server, address, monitored } => {
                let name = address.to_string().replace(":27017", "");
                self.names.insert(server, name.clone());
                return format!("add {name}{}", if monitored { "" } else { " unmonitored" });
            }
            Action::RemoveServer { server } => return format!("remove {}", self.names[&server]),
            Action::CheckNow { server } => return format!("check {}", self.names[&server]),
            Action::CancelCheck { server } => return format!("cancel {}", self.names[&server]),
            Action::Changed => return "changed".to_string(),
            Action::ResolveSrv => return "resolve".to_string(),
            Action::Pool { server, action } => (server, action),
        };
        let name = &self.names[&server];
        match action {
            pool::Action::Dial { connection, .. } => {
                self.dials.push((server, connection));
                format!("{name} dial {connection}")
            }
            pool::Action::Grant { ticket, connection, owing } => {
                self.grants.push((server, ticket, connection));
                let owing = if owing.is_some() { " owing" } else { "" };
                format!("{name} grant {}: {connection}{owing}", ticket.number())
            }
            pool::Action::Refuse { ticket, error } => format!("{name} refuse {}: {error:?}", ticket.number()),
            pool::Action::Close { connection, reason } => format!("{name} close {connection}: {}", reason.as_str()),
            pool::Action::Interrupt { connection } => format!("{name} interrupt {connection}"),
            pool::Action::Drain { connection } => format!("{name} drain {connection}"),
        }
    }

    /// The events in words, without those of check-outs.
    fn tells(&mut self) -> Vec<String> {
        let told = core::iter::from_fn(|| self.cluster.poll_event()).filter_map(|event| {
            let word = match &event {
                Event::Topology(event) => match event {
                    TopologyEvent::TopologyOpening => "topology opening".to_string(),
                    TopologyEvent::TopologyClosed => "topology closed".to_string(),
                    TopologyEvent::TopologyDescriptionChanged { new, .. } => format!("is {}", new.kind.as_str()),
                    TopologyEvent::ServerOpening { address } => format!("{address} opening"),
                    TopologyEvent::ServerClosed { address } => format!("{address} closed"),
                    TopologyEvent::ServerDescriptionChanged { address, new, .. } => {
                        format!("{address} {}", new.kind.as_str())
                    }
                },
                Event::Pool { address, event } => match event {
                    PoolEvent::PoolCreated { .. } => format!("{address} pool created"),
                    PoolEvent::PoolReady => format!("{address} pool ready"),
                    PoolEvent::PoolCleared { .. } => format!("{address} pool cleared"),
                    PoolEvent::PoolClosed => format!("{address} pool closed"),
                    PoolEvent::ConnectionClosed { .. } => format!("{address} connection closed"),
                    _ => return None,
                },
            };
            Some(word.replace(":27017", ""))
        });
        told.collect()
    }

    fn forget(&mut self) {
        self.does();
        self.tells();
    }

    fn check_out(&mut self, target: &Target<'_>) -> CheckOut<&'static str> {
        self.cluster.check_out(self.now, target, &[], NEVER, 7)
    }

    /// Waits in the queue of a server.
    fn wait(&mut self, name: &str) -> (ServerId, Ticket) {
        match self.check_out(&Target::Address(&at(name))) {
            CheckOut::Wait { server, ticket } => {
                assert_eq!(self.names[&server], name);
                (server, ticket)
            }
            other => panic!("{other:?}"),
        }
    }

    /// A connection of a server, dialled for the purpose and in use.
    fn hold(&mut self, name: &str) -> (ServerId, ConnectionId) {
        let (server, ticket) = self.wait(name);
        self.does();
        let (_, dialled) = self.dials.pop().expect("a dial");
        self.cluster.handle_established(self.now, server, dialled, None).unwrap();
        self.does();
        assert_eq!(self.grants.pop(), Some((server, ticket, dialled)));
        (server, dialled)
    }

    fn kind(&self, name: &str) -> Option<ServerKind> {
        self.cluster.description().server(&at(name)).map(|server| server.kind)
    }

    /// pending, idle, in use, waiting
    fn counts(&self, name: &str) -> [u32; 4] {
        let stats = self.cluster.pool(self.id(name)).unwrap().stats();
        [stats.pending, stats.idle, stats.in_use, stats.waiting]
    }
}
