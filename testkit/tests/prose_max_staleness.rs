//! The prose tests of the specification *Max Staleness*.
//!
//! Not here: the section "Mongos", whose tests are the server's own.
#![cfg(unix)]

mod prose;

use std::time::{Duration, Instant};

use prose::mongoses;
use stator_blocking::{Blocking, Client};
use stator_client::event::{Event, TopologyEvent};
use stator_client::options::{ReadPreference, ReadPreferenceMode};
use stator_client::{ClientOptions, Document, Runtime, doc};
use stator_sim::Sim;
use stator_sim::server::FakeServer;
use stator_testkit::prose::{self as kit, Record, with_options};
use stator_testkit::server::unique_db;

fn preference(options: &str) -> ReadPreference {
    let options = ClientOptions::parse(&format!("mongodb://host/?{options}")).unwrap();
    assert!(options.warnings.is_empty(), "{:?}", options.warnings);
    options.config.read_preference
}

/// Connection string, Basic.
#[test]
fn prose_connection_string_basic() {
    let given = preference("readPreference=secondary&maxStalenessSeconds=120");
    assert_eq!((given.mode, given.max_staleness), (ReadPreferenceMode::Secondary, Some(Duration::from_secs(120))));
}

/// Connection string, No maxStalenessSeconds with mode "primary".
#[test]
fn prose_connection_string_no_max_staleness_with_mode_primary() {
    for options in ["maxStalenessSeconds=120", "readPreference=primary&maxStalenessSeconds=120"] {
        let uri = format!("mongodb://host/?{options}");
        let client = ClientOptions::parse(&uri).and_then(Client::with_options);
        assert!(client.is_err(), "{uri}");
    }
}

/// Connection string, Specifying "no max staleness" with "-1".
#[test]
fn prose_connection_string_no_max_staleness_with_minus_one() {
    assert_eq!(preference("readPreference=secondary&maxStalenessSeconds=-1"), ReadPreference::secondary());
    assert_eq!(preference("readPreference=primary&maxStalenessSeconds=-1"), ReadPreference::primary());
}

/// Connection string, No validation.
#[test]
fn prose_connection_string_no_validation() {
    Client::new("mongodb://host/?readPreference=secondary&maxStalenessSeconds=1").unwrap();
}

/// heartbeatFrequencyMS is configurable: a standalone server is checked twice per second. On a simulated server, in virtual time.
#[test]
fn prose_heartbeat_frequency_is_configurable() {
    for (frequency, beats) in [(500, 18..=22), (2000, 4..=6)] {
        let (sim, record) = (Sim::new(1), Record::new());
        let _server = FakeServer::start(&sim, "10.0.0.1:27017".parse().unwrap());
        let client = record.client(sim.clone(), &format!("mongodb://10.0.0.1/?heartbeatFrequencyMS={frequency}"));
        sim.run(async {
            client.connect().await.unwrap();
            record.clear();
            sim.sleep(Duration::from_secs(10)).await;
        })
        .unwrap();
        let is_beat = |event: &Event| matches!(event, Event::Topology(TopologyEvent::ServerHeartbeatSucceeded { .. }));
        let seen = record.events().iter().filter(|event| is_beat(event)).count();
        assert!(beats.contains(&seen), "{seen} in 10 s, one each {frequency} ms");
    }
}

/// Driver Tests, Parse lastWriteDate. On a real replica set: after further inserts, the date is seen to move on.
#[test]
fn prose_parse_last_write_date() {
    let uri = with_options(&kit::primary().uri(), "heartbeatFrequencyMS=500");
    let client = Record::new().client(Blocking, &uri);
    let things = client.database(&unique_db("staleness")).collection("things");
    // Milliseconds since the epoch.
    let last_write = || {
        let topology = client.topology();
        let server = topology.servers.values().next()?;
        server.hello.as_ref()?.last_write_date
    };
    let begun = Instant::now();
    // Inserts until the date is later than `than`.
    let later = |than: i64| {
        let mut found = than;
        kit::until("a later date", || {
            things.insert_one(doc! {}).run().unwrap();
            found = last_write().unwrap_or(than);
            found > than
        });
        found
    };
    let first = later(0);
    let now = i64::try_from(Blocking.unix_time().as_millis()).unwrap();
    assert!((now - first).abs() < 60_000, "{first} is not about {now}");
    let second = later(first);
    let limit = 10_000 + i64::try_from(begun.elapsed().as_millis()).unwrap();
    assert!(second - first < limit, "{first}, {second}");
}

/// Driver Tests, Direct connection to mongos. On a simulated mongos.
#[test]
fn prose_direct_connection_to_mongos() {
    for (options, expected) in [
        (
            "readPreference=secondary&maxStalenessSeconds=120",
            doc! { "mode": "secondary", "maxStalenessSeconds": 120_i64 },
        ),
        ("readPreference=secondary", doc! { "mode": "secondary" }),
    ] {
        let (sim, record) = (Sim::new(1), Record::new());
        let (client, _servers) = mongoses(&sim, &record, 1, options);
        let found = sim.run(async { client.database("db").collection::<Document>("things").find_one(doc! {}).await });
        found.unwrap().unwrap();
        let mut sent = record.last("find").get_document("$readPreference").unwrap().clone();
        // An int32 or an int64.
        if let Ok(seconds) = sent.get_i32("maxStalenessSeconds") {
            sent.insert("maxStalenessSeconds", i64::from(seconds));
        }
        assert_eq!(sent, expected);
    }
}
