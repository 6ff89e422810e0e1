//! The prose tests of the specification *Server Selection*.
//!
//! Not here: the application's own server selector, in `selector.rs`; random selection by single-threaded drivers, of which this is
//! none. The averages of round trip times that are reset when a server is lost are unit tests of `stator-proto`.
#![cfg(unix)]

mod prose;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use prose::mongoses;
use stator_client::event::CommandEvent;
use stator_client::options::{Overrides, ReadPreference, TagSet};
use stator_client::{Client, Document, Runtime, doc};
use stator_sim::Sim;
use stator_testkit::prose::Record;

/// Starts 10 tasks at once that each find `finds` times; how often each server was asked.
async fn ten_tasks(sim: &Sim, record: &Record, client: &Client<Sim>, finds: usize) -> BTreeMap<String, usize> {
    record.clear();
    let running = Arc::new(AtomicUsize::new(10));
    for _ in 0..10 {
        let (things, running) = (client.database("db").collection::<Document>("things"), Arc::clone(&running));
        sim.spawn("finder", async move {
            for _ in 0..finds {
                things.find_one(doc! {}).await.unwrap();
            }
            running.fetch_sub(1, Ordering::SeqCst);
        })
        .unwrap();
    }
    while running.load(Ordering::SeqCst) > 0 {
        sim.sleep(Duration::from_millis(10)).await;
    }
    let mut counts = BTreeMap::new();
    for event in record.commands("find") {
        if let CommandEvent::Started { info, .. } = event {
            *counts.entry(info.connection.address.to_string()).or_default() += 1;
        }
    }
    assert_eq!(counts.values().sum::<usize>(), 10 * finds);
    counts
}

/// operationCount-based Selection Within Latency Window, Prose Test. On simulated mongoses and their virtual time, for a few seeds.
#[test]
fn prose_operation_count_based_selection_within_the_latency_window() {
    for seed in 0..5 {
        let (sim, record) = (Sim::new(seed), Record::new());
        let options = "appName=loadBalancingTest&localThresholdMS=30000&minPoolSize=10&maxPoolSize=10";
        let (client, servers) = mongoses(&sim, &record, 2, options);
        let slow = servers[0].address().to_string();
        let configure = |mode: bson::Bson| {
            let data = doc! {
                "failCommands": ["find"], "blockConnection": true, "blockTimeMS": 500, "appName": "loadBalancingTest",
            };
            let command = doc! { "configureFailPoint": "failCommand", "mode": mode, "data": data };
            let admin = Record::new().client(sim.clone(), &format!("mongodb://{slow}/"));
            async move { admin.database("admin").run_command(command).await.unwrap() }
        };
        sim.run(async {
            configure(doc! { "times": 10000 }.into()).await;
            stator_testkit::prose::know_all(&client).await;
            client.warm().await.unwrap();
            while client.pool_stats().total() < 20 {
                sim.sleep(Duration::from_millis(10)).await;
            }
            let counts = ten_tasks(&sim, &record, &client, 10).await;
            assert!(counts.get(&slow).copied().unwrap_or_default() < 25, "seed {seed}: {counts:?}");
            configure("off".into()).await;
            let counts = ten_tasks(&sim, &record, &client, 100).await;
            assert!(counts.values().all(|count| (400..=600).contains(count)), "seed {seed}: {counts:?}");
            assert_eq!(counts.len(), 2);
        })
        .unwrap();
    }
}

/// Passing ReadPreference to Mongos. On a simulated mongos; OP_MSG has no SecondaryOk flag.
#[test]
fn prose_passing_the_read_preference_to_mongos() {
    let (sim, record) = (Sim::new(1), Record::new());
    let (client, _servers) = mongoses(&sim, &record, 1, "");
    let tagged = TagSet { tags: vec![("dc".into(), "ny".into())] };
    let of_mode = |mode: &str| doc! { "mode": mode };
    let cases = [
        (ReadPreference::primary(), None),
        (ReadPreference::primary_preferred(), Some(of_mode("primaryPreferred"))),
        (ReadPreference::secondary(), Some(of_mode("secondary"))),
        (ReadPreference::secondary_preferred(), Some(of_mode("secondaryPreferred"))),
        (
            ReadPreference { tag_sets: vec![tagged], ..ReadPreference::secondary_preferred() },
            Some(doc! { "mode": "secondaryPreferred", "tags": [{ "dc": "ny" }] }),
        ),
        (ReadPreference::nearest(), Some(of_mode("nearest"))),
    ];
    for (preference, expected) in cases {
        let overrides = Overrides { read_preference: Some(preference), ..Overrides::default() };
        let things = client.database("db").collection_with::<Document>("things", &overrides);
        sim.run(async { things.find_one(doc! {}).await.unwrap() }).unwrap();
        let sent = record.last("find");
        assert_eq!(sent.get_document("$readPreference").ok(), expected.as_ref(), "{sent}");
    }
}
