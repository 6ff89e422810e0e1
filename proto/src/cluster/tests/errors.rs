//! What goes wrong on connections, and what follows for the server, its pool and its monitor.

use super::*;

const NOT_PRIMARY: i32 = 10107;
const SHUTDOWN: i32 = 91;

#[test]
fn a_primary_that_steps_down_keeps_its_pool_and_is_checked() {
    let mut world = World::set();
    let (server, held) = world.hold("a");
    world.cluster.handle_application_error(world.now, server, command(NOT_PRIMARY, 6));
    assert_eq!(world.does(), ["check a", "changed"]);
    assert_eq!(world.kind("a"), Some(ServerKind::Unknown));
    assert_eq!(world.cluster.description().kind, TopologyKind::ReplicaSetNoPrimary);
    assert!(!world.cluster.is_stale(server, held));
    world.cluster.check_in(world.now, server, held).unwrap();
    assert_eq!(world.counts("a"), [0, 1, 0, 0]);
    assert!(matches!(world.check_out(&Target::Writable), CheckOut::NoServer));
}

#[test]
fn a_server_that_shuts_down_loses_its_pool() {
    let mut world = World::set();
    let (server, held) = world.hold("a");
    world.cluster.handle_application_error(world.now, server, command(SHUTDOWN, 6));
    assert_eq!(world.does(), ["check a", "changed"]);
    assert!(world.cluster.is_stale(server, held));
    world.cluster.check_in(world.now, server, held).unwrap();
    assert_eq!(world.does(), ["a close 1: stale"]);
    assert!(matches!(world.cluster.check_out_of(world.now, server, NEVER), CheckOut::Refused { .. }));
}

#[test]
fn what_is_old_teaches_nothing() {
    let mut world = World::set();
    let server = world.id("a");
    let network = error(ErrorPhase::Established, ErrorKind::Network);
    // Of the version that is known, or of one before it.
    world.cluster.handle_application_error(world.now, server, command(NOT_PRIMARY, 5));
    world.cluster.handle_application_error(world.now, server, command(SHUTDOWN, 4));
    // On a connection of a former generation.
    world.cluster.handle_application_error(world.now, server, ApplicationError { stale: true, ..network });
    assert_eq!((world.does().len(), world.kind("a")), (0, Some(ServerKind::RsPrimary)));
    // A hello of before.
    world.see_after("a", HelloReply { topology_version: version(4), ..member(ServerKind::RsSecondary, &SET) }, None);
    assert_eq!((world.does().len(), world.kind("a")), (0, Some(ServerKind::RsPrimary)));
}

#[test]
fn a_broken_connection_clears_the_pool_and_ends_the_check() {
    let mut world = World::narrow_set();
    let (server, held) = world.hold("a");
    world.wait("a");
    world.cluster.handle_application_error(world.now, server, error(ErrorPhase::Established, ErrorKind::Network));
    assert_eq!(world.does(), ["a refuse 2: Cleared { cause: Some(\"broken\") }", "cancel a", "changed"]);
    assert!(world.cluster.is_stale(server, held));
    world.cluster.discard(world.now, server, held, pool::CloseReason::Error, Some("broken")).unwrap();
    assert_eq!((world.does(), world.counts("a")), (vec!["a close 1: error".to_string()], [0; 4]));
    // A second error of the same time is stale, and the server is taken back by its next answer.
    world.see("a", ServerKind::RsPrimary, &SET);
    world.does();
    assert!(matches!(world.check_out(&Target::Writable), CheckOut::Wait { .. }));
    assert_eq!(world.does(), ["a dial 2"]);
}

#[test]
fn a_slow_operation_teaches_nothing() {
    let mut world = World::set();
    let (server, held) = world.hold("a");
    world.cluster.handle_application_error(world.now, server, error(ErrorPhase::Established, ErrorKind::Timeout));
    assert_eq!((world.does().len(), world.kind("a")), (0, Some(ServerKind::RsPrimary)));
    assert!(!world.cluster.is_stale(server, held));
}

#[test]
fn a_failed_check_clears_and_a_silent_server_interrupts() {
    for (failure, interrupts) in [(CheckFailure::Network, 0), (CheckFailure::Timeout, 1)] {
        let mut world = World::set();
        let (server, held) = world.hold("a");
        world.cluster.handle_check_failed(world.now, server, "gone", failure);
        let did = world.does();
        let count = did.iter().filter(|action| *action == "a interrupt 1").count();
        assert_eq!((count, world.kind("a")), (interrupts, Some(ServerKind::Unknown)), "{did:?}");
        assert!(world.cluster.is_stale(server, held));
    }
}

/// A dial of `a` has failed, and this is what is done.
fn dial_fails(failure: Option<ApplicationError<&'static str>>) -> (World, Vec<String>) {
    let mut world = World::set();
    let (server, _) = world.wait("a");
    world.wait("a");
    assert_eq!(world.does(), ["a dial 1", "a dial 2"]);
    let (_, dialled) = world.dials[0];
    world.cluster.handle_dial_failed(world.now, server, dialled, "refused", failure).unwrap();
    assert!(world.cluster.handle_dial_failed(world.now, server, dialled, "twice", None).is_err());
    let did = world.does();
    (world, did)
}

#[test]
fn what_may_be_overload_fails_one_waiter_and_no_more() {
    let overload = error(ErrorPhase::Establishing, ErrorKind::Overloaded);
    let network = error(ErrorPhase::Establishing, ErrorKind::Network);
    for failure in [None, Some(overload), Some(network)] {
        let (world, did) = dial_fails(failure);
        assert_eq!(did, ["a refuse 1: Dial { cause: \"refused\" }"]);
        assert_eq!((world.kind("a"), world.counts("a")), (Some(ServerKind::RsPrimary), [1, 0, 0, 1]));
    }
}

#[test]
fn a_failed_login_clears_the_pool() {
    let (world, did) = dial_fails(Some(error(ErrorPhase::Authenticating, ErrorKind::Other)));
    let refused = "a refuse 2: Cleared { cause: Some(\"refused\") }";
    assert_eq!(did, ["cancel a", "changed", "a refuse 1: Dial { cause: \"refused\" }", "a close 2: stale", refused]);
    assert_eq!((world.kind("a"), world.counts("a")), (Some(ServerKind::Unknown), [0; 4]));
}

#[test]
fn a_server_that_was_unknown_has_its_round_trips_counted_anew() {
    let far = Some(Duration::from_millis(900));
    for lose in [
        (|world, server| world.cluster.handle_check_failed(world.now, server, "gone", CheckFailure::Network))
            as fn(&mut World, ServerId),
        |world, server| {
            let broken = error(ErrorPhase::Established, ErrorKind::Network);
            world.cluster.handle_application_error(world.now, server, broken);
        },
        |world, server| world.cluster.handle_application_error(world.now, server, command(NOT_PRIMARY, 6)),
    ] {
        let mut world = World::set();
        world.see_after("a", member(ServerKind::RsPrimary, &SET), far);
        let server = world.id("a");
        lose(&mut world, server);
        let hello = HelloReply { topology_version: version(7), ..member(ServerKind::RsPrimary, &SET) };
        world.see_after("a", hello, Some(Duration::from_millis(3)));
        let known = world.cluster.description().server(&at("a")).unwrap().round_trip_time;
        assert_eq!(known.average, Some(Duration::from_millis(3)));
    }
}
