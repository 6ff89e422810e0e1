//! Checking out and in, the queue, and dials.

use super::*;

#[test]
fn the_connection_used_last_is_granted_first_and_without_an_action() {
    let (mut world, held) = World::all_in_use(2);
    world.check_in(held[0]);
    world.check_in(held[1]);
    assert_eq!(world.granted(), held[1]);
    assert_eq!(world.granted(), held[0]);
    assert_eq!(world.actions(), []);
    assert_eq!(world.pool.stats().total(), 2);
}

#[test]
fn a_cold_check_out_tells_the_whole_story_with_its_durations() {
    let mut world = World::with_max(1);
    world.forget();
    world.wait();
    let connection = world.dialled();
    assert_eq!(connection.number(), 1);
    world.now = Instant::from_millis(7);
    world.establish(connection);
    world.check_in(connection);
    let duration = Duration::from_millis(7);
    let story = [
        PoolEvent::CheckOutStarted,
        PoolEvent::ConnectionCreated { connection },
        PoolEvent::ConnectionReady { connection, duration },
        PoolEvent::CheckedOut { connection, duration },
        PoolEvent::CheckedIn { connection },
    ];
    assert_eq!(world.events(), story);
}

#[test]
fn without_a_listener_nothing_is_recorded() {
    let (mut world, held) = World::all_in_use(1);
    world.pool.set_events(false);
    world.check_in(held[0]);
    world.granted();
    world.pool.clear(world.now, "gone", true, None);
    world.pool.close(world.now);
    assert_eq!(world.events(), []);
}

#[test]
fn waiters_are_served_in_the_order_of_their_arrival() {
    let (mut world, held) = World::all_in_use(1);
    let tickets = [world.wait(), world.wait(), world.wait()];
    for ticket in tickets {
        world.check_in(held[0]);
        assert_eq!(world.actions(), [grant(ticket, held[0])]);
    }
    assert_eq!(world.counts(), [0, 0, 1, 0, 0]);
}

#[test]
fn dials_never_exceed_max_connecting_nor_connections_max_pool_size() {
    let mut world = World::with_max(3);
    world.forget();
    let tickets: Vec<_> = (0..5).map(|_| world.wait()).collect();
    let Act::Dial { connection: first, .. } = world.actions()[0] else { panic!() };
    assert_eq!(world.counts(), [2, 0, 0, 0, 5]);
    world.establish(first);
    let third = match world.actions()[..] {
        [Action::Grant { ticket, .. }, Action::Dial { connection, .. }] if ticket == tickets[0] => connection,
        ref other => panic!("{other:?}"),
    };
    world.establish(third);
    assert_eq!(world.actions(), [grant(tickets[1], third)], "the pool is full: no dial");
    assert_eq!(world.counts(), [1, 0, 2, 0, 3]);
}

#[test]
fn max_connecting_zero_counts_as_one() {
    let mut world = World::ready(PoolOptions { max_connecting: 0, ..PoolOptions::default() });
    world.wait();
    world.wait();
    assert_eq!(world.counts(), [1, 0, 0, 0, 2]);
}

#[test]
fn a_pool_without_limit_dials_for_everybody() {
    let mut world = World::ready(PoolOptions { max_pool_size: 0, max_connecting: 500, ..PoolOptions::default() });
    for _ in 0..300 {
        world.wait();
    }
    assert_eq!(world.pool.stats().pending, 300);
}

#[test]
fn a_returned_connection_serves_whom_a_dial_was_for_and_the_dial_serves_the_next() {
    let mut world = World::with_max(2);
    let held = world.dial_and_check_out();
    let first = world.wait();
    let dial = world.dialled();
    world.check_in(held);
    assert_eq!(world.actions(), [grant(first, held)]);
    let second = world.wait();
    assert_eq!(world.actions(), [], "the dial under way is enough");
    world.establish(dial);
    assert_eq!(world.actions(), [grant(second, dial)]);
}

