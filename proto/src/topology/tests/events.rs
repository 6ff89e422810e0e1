use super::*;

fn listened(options: TopologyOptions) -> Topology<Error> {
    let mut topology = Topology::new(NOW, TopologyOptions { events: true, ..options });
    topology.open(NOW);
    topology
}

#[test]
fn before_the_beginning_nothing_is_wanted_or_told() {
    let mut topology = Topology::new(NOW, TopologyOptions { events: true, ..options(&["a"]) });
    see(&mut topology, "a", hello(ServerKind::Standalone));
    topology.handle_check_failed(NOW, &at("a"), "gone", CheckFailure::Network);
    assert_eq!((actions(&mut topology), events(&mut topology)), (Vec::new(), Vec::new()));
    topology.close(NOW);
    topology.open(NOW);
    assert_eq!((actions(&mut topology), events(&mut topology)), (Vec::new(), Vec::new()));
}

#[test]
fn a_life_is_told_from_opening_to_closing() {
    let mut topology = listened(options(&["a"]));
    assert_eq!(actions(&mut topology), ["add a", "changed"]);
    assert_eq!(events(&mut topology), ["topology opening", "Unknown/0 to Unknown/1", "a:27017 opening"]);

    see(&mut topology, "a", member(ServerKind::RsPrimary, &["a", "b"]));
    assert_eq!(
        events(&mut topology),
        ["a:27017 Unknown to RSPrimary", "b:27017 opening", "Unknown/1 to ReplicaSetWithPrimary/2"]
    );

    see(&mut topology, "b", member(ServerKind::RsPrimary, &["b"]));
    let told = ["b:27017 Unknown to RSPrimary", "a:27017 closed", "ReplicaSetWithPrimary/2 to ReplicaSetWithPrimary/1"];
    assert_eq!(events(&mut topology), told);

    actions(&mut topology);
    topology.close(NOW);
    assert_eq!(actions(&mut topology), ["remove b", "changed"]);
    assert_eq!(events(&mut topology), ["b:27017 closed", "ReplicaSetWithPrimary/1 to Unknown/0", "topology closed"]);
    topology.close(NOW);
    assert_eq!((actions(&mut topology), events(&mut topology)), (Vec::new(), Vec::new()));
}

#[test]
fn a_load_balancer_is_there_at_once() {
    let mut topology = listened(TopologyOptions { load_balanced: true, ..options(&["a"]) });
    assert_eq!(actions(&mut topology), ["add unmonitored a", "ready a", "changed"]);
    events(&mut topology);
    topology.close(NOW);
    assert_eq!(events(&mut topology), ["a:27017 closed", "LoadBalanced/1 to Unknown/0", "topology closed"]);
}

#[test]
fn what_says_the_same_is_taken_but_not_told() {
    let mut topology = listened(options(&["a"]));
    let hello = member(ServerKind::RsPrimary, &["a", "b"]);
    see(&mut topology, "a", hello.clone());
    events(&mut topology);
    // Another order of the same members, a later time, another write.
    let later = NOW + core::time::Duration::from_secs(1);
    let hello = HelloReply { last_write_date: Some(1), hosts: vec!["b".into(), "a".into()], ..hello };
    topology.handle_hello(later, &at("a"), hello, RoundTripTime::default());
    assert_eq!(events(&mut topology), Vec::<String>::new());
    assert_eq!(topology.description().server(&at("a")).unwrap().last_update, later);

    topology.handle_check_failed(NOW, &at("a"), "gone", CheckFailure::Network);
    assert_eq!(events(&mut topology).len(), 2);
    topology.handle_check_failed(NOW, &at("a"), "gone", CheckFailure::Network);
    assert_eq!(events(&mut topology), Vec::<String>::new());
    topology.handle_check_failed(NOW, &at("a"), "gone for another reason", CheckFailure::Network);
    assert_eq!(events(&mut topology).len(), 2);
}

#[test]
fn nobody_listens_nothing_is_kept() {
    let mut topology = replica_set();
    topology.handle_check_failed(NOW, &at("a"), "gone", CheckFailure::Network);
    topology.close(NOW);
    assert_eq!(events(&mut topology), Vec::<String>::new());

    let mut topology = replica_set();
    topology.set_events(true);
    topology.handle_check_failed(NOW, &at("b"), "gone", CheckFailure::Network);
    assert_eq!(events(&mut topology)[0], "b:27017 RSSecondary to Unknown");
}

#[test]
fn a_snapshot_stays_as_it_was() {
    let mut topology = replica_set();
    let before = topology.description().clone();
    topology.close(NOW);
    assert_eq!((before.servers.len(), topology.description().servers.len()), (2, 0));
}
