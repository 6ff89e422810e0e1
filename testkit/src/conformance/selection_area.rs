//! `server-selection` and `max-staleness`: topologies, what is wanted of them, and the servers that fit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use stator_proto::hello::{HelloReply, ServerKind};
use stator_proto::read_preference::{ReadPreference, ReadPreferenceMode, TagSet};
use stator_proto::select::{RttTracker, SelectError, SelectOptions, Target, choose, in_window, select, suitable};
use stator_proto::topology::{RoundTripTime, ServerDescription, TopologyDescription, TopologyKind};
use stator_proto::{Instant, ServerAddress};

use super::Report;
use super::files::{description, for_each_case};

type Topology = TopologyDescription<String>;
/// Errors in the data are told from failed selections.
type Selected = Result<BTreeSet<String>, SelectError>;

pub(super) fn server_selection(area: &Path) -> Report {
    let mut report = Report::default();
    for (folder, check) in [
        ("tests/server_selection", check_selection as fn(&Value) -> Result<(), String>),
        ("tests/rtt", check_rtt),
        ("tests/in_window", check_frequencies),
    ] {
        for_each_case(area, folder, &mut report, |report, file, case| {
            report.record(file, description(case), check(case));
        });
    }
    report
}

pub(super) fn max_staleness(area: &Path) -> Report {
    let mut report = Report::default();
    for_each_case(area, "tests", &mut report, |report, file, case| {
        report.record(file, description(case), check_selection(case));
    });
    report
}

/// The suitable servers, those in the latency window, and that each of those, and no other, is selected some time.
fn check_selection(case: &Value) -> Result<(), String> {
    let topology = topology(&case["topology_description"])?;
    let preference = read_preference(&case["read_preference"])?;
    let target = match case["operation"].as_str() {
        Some("write") => Target::Writable,
        // The staleness files say nothing: they read.
        Some("read") | None => Target::Readable(&preference),
        Some(other) => return Err(format!("unknown operation {other}")),
    };
    let avoid = servers(&case["deprioritized_servers"])?.into_iter().map(|server| server.address).collect::<Vec<_>>();
    let mut options = SelectOptions::default();
    if let Some(millis) = case["heartbeatFrequencyMS"].as_u64() {
        options.heartbeat_frequency = Duration::from_millis(millis);
    }
    let found = suitable(&topology, &target, &avoid, &options);
    let mut near = found.clone();
    if let Ok(servers) = &mut near {
        in_window(servers, options.local_threshold);
    }
    let names = |servers: Vec<&Arc<ServerDescription<String>>>| {
        servers.into_iter().map(|server| server.address.to_string()).collect::<BTreeSet<_>>()
    };
    let mut random = SplitMix(7);
    let selected: Selected = (0..100)
        .filter_map(|_| select(&topology, &target, &avoid, &options, |_| 0, random.next()).transpose())
        .map(|server| Ok(server?.address.to_string()))
        .collect();
    expect("suitable servers", case, "suitable_servers", &found.map(names))?;
    expect("the latency window", case, "in_latency_window", &near.map(names))?;
    expect("selected servers", case, "in_latency_window", &selected)
}

/// Compares with the addresses of `case[field]`, or with the error that the case wants.
fn expect(what: &str, case: &Value, field: &str, found: &Selected) -> Result<(), String> {
    match (case["error"] == true, found) {
        (true, Err(_)) => Ok(()),
        (true, Ok(found)) => Err(format!("{what}: expected an error, got {found:?}")),
        (false, Err(error)) => Err(format!("{what}: {error}")),
        (false, Ok(found)) => {
            let listed = case[field].as_array().ok_or_else(|| format!("the case has no {field}"))?;
            let expected = listed.iter().filter_map(|server| server["address"].as_str()).map(String::from);
            let expected = expected.collect::<BTreeSet<_>>();
            (expected == *found).then_some(()).ok_or_else(|| format!("{what}: expected {expected:?}, got {found:?}"))
        }
    }
}

