//! Behind a load balancer, and what can be asked of connections anywhere.

use super::*;

const A: Option<ServiceId> = Some([0xa; 12]);
const B: Option<ServiceId> = Some([0xb; 12]);

fn balanced(max: u32) -> World {
    let mut world = World::ready(PoolOptions { max_pool_size: max, load_balanced: true, ..PoolOptions::default() });
    world.forget();
    world
}

impl World {
    /// A connection in use that leads to `service`.
    fn check_out_from(&mut self, service: Option<ServiceId>) -> ConnectionId {
        let ticket = self.wait();
        let connection = self.dialled();
        self.pool.handle_established(self.now, connection, service).unwrap();
        assert_eq!(self.actions(), [grant(ticket, connection)]);
        connection
    }

    fn generation_of(&self, connection: ConnectionId) -> Option<u32> {
        self.pool.generation_of(connection).map(|generation| generation.0)
    }
}

#[test]
fn a_clear_is_for_one_service_and_pauses_nothing() {
    let mut world = balanced(5);
    let [idle, used, other] = [A, A, B].map(|service| world.check_out_from(service));
    world.check_in(idle);
    world.forget();
    world.pool.clear(world.now, "reset", false, A);
    assert_eq!(world.actions(), [close(idle, CloseReason::Stale)]);
    let told = [
        PoolEvent::PoolCleared { interrupt_in_use: false, service_id: A },
        PoolEvent::ConnectionClosed { connection: idle, reason: CloseReason::Stale, error: None },
    ];
    assert_eq!(world.events(), told);
    assert_eq!(world.pool.state(), PoolState::Ready);
    assert_eq!([used, other].map(|connection| world.pool.is_stale(connection)), [true, false]);
    world.check_in(other);
    world.check_in(used);
    assert_eq!(world.actions(), [close(used, CloseReason::Stale)]);
    assert_eq!(world.granted(), other);
}

#[test]
fn a_clear_leaves_who_waits_in_the_queue_and_dials_for_them() {
    let mut world = balanced(1);
    let held = world.check_out_from(A);
    let ticket = world.wait();
    world.pool.clear(world.now, "reset", false, A);
    assert_eq!(world.actions(), []);
    world.check_in(held);
    let [Action::Close { connection, reason: CloseReason::Stale }, Action::Dial { connection: dial, .. }] =
        world.actions()[..]
    else {
        panic!("expected that the stale connection makes room for another")
    };
    assert_eq!(connection, held);
    world.pool.handle_established(world.now, dial, A).unwrap();
    assert_eq!(world.actions(), [grant(ticket, dial)]);
    assert!(!world.pool.is_stale(dial));
}

#[test]
fn an_idle_connection_that_a_clear_closes_makes_room_for_who_waits() {
    let mut world = balanced(1);
    let held = world.check_out_from(A);
    world.pool.owe(world.now, held, None).unwrap();
    world.forget();
    world.pool.clear(world.now, "reset", false, A);
    assert_eq!(world.actions(), [close(held, CloseReason::Stale)]);
    let told = world.events();
    assert_eq!(told[1], PoolEvent::CheckedIn { connection: held });
    world.wait();
    world.dialled();
}

#[test]
fn the_generation_is_that_of_the_service_when_its_hello_came() {
    let mut world = balanced(5);
    let keeper = world.check_out_from(A);
    world.pool.clear(world.now, "one", false, A);
    assert_eq!((world.generation_of(keeper), world.pool.is_stale(keeper)), (Some(0), true));
    // A dial of before the clear that meets the service only afterwards is as good as new.
    let ticket = world.wait();
    let dial = world.dialled();
    world.pool.clear(world.now, "two", false, A);
    assert_eq!((world.generation_of(dial), world.pool.service_of(dial)), (Some(0), None));
    world.pool.handle_hello(world.now, dial, A).unwrap();
    assert_eq!((world.generation_of(dial), world.pool.service_of(dial)), (Some(2), A));
    world.pool.handle_established(world.now, dial, B).unwrap();
    assert_eq!(world.actions(), [grant(ticket, dial)]);
    assert_eq!(world.pool.service_of(dial), A, "the hello has told before");
}

