//! Connections that owe a reply.

use super::*;

const LIMIT: Instant = Instant::from_millis(1000);

fn owing(connection: ConnectionId) -> CheckOut<&'static str> {
    CheckOut::Granted { connection, owing: Some(LIMIT) }
}

/// One connection, owing since the origin.
fn in_debt() -> (World, ConnectionId) {
    let (mut world, held) = World::all_in_use(1);
    world.pool.owe(world.now, held[0], None).unwrap();
    (world, held[0])
}

#[test]
fn a_check_out_prefers_an_idle_connection_then_a_dial_then_an_owing_one() {
    let mut world = World::with_max(3);
    let (debtor, idle) = (world.dial_and_check_out(), world.dial_and_check_out());
    world.pool.owe(world.now, debtor, None).unwrap();
    world.check_in(idle);
    assert_eq!(world.granted(), idle);
    let ticket = world.wait();
    let dial = world.dialled();
    world.establish(dial);
    assert_eq!(world.actions(), [grant(ticket, dial)]);
    world.forget();
    assert_eq!(world.check_out(), owing(debtor));
    let duration = Duration::ZERO;
    let told = [
        PoolEvent::CheckOutStarted,
        PoolEvent::CheckedIn { connection: debtor },
        PoolEvent::CheckedOut { connection: debtor, duration },
    ];
    assert_eq!(world.events(), told);
    assert_eq!(world.counts(), [0, 0, 3, 0, 0]);
}

#[test]
fn an_owing_connection_counts_against_max_pool_size() {
    let (mut world, debtor) = in_debt();
    assert_eq!(world.counts(), [0, 0, 0, 1, 0]);
    assert_eq!(world.check_out(), owing(debtor));
    world.wait();
    assert_eq!(world.actions(), [], "no room to dial");
}

#[test]
fn who_waits_already_gets_a_connection_as_soon_as_it_owes() {
    let (mut world, held) = World::all_in_use(1);
    let ticket = world.wait();
    world.pool.owe(world.now, held[0], None).unwrap();
    assert_eq!(world.actions(), [Action::Grant { ticket, connection: held[0], owing: Some(LIMIT) }]);
}

#[test]
fn who_waits_for_a_dial_is_not_given_an_owing_connection() {
    let mut world = World::with_max(2);
    let debtor = world.dial_and_check_out();
    world.wait();
    world.dialled();
    world.pool.owe(world.now, debtor, None).unwrap();
    assert_eq!(world.actions(), []);
    assert_eq!(world.counts(), [1, 0, 0, 1, 1]);
}

#[test]
fn a_newcomer_does_not_pass_the_queue_to_an_owing_connection() {
    let mut world = World::with_max(2);
    let debtor = world.dial_and_check_out();
    let first = world.wait();
    let dial = world.dialled();
    world.pool.owe(world.now, debtor, None).unwrap();
    let second = world.wait();
    assert_eq!(world.actions(), [Action::Grant { ticket: first, connection: debtor, owing: Some(LIMIT) }]);
    world.establish(dial);
    assert_eq!(world.actions(), [grant(second, dial)]);
}

#[test]
fn at_the_limit_the_keeper_drains_and_checks_in() {
    let (mut world, debtor) = in_debt();
    assert_eq!(world.pool.poll_timeout(), Some(LIMIT));
    world.pass(999);
    assert_eq!(world.actions(), []);
    world.pass(1);
    assert_eq!(world.actions(), [Action::Drain { connection: debtor }]);
    assert_eq!((world.counts(), world.pool.poll_timeout()), ([0, 0, 1, 0, 0], None));
    world.pass(5000);
    assert_eq!(world.actions(), [], "once");
    world.check_in(debtor);
    assert_eq!(world.events(), [PoolEvent::CheckedIn { connection: debtor }]);
    assert_eq!(world.granted(), debtor);
}

#[test]
fn an_overdue_debt_is_drained_rather_than_granted() {
    let (mut world, debtor) = in_debt();
    world.now = LIMIT;
    world.wait();
    assert_eq!(world.actions(), [Action::Drain { connection: debtor }]);
}

#[test]
fn a_debt_that_changes_hands_is_not_prolonged_and_takes_its_place_in_line() {
    let (mut world, held) = World::all_in_use(2);
    let [old, new] = held[..] else { panic!() };
    world.pool.owe(world.now, old, None).unwrap();
    world.now = Instant::from_millis(600);
    assert_eq!(world.check_out(), owing(old));
    world.pool.owe(world.now, new, None).unwrap();
    world.pool.owe(world.now, old, Some(LIMIT)).unwrap();
    assert_eq!(world.pool.poll_timeout(), Some(LIMIT));
    world.pass(400);
    assert_eq!(world.actions(), [Action::Drain { connection: old }]);
    world.pass(600);
    assert_eq!(world.actions(), [Action::Drain { connection: new }]);
}

#[test]
fn a_debt_never_exceeds_the_limit_of_a_new_one() {
    let (mut world, held) = World::all_in_use(1);
    world.pool.owe(world.now, held[0], Some(NEVER)).unwrap();
    assert_eq!(world.pool.poll_timeout(), Some(LIMIT));
}

#[test]
fn a_cancelled_grant_of_an_owing_connection_owes_as_before() {
    let (mut world, held) = World::all_in_use(1);
    let ticket = world.wait();
    world.pool.owe(world.now, held[0], None).unwrap();
    world.now = Instant::from_millis(300);
    assert!(world.pool.cancel(world.now, ticket));
    assert_eq!((world.actions(), world.counts()), (Vec::new(), [0, 0, 0, 1, 0]));
    assert_eq!(world.pool.poll_timeout(), Some(LIMIT));
}

#[test]
fn with_the_option_off_the_connection_is_closed() {
    let mut world = World::ready(PoolOptions { owing: false, ..PoolOptions::default() });
    let connection = world.dial_and_check_out();
    world.pool.owe(world.now, connection, None).unwrap();
    assert_eq!(world.actions(), [close(connection, CloseReason::Error)]);
    assert!(world.pool.stats().is_empty());
}

#[test]
fn a_clear_closes_owing_connections_and_a_stale_one_cannot_owe() {
    let (mut world, held) = World::all_in_use(2);
    world.pool.owe(world.now, held[0], None).unwrap();
    world.pool.clear(world.now, "reset", false, None);
    assert_eq!(world.actions(), [close(held[0], CloseReason::Stale)]);
    world.pool.owe(world.now, held[1], None).unwrap();
    assert_eq!(world.actions(), [close(held[1], CloseReason::Stale)]);
    assert!(world.pool.stats().is_empty());
}

#[test]
fn an_owing_connection_found_broken_is_discarded() {
    let (mut world, debtor) = in_debt();
    world.pool.discard(world.now, debtor, CloseReason::Error, None).unwrap();
    assert_eq!(world.actions(), [close(debtor, CloseReason::Error)]);
    assert!(world.pool.stats().is_empty());
}