fn check_rtt(case: &Value) -> Result<(), String> {
    let mut tracker = match &case["avg_rtt_ms"] {
        Value::String(null) if null == "NULL" => RttTracker::new(),
        average => RttTracker::with_average(millis(average)?),
    };
    tracker.add(millis(&case["new_rtt_ms"])?);
    let expected = millis(&case["new_avg_rtt"])?;
    let found = tracker.get().average.ok_or("there is no average")?;
    // Both are rounded to whole nanoseconds.
    let close = found.abs_diff(expected) <= Duration::from_nanos(1);
    close.then_some(()).ok_or_else(|| format!("expected {expected:?}, got {found:?}"))
}

/// How often each server is selected while the operations under way stay the same.
fn check_frequencies(case: &Value) -> Result<(), String> {
    let topology = topology(&case["topology_description"])?;
    let mut counts = BTreeMap::new();
    for state in case["mocked_topology_state"].as_array().ok_or("no mocked_topology_state")? {
        let count = state["operation_count"].as_u64().and_then(|count| u32::try_from(count).ok());
        counts.insert(address(state)?, count.ok_or("no operation_count")?);
    }
    let iterations = case["iterations"].as_u64().ok_or("no iterations")?;
    let tolerance = case["outcome"]["tolerance"].as_f64().ok_or("no tolerance")?;
    let expected = case["outcome"]["expected_frequencies"].as_object().ok_or("no expected_frequencies")?;

    let preference = ReadPreference::nearest();
    let options = SelectOptions::default();
    let operation_count = |address: &ServerAddress| counts.get(address).copied().unwrap_or_default();
    let mut random = SplitMix(42);
    let mut seen = BTreeMap::<String, u64>::new();
    for _ in 0..iterations {
        let (bits, target) = (random.next(), Target::Readable(&preference));
        let selected = select(&topology, &target, &[], &options, operation_count, bits);
        let selected = selected.map_err(|error| error.to_string())?.ok_or("no server was selected")?;
        // In parts it must come to the same.
        let mut near = suitable(&topology, &target, &[], &options).map_err(|error| error.to_string())?;
        in_window(&mut near, options.local_threshold);
        let in_parts = choose(&near, operation_count, bits).ok_or("no server was chosen")?;
        if !Arc::ptr_eq(selected, in_parts) {
            return Err(format!("selected {}, but chose {}", selected.address, in_parts.address));
        }
        *seen.entry(selected.address.to_string()).or_default() += 1;
    }
    for (name, expected) in expected {
        let expected = expected.as_f64().ok_or("a frequency is no number")?;
        let found = seen.get(name).copied().unwrap_or_default() as f64 / iterations as f64;
        // "Never" and "always" are exact.
        let tolerance = if expected == 0.0 || expected == 1.0 { 0.0 } else { tolerance };
        if (found - expected).abs() > tolerance {
            return Err(format!("{name}: expected a frequency of {expected}, got {found}"));
        }
    }
    Ok(())
}

/// A small generator of bits that are always the same.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}

fn topology(given: &Value) -> Result<Topology, String> {
    let kinds = [
        TopologyKind::Unknown,
        TopologyKind::Single,
        TopologyKind::ReplicaSetNoPrimary,
        TopologyKind::ReplicaSetWithPrimary,
        TopologyKind::Sharded,
        TopologyKind::LoadBalanced,
    ];
    let kind = kinds.into_iter().find(|kind| given["type"] == kind.as_str());
    let servers = servers(&given["servers"])?;
    Ok(Topology {
        kind: kind.ok_or_else(|| format!("unknown topology type {}", given["type"]))?,
        set_name: None,
        max_set_version: None,
        max_election_id: None,
        servers: servers.into_iter().map(|server| (server.address.clone(), Arc::new(server))).collect(),
        logical_session_timeout: None,
        incompatible: None,
    })
}

