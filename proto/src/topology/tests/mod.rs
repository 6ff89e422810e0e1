//! What the specifications' data do not cover: the order of actions, errors, SRV polling, load balancers, silence.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::{
    ApplicationError, CheckFailure, Election, ErrorKind, ErrorPhase, ErrorVerdict, Rejection, RoundTripTime, Topology,
    TopologyAction, TopologyEvent, TopologyKind, TopologyOptions,
};
use crate::hello::{HelloReply, ServerKind, TopologyVersion};
use crate::{Instant, ServerAddress};

mod election;
mod errors;
mod events;
mod replica_set;
mod srv;

const NOW: Instant = Instant::from_millis(1);

type Error = &'static str;

fn at(name: &str) -> ServerAddress {
    ServerAddress::parse(name).unwrap()
}

fn options(seeds: &[&str]) -> TopologyOptions {
    TopologyOptions { seeds: seeds.iter().map(|seed| at(seed)).collect(), ..TopologyOptions::default() }
}

/// An open topology whose first actions and events are taken.
fn open(options: TopologyOptions) -> Topology<Error> {
    let mut topology = Topology::new(NOW, options);
    topology.open(NOW);
    actions(&mut topology);
    events(&mut topology);
    topology
}

/// Actions as short words.
fn actions(topology: &mut Topology<Error>) -> Vec<String> {
    core::iter::from_fn(|| topology.poll_action()).map(|action| word(&action)).collect()
}

fn word(action: &TopologyAction<Error>) -> String {
    let host = |address: &ServerAddress| match address {
        ServerAddress::Tcp { host, .. } => host.clone(),
        ServerAddress::Unix { path } => path.clone(),
    };
    let (verb, address) = match action {
        TopologyAction::ServerAdded { address, monitored: true } => ("add", address),
        TopologyAction::ServerAdded { address, monitored: false } => ("add unmonitored", address),
        TopologyAction::ServerRemoved { address } => ("remove", address),
        TopologyAction::PoolReady { address } => ("ready", address),
        TopologyAction::ClearPool { address, interrupt_in_use: true, .. } => ("clear and interrupt", address),
        TopologyAction::ClearPool { address, service_id: Some(_), .. } => ("clear a service of", address),
        TopologyAction::ClearPool { address, .. } => ("clear", address),
        TopologyAction::CheckNow { address } => ("check", address),
        TopologyAction::CancelCheck { address } => ("cancel", address),
        TopologyAction::Changed => return "changed".to_string(),
    };
    [verb, &host(address)].join(" ")
}

fn events(topology: &mut Topology<Error>) -> Vec<String> {
    let told = core::iter::from_fn(|| topology.poll_event());
    told.map(|event| match event {
        TopologyEvent::TopologyOpening => "topology opening".to_string(),
        TopologyEvent::TopologyClosed => "topology closed".to_string(),
        TopologyEvent::TopologyDescriptionChanged { previous, new } => {
            alloc::format!(
                "{}/{} to {}/{}",
                previous.kind.as_str(),
                previous.servers.len(),
                new.kind.as_str(),
                new.servers.len()
            )
        }
        TopologyEvent::ServerOpening { address } => alloc::format!("{address} opening"),
        TopologyEvent::ServerClosed { address } => alloc::format!("{address} closed"),
        TopologyEvent::ServerDescriptionChanged { address, previous, new } => {
            alloc::format!("{address} {} to {}", previous.kind.as_str(), new.kind.as_str())
        }
    })
    .collect()
}

fn hello(kind: ServerKind) -> HelloReply {
    HelloReply { kind, max_wire_version: 21, ..HelloReply::default() }
}

fn member(kind: ServerKind, hosts: &[&str]) -> HelloReply {
    let hosts = hosts.iter().map(ToString::to_string).collect();
    HelloReply { set_name: Some("rs".to_string()), hosts, ..hello(kind) }
}

fn see(topology: &mut Topology<Error>, name: &str, hello: HelloReply) {
    topology.handle_hello(NOW, &at(name), hello, RoundTripTime::default());
}

fn kind(topology: &Topology<Error>, name: &str) -> Option<ServerKind> {
    topology.description().server(&at(name)).map(|server| server.kind)
}

fn hosts(topology: &Topology<Error>) -> Vec<String> {
    topology.description().servers.keys().map(ToString::to_string).collect()
}

fn error(when: ErrorPhase, kind: ErrorKind) -> ApplicationError<Error> {
    ApplicationError { error: "broken", stale: false, when, kind, service_id: None }
}

fn command(code: i32, topology_version: Option<TopologyVersion>) -> ErrorKind {
    ErrorKind::Command { code, message: String::new(), topology_version }
}

const fn version(counter: i64) -> Option<TopologyVersion> {
    Some(TopologyVersion { process_id: [1; 12], counter })
}

/// A replica set of `a`, the primary, and `b`, a secondary; nothing is left to take.
fn replica_set() -> Topology<Error> {
    let mut topology = open(options(&["a", "b"]));
    let primary = HelloReply { topology_version: version(5), ..member(ServerKind::RsPrimary, &["a", "b"]) };
    see(&mut topology, "a", primary);
    see(&mut topology, "b", member(ServerKind::RsSecondary, &["a", "b"]));
    actions(&mut topology);
    topology
}
