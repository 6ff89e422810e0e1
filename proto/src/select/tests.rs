//! What the specifications' data does not show.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::Cell;
use core::time::Duration;

use super::*;
use crate::Instant;
use crate::hello::HelloReply;
use crate::read_preference::{ReadPreference, ReadPreferenceError, TagSet};
use crate::topology::{Incompatible, RoundTripTime, TopologyKind};

type Server = ServerDescription<&'static str>;
type Topology = TopologyDescription<&'static str>;

fn address(host: &str) -> ServerAddress {
    ServerAddress::Tcp { host: host.into(), port: 27017 }
}

/// A server of this kind, as far away as it takes so many milliseconds to answer.
fn server(host: &str, kind: ServerKind, millis: u64) -> Server {
    let average = Some(Duration::from_millis(millis));
    let hello = HelloReply { kind, max_wire_version: 17, last_write_date: Some(0), ..HelloReply::default() };
    Server {
        kind,
        hello: Some(Arc::new(hello)),
        round_trip_time: RoundTripTime { average, minimum: Duration::ZERO },
        ..Server::unknown(Instant::ORIGIN, address(host))
    }
}

fn with_hello(mut server: Server, change: impl FnOnce(&mut HelloReply)) -> Server {
    change(Arc::make_mut(server.hello.as_mut().unwrap()));
    server
}

fn failed(host: &str, error: &'static str) -> Server {
    Server { error: Some(error), ..Server::unknown(Instant::ORIGIN, address(host)) }
}

fn topology(kind: TopologyKind, servers: impl IntoIterator<Item = Server>) -> Topology {
    Topology {
        kind,
        set_name: kind.is_replica_set().then(|| "rs".into()),
        max_set_version: None,
        max_election_id: None,
        servers: servers.into_iter().map(|server| (server.address.clone(), Arc::new(server))).collect(),
        logical_session_timeout: None,
        incompatible: None,
    }
}

fn set_of_three() -> Topology {
    topology(
        TopologyKind::ReplicaSetWithPrimary,
        [
            server("a", ServerKind::RsPrimary, 5),
            server("b", ServerKind::RsSecondary, 5),
            server("c", ServerKind::RsSecondary, 100),
        ],
    )
}

fn hosts(topology: &Topology, target: &Target<'_>, avoid: &[ServerAddress]) -> Vec<String> {
    let found = suitable(topology, target, avoid, &SelectOptions::default()).unwrap();
    found.iter().map(|server| server.address.to_string().replace(":27017", "")).collect()
}

fn selected(topology: &Topology, target: &Target<'_>, random: u64) -> Option<String> {
    let found = select(topology, target, &[], &SelectOptions::default(), |_| 0, random).unwrap();
    found.map(|server| server.address.to_string().replace(":27017", ""))
}

#[test]
fn an_incompatible_server_fails_every_target() {
    let mut topology = set_of_three();
    let of =
        |min_wire_version, max_wire_version| Incompatible { address: address("b"), min_wire_version, max_wire_version };
    topology.incompatible = Some(of(0, 6));
    for target in [Target::Writable, Target::Readable(&ReadPreference::nearest()), Target::Address(&address("a"))] {
        let error = select(&topology, &target, &[], &SelectOptions::default(), |_| 0, 0).unwrap_err();
        assert_eq!(error, SelectError::Incompatible(of(0, 6)));
        assert!(error.to_string().starts_with("server at b:27017 reports wire version 6, but"), "{error}");
    }
    let new = SelectError::Incompatible(of(999, 1000)).to_string();
    assert!(new.starts_with("server at b:27017 requires wire version 999, but"), "{new}");
}

#[test]
fn a_read_preference_that_contradicts_itself_is_an_error_everywhere() {
    let tags = vec![TagSet::from_iter([("dc", "ny")])];
    let preference = ReadPreference { tag_sets: tags, ..ReadPreference::primary() };
    let sharded = topology(TopologyKind::Sharded, [server("a", ServerKind::Mongos, 1)]);
    for topology in [set_of_three(), sharded] {
        let error = suitable(&topology, &Target::Readable(&preference), &[], &SelectOptions::default()).unwrap_err();
        assert_eq!(error, SelectError::ReadPreference(ReadPreferenceError::PrimaryWithTags));
    }
}