fn servers(given: &Value) -> Result<Vec<ServerDescription<String>>, String> {
    given.as_array().into_iter().flatten().map(server).collect()
}

fn server(given: &Value) -> Result<ServerDescription<String>, String> {
    let kind = match given["type"].as_str().ok_or("a server has no type")? {
        // PossiblePrimary is for drivers that work with one thread; to others such a server is unknown.
        "Unknown" | "PossiblePrimary" => ServerKind::Unknown,
        "Standalone" => ServerKind::Standalone,
        "Mongos" => ServerKind::Mongos,
        "RSPrimary" => ServerKind::RsPrimary,
        "RSSecondary" => ServerKind::RsSecondary,
        "RSArbiter" => ServerKind::RsArbiter,
        "RSOther" => ServerKind::RsOther,
        "RSGhost" => ServerKind::RsGhost,
        "LoadBalancer" => ServerKind::LoadBalancer,
        other => return Err(format!("unknown server type {other}")),
    };
    let last_write_date = match &given["lastWrite"]["lastWriteDate"]["$numberLong"] {
        Value::Null => None,
        date => Some(date.as_str().and_then(|date| date.parse().ok()).ok_or("lastWriteDate is no number")?),
    };
    let hello = HelloReply {
        kind,
        tags: tags(&given["tags"])?,
        last_write_date,
        max_wire_version: given["maxWireVersion"].as_i64().map_or(21, |version| version as i32),
        ..HelloReply::default()
    };
    let average = (!given["avg_rtt_ms"].is_null()).then(|| millis(&given["avg_rtt_ms"])).transpose()?;
    let last_update = Instant::from_millis(given["lastUpdateTime"].as_u64().unwrap_or_default());
    Ok(ServerDescription {
        kind,
        hello: (kind != ServerKind::Unknown).then(|| Arc::new(hello)),
        round_trip_time: RoundTripTime { average, minimum: Duration::ZERO },
        ..ServerDescription::unknown(last_update, address(given)?)
    })
}

fn address(given: &Value) -> Result<ServerAddress, String> {
    let text = given["address"].as_str().ok_or("a server has no address")?;
    let (host, port) = text.split_once(':').ok_or("an address has no port")?;
    Ok(ServerAddress::Tcp { host: host.into(), port: port.parse().map_err(|_| "a port is no number")? })
}

fn tags(given: &Value) -> Result<Vec<(String, String)>, String> {
    let tag = |(key, value): (&String, &Value)| Ok((key.clone(), value.as_str().ok_or("a tag is no string")?.into()));
    given.as_object().into_iter().flatten().map(tag).collect()
}

fn read_preference(given: &Value) -> Result<ReadPreference, String> {
    let mode = match given["mode"].as_str() {
        None => ReadPreferenceMode::Primary,
        Some(name) => ReadPreferenceMode::ALL
            .into_iter()
            .find(|mode| mode.as_str().eq_ignore_ascii_case(name))
            .ok_or_else(|| format!("unknown mode {name}"))?,
    };
    let sets = given["tag_sets"].as_array().into_iter().flatten();
    let tag_sets = sets.map(|set| Ok(TagSet { tags: tags(set)? })).collect::<Result<_, String>>()?;
    // -1 is no limit; 0 is a limit, and a wrong one.
    let max_staleness = given["maxStalenessSeconds"].as_i64().and_then(|seconds| u64::try_from(seconds).ok());
    Ok(ReadPreference { mode, tag_sets, max_staleness: max_staleness.map(Duration::from_secs), hedge: None })
}

fn millis(value: &Value) -> Result<Duration, String> {
    let millis = value.as_f64().ok_or_else(|| format!("{value} is no number of milliseconds"))?;
    Duration::try_from_secs_f64(millis / 1000.0).map_err(|error| error.to_string())
}

#[cfg(test)]
#[path = "selection_area_tests.rs"]
mod tests;