#[test]
fn a_clear_during_authentication_ends_the_dial_and_begins_another() {
    let mut world = balanced(5);
    let ticket = world.wait();
    let dial = world.dialled();
    world.pool.handle_hello(world.now, dial, A).unwrap();
    world.pool.clear(world.now, "reset", false, A);
    let [Action::Close { connection, .. }, Action::Dial { connection: next, .. }] = world.actions()[..] else {
        panic!("expected one dial in place of the other")
    };
    assert_eq!(connection, dial);
    assert_eq!(world.pool.handle_hello(world.now, dial, A), Err(WrongConnection));
    assert_eq!(world.pool.handle_established(world.now, dial, A), Err(WrongConnection));
    world.pool.handle_established(world.now, next, A).unwrap();
    assert_eq!(world.actions(), [grant(ticket, next)]);
}

#[test]
fn a_service_is_forgotten_with_its_last_connection() {
    let mut world = balanced(5);
    let first = world.check_out_from(A);
    world.pool.clear(world.now, "reset", false, A);
    world.check_in(first);
    world.forget();
    assert!(world.pool.services.is_empty());
    assert_eq!((world.generation_of(first), world.pool.is_stale(first)), (None, true));
    let second = world.check_out_from(A);
    assert_eq!(world.generation_of(second), Some(0));
}

#[test]
fn a_dial_that_fails_before_hello_clears_nothing() {
    let mut world = balanced(5);
    let held = world.check_out_from(A);
    let ticket = world.wait();
    let dial = world.dialled();
    world.forget();
    world.pool.handle_dial_failed(world.now, dial, "reset", OnFailure::Clear).unwrap();
    assert_eq!(world.actions(), [refuse(ticket, PoolError::Dial { cause: "reset" })]);
    assert!(!world.events().iter().any(|event| matches!(event, PoolEvent::PoolCleared { .. })));
    assert!(!world.pool.is_stale(held));
    world.pool.clear(world.now, "nobody's", false, None);
    assert_eq!((world.actions(), world.events()), (Vec::new(), Vec::new()));
}

#[test]
fn a_dial_that_fails_after_hello_clears_its_service() {
    let mut world = balanced(5);
    let [idle, other] = [A, B].map(|service| world.check_out_from(service));
    let (first, second) = (world.wait(), world.wait());
    let Act::Dial { connection: dial, .. } = world.actions()[0] else { panic!() };
    world.pool.owe(world.now, idle, None).unwrap();
    world.pool.handle_hello(world.now, dial, A).unwrap();
    world.forget();
    world.pool.handle_dial_failed(world.now, dial, "denied", OnFailure::Clear).unwrap();
    let told = world.events();
    assert_eq!(told[0], PoolEvent::PoolCleared { interrupt_in_use: false, service_id: A });
    assert!(matches!(told[1], PoolEvent::ConnectionClosed { connection, .. } if connection == dial));
    let done = world.actions();
    assert_eq!(done[..2], [refuse(first, PoolError::Dial { cause: "denied" }), close(idle, CloseReason::Stale)]);
    assert!(!world.pool.is_stale(other));
    assert!(world.pool.cancel(world.now, second), "the other one still waits");
}

#[test]
fn an_interrupting_clear_interrupts_the_users_of_the_service() {
    let mut world = balanced(5);
    let [used, _other] = [A, B].map(|service| world.check_out_from(service));
    world.pool.clear(world.now, "silent", true, A);
    assert_eq!(world.actions(), [Act::Interrupt { connection: used }]);
}

