//! minPoolSize and maxIdleTimeMS.

use super::*;

fn idle_for(millis: u64) -> PoolOptions {
    PoolOptions { max_idle_time: Some(Duration::from_millis(millis)), ..PoolOptions::default() }
}

/// A pool that keeps two connections up, dials one at a time.
fn populated() -> World {
    World::ready(PoolOptions { min_pool_size: 2, max_connecting: 1, ..PoolOptions::default() })
}

#[test]
fn the_pool_is_populated_up_to_min_pool_size_under_max_connecting() {
    let mut world = populated();
    for established in 1..=2 {
        let dial = world.dialled();
        world.establish(dial);
        assert_eq!(world.pool.stats().idle, established);
    }
    assert_eq!(world.actions(), []);
}

#[test]
fn max_pool_size_wins_over_min_pool_size() {
    let mut world = World::ready(PoolOptions { min_pool_size: 5, max_pool_size: 1, ..PoolOptions::default() });
    let dial = world.dialled();
    world.establish(dial);
    assert_eq!((world.actions(), world.counts()), (Vec::new(), [0, 1, 0, 0, 0]));
}

#[test]
fn a_check_out_takes_a_connection_that_population_dials() {
    let mut world = populated();
    let dial = world.dialled();
    let ticket = world.wait();
    assert_eq!(world.actions(), []);
    world.establish(dial);
    assert_eq!(world.actions()[0], grant(ticket, dial));
}

#[test]
fn population_pauses_after_a_failed_dial_but_check_outs_do_not() {
    let mut world = populated();
    let dial = world.dialled();
    world.pool.handle_dial_failed(world.now, dial, "busy", OnFailure::Keep).unwrap();
    assert_eq!(world.actions(), []);
    assert_eq!(world.pool.poll_timeout(), Some(Instant::from_millis(1000)));
    world.wait();
    let dial = world.dialled();
    world.establish(dial);
    assert_eq!(world.actions().len(), 1, "the grant, and no second dial yet");
    world.pass(1000);
    world.dialled();
    assert_eq!(world.pool.poll_timeout(), None);
}

#[test]
fn ready_ends_the_pause() {
    let mut world = populated();
    let dial = world.dialled();
    world.pool.handle_dial_failed(world.now, dial, "denied", OnFailure::Clear).unwrap();
    assert_eq!((world.pool.poll_timeout(), world.actions()), (None, Vec::new()));
    world.pool.ready(world.now);
    world.dialled();
}

#[test]
fn a_lost_connection_is_replaced() {
    let mut world = populated();
    for _ in 0..2 {
        let dial = world.dialled();
        world.establish(dial);
    }
    let held = world.granted();
    world.pool.discard(world.now, held, CloseReason::Error, None).unwrap();
    assert!(matches!(world.actions()[..], [Action::Close { .. }, Action::Dial { populates: true, .. }]));
}

#[test]
fn idle_connections_are_closed_when_their_time_comes_the_oldest_first() {
    let mut world = World::ready(idle_for(100));
    let (old, new) = (world.dial_and_check_out(), world.dial_and_check_out());
    world.check_in(old);
    world.now = Instant::from_millis(30);
    world.check_in(new);
    assert_eq!(world.pool.poll_timeout(), Some(Instant::from_millis(100)));
    world.pass(69);
    assert_eq!(world.actions(), []);
    world.pass(1);
    assert_eq!(world.actions(), [close(old, CloseReason::Idle)]);
    assert_eq!(world.pool.poll_timeout(), Some(Instant::from_millis(130)));
    world.pass(30);
    assert_eq!(world.actions(), [close(new, CloseReason::Idle)]);
    assert_eq!(world.pool.poll_timeout(), None);
}

#[test]
fn a_check_out_closes_what_was_idle_for_too_long_and_dials() {
    let mut world = World::ready(idle_for(100));
    let held = [world.dial_and_check_out(), world.dial_and_check_out()];
    held.iter().for_each(|&connection| world.check_in(connection));
    world.now = Instant::from_millis(100);
    world.wait();
    let expected = [close(held[1], CloseReason::Idle), close(held[0], CloseReason::Idle)];
    let actions = world.actions();
    assert_eq!(actions[..2], expected);
    assert!(matches!(actions[2..], [Action::Dial { populates: false, .. }]));
}

#[test]
fn use_starts_the_idle_time_anew() {
    let mut world = World::ready(idle_for(100));
    let connection = world.dial_and_check_out();
    world.now = Instant::from_millis(500);
    world.check_in(connection);
    assert_eq!(world.pool.poll_timeout(), Some(Instant::from_millis(600)));
    assert_eq!(world.granted(), connection);
}

#[test]
fn zero_idle_time_is_no_limit() {
    let mut world = World::ready(idle_for(0));
    let connection = world.dial_and_check_out();
    world.check_in(connection);
    world.pass(1_000_000);
    assert_eq!((world.pool.poll_timeout(), world.granted()), (None, connection));
}

#[test]
fn expired_connections_are_replaced_to_keep_min_pool_size() {
    let mut world = World::ready(PoolOptions { min_pool_size: 1, ..idle_for(100) });
    let dial = world.dialled();
    world.establish(dial);
    world.pass(100);
    assert!(matches!(world.actions()[..], [Action::Close { .. }, Action::Dial { .. }]));
}
