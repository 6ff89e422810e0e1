//! Random operations against a model: whatever the order of events, nothing is lost, doubled, or beyond its limits.

use alloc::collections::{BTreeMap, BTreeSet};

use super::*;

/// A linear congruential generator (Knuth's MMIX constants): a test run is its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn pick<T: Copy + Ord>(&mut self, from: &BTreeSet<T>) -> Option<T> {
        (!from.is_empty()).then(|| *from.iter().nth(self.below(from.len())).unwrap())
    }
}

struct Model {
    world: World,
    random: Random,
    dialling: BTreeSet<ConnectionId>,
    /// Idle or owing: known to the pool, used by nobody.
    parked: BTreeSet<ConnectionId>,
    /// With the limit of the debt that the connection was granted with.
    held: BTreeMap<ConnectionId, Option<Instant>>,
    waiting: BTreeMap<Ticket, Instant>,
    closed: BTreeSet<ConnectionId>,
    grants: usize,
    drains: usize,
}

impl Model {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let options = PoolOptions {
            max_pool_size: random.below(6) as u32,
            min_pool_size: random.below(4) as u32,
            max_connecting: 1 + random.below(3) as u32,
            max_idle_time: (random.below(2) == 0).then_some(Duration::from_millis(300)),
            max_waiting: (random.below(3) == 0).then_some(4),
            owing: random.below(4) != 0,
            load_balanced: random.below(3) == 0,
            ..PoolOptions::default()
        };
        Self {
            world: World::ready(options),
            random,
            dialling: BTreeSet::new(),
            parked: BTreeSet::new(),
            held: BTreeMap::new(),
            waiting: BTreeMap::new(),
            closed: BTreeSet::new(),
            grants: 0,
            drains: 0,
        }
    }

    fn step(&mut self) {
        let now = self.world.now;
        let held = self.random.pick(&self.held.keys().copied().collect());
        let dial = self.random.pick(&self.dialling);
        match self.random.below(18) {
            0..=4 => self.check_out(),
            5 => {
                if let Some(ticket) = self.random.pick(&self.waiting.keys().copied().collect()) {
                    // All that the host has taken out ended its ticket, so this one is the pool's to end.
                    assert!(self.world.pool.cancel(now, ticket));
                    self.waiting.remove(&ticket);
                    // A grant on its way was revoked: the connection is parked, closed or granted anew, and was never ours.
                }
            }
            6..=7 => {
                let service = self.service();
                if let Some(dial) = dial
                    && self.random.below(3) == 0
                {
                    let _ = self.world.pool.handle_hello(now, dial, service);
                } else if let Some(dial) = dial
                    && self.world.pool.handle_established(now, dial, service).is_ok()
                {
                    self.dialling.remove(&dial);
                    self.parked.insert(dial);
                }
            }
            8 => {
                let then = if self.random.below(4) == 0 { OnFailure::Clear } else { OnFailure::Keep };
                if let Some(dial) = dial
                    && self.world.pool.handle_dial_failed(now, dial, "dial", then).is_ok()
                {
                    self.dialling.remove(&dial);
                    assert!(self.closed.insert(dial));
                }
            }
            9..=11 => self.release(held, |pool, connection, _| pool.check_in(now, connection)),
            12 => self.release(held, |pool, connection, _| pool.discard(now, connection, CloseReason::Error, None)),
            13 => self.release(held, |pool, connection, limit| pool.owe(now, connection, limit)),
            14 => {
                if self.random.below(8) == 0 {
                    let service = self.service();
                    self.world.pool.clear(now, "clear", self.random.below(2) == 0, service);
                }
            }
            15 => self.world.pool.ready(now),
            _ => {
                let millis = self.random.below(400) as u64;
                self.world.pass(millis);
            }
        }
        self.check();
        // Mostly as the contract says; sometimes late, so that inputs meet actions that are still pending.
        if self.random.below(4) != 0 {
            self.drain();
        }
    }

    /// One of three services, or none.
    fn service(&mut self) -> Option<ServiceId> {
        Some(self.random.below(4) as u8).filter(|&number| number < 3).map(|number| [number; 12])
    }

    fn check_out(&mut self) {
        let wait = Duration::from_millis(self.random.below(600) as u64);
        let deadline = self.world.now + wait;
        match self.world.pool.check_out(self.world.now, deadline) {
            CheckOut::Granted { connection, owing } => self.hold(connection, owing),
            CheckOut::Wait(ticket) => assert!(self.waiting.insert(ticket, deadline).is_none()),
            CheckOut::Refused(_) => {}
        }
    }

    fn hold(&mut self, connection: ConnectionId, owing: Option<Instant>) {
        assert!(self.parked.remove(&connection), "{connection} was granted but is not free");
        assert!(owing.is_none_or(|limit| limit > self.world.now), "an overdue debt was granted");
        assert!(self.held.insert(connection, owing).is_none());
        self.grants += 1;
    }

    fn release(
        &mut self,
        held: Option<ConnectionId>,
        how: impl FnOnce(&mut Pool<&'static str>, ConnectionId, Option<Instant>) -> Result<(), WrongConnection>,
    ) {
        let Some(connection) = held else { return };
        let limit = self.held.remove(&connection).unwrap();
        self.parked.insert(connection);
        how(&mut self.world.pool, connection, limit).unwrap();
    }

    fn drain(&mut self) {
        for action in self.world.actions() {
            match action {
                Action::Dial { connection, generation, .. } => {
                    assert!(generation <= self.world.pool.generation());
                    assert!(self.dialling.insert(connection));
                }
                Action::Grant { ticket, connection, owing } => {
                    assert!(self.waiting.remove(&ticket).is_some(), "a ticket ended twice");
                    self.parked.remove(&connection);
                    assert!(self.held.insert(connection, owing).is_none(), "{connection} was granted twice");
                    self.grants += 1;
                }
                Action::Refuse { ticket, error } => {
                    let deadline = self.waiting.remove(&ticket).expect("a ticket ended twice");
                    assert!(error != PoolError::TimedOut || deadline <= self.world.now);
                }
                Action::Close { connection, .. } => {
                    assert!(!self.held.contains_key(&connection), "{connection} was closed under its user");
                    assert!(self.parked.remove(&connection) || self.dialling.remove(&connection));
                    assert!(self.closed.insert(connection), "{connection} was closed twice");
                }
                Action::Interrupt { .. } => {}
                Action::Drain { connection } => {
                    assert!(self.parked.remove(&connection));
                    assert!(self.held.insert(connection, None).is_none());
                    self.drains += 1;
                }
            }
        }
        let stats = self.world.pool.stats();
        assert_eq!(stats.pending as usize, self.dialling.len());
        assert_eq!(stats.in_use as usize, self.held.len());
        assert_eq!((stats.idle + stats.owing) as usize, self.parked.len());
        assert_eq!(stats.waiting as usize, self.waiting.len());
    }

    /// What must hold after every input, with actions drained or not.
    fn check(&mut self) {
        let (pool, now) = (&mut self.world.pool, self.world.now);
        let (stats, options) = (pool.stats(), pool.options.clone());
        assert!(options.max_pool_size == 0 || stats.total() <= options.max_pool_size);
        assert!(stats.pending <= options.max_connecting);
        assert!(stats.waiting == 0 || (stats.idle == 0 && pool.state() == PoolState::Ready));
        assert!(stats.waiting <= stats.pending || stats.owing == 0, "a waiter was passed over");
        assert!(stats.waiting <= stats.pending || !pool.can_dial(), "a waiter without a dial");
        assert_eq!(pool.connections.iter_mut().count(), stats.total() as usize);
        let mut services = BTreeMap::<_, u32>::new();
        for connection in pool.connections.values() {
            let current = pool.current_generation(connection);
            assert!(connection.state == State::InUse || connection.generation == current);
            if let Some(service) = connection.service {
                *services.entry(service).or_default() += 1;
            }
        }
        let counted: BTreeMap<_, _> = pool.services.iter().map(|(&id, service)| (id, service.connections)).collect();
        assert_eq!(counted, services);
        assert!(services.is_empty() || options.load_balanced);
        // Being asked again at the same time changes nothing, and leaves no timer that is due (it would spin).
        pool.handle_timeout(now);
        let settled = pool.stats();
        pool.handle_timeout(now);
        assert_eq!(pool.stats(), settled);
        assert!(pool.poll_timeout().is_none_or(|at| at > now));
    }

    /// Everybody leaves, and the books must balance.
    fn finish(mut self) -> (usize, usize, usize) {
        self.drain();
        let tickets: Vec<_> = self.waiting.keys().copied().collect();
        for ticket in tickets {
            assert!(self.world.pool.cancel(self.world.now, ticket));
            self.waiting.remove(&ticket);
        }
        while let Some(connection) = self.held.keys().next().copied() {
            let now = self.world.now;
            self.release(Some(connection), |pool, connection, _| pool.check_in(now, connection));
            self.drain();
        }
        self.world.pass(2000);
        self.drain();
        while let Some(connection) = self.held.keys().next().copied() {
            let now = self.world.now;
            self.release(Some(connection), |pool, connection, _| pool.check_in(now, connection));
        }
        self.drain();
        let [_, _, in_use, owing, waiting] = self.world.counts();
        assert_eq!([in_use, owing, waiting], [0; 3]);
        self.world.pool.close(self.world.now);
        self.drain();
        assert!(self.world.pool.stats().is_empty());
        let created = self.closed.iter().next_back().map_or(0, |last| last.number());
        assert_eq!(self.closed.len() as u64, created, "every connection that was ever dialled has ended");
        self.balance_events();
        (self.grants, self.closed.len(), self.drains)
    }

    /// The events tell the same story: each start has its end.
    fn balance_events(&mut self) {
        let mut tally = [0_i64; 3];
        for event in self.world.events() {
            match event {
                PoolEvent::ConnectionCreated { .. } => tally[0] += 1,
                PoolEvent::ConnectionClosed { .. } => tally[0] -= 1,
                PoolEvent::CheckOutStarted => tally[1] += 1,
                PoolEvent::CheckOutFailed { .. } => tally[1] -= 1,
                PoolEvent::CheckedOut { .. } => {
                    tally[1] -= 1;
                    tally[2] += 1;
                }
                PoolEvent::CheckedIn { .. } => tally[2] -= 1,
                _ => {}
            }
        }
        assert_eq!(tally, [0; 3], "created - closed, started - ended, out - in");
    }
}

#[test]
fn any_order_of_operations_keeps_the_books() {
    let (mut grants, mut closed, mut drains) = (0, 0, 0);
    for seed in 0..300 {
        let mut model = Model::new(seed);
        for _ in 0..400 {
            model.step();
        }
        let ended = model.finish();
        (grants, closed, drains) = (grants + ended.0, closed + ended.1, drains + ended.2);
    }
    // The walk must have been to the interesting places.
    assert!(grants > 10_000 && closed > 5_000 && drains > 100, "{grants} grants, {closed} closed, {drains} drains");
}