#[test]
fn a_dial_that_nobody_waits_for_any_more_becomes_idle() {
    let mut world = World::with_max(1);
    let ticket = world.wait();
    let dial = world.dialled();
    assert!(world.pool.cancel(world.now, ticket));
    world.establish(dial);
    assert_eq!(world.actions(), []);
    assert_eq!(world.granted(), dial);
}

#[test]
fn a_failed_dial_refuses_the_head_of_the_queue_only() {
    let mut world = World::ready(PoolOptions { max_connecting: 1, ..PoolOptions::default() });
    let (first, second) = (world.wait(), world.wait());
    let dial = world.dialled();
    world.forget();
    world.pool.handle_dial_failed(world.now, dial, "no route", OnFailure::Keep).unwrap();
    match &world.actions()[..] {
        [refusal, Action::Dial { .. }] => {
            assert_eq!(*refusal, refuse(first, PoolError::Dial { cause: "no route" }));
        }
        other => panic!("{other:?}"),
    }
    let told = world.events();
    assert_eq!(
        told[..2],
        [
            PoolEvent::ConnectionClosed { connection: dial, reason: CloseReason::Error, error: Some("no route") },
            PoolEvent::CheckOutFailed { error: PoolError::Dial { cause: "no route" }, duration: Duration::ZERO },
        ]
    );
    assert_eq!(world.counts(), [1, 0, 0, 0, 1]);
    assert!(world.pool.cancel(world.now, second), "still waiting");
}

#[test]
fn a_failed_dial_refuses_nobody_who_came_after_it_began() {
    let mut world = World::with_max(5);
    let early = world.wait();
    let dial = world.dialled();
    world.pool.cancel(world.now, early);
    world.wait();
    assert_eq!(world.actions(), [], "the dial under way is enough");
    world.pool.handle_dial_failed(world.now, dial, "no route", OnFailure::Keep).unwrap();
    assert_ne!(world.dialled(), dial);
    assert_eq!(world.counts(), [1, 0, 0, 0, 1]);
}

#[test]
fn a_ticket_whose_deadline_has_passed_is_refused_and_not_granted() {
    let (mut world, held) = World::all_in_use(1);
    let late = world.wait_until(Instant::from_millis(5));
    let patient = world.wait();
    world.now = Instant::from_millis(5);
    world.check_in(held[0]);
    assert_eq!(world.actions(), [refuse(late, PoolError::TimedOut), grant(patient, held[0])]);
    assert!(!world.pool.cancel(world.now, late));
}

#[test]
fn a_deadline_in_the_past_is_refused_even_with_an_idle_connection() {
    let (mut world, held) = World::all_in_use(1);
    world.check_in(held[0]);
    assert_eq!(world.pool.check_out(world.now, world.now), CheckOut::Refused(PoolError::TimedOut));
    assert_eq!(world.counts(), [0, 1, 0, 0, 0]);
}

#[test]
fn a_cancelled_ticket_leaves_the_queue_and_says_why() {
    let (mut world, held) = World::all_in_use(1);
    let (first, second, third) = (world.wait_until(Instant::from_millis(9)), world.wait(), world.wait());
    world.forget();
    world.now = Instant::from_millis(9);
    assert!(world.pool.cancel(world.now, second));
    assert!(world.pool.cancel(world.now, first));
    assert!(!world.pool.cancel(world.now, first));
    let duration = Duration::from_millis(9);
    let told = [PoolError::Cancelled, PoolError::TimedOut];
    assert_eq!(world.events(), told.map(|error| PoolEvent::CheckOutFailed { error, duration }));
    world.check_in(held[0]);
    assert_eq!(world.actions(), [grant(third, held[0])]);
}