#[test]
fn staleness_has_to_leave_room_for_a_heartbeat_and_an_idle_write() {
    let options = SelectOptions { heartbeat_frequency: Duration::from_secs(90), ..SelectOptions::default() };
    let of =
        |seconds| ReadPreference { max_staleness: Some(Duration::from_secs(seconds)), ..ReadPreference::nearest() };
    let topology = set_of_three();
    let error = suitable(&topology, &Target::Readable(&of(99)), &[], &options).unwrap_err();
    assert!(matches!(error, SelectError::MaxStaleness { .. }), "{error:?}");
    assert!(suitable(&topology, &Target::Readable(&of(100)), &[], &options).is_ok());
}

#[test]
fn a_secondary_that_does_not_say_when_it_was_written_to_is_stale() {
    let silent = with_hello(server("b", ServerKind::RsSecondary, 5), |hello| hello.last_write_date = None);
    let others = [server("c", ServerKind::RsSecondary, 5), silent.clone()];
    let without = topology(TopologyKind::ReplicaSetNoPrimary, others.clone());
    let mut with = without.clone();
    with.kind = TopologyKind::ReplicaSetWithPrimary;
    with.servers.insert(address("a"), Arc::new(server("a", ServerKind::RsPrimary, 5)));
    let preference = ReadPreference { max_staleness: Some(Duration::from_secs(90)), ..ReadPreference::secondary() };
    assert_eq!(hosts(&without, &Target::Readable(&preference), &[]), ["c"]);
    assert_eq!(hosts(&with, &Target::Readable(&preference), &[]), ["c"]);
}

#[test]
fn whoever_is_avoided_still_tells_how_stale_the_others_are() {
    let newest = with_hello(server("b", ServerKind::RsSecondary, 5), |hello| hello.last_write_date = Some(1_000_000));
    let topology = topology(TopologyKind::ReplicaSetNoPrimary, [newest, server("c", ServerKind::RsSecondary, 5)]);
    let preference = ReadPreference { max_staleness: Some(Duration::from_secs(90)), ..ReadPreference::secondary() };
    // "c" lags by 1000 s, whether "b" is avoided or not; so "b" it is.
    assert_eq!(hosts(&topology, &Target::Readable(&preference), &[address("b")]), ["b"]);
}

#[test]
fn extreme_times_and_limits_do_not_overflow() {
    for date in [i64::MIN, i64::MAX] {
        let mut late = with_hello(server("b", ServerKind::RsSecondary, 5), |hello| hello.last_write_date = Some(date));
        late.last_update = Instant::FAR_FUTURE;
        let mut topology = set_of_three();
        topology.servers.insert(address("b"), Arc::new(late));
        let preference = ReadPreference { max_staleness: Some(Duration::MAX), ..ReadPreference::nearest() };
        let options = SelectOptions { heartbeat_frequency: Duration::MAX, local_threshold: Duration::MAX };
        assert!(suitable(&topology, &Target::Readable(&preference), &[], &options).is_ok());
        topology.kind = TopologyKind::ReplicaSetNoPrimary;
        topology.servers.remove(&address("a"));
        assert!(select(&topology, &Target::Readable(&preference), &[], &options, |_| 0, u64::MAX).is_ok());
    }
}

#[test]
fn an_output_stage_goes_to_the_primary_while_any_server_is_older_than_5_0() {
    let secondary = ReadPreference::secondary();
    let target = Target::OutputStage(&secondary);
    let mut topology = set_of_three();
    assert_eq!(hosts(&topology, &target, &[]), ["b", "c"]);
    assert_eq!(target.read_preference(&topology), Some(&secondary));
    let old = with_hello(server("c", ServerKind::RsSecondary, 100), |hello| hello.max_wire_version = 12);
    topology.servers.insert(address("c"), Arc::new(old));
    assert_eq!(hosts(&topology, &target, &[]), ["a"]);
    assert_eq!(target.read_preference(&topology), None);
    assert_eq!(hosts(&topology, &Target::Readable(&secondary), &[]), ["b", "c"]);
    // One that is not available does not count.
    topology.servers.insert(address("c"), Arc::new(failed("c", "gone")));
    assert_eq!(hosts(&topology, &target, &[]), ["b"]);
}

