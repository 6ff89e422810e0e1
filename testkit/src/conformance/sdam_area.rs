//! `server-discovery-and-monitoring`, the offline formats: what servers answer and operations meet, and what is then known.
//!
//! They run on the [`Cluster`] machine, so that pools and their generations are real.

use std::path::Path;

use serde_json::Value;
use stator_proto::cluster::{Action, Cluster, ClusterOptions, Event};
use stator_proto::hello::{HelloReply, TopologyVersion};
use stator_proto::pool::Generation;
use stator_proto::topology::{
    ApplicationError, CheckFailure, ErrorKind, ErrorPhase, ServerDescription, TopologyDescription, TopologyEvent,
    TopologyOptions,
};
use stator_proto::{Config, Instant, ServerAddress};
use stator_wire::bson::{Doc, DocBuf};

use super::Report;
use super::files::{description, for_each_case};

pub(super) fn sdam(area: &Path) -> Report {
    let mut report = Report::default();
    for folder in ["rs", "single", "sharded", "load-balanced", "errors", "monitoring"] {
        for_each_case(area, &format!("tests/{folder}"), &mut report, |report, file, case| {
            report.record(file, description(case), run(case));
        });
    }
    report
}

/// One file, phase by phase.
fn run(case: &Value) -> Result<(), String> {
    let uri = case["uri"].as_str().ok_or("there is no uri")?;
    let config = Config::parse(uri).map_err(|error| error.to_string())?.config;
    let mut play = Play::new(&config);
    for (index, phase) in list(&case["phases"]).enumerate() {
        let outcome = play.phase(phase);
        outcome.map_err(|reason| format!("phase {index}: {reason}"))?;
    }
    Ok(())
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

struct Play {
    cluster: Cluster<String>,
    now: Instant,
    events: Vec<TopologyEvent<String>>,
}

impl Play {
    fn new(config: &Config) -> Self {
        let topology = TopologyOptions {
            seeds: config.hosts.clone(),
            set_name: config.replica_set.clone(),
            direct: config.direct_connection(),
            load_balanced: config.load_balanced(),
            srv_max_hosts: None,
            events: true,
        };
        let now = Instant::ORIGIN;
        let mut cluster = Cluster::new(now, ClusterOptions { topology, ..ClusterOptions::default() });
        cluster.open(now);
        let mut play = Self { cluster, now, events: Vec::new() };
        play.drain();
        play
    }

    fn drain(&mut self) {
        while let Some(action) = self.cluster.poll_action() {
            // Only what the descriptions do not show is worth a look, and that is in the pools.
            drop::<Action<String>>(action);
        }
        while let Some(event) = self.cluster.poll_event() {
            if let Event::Topology(event) = event {
                self.events.push(event);
            }
        }
    }

    fn phase(&mut self, phase: &Value) -> Result<(), String> {
        for response in list(&phase["responses"]) {
            let address = address(&response[0])?;
            // Hosts that were removed may still be mentioned.
            if let Some(server) = self.cluster.server_at(&address) {
                match hello(&response[1])? {
                    Some(hello) => self.cluster.handle_checked(self.now, server, hello, None),
                    None => {
                        let error = "network error".to_owned();
                        self.cluster.handle_check_failed(self.now, server, error, CheckFailure::Network);
                    }
                }
            }
            self.drain();
        }
        for error in list(&phase["applicationErrors"]) {
            self.application_error(error)?;
            self.drain();
        }
        self.check(&phase["outcome"])
    }

    fn application_error(&mut self, error: &Value) -> Result<(), String> {
        let server = self.cluster.server_at(&address(&error["address"])?).ok_or("the server is unknown")?;
        let current = self.cluster.pool(server).ok_or("the server has no pool")?.generation();
        let generation = error["generation"].as_u64().map_or(current, |number| Generation(number as u32));
        let when = match error["when"].as_str() {
            Some("beforeHandshakeCompletes") => ErrorPhase::Establishing,
            Some("afterHandshakeCompletes") => ErrorPhase::Established,
            other => return Err(format!("unknown `when` {other:?}")),
        };
        let kind = match error["type"].as_str() {
            Some("network") => ErrorKind::Network,
            Some("timeout") => ErrorKind::Timeout,
            Some("command") => command(&error["response"])?,
            other => return Err(format!("unknown type {other:?}")),
        };
        let message = format!("{kind:?}");
        let error = ApplicationError { error: message, stale: generation < current, when, kind, service_id: None };
        self.cluster.handle_application_error(self.now, server, error);
        Ok(())
    }

    fn check(&mut self, outcome: &Value) -> Result<(), String> {
        if outcome.get("events").is_some() {
            return super::sdam_events::check(list(&outcome["events"]), &core::mem::take(&mut self.events));
        }
        let found = self.cluster.description().clone();
        same("topologyType", &outcome["topologyType"], &found.kind.as_str().into())?;
        same("setName", &outcome["setName"], &found.set_name.clone().into())?;
        let minutes = found.logical_session_timeout.map(|timeout| timeout.as_secs() / 60);
        same("logicalSessionTimeoutMinutes", &outcome["logicalSessionTimeoutMinutes"], &minutes.into())?;
        if let Some(compatible) = outcome.get("compatible") {
            same("compatible", compatible, &found.incompatible.is_none().into())?;
        }
        if let Some(version) = outcome.get("maxSetVersion") {
            same("maxSetVersion", version, &found.max_set_version.into())?;
        }
        if let Some(election) = outcome.get("maxElectionId") {
            same("maxElectionId", &election["$oid"], &found.max_election_id.map(hex).into())?;
        }
        let servers = outcome["servers"].as_object().ok_or("the outcome has no servers")?;
        if servers.len() != found.servers.len() {
            return Err(format!("servers: expected {:?}, found {:?}", servers.keys(), found.servers.keys()));
        }
        servers.iter().try_for_each(|(name, expected)| {
            self.check_server(&found, name, expected).map_err(|reason| format!("server {name}: {reason}"))
        })
    }

    fn check_server(&self, found: &TopologyDescription<String>, name: &str, expected: &Value) -> Result<(), String> {
        let address = ServerAddress::parse(name).ok_or("no address")?;
        let server = found.server(&address).ok_or("is missing")?;
        let hello = server.hello.as_deref();
        for (field, expected) in expected.as_object().into_iter().flatten() {
            let value = match field.as_str() {
                "type" => match (expected.as_str(), server.kind.as_str()) {
                    // Known to drivers with one thread only.
                    (Some("PossiblePrimary"), "Unknown") => continue,
                    (_, kind) => kind.into(),
                },
                "setName" => hello.and_then(|hello| hello.set_name.clone()).into(),
                "setVersion" => hello.and_then(|hello| hello.set_version).into(),
                "electionId" => {
                    same(field, &expected["$oid"], &hello.and_then(|hello| hello.election_id).map(hex).into())?;
                    continue;
                }
                "minWireVersion" => hello.map(|hello| hello.min_wire_version).into(),
                "maxWireVersion" => hello.map(|hello| hello.max_wire_version).into(),
                "logicalSessionTimeoutMinutes" => {
                    hello.and_then(|hello| hello.logical_session_timeout).map(|timeout| timeout.as_secs() / 60).into()
                }
                "topologyVersion" => {
                    check_version(expected, server.topology_version)?;
                    continue;
                }
                "pool" => {
                    let id = self.cluster.server_at(&address).ok_or("has no pool")?;
                    let generation = self.cluster.pool(id).map(|pool| pool.generation().0);
                    same("generation", &expected["generation"], &generation.into())?;
                    continue;
                }
                "error" => {
                    check_error(expected, server)?;
                    continue;
                }
                other => return Err(format!("unknown field {other}")),
            };
            same(field, expected, &value)?;
        }
        Ok(())
    }
}

fn same(what: &str, expected: &Value, found: &Value) -> Result<(), String> {
    if expected == found { Ok(()) } else { Err(format!("{what}: expected {expected}, found {found}")) }
}

fn check_version(expected: &Value, found: Option<TopologyVersion>) -> Result<(), String> {
    let process = found.map(|version| hex(version.process_id));
    let counter = found.map(|version| version.counter.to_string());
    same("processId", &expected["processId"]["$oid"], &process.into())?;
    same("counter", &expected["counter"]["$numberLong"], &counter.into())
}

fn check_error(expected: &Value, server: &ServerDescription<String>) -> Result<(), String> {
    let text = server.error.clone().or(server.rejection.as_ref().map(ToString::to_string));
    match (expected.as_str(), text) {
        (Some(expected), Some(found)) if found.contains(expected) => Ok(()),
        (None, None) => Ok(()),
        (expected, found) => Err(format!("error: expected {expected:?}, found {found:?}")),
    }
}

fn hex(bytes: [u8; 12]) -> String {
    bson::oid::ObjectId::from_bytes(bytes).to_hex()
}

fn address(value: &Value) -> Result<ServerAddress, String> {
    value.as_str().and_then(ServerAddress::parse).ok_or_else(|| format!("{value} is no address"))
}

fn document(value: &Value) -> Result<DocBuf, String> {
    let document = stator_client::extjson::parse(&value.to_string()).map_err(|error| error.to_string())?;
    let bytes = document.to_vec().map_err(|error| error.to_string())?;
    DocBuf::new(bytes).map_err(|error| error.to_string())
}

/// An empty answer stands for a network error, and one that is not `ok` is an error too.
fn hello(value: &Value) -> Result<Option<HelloReply>, String> {
    if value.as_object().is_none_or(|fields| fields.is_empty()) {
        return Ok(None);
    }
    let document = document(value)?;
    if document.as_doc().get_truthy("ok") != Ok(Some(true)) {
        return Ok(None);
    }
    HelloReply::parse(document.as_doc()).map(Some).map_err(|error| error.to_string())
}

fn command(response: &Value) -> Result<ErrorKind, String> {
    let document = document(response)?;
    let reply = document.as_doc();
    let topology_version = reply.get_doc("topologyVersion").ok().flatten();
    let topology_version = topology_version.and_then(|version| TopologyVersion::parse(version).ok().flatten());
    let concern = reply.get_doc("writeConcernError").ok().flatten();
    let error = concern.unwrap_or(reply);
    let code = error.get_number_i64("code").ok().flatten().map_or(0, |code| code as i32);
    let text = |doc: Doc<'_>| doc.get_str("errmsg").ok().flatten().map(str::to_owned).unwrap_or_default();
    Ok(ErrorKind::Command { code, message: text(error), topology_version })
}

#[cfg(test)]
#[path = "sdam_area_tests.rs"]
mod tests;
