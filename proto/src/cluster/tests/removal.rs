//! A server leaves the deployment while it is used.

use super::*;

/// The primary tells of a set without `b`.
fn without_b(world: &mut World) {
    world.see("a", ServerKind::RsPrimary, &["a", "c"]);
}

#[test]
fn who_waits_is_refused_and_dials_are_given_up() {
    let mut world = World::set();
    let (server, ticket) = world.wait("b");
    assert_eq!(world.does(), ["b dial 1"]);
    without_b(&mut world);
    assert_eq!(world.does(), ["remove b", "b close 1: poolClosed", "b refuse 1: Closed", "changed"]);
    // Nobody knows it any more.
    assert!(world.cluster.pool(server).is_none() && world.cluster.address(server).is_none());
    assert!(!world.cluster.cancel(world.now, server, ticket));
    let (_, dialled) = world.dials[0];
    assert!(!world.cluster.is_pending(server, dialled));
    assert!(world.cluster.handle_established(world.now, server, dialled, None).is_err());
    assert!(world.cluster.handle_dial_failed(world.now, server, dialled, "late", None).is_err());
    assert!(matches!(world.cluster.check_out_of(world.now, server, NEVER), CheckOut::NoServer));
}

#[test]
fn its_slot_is_free_only_when_its_last_connection_came_back() {
    let mut world = World::set();
    let (server, one) = world.hold("b");
    let (_, other) = world.hold("b");
    without_b(&mut world);
    assert_eq!(world.does(), ["remove b", "changed"]);
    assert_eq!(world.cluster.server_at(&at("b")), None);
    assert_eq!(world.cluster.pools().count(), 2);
    assert!(world.cluster.is_stale(server, one));
    assert!(matches!(world.cluster.check_out_of(world.now, server, NEVER), CheckOut::NoServer));

    // A new server takes another slot meanwhile, even at the same address.
    world.see("a", ServerKind::RsPrimary, &SET);
    assert_eq!(world.does(), ["add b", "changed"]);
    let again = world.id("b");
    assert!(again.number() > server.number() && again.slot() != server.slot());
    // What is said of the old one is not the new one's.
    world.see("b", ServerKind::RsSecondary, &SET);
    world.forget();
    world.cluster.handle_application_error(world.now, server, error(ErrorPhase::Established, ErrorKind::Network));
    world.cluster.handle_check_failed(world.now, server, "late", CheckFailure::Network);
    world.cluster.handle_checked(world.now, server, member(ServerKind::RsPrimary, &["b"]), None);
    world.cluster.handle_rtt(server, Duration::from_secs(9));
    assert_eq!((world.does().len(), world.kind("b")), (0, Some(ServerKind::RsSecondary)));

    world.cluster.check_in(world.now, server, one).unwrap();
    assert_eq!(world.does(), ["b close 1: poolClosed"]);
    assert!(world.cluster.pool(server).is_some());
    world.cluster.discard(world.now, server, other, pool::CloseReason::Error, None).unwrap();
    assert_eq!(world.does(), ["b close 2: error"]);
    assert!(world.cluster.pool(server).is_none());
    assert!(world.cluster.check_in(world.now, server, other).is_err());

    // Now it may be taken.
    world.see("a", ServerKind::RsPrimary, &["a", "b", "c", "d"]);
    assert_eq!(world.id("d").slot(), server.slot());
    assert!(world.cluster.pool(server).is_none(), "the tenant of the slot is another");
    assert!(world.cluster.check_in(world.now, server, one).is_err());
}

#[test]
fn a_debt_is_closed_with_its_server() {
    let mut world = World::set();
    let (server, held) = world.hold("b");
    world.cluster.owe(world.now, server, held, None).unwrap();
    without_b(&mut world);
    let did = world.does();
    assert!(did.contains(&"b close 1: poolClosed".to_string()), "{did:?}");
    assert!(world.cluster.pool(server).is_none());
    assert_eq!(world.cluster.poll_timeout(), None);
}

#[test]
fn a_dropped_reply_after_the_removal_ends_the_connection() {
    let mut world = World::set();
    let (server, held) = world.hold("b");
    without_b(&mut world);
    world.does();
    world.cluster.owe(world.now, server, held, None).unwrap();
    assert_eq!(world.does(), ["b close 1: poolClosed"]);
    assert!(world.cluster.pool(server).is_none());
}