#[test]
fn an_address_is_any_server_that_answers_there() {
    let mut topology = set_of_three();
    topology.servers.insert(address("d"), Arc::new(failed("d", "gone")));
    topology.servers.insert(address("e"), Arc::new(server("e", ServerKind::RsArbiter, 1)));
    for (host, expected) in [("c", Some("c")), ("d", None), ("e", Some("e")), ("f", None)] {
        assert_eq!(selected(&topology, &Target::Address(&address(host)), 0).as_deref(), expected);
    }
    assert_eq!(hosts(&topology, &Target::Address(&address("c")), &[address("c")]), ["c"]);
}

#[test]
fn a_direct_connection_reaches_what_answers_even_if_it_is_not_initiated() {
    let single = |server| topology(TopologyKind::Single, [server]);
    for kind in [ServerKind::RsGhost, ServerKind::RsOther, ServerKind::RsArbiter, ServerKind::Standalone] {
        assert_eq!(selected(&single(server("a", kind, 1)), &Target::Writable, 0).as_deref(), Some("a"));
    }
    assert_eq!(selected(&single(failed("a", "gone")), &Target::Writable, 0), None);
}

#[test]
fn the_window_begins_at_the_nearest_server_that_is_suitable() {
    let mut topology = set_of_three();
    topology.servers.insert(address("a"), Arc::new(server("a", ServerKind::RsPrimary, 1)));
    let nearest = ReadPreference::nearest();
    let mut found = suitable(&topology, &Target::Readable(&nearest), &[], &SelectOptions::default()).unwrap();
    let window = |found: &Vec<&Arc<Server>>| found.iter().map(|server| server.address.clone()).collect::<Vec<_>>();
    in_window(&mut found, Duration::from_millis(98));
    assert_eq!(window(&found), [address("a"), address("b")]);
    let mut found = suitable(&topology, &Target::Readable(&nearest), &[], &SelectOptions::default()).unwrap();
    in_window(&mut found, Duration::from_millis(99));
    assert_eq!(window(&found), [address("a"), address("b"), address("c")]);
    // Without any measurement nobody is preferred; beside others that were measured, one that was not is out.
    let mut unmeasured = topology.servers[&address("b")].as_ref().clone();
    unmeasured.round_trip_time = RoundTripTime::default();
    let (measured, unmeasured) = (topology.servers[&address("c")].clone(), Arc::new(unmeasured));
    let mut both = vec![&measured, &unmeasured];
    in_window(&mut both, Duration::ZERO);
    assert_eq!(window(&both), [address("c")]);
    let mut alone = vec![&unmeasured, &unmeasured];
    in_window(&mut alone, Duration::ZERO);
    assert_eq!(alone.len(), 2);
}

#[test]
fn two_are_asked_and_never_the_same_twice() {
    let servers: Vec<_> = ["a", "b", "c", "d", "e"].map(|host| Arc::new(server(host, ServerKind::Mongos, 1))).into();
    let servers: Vec<_> = servers.iter().collect();
    // Every pair of the upper bits of the two halves, and the ends of their ranges.
    let halves = (0..=64_u64).map(|step| (step << 26).min(0xffff_ffff));
    let mut seen = [0_u32; 5];
    for random in halves.clone().flat_map(|high| halves.clone().map(move |low| high << 32 | low)) {
        let asked = Cell::new(Vec::new());
        let chosen = choose(
            &servers,
            |address| {
                let mut all = asked.take();
                all.push(address.clone());
                asked.set(all);
                0
            },
            random,
        );
        let asked = asked.take();
        assert_eq!(asked.len(), 2);
        assert_ne!(asked[0], asked[1]);
        let chosen = servers.iter().position(|server| server.address == chosen.unwrap().address).unwrap();
        seen[chosen] += 1;
    }
    assert!(seen.iter().all(|&count| count > 65 * 65 / 5 - 80), "{seen:?}");
    assert!(choose::<()>(&[], |_| 0, 0).is_none());
}

#[test]
fn nobody_is_asked_when_there_is_no_choice() {
    let never = |_: &ServerAddress| unreachable!("there is only one");
    let found = select(&set_of_three(), &Target::Writable, &[], &SelectOptions::default(), never, 9)
        .map(|found| found.unwrap().address.clone());
    assert_eq!(found, Ok(address("a")));
}

