//! Paused, ready, closed.

use super::*;

#[test]
fn a_new_pool_is_paused_and_populates_nothing() {
    let options = PoolOptions { min_pool_size: 3, events: true, ..PoolOptions::default() };
    let mut pool = Pool::<&str>::new(options.clone());
    pool.handle_timeout(Instant::from_millis(1));
    assert_eq!((pool.state(), pool.poll_action(), pool.poll_timeout()), (PoolState::Paused, None, None));
    let refused = pool.check_out(Instant::ORIGIN, NEVER);
    assert_eq!(refused, CheckOut::Refused(PoolError::Cleared { cause: None }));
    assert_eq!(pool.poll_event(), Some(PoolEvent::PoolCreated { options }));
}

#[test]
fn ready_is_told_once_and_before_the_first_dial() {
    let mut world = World::ready(PoolOptions { min_pool_size: 1, ..PoolOptions::default() });
    world.pool.ready(world.now);
    let connection = world.dialled();
    let told = world.events();
    assert_eq!(told[1..], [PoolEvent::PoolReady, PoolEvent::ConnectionCreated { connection }]);
}

#[test]
fn a_clear_refuses_everybody_who_waits_with_one_cause() {
    let (mut world, held) = World::all_in_use(1);
    let tickets = [world.wait(), world.wait()];
    world.forget();
    world.pool.clear(world.now, "reset", false, None);
    let error = PoolError::Cleared { cause: Some("reset") };
    assert_eq!(world.actions(), tickets.map(|ticket| refuse(ticket, error.clone())));
    let failed = PoolEvent::CheckOutFailed { error: error.clone(), duration: Duration::ZERO };
    assert_eq!(
        world.events(),
        [PoolEvent::PoolCleared { interrupt_in_use: false, service_id: None }, failed.clone(), failed]
    );
    assert_eq!(world.check_out(), CheckOut::Refused(error));
    world.forget();
    world.check_in(held[0]);
    assert_eq!(world.actions(), [close(held[0], CloseReason::Stale)]);
    let connection = held[0];
    let told = [
        PoolEvent::CheckedIn { connection },
        PoolEvent::ConnectionClosed { connection, reason: CloseReason::Stale, error: None },
    ];
    assert_eq!(world.events(), told);
}

#[test]
fn a_clear_ends_idle_connections_and_dials() {
    let mut world = World::with_max(5);
    let (idle, ticket) = (world.dial_and_check_out(), world.wait());
    let dial = world.dialled();
    world.pool.cancel(world.now, ticket);
    world.check_in(idle);
    world.pool.clear(world.now, "reset", false, None);
    assert_eq!(world.actions(), [close(idle, CloseReason::Stale), close(dial, CloseReason::Stale)]);
    assert_eq!(world.pool.handle_established(world.now, dial, None), Err(WrongConnection));
    assert!(world.pool.stats().is_empty());
}

#[test]
fn an_interrupting_clear_interrupts_each_user_once() {
    let (mut world, held) = World::all_in_use(2);
    world.pool.clear(world.now, "silent", true, None);
    let interrupts = [held[0], held[1]].map(|connection| Act::Interrupt { connection });
    assert_eq!(world.actions(), interrupts);
    world.pool.clear(world.now, "silent", true, None);
    assert_eq!(world.actions(), []);
    assert_eq!(world.events(), [PoolEvent::PoolCleared { interrupt_in_use: true, service_id: None }]);
}

#[test]
fn an_interrupting_clear_tells_of_the_dial_before_it_tells_of_the_check_out() {
    let mut world = World::with_max(1);
    world.wait();
    let connection = world.dialled();
    world.forget();
    world.pool.clear(world.now, "silent", true, None);
    let error = PoolError::Cleared { cause: Some("silent") };
    let told = [
        PoolEvent::PoolCleared { interrupt_in_use: true, service_id: None },
        PoolEvent::ConnectionClosed { connection, reason: CloseReason::Stale, error: None },
        PoolEvent::CheckOutFailed { error, duration: Duration::ZERO },
    ];
    assert_eq!(world.events(), told);
}

