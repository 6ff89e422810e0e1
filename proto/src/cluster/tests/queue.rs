//! Discovery, selection, and the way through a queue.

use super::*;

#[test]
fn a_set_is_found_from_one_seed() {
    let mut world = World::open(options(&["b"]));
    assert_eq!(world.does(), ["add b", "changed"]);
    world.see("b", ServerKind::RsSecondary, &SET);
    assert_eq!(world.does(), ["add a", "add c", "changed"]);
    assert_eq!(world.cluster.description().kind, TopologyKind::ReplicaSetNoPrimary);
    world.see("a", ServerKind::RsPrimary, &SET);
    assert_eq!(world.does(), ["changed"]);
    world.see("c", ServerKind::RsSecondary, &SET);
    world.does();
    assert_eq!(world.cluster.description().kind, TopologyKind::ReplicaSetWithPrimary);
    assert_eq!(world.cluster.pools().count(), 3);
    assert!(world.cluster.pools().all(|(_, _, pool)| pool.state() == pool::PoolState::Ready));
    let slots: Vec<_> = SET.iter().map(|name| world.id(name).slot()).collect();
    assert_eq!(slots, [1, 0, 2], "no two share one");
}

#[test]
fn who_finds_no_server_has_all_checked_and_looks_again_when_something_changed() {
    let mut world = World::open(options(&["b"]));
    world.does();
    assert!(matches!(world.check_out(&Target::Writable), CheckOut::NoServer));
    assert_eq!(world.does(), ["check b"]);
    world.see("b", ServerKind::RsSecondary, &SET);
    world.does();
    assert!(matches!(world.check_out(&Target::Writable), CheckOut::NoServer));
    assert_eq!(world.does(), ["check b", "check a", "check c"]);
    world.see("a", ServerKind::RsPrimary, &SET);
    assert_eq!(world.does(), ["changed"]);
    assert!(matches!(world.check_out(&Target::Writable), CheckOut::Wait { .. }));
    assert_eq!(world.does(), ["a dial 1"]);
}

#[test]
fn a_read_preference_chooses_and_what_failed_is_avoided() {
    let mut world = World::set();
    let secondary = ReadPreference::secondary();
    for random in 0..20 {
        let target = Target::Readable(&secondary);
        let chosen = world.cluster.select(&target, &[], random).unwrap().unwrap();
        assert_ne!(world.names[&chosen], "a");
        let chosen = world.cluster.select(&target, &[at("b")], random).unwrap().unwrap();
        assert_eq!(world.names[&chosen], "c");
        let chosen = world.cluster.select(&target, &[at("b"), at("c")], random).unwrap();
        assert!(chosen.is_some(), "what is avoided is better than nothing");
    }
    // Of two, the one with less to do.
    world.hold("b");
    for random in 0..20 {
        let chosen = world.cluster.select(&Target::Readable(&secondary), &[], random).unwrap().unwrap();
        assert_eq!(world.names[&chosen], "c");
    }
}

#[test]
fn who_comes_first_gets_the_connection_first() {
    let mut world = World::narrow_set();
    let (server, held) = world.hold("a");
    let (_, first) = world.wait("a");
    let (_, second) = world.wait("a");
    assert_eq!(world.does(), [""; 0]);
    world.cluster.check_in(world.now, server, held).unwrap();
    assert_eq!(world.does(), ["a grant 2: 1"]);
    assert_eq!(world.grants.pop(), Some((server, first, held)));
    assert!(world.cluster.cancel(world.now, server, second));
    assert!(!world.cluster.cancel(world.now, server, second), "it has left already");
    world.cluster.check_in(world.now, server, held).unwrap();
    assert_eq!((world.does().len(), world.counts("a")), (0, [0, 1, 0, 0]));
}

#[test]
fn a_grant_that_crosses_a_cancellation_goes_to_the_next() {
    let mut world = World::narrow_set();
    let (server, held) = world.hold("a");
    let (_, first) = world.wait("a");
    world.wait("a");
    world.cluster.check_in(world.now, server, held).unwrap();
    // The grant is not taken out yet.
    assert!(world.cluster.cancel(world.now, server, first));
    assert_eq!(world.does(), ["a grant 3: 1"]);
    assert_eq!(world.counts("a"), [0, 0, 1, 0]);
}

#[test]
fn a_refusal_that_crosses_a_cancellation_is_not_said() {
    let mut world = World::set();
    let (server, ticket) = world.wait("a");
    world.cluster.handle_check_failed(world.now, server, "gone", CheckFailure::Network);
    assert!(world.cluster.cancel(world.now, server, ticket));
    assert!(!world.does().iter().any(|action| action.contains("refuse")));
    assert_eq!(world.counts("a"), [0, 0, 0, 0]);
}

#[test]
fn a_debt_stays_a_debt_when_its_grant_crosses_a_cancellation() {
    let mut world = World::narrow_set();
    let (server, held) = world.hold("a");
    let (_, ticket) = world.wait("a");
    world.cluster.owe(world.now, server, held, None).unwrap();
    assert!(world.cluster.cancel(world.now, server, ticket));
    assert_eq!(world.does(), [""; 0]);
    assert_eq!(world.cluster.pool(server).unwrap().stats().owing, 1);
    let limit = world.cluster.poll_timeout().unwrap();
    assert_eq!(limit, world.now + Duration::from_secs(1));
    world.pass(Duration::from_secs(1));
    assert_eq!(world.does(), ["a drain 1"]);
}

#[test]
fn a_deadline_is_the_waiters_own_business() {
    let mut world = World::narrow_set();
    world.hold("a");
    let deadline = world.now + Duration::from_secs(3);
    let server = world.id("a");
    let CheckOut::Wait { ticket, .. } = world.cluster.check_out_of(world.now, server, deadline) else { panic!() };
    assert_eq!(world.cluster.poll_timeout(), None);
    world.pass(Duration::from_secs(3));
    assert_eq!((world.does().len(), world.counts("a")), (0, [0, 0, 1, 1]));
    assert!(world.cluster.cancel(world.now, server, ticket));
    assert_eq!(world.counts("a"), [0, 0, 1, 0]);
}