#[test]
fn a_grant_not_yet_taken_out_goes_to_the_next_when_its_ticket_is_cancelled() {
    let (mut world, held) = World::all_in_use(1);
    let (first, second) = (world.wait(), world.wait());
    world.check_in(held[0]);
    assert!(world.pool.cancel(world.now, first));
    assert_eq!(world.actions(), [grant(second, held[0])]);
    world.check_in(held[0]);
    assert_eq!(world.counts(), [0, 1, 0, 0, 0]);
}

#[test]
fn a_ticket_whose_grant_was_taken_out_cannot_be_cancelled() {
    let (mut world, held) = World::all_in_use(1);
    let ticket = world.wait();
    world.check_in(held[0]);
    world.actions();
    assert!(!world.pool.cancel(world.now, ticket));
    assert_eq!(world.counts(), [0, 0, 1, 0, 0]);
}

#[test]
fn a_full_queue_refuses_but_those_with_a_dial_do_not_count() {
    let mut world = World::ready(PoolOptions { max_pool_size: 1, max_waiting: Some(1), ..PoolOptions::default() });
    world.wait();
    world.wait();
    assert_eq!(world.check_out(), CheckOut::Refused(PoolError::QueueFull));
    assert_eq!(world.counts(), [1, 0, 0, 0, 2]);
}

#[test]
fn a_discarded_connection_makes_room_for_a_dial() {
    let (mut world, held) = World::all_in_use(1);
    let ticket = world.wait();
    world.pool.discard(world.now, held[0], CloseReason::Error, Some("reset")).unwrap();
    let dial = match world.actions()[..] {
        [Action::Close { connection, reason: CloseReason::Error }, Action::Dial { connection: dial, .. }]
            if connection == held[0] =>
        {
            dial
        }
        ref other => panic!("{other:?}"),
    };
    assert_eq!((dial.number(), dial.slot()), (2, held[0].slot()));
    world.establish(dial);
    assert_eq!(world.actions(), [grant(ticket, dial)]);
}

#[test]
fn a_connection_in_the_wrong_state_changes_nothing() {
    let mut world = World::with_max(2);
    let held = world.dial_and_check_out();
    world.wait();
    let pending = world.dialled();
    let wrong = Err(WrongConnection);
    let now = world.now;
    world.forget();
    assert_eq!(world.pool.check_in(now, pending), wrong);
    assert_eq!(world.pool.owe(now, pending, None), wrong);
    assert_eq!(world.pool.discard(now, pending, CloseReason::Error, None), wrong);
    assert_eq!(world.pool.handle_established(now, held, None), wrong);
    assert_eq!(world.pool.handle_dial_failed(now, held, "no", OnFailure::Clear), wrong);
    world.pool.discard(now, held, CloseReason::Error, None).unwrap();
    world.forget();
    let counts = world.counts();
    assert_eq!(world.pool.check_in(now, held), wrong, "closed");
    assert_eq!(world.pool.discard(now, held, CloseReason::Error, None), wrong);
    assert_eq!((world.actions(), world.events(), world.counts()), (Vec::new(), Vec::new(), counts));
}

#[test]
fn a_connection_checked_in_twice_is_idle_once() {
    let (mut world, held) = World::all_in_use(1);
    world.check_in(held[0]);
    assert_eq!(world.pool.check_in(world.now, held[0]), Err(WrongConnection));
    assert_eq!(world.counts(), [0, 1, 0, 0, 0]);
}

#[test]
fn errors_speak_as_the_specification_does() {
    let texts = [
        (PoolError::Closed, "Attempted to check out a connection from closed connection pool", "poolClosed"),
        (PoolError::TimedOut, "Timed out while checking out a connection from connection pool", "timeout"),
        (
            PoolError::Cleared { cause: Some("reset") },
            "Connection pool was cleared because another operation failed with: reset",
            "connectionError",
        ),
    ];
    for (error, text, reason) in texts {
        assert_eq!((alloc::format!("{error}").as_str(), error.reason().as_str()), (text, reason));
    }
}
