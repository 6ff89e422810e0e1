//! One order of all events.

use super::*;

fn listened() -> World {
    let mut options = options(&["a"]);
    options.topology.events = true;
    World::open(options)
}

fn seen() -> World {
    let mut world = listened();
    world.forget();
    world.see("a", ServerKind::RsPrimary, &["a", "b"]);
    world.does();
    world.see("b", ServerKind::RsSecondary, &["a", "b"]);
    world.does();
    world
}

#[test]
fn a_life_is_told_in_order() {
    let mut world = listened();
    assert_eq!(world.tells(), ["topology opening", "is Unknown", "a opening", "a pool created"]);
    world.does();
    world.see("a", ServerKind::RsPrimary, &["a", "b"]);
    let told = ["a RSPrimary", "b opening", "is ReplicaSetWithPrimary", "b pool created", "a pool ready"];
    assert_eq!(world.tells(), told);
    world.does();
    world.see("a", ServerKind::RsPrimary, &["a"]);
    let told = ["a RSPrimary", "b closed", "is ReplicaSetWithPrimary", "b pool closed"];
    assert_eq!(world.tells(), told);
}

#[test]
fn a_description_changes_before_the_pool_is_cleared() {
    let told = ["a Unknown", "is ReplicaSetNoPrimary", "a pool cleared"];
    let mut world = seen();
    world.tells();
    world.cluster.handle_check_failed(world.now, world.id("a"), "gone", CheckFailure::Network);
    assert_eq!(world.tells(), told);

    let mut world = seen();
    let (server, _) = world.hold("a");
    world.tells();
    world.cluster.handle_application_error(world.now, server, error(ErrorPhase::Established, ErrorKind::Network));
    assert_eq!(world.tells(), told);

    let mut world = seen();
    let (server, _) = world.wait("a");
    world.forget();
    let (_, dialled) = world.dials[0];
    let refused = error(ErrorPhase::Authenticating, ErrorKind::Other);
    world.cluster.handle_dial_failed(world.now, server, dialled, "refused", Some(refused)).unwrap();
    assert_eq!(world.tells(), ["a Unknown", "is ReplicaSetNoPrimary", "a pool cleared", "a connection closed"]);
}

#[test]
fn on_close_the_servers_end_before_the_topology() {
    let mut world = seen();
    world.tells();
    world.cluster.close(world.now);
    let told = world.tells();
    let place = |what: &str| told.iter().position(|one| one == what).unwrap_or_else(|| panic!("{what}: {told:?}"));
    assert!(place("a closed") < place("topology closed") && place("b closed") < place("topology closed"));
    assert!(place("is Unknown") < place("topology closed"));
    assert!(told.contains(&"a pool closed".to_string()) && told.contains(&"b pool closed".to_string()));
    assert_eq!(told.iter().filter(|one| *one == "topology closed").count(), 1);
    world.cluster.close(world.now);
    assert_eq!(world.tells(), [""; 0]);
}

#[test]
fn nobody_listens_nothing_is_kept() {
    let mut world = World::set();
    world.hold("a");
    world.cluster.handle_check_failed(world.now, world.id("a"), "gone", CheckFailure::Timeout);
    world.cluster.handle_monitor_event(TopologyEvent::TopologyOpening);
    world.cluster.close(world.now);
    assert!(world.cluster.poll_event().is_none());
}

#[test]
fn the_events_of_pools_can_be_left_out_for_a_while() {
    let mut world = seen();
    world.tells();
    world.cluster.set_pool_events(false);
    // Also those of servers that come meanwhile; what is told of the deployment goes on.
    world.see("a", ServerKind::RsPrimary, &["a", "b", "c"]);
    assert_eq!(world.tells(), ["a RSPrimary", "c opening", "is ReplicaSetWithPrimary"]);
    world.cluster.set_pool_events(true);
    world.see("a", ServerKind::RsPrimary, &["a", "b"]);
    assert!(world.tells().contains(&"c pool closed".to_string()));
}
