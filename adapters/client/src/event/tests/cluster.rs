//! Events of a cluster, from the machine that makes them.

use bson::oid::ObjectId;
use stator_proto::cluster::{Cluster, ClusterOptions};
use stator_proto::pool::PoolOptions;
use stator_proto::topology::TopologyOptions;
use stator_proto::{Config, Instant};

use super::address;
use crate::error::Error;
use crate::event::{Event, TopologyEvent};

#[test]
fn a_cluster_from_its_opening_to_its_end() {
    let now = Instant::ORIGIN;
    let mut cluster: Cluster<Error> = Cluster::new(
        now,
        ClusterOptions {
            topology: TopologyOptions {
                seeds: vec![address()],
                direct: true,
                events: true,
                ..TopologyOptions::default()
            },
            pool: PoolOptions { events: true, ..PoolOptions::default() },
            ..ClusterOptions::default()
        },
    );
    cluster.open(now);
    cluster.close(now);
    let (id, config) = (ObjectId::from_bytes([1; 12]), Config::default());
    let events: Vec<Event> =
        core::iter::from_fn(|| cluster.poll_event()).map(|event| Event::of(event, id, &config)).collect();
    let names: Vec<_> = events.iter().map(Event::name).collect();
    assert_eq!(names.first(), Some(&"TopologyOpeningEvent"));
    let last = names.iter().rfind(|name| name.starts_with("Topology") || name.starts_with("Server"));
    assert_eq!(last, Some(&"TopologyClosedEvent"), "of SDAM's");
    for name in ["ServerOpeningEvent", "TopologyDescriptionChangedEvent", "PoolCreatedEvent", "ServerClosedEvent"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    for event in &events {
        match event {
            Event::Topology(event) => {
                assert_eq!(event.topology_id(), id);
                let of_a_server = matches!(event.name(), "ServerOpeningEvent" | "ServerClosedEvent");
                assert!(!of_a_server || event.address() == Some(&address()));
                if let TopologyEvent::ServerDescriptionChanged { previous_description, new_description, .. } = event {
                    assert_eq!(previous_description.address, new_description.address);
                }
            }
            Event::Pool(event) => assert_eq!(event.address, address()),
            other => panic!("{other:?}"),
        }
    }
}