#[test]
fn clearing_a_paused_pool_counts_but_is_not_told() {
    let mut world = World::with_max(1);
    world.forget();
    world.pool.clear(world.now, "one", false, None);
    world.pool.clear(world.now, "two", false, None);
    assert_eq!(world.pool.generation(), Generation(2));
    assert_eq!(world.events(), [PoolEvent::PoolCleared { interrupt_in_use: false, service_id: None }]);
    assert_eq!(world.check_out(), CheckOut::Refused(PoolError::Cleared { cause: Some("two") }));
}

#[test]
fn after_a_clear_the_next_generation_is_as_good_as_the_first() {
    let (mut world, _) = World::all_in_use(2);
    world.pool.clear(world.now, "reset", false, None);
    world.pool.discard(world.now, ConnectionId(Key { number: 1, slot: 0 }), CloseReason::Error, None).unwrap();
    world.pool.ready(world.now);
    world.forget();
    let ticket = world.wait();
    let Some(Action::Dial { connection, generation: Generation(1), .. }) = world.pool.poll_action() else { panic!() };
    world.establish(connection);
    assert_eq!(world.actions(), [grant(ticket, connection)]);
    world.check_in(connection);
    assert_eq!(world.counts(), [0, 1, 1, 0, 0], "the other one of the first generation is still in use");
}

#[test]
fn a_dial_that_clears_tells_in_the_order_of_the_specification() {
    let mut world = World::with_max(5);
    let (first, second) = (world.wait(), world.wait());
    let Act::Dial { connection, .. } = world.actions()[0] else { panic!() };
    world.forget();
    world.pool.handle_dial_failed(world.now, connection, "denied", OnFailure::Clear).unwrap();
    let other = ConnectionId(Key { number: 2, slot: 1 });
    let (own, shared) = (PoolError::Dial { cause: "denied" }, PoolError::Cleared { cause: Some("denied") });
    let duration = Duration::ZERO;
    let told = [
        PoolEvent::PoolCleared { interrupt_in_use: false, service_id: None },
        PoolEvent::ConnectionClosed { connection, reason: CloseReason::Error, error: Some("denied") },
        PoolEvent::CheckOutFailed { error: own.clone(), duration },
        PoolEvent::ConnectionClosed { connection: other, reason: CloseReason::Stale, error: None },
        PoolEvent::CheckOutFailed { error: shared.clone(), duration },
    ];
    assert_eq!(world.events(), told);
    let done = [refuse(first, own), close(other, CloseReason::Stale), refuse(second, shared)];
    assert_eq!(world.actions(), done);
    assert_eq!(world.pool.state(), PoolState::Paused);
}

#[test]
fn closing_ends_everything_that_is_not_in_use_and_the_rest_later() {
    let (mut world, held) = World::all_in_use(4);
    world.check_in(held[1]);
    world.pool.owe(world.now, held[2], None).unwrap();
    world.pool.discard(world.now, held[3], CloseReason::Error, None).unwrap();
    world.granted();
    let ticket = world.wait();
    let dial = world.actions().into_iter().find_map(|action| match action {
        Action::Dial { connection, .. } => Some(connection),
        _ => None,
    });
    world.check_in(held[1]);
    assert_eq!(world.actions(), [grant(ticket, held[1])]);
    world.forget();
    world.pool.close(world.now);
    world.pool.close(world.now);
    let reason = CloseReason::PoolClosed;
    assert_eq!(world.actions(), [close(held[2], reason), close(dial.unwrap(), reason)]);
    assert_eq!(world.events().last(), Some(&PoolEvent::PoolClosed));
    world.check_in(held[0]);
    world.pool.owe(world.now, held[1], None).unwrap();
    assert_eq!(world.actions(), [close(held[0], reason), close(held[1], reason)]);
    assert!(world.pool.stats().is_empty());
}

#[test]
fn a_closed_pool_stays_closed() {
    let (mut world, held) = World::all_in_use(1);
    let ticket = world.wait();
    world.pool.close(world.now);
    assert_eq!(world.actions(), [refuse(ticket, PoolError::Closed)]);
    world.forget();
    world.pool.ready(world.now);
    world.pool.clear(world.now, "late", true, None);
    assert_eq!(world.check_out(), CheckOut::Refused(PoolError::Closed));
    world.check_in(held[0]);
    world.pass(10_000);
    assert_eq!((world.pool.state(), world.pool.poll_timeout()), (PoolState::Closed, None));
    assert_eq!(world.actions(), [close(held[0], CloseReason::PoolClosed)]);
}
