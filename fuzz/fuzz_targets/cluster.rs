//! The control plane with a host that does what it likes, monitors that see anything, and servers that name anybody.

#![no_main]

use core::time::Duration;
use std::collections::BTreeMap;

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use stator_proto::cluster::{Action, CheckOut, Cluster, ClusterOptions, ServerId};
use stator_proto::hello::{HelloReply, ServerKind, TopologyVersion};
use stator_proto::pool::{self, CloseReason, ConnectionId, PoolOptions, Ticket};
use stator_proto::read_preference::ReadPreference;
use stator_proto::select::Target;
use stator_proto::topology::{ApplicationError, CheckFailure, ErrorKind, ErrorPhase, TopologyOptions};
use stator_proto::{Instant, ServerAddress};

fuzz_target!(|data: &[u8]| {
    let mut u = Unstructured::new(data);
    // Running out of data is the end of the story, not an error.
    let Ok(mut world) = World::new(&mut u) else { return };
    while !u.is_empty() && world.input(&mut u).is_ok() {
        world.drain();
    }
    world.finish();
});

struct World {
    now: Instant,
    cluster: Cluster<u8>,
    servers: BTreeMap<u64, ServerId>,
    /// What the host has of each server's connections.
    connections: Vec<(ServerId, ConnectionId, State)>,
    tickets: Vec<(ServerId, Ticket)>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Dialled,
    Idle,
    InUse,
}

fn address(u: &mut Unstructured<'_>) -> Result<ServerAddress> {
    Ok(ServerAddress::Tcp { host: ["a", "b", "c", "d"][u.choose_index(4)?].into(), port: 27017 })
}

impl World {
    fn new(u: &mut Unstructured<'_>) -> Result<Self> {
        let topology = TopologyOptions {
            seeds: vec![address(u)?],
            set_name: u.arbitrary::<bool>()?.then(|| "rs".into()),
            direct: u.ratio(1, 6)?,
            load_balanced: u.ratio(1, 6)?,
            srv_max_hosts: u.arbitrary::<bool>()?.then_some(2),
            events: true,
        };
        let pool = PoolOptions {
            max_pool_size: u.int_in_range(0..=3)?,
            min_pool_size: u.int_in_range(0..=2)?,
            load_balanced: topology.load_balanced,
            events: true,
            ..PoolOptions::default()
        };
        let now = Instant::from_millis(1);
        let srv_rescan = u.arbitrary::<bool>()?.then_some(Duration::from_secs(60));
        let mut cluster = Cluster::new(now, ClusterOptions { topology, pool, srv_rescan, ..ClusterOptions::default() });
        cluster.open(now);
        let mut world = Self { now, cluster, servers: BTreeMap::new(), connections: Vec::new(), tickets: Vec::new() };
        world.drain();
        Ok(world)
    }

    fn server(&self, u: &mut Unstructured<'_>) -> Result<ServerId> {
        let all: Vec<ServerId> = self.servers.values().copied().collect();
        u.choose(&all).copied()
    }

    fn hello(u: &mut Unstructured<'_>) -> Result<HelloReply> {
        use ServerKind::{Mongos, RsArbiter, RsGhost, RsOther, RsPrimary, RsSecondary, Standalone};
        let kinds = [Standalone, Mongos, RsPrimary, RsPrimary, RsSecondary, RsSecondary, RsArbiter, RsOther, RsGhost];
        let mut hosts = Vec::new();
        for _ in 0..u.int_in_range(0..=4)? {
            let host = ["a:27017", "b:27017", "c:27017", "d", "", ":::", "x:99999"][u.choose_index(7)?];
            hosts.push(host.to_owned());
        }
        let number = |u: &mut Unstructured<'_>| Ok(u.int_in_range(0..=3_i64)?);
        Ok(HelloReply {
            kind: *u.choose(&kinds)?,
            set_name: u.ratio(4, 5)?.then(|| "rs".into()),
            set_version: Some(number(u)?),
            election_id: u.arbitrary::<bool>()?.then_some([u.int_in_range(0..=3)?; 12]),
            me: u.ratio(1, 4)?.then(|| "a:27017".into()),
            hosts,
            min_wire_version: 0,
            max_wire_version: [3, 9, 17, 21][u.choose_index(4)?],
            logical_session_timeout: u.arbitrary::<bool>()?.then_some(Duration::from_secs(1800)),
            topology_version: u
                .arbitrary::<bool>()?
                .then_some(TopologyVersion { process_id: [u.int_in_range(0..=1)?; 12], counter: number(u)? }),
            ..HelloReply::default()
        })
    }