#[test]
fn a_population_that_fails_behind_a_load_balancer_pauses_for_a_while() {
    let mut world = World::ready(PoolOptions { min_pool_size: 1, load_balanced: true, ..PoolOptions::default() });
    let dial = world.dialled();
    world.pool.handle_dial_failed(world.now, dial, "refused", OnFailure::Clear).unwrap();
    assert_eq!(world.actions(), []);
    world.pass(1000);
    world.dialled();
}

#[test]
fn a_population_that_fails_elsewhere_clears_the_pool_until_it_is_ready() {
    let mut world = World::ready(PoolOptions { min_pool_size: 1, ..PoolOptions::default() });
    let connection = world.dialled();
    world.forget();
    world.pool.handle_dial_failed(world.now, connection, "refused", OnFailure::Clear).unwrap();
    let told = [
        PoolEvent::PoolCleared { interrupt_in_use: false, service_id: None },
        PoolEvent::ConnectionClosed { connection, reason: CloseReason::Error, error: Some("refused") },
    ];
    assert_eq!(world.events(), told);
    world.pass(10_000);
    assert_eq!((world.actions(), world.pool.poll_timeout()), (Vec::new(), None));
    world.pool.ready(world.now);
    world.dialled();
}

#[test]
fn without_a_load_balancer_services_do_not_count() {
    let mut world = World::with_max(5);
    let held = world.check_out_from(A);
    assert_eq!(world.pool.service_of(held), None);
    world.forget();
    world.pool.clear(world.now, "reset", false, B);
    assert_eq!(world.events(), [PoolEvent::PoolCleared { interrupt_in_use: false, service_id: None }]);
    assert_eq!((world.pool.state(), world.pool.is_stale(held)), (PoolState::Paused, true));
}

#[test]
fn what_connections_are_used_for_is_tracked_until_they_come_back() {
    let mut world = balanced(9);
    let [cursor, transaction, plain, owing, idle] = [A, A, B, B, B].map(|service| world.check_out_from(service));
    world.check_in(idle);
    world.pool.owe(world.now, owing, None).unwrap();
    world.pool.set_purpose(cursor, Purpose::Cursor).unwrap();
    world.pool.set_purpose(transaction, Purpose::Transaction).unwrap();
    world.pool.set_purpose(plain, Purpose::Operation).unwrap();
    assert_eq!(world.pool.set_purpose(idle, Purpose::Cursor), Err(WrongConnection));
    assert_eq!(world.pool.usage(), PoolUsage { max_pool_size: 9, cursors: 1, transactions: 1, operations: 2 });
    assert_eq!(
        alloc::string::ToString::to_string(&world.pool.usage()),
        "maxPoolSize: 9, connections in use by cursors: 1, connections in use by transactions: 1, connections in use \
         by other operations: 2"
    );
    world.check_in(cursor);
    assert_eq!(world.granted(), cursor);
    assert_eq!(world.pool.usage().cursors, 0);
}

#[test]
fn statistics_count_grants_and_how_long_they_waited() {
    let (mut world, held) = World::all_in_use(1);
    let stats = world.pool.stats();
    assert_eq!((stats.granted, stats.waited, stats.mean_wait()), (1, Duration::ZERO, Duration::ZERO));
    let refused = world.wait_until(Instant::from_millis(5));
    world.wait();
    world.pass(5);
    assert!(world.pool.cancel(world.now, refused));
    world.pass(25);
    world.check_in(held[0]);
    let millis = Duration::from_millis;
    let stats = world.pool.stats();
    assert_eq!((stats.granted, stats.waited, stats.last_wait), (2, millis(30), millis(30)));
    assert_eq!(stats.mean_wait(), millis(15));
    world.check_in(held[0]);
    world.granted();
    let stats = world.pool.stats();
    assert_eq!((stats.granted, stats.waited, stats.last_wait), (3, millis(30), Duration::ZERO));
    assert_eq!(PoolStats::default().mean_wait(), Duration::ZERO);
}