#[test]
fn the_minimum_forgets_what_is_older_than_ten_samples() {
    let millis = Duration::from_millis;
    let mut tracker = RttTracker::with_average(millis(50));
    assert_eq!(tracker.get(), RoundTripTime { average: Some(millis(50)), minimum: Duration::ZERO });
    tracker.add(millis(1));
    assert_eq!(tracker.get().minimum, Duration::ZERO);
    for expected in [1, 1, 1, 1, 1, 1, 1, 1, 1, 7] {
        tracker.add(millis(7));
        assert_eq!(tracker.get().minimum, millis(expected));
    }
    for _ in 0..300 {
        tracker.add(Duration::MAX);
    }
    assert_eq!(tracker.get().minimum, Duration::MAX);
    tracker.reset();
    assert_eq!(tracker.get(), RoundTripTime::default());
}

fn failure(topology: Topology, target: &Target<'_>) -> SelectionFailure<&'static str> {
    SelectionFailure::new(Arc::new(topology), target, SelectOptions::default())
}

#[test]
fn a_failure_names_every_server_and_its_cause() {
    let servers = [
        server("a", ServerKind::RsSecondary, 1),
        failed("b", "connection refused"),
        Server::unknown(Instant::ORIGIN, address("c")),
    ];
    let failure = failure(topology(TopologyKind::ReplicaSetNoPrimary, servers), &Target::Writable);
    assert_eq!(
        failure.to_string(),
        "no server is suitable for writes: [a:27017 (RSSecondary), b:27017 (Unknown: connection refused), c:27017 \
         (Unknown: no answer yet)], topology ReplicaSetNoPrimary of set rs; the set has no primary now"
    );
    assert_eq!(failure.cause(), Some(&"connection refused"));
}

#[test]
fn a_failure_names_the_whole_read_preference() {
    let preference = ReadPreference {
        tag_sets: vec![TagSet::from_iter([("dc", "ny"), ("rack", "1")]), TagSet::default()],
        max_staleness: Some(Duration::from_secs(120)),
        ..ReadPreference::secondary()
    };
    let failure = failure(topology(TopologyKind::Unknown, [failed("a", "gone")]), &Target::Readable(&preference));
    assert_eq!(
        failure.to_string(),
        "no server is suitable for reads with read preference secondary, tag sets [{dc: ny, rack: 1}, {}], \
         maxStalenessSeconds 120: [a:27017 (Unknown: gone)], topology Unknown"
    );
}

#[test]
fn a_failure_says_what_may_help() {
    let hint = |topology: Topology, target: &Target<'_>| failure(topology, target).hint().unwrap_or_default();
    let empty = topology(TopologyKind::ReplicaSetNoPrimary, []);
    assert!(hint(empty, &Target::Writable).contains("replicaSet"));
    let unreachable = topology(TopologyKind::ReplicaSetNoPrimary, [failed("internal", "no such host")]);
    assert!(hint(unreachable, &Target::Writable).contains("directConnection=true"));
    let ghost = topology(TopologyKind::Unknown, [server("a", ServerKind::RsGhost, 1)]);
    assert!(hint(ghost, &Target::Writable).contains("rs.initiate()"));
    let alone = topology(TopologyKind::ReplicaSetWithPrimary, [server("a", ServerKind::RsPrimary, 1)]);
    assert!(hint(alone, &Target::Readable(&ReadPreference::secondary())).contains("secondaryPreferred"));
    assert!(hint(set_of_three(), &Target::Address(&address("z"))).contains("has left"));

    let lagging = with_hello(server("b", ServerKind::RsSecondary, 1), |hello| hello.last_write_date = Some(-1_000_000));
    let lagging = topology(TopologyKind::ReplicaSetWithPrimary, [server("a", ServerKind::RsPrimary, 1), lagging]);
    let fresh = ReadPreference { max_staleness: Some(Duration::from_secs(90)), ..ReadPreference::secondary() };
    assert!(hint(lagging, &Target::Readable(&fresh)).contains("maxStalenessSeconds"));
    let tagged = ReadPreference { tag_sets: vec![TagSet::from_iter([("dc", "ny")])], ..ReadPreference::nearest() };
    assert!(hint(set_of_three(), &Target::Readable(&tagged)).contains("tag set"));
    assert_eq!(hint(topology(TopologyKind::Sharded, [failed("a", "gone")]), &Target::Writable), "");
}