    fn failure(u: &mut Unstructured<'_>) -> Result<ApplicationError<u8>> {
        let command = ErrorKind::Command {
            code: [0, 10107, 91, 189, 7][u.choose_index(5)?],
            message: ["", "not master", "node is recovering"][u.choose_index(3)?].into(),
            topology_version: None,
        };
        Ok(ApplicationError {
            error: u.arbitrary()?,
            stale: u.ratio(1, 4)?,
            when: *u.choose(&[ErrorPhase::Establishing, ErrorPhase::Authenticating, ErrorPhase::Established])?,
            kind: u
                .choose(&[ErrorKind::Network, ErrorKind::Timeout, ErrorKind::Overloaded, ErrorKind::Other, command])?
                .clone(),
            service_id: u.arbitrary::<bool>()?.then_some([1; 12]),
        })
    }

    fn connection(&self, u: &mut Unstructured<'_>, state: State) -> Result<usize> {
        let all = self.connections.iter().enumerate().filter(|(_, (.., known))| *known == state);
        let all: Vec<usize> = all.map(|(index, _)| index).collect();
        u.choose(&all).copied()
    }

    fn input(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let now = self.now;
        match u.int_in_range(0..=13)? {
            0 => self.now = now + Duration::from_millis(u.int_in_range(0..=90_000)?),
            1 | 2 => {
                let (server, hello) = (self.server(u)?, Self::hello(u)?);
                let rtt = u.arbitrary::<bool>()?.then_some(Duration::from_millis(u.int_in_range(0..=50)?));
                self.cluster.handle_checked(now, server, hello, rtt);
            }
            3 => {
                let failure = *u.choose(&[CheckFailure::Network, CheckFailure::Timeout, CheckFailure::Command])?;
                self.cluster.handle_check_failed(now, self.server(u)?, u.arbitrary()?, failure);
            }
            4 => self.cluster.handle_application_error(now, self.server(u)?, Self::failure(u)?),
            5 | 6 => {
                let nearest = ReadPreference::nearest();
                let secondary = ReadPreference::secondary();
                let address = address(u)?;
                let targets = [
                    Target::Writable,
                    Target::Readable(&nearest),
                    Target::Readable(&secondary),
                    Target::Address(&address),
                ];
                let until = now + Duration::from_millis(u.int_in_range(0..=5_000)?);
                match self.cluster.check_out(now, u.choose(&targets)?, &[], until, u.arbitrary()?) {
                    CheckOut::Granted { server, connection, .. } => self.granted(server, connection),
                    CheckOut::Wait { server, ticket } => self.tickets.push((server, ticket)),
                    CheckOut::NoServer | CheckOut::Refused { .. } | CheckOut::Impossible(_) => {}
                }
            }
            7 if !self.tickets.is_empty() => {
                let (server, ticket) = self.tickets.swap_remove(u.choose_index(self.tickets.len())?);
                self.cluster.cancel(now, server, ticket);
            }
            8 => {
                let index = self.connection(u, State::Dialled)?;
                let (server, connection, state) = &mut self.connections[index];
                *state = State::Idle;
                let service = u.arbitrary::<bool>()?.then_some([1; 12]);
                let (server, connection) = (*server, *connection);
                self.cluster.handle_established(now, server, connection, service).expect("it was dialled");
            }
            9 => {
                let index = self.connection(u, State::Dialled)?;
                let (server, connection, _) = self.connections.swap_remove(index);
                let mut failure = if u.arbitrary()? { Some(Self::failure(u)?) } else { None };
                if let Some(failure) = failure.as_mut().filter(|failure| failure.when == ErrorPhase::Established) {
                    failure.when = ErrorPhase::Establishing;
                }
                self.cluster.handle_dial_failed(now, server, connection, 1, failure).expect("it was dialled");
            }
            10 => {
                let index = self.connection(u, State::InUse)?;
                let (server, connection, state) = &mut self.connections[index];
                *state = State::Idle;
                let (server, connection) = (*server, *connection);
                self.cluster.check_in(now, server, connection).expect("it was in use");
            }
            11 => {
                let index = self.connection(u, State::InUse)?;
                let (server, connection, _) = self.connections.swap_remove(index);
                self.cluster.discard(now, server, connection, CloseReason::Error, None).expect("it was in use");
            }
            12 => self.cluster.handle_timeout(now),
            _ => {
                let hosts = (0..u.int_in_range(0..=3)?).map(|_| address(u)).collect::<Result<_>>()?;
                self.cluster.handle_srv(now, hosts, Duration::from_secs(1), u.arbitrary()?);
            }
        }
        Ok(())
    }

