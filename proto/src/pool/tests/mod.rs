//! One small world for all tests of the pool: a clock that is set by hand, and scenarios that begin where a test begins.

use alloc::vec::Vec;
use core::time::Duration;

use super::*;

mod checkout;
mod model;
mod owing;
mod phase;
mod service;
mod upkeep;

const NEVER: Instant = Instant::FAR_FUTURE;

type Act = Action<&'static str>;
type Event = PoolEvent<&'static str>;

struct World {
    pool: Pool<&'static str>,
    now: Instant,
}

impl World {
    /// A ready pool whose events are on; `PoolCreated`, `PoolReady` and the first dials are still to be taken out.
    fn ready(options: PoolOptions) -> Self {
        let mut pool = Pool::new(PoolOptions { events: true, ..options });
        pool.ready(Instant::ORIGIN);
        Self { pool, now: Instant::ORIGIN }
    }

    /// At most `max` connections.
    fn with_max(max: u32) -> Self {
        Self::ready(PoolOptions { max_pool_size: max, ..PoolOptions::default() })
    }

    /// At most `max` connections, all of them checked out.
    fn all_in_use(max: u32) -> (Self, Vec<ConnectionId>) {
        let mut world = Self::with_max(max);
        let held = (0..max).map(|_| world.dial_and_check_out()).collect();
        world.forget();
        (world, held)
    }

    fn pass(&mut self, millis: u64) {
        self.now = self.now + Duration::from_millis(millis);
        self.pool.handle_timeout(self.now);
    }

    fn check_out(&mut self) -> CheckOut<&'static str> {
        self.pool.check_out(self.now, NEVER)
    }

    fn wait(&mut self) -> Ticket {
        self.wait_until(NEVER)
    }

    fn wait_until(&mut self, deadline: Instant) -> Ticket {
        match self.pool.check_out(self.now, deadline) {
            CheckOut::Wait(ticket) => ticket,
            other => panic!("expected to wait, got {other:?}"),
        }
    }

    fn granted(&mut self) -> ConnectionId {
        match self.check_out() {
            CheckOut::Granted { connection, owing: None } => connection,
            other => panic!("expected an idle connection, got {other:?}"),
        }
    }

    fn dial_and_check_out(&mut self) -> ConnectionId {
        let ticket = self.wait();
        let connection = self.dialled();
        self.establish(connection);
        assert_eq!(self.actions(), [grant(ticket, connection)]);
        connection
    }

    /// The one action to take out is a dial: of which connection?
    fn dialled(&mut self) -> ConnectionId {
        match self.actions()[..] {
            [Action::Dial { connection, .. }] => connection,
            ref other => panic!("expected one dial, got {other:?}"),
        }
    }

    fn establish(&mut self, connection: ConnectionId) {
        self.pool.handle_established(self.now, connection, None).unwrap();
    }

    fn check_in(&mut self, connection: ConnectionId) {
        self.pool.check_in(self.now, connection).unwrap();
    }

    fn actions(&mut self) -> Vec<Act> {
        core::iter::from_fn(|| self.pool.poll_action()).collect()
    }

    fn events(&mut self) -> Vec<Event> {
        core::iter::from_fn(|| self.pool.poll_event()).collect()
    }

    fn forget(&mut self) {
        self.actions();
        self.events();
    }

    /// pending, idle, in use, owing, waiting
    fn counts(&self) -> [u32; 5] {
        let stats = self.pool.stats();
        [stats.pending, stats.idle, stats.in_use, stats.owing, stats.waiting]
    }
}

fn grant(ticket: Ticket, connection: ConnectionId) -> Act {
    Action::Grant { ticket, connection, owing: None }
}

fn refuse(ticket: Ticket, error: PoolError<&'static str>) -> Act {
    Action::Refuse { ticket, error }
}

fn close(connection: ConnectionId, reason: CloseReason) -> Act {
    Action::Close { connection, reason }
}
