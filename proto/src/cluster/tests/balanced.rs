//! Behind a load balancer.

use super::*;

const ONE: Option<[u8; 12]> = Some([1; 12]);
const OTHER: Option<[u8; 12]> = Some([2; 12]);

fn balanced() -> World {
    let mut options = options(&["lb"]);
    options.topology.load_balanced = true;
    options.pool.load_balanced = true;
    options.pool.max_connecting = 3;
    World::open(options)
}

/// Connections to these services, in use.
fn hold(world: &mut World, services: &[Option<[u8; 12]>]) -> Vec<ConnectionId> {
    let server = world.id("lb");
    let mut held = Vec::new();
    for service in services {
        world.wait("lb");
        world.does();
        let (_, dialled) = world.dials.pop().unwrap();
        world.cluster.handle_established(world.now, server, dialled, *service).unwrap();
        world.does();
        held.push(dialled);
    }
    held
}

#[test]
fn it_serves_at_once_and_is_not_monitored() {
    let mut world = balanced();
    assert_eq!(world.does(), ["add lb unmonitored", "changed"]);
    let secondary = ReadPreference::secondary();
    for target in [Target::Writable, Target::Readable(&secondary)] {
        assert!(matches!(world.check_out(&target), CheckOut::Wait { .. }));
    }
    assert_eq!(world.does(), ["lb dial 1", "lb dial 2"]);
    // What a monitor would say is not heard.
    let server = world.id("lb");
    world.cluster.handle_check_failed(world.now, server, "gone", CheckFailure::Network);
    world.see("lb", ServerKind::RsPrimary, &SET);
    assert_eq!((world.does().len(), world.kind("lb")), (0, Some(ServerKind::LoadBalancer)));
}

#[test]
fn an_error_clears_its_service_only() {
    let mut world = balanced();
    world.does();
    let held = hold(&mut world, &[ONE, OTHER, ONE]);
    let server = world.id("lb");
    let broken = ApplicationError { service_id: ONE, ..error(ErrorPhase::Established, ErrorKind::Network) };
    world.cluster.handle_application_error(world.now, server, broken);
    let stale: Vec<_> = held.iter().map(|&one| world.cluster.is_stale(server, one)).collect();
    assert_eq!(stale, [true, false, true]);
    assert_eq!(world.kind("lb"), Some(ServerKind::LoadBalancer));
    for one in held {
        world.cluster.check_in(world.now, server, one).unwrap();
    }
    assert_eq!(world.does(), ["lb close 1: stale", "lb close 3: stale"]);
    assert!(matches!(world.check_out(&Target::Writable), CheckOut::Granted { .. }), "the pool is not paused");
}

#[test]
fn a_failed_login_clears_the_service_that_has_refused_it() {
    let mut world = balanced();
    world.does();
    let held = hold(&mut world, &[ONE, OTHER]);
    let server = world.id("lb");
    world.wait("lb");
    world.does();
    let (_, dialled) = world.dials.pop().unwrap();
    let refused = ApplicationError { service_id: ONE, ..error(ErrorPhase::Authenticating, ErrorKind::Other) };
    world.cluster.handle_dial_failed(world.now, server, dialled, "refused", Some(refused)).unwrap();
    assert_eq!(world.does(), ["lb refuse 3: Dial { cause: \"refused\" }"]);
    let stale: Vec<_> = held.iter().map(|&one| world.cluster.is_stale(server, one)).collect();
    assert_eq!(stale, [true, false]);
}

#[test]
fn before_hello_nobody_is_cleared() {
    let mut world = balanced();
    world.does();
    let held = hold(&mut world, &[ONE]);
    let server = world.id("lb");
    world.wait("lb");
    world.does();
    let (_, dialled) = world.dials.pop().unwrap();
    let failure = error(ErrorPhase::Establishing, ErrorKind::Network);
    world.cluster.handle_dial_failed(world.now, server, dialled, "refused", Some(failure)).unwrap();
    assert!(!world.cluster.is_stale(server, held[0]));
}

#[test]
fn sessions_do_not_expire() {
    let mut world = balanced();
    world.does();
    let session = crate::session::ServerSession::new(world.now, [1; 16]);
    world.cluster.give_back_session(world.now, session);
    world.pass(Duration::from_secs(100_000));
    assert!(world.cluster.reuse_session(world.now).is_some());
}