    fn granted(&mut self, server: ServerId, connection: ConnectionId) {
        let known = self.connections.iter_mut().find(|(s, c, _)| *s == server && *c == connection);
        let (.., state) = known.expect("a connection that the host has");
        assert!(*state == State::Idle, "granted twice");
        *state = State::InUse;
    }

    fn drain(&mut self) {
        while let Some(action) = self.cluster.poll_action() {
            match action {
                Action::AddServer { server, .. } => {
                    let free = self.servers.values().all(|other| other.slot() != server.slot());
                    assert!(free, "two servers in one slot");
                    self.servers.insert(server.number(), server);
                }
                Action::RemoveServer { server } => {
                    self.servers.remove(&server.number()).expect("a server that is there");
                }
                Action::CheckNow { server } | Action::CancelCheck { server } => {
                    assert!(self.servers.contains_key(&server.number()), "an order for nobody");
                }
                Action::Changed | Action::ResolveSrv => {}
                Action::Pool { server, action } => self.pool_action(server, action),
            }
        }
        while self.cluster.poll_event().is_some() {}
        let description = self.cluster.description();
        assert!(description.servers.len() <= 8, "more servers than anybody named");
        assert_eq!(description.servers.len(), self.cluster.pools().count(), "a pool for each server");
    }

    fn pool_action(&mut self, server: ServerId, action: pool::Action<u8>) {
        match action {
            pool::Action::Dial { connection, .. } => self.connections.push((server, connection, State::Dialled)),
            pool::Action::Grant { ticket, connection, .. } => {
                self.tickets.retain(|known| *known != (server, ticket));
                self.granted(server, connection);
            }
            pool::Action::Refuse { ticket, .. } => self.tickets.retain(|known| *known != (server, ticket)),
            pool::Action::Close { connection, .. } => {
                self.connections.retain(|(s, c, _)| (*s, *c) != (server, connection));
            }
            pool::Action::Interrupt { .. } => {}
            pool::Action::Drain { connection } => {
                let known = self.connections.iter_mut().find(|(s, c, _)| (*s, *c) == (server, connection));
                known.expect("a connection that the host has").2 = State::InUse;
            }
        }
    }

    /// At the end nothing is left that the host does not hold itself.
    fn finish(mut self) {
        self.cluster.close(self.now);
        self.drain();
        assert!(self.tickets.is_empty(), "somebody still waits");
        assert!(self.connections.iter().all(|(.., state)| *state == State::InUse), "a connection that nobody uses");
        for (server, connection, _) in core::mem::take(&mut self.connections) {
            self.cluster.check_in(self.now, server, connection).expect("it was in use");
        }
        self.drain();
        assert_eq!(self.cluster.poll_timeout(), None);
    }
}
