//! Any order of inputs keeps the books: nothing is lost, doubled, closed under its user or beyond its limits.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use stator_proto::Instant;
use stator_proto::pool::{
    Action, CheckOut, CloseReason, ConnectionId, OnFailure, Pool, PoolError, PoolOptions, PoolState, Ticket,
    WrongConnection,
};

fuzz_target!(|data: &[u8]| {
    let mut u = Unstructured::new(data);
    if let Ok(mut host) = Host::new(&mut u) {
        // Running out of data is the end of the story: then everybody leaves.
        while !u.is_empty() && host.step(&mut u).is_ok() {}
        host.finish();
    }
});

/// What a host knows of its pool.
struct Host {
    pool: Pool<u8>,
    options: PoolOptions,
    now: Instant,
    dialling: BTreeSet<ConnectionId>,
    /// Idle or owing: used by nobody.
    parked: BTreeSet<ConnectionId>,
    /// With the limit of the debt that the connection was granted with.
    held: BTreeMap<ConnectionId, Option<Instant>>,
    waiting: BTreeMap<Ticket, Instant>,
    /// How many were dialled, and how many have ended.
    created: usize,
    ended: usize,
}

impl Host {
    fn new(u: &mut Unstructured<'_>) -> Result<Self> {
        let options = PoolOptions {
            max_pool_size: u.int_in_range(0..=5)?,
            min_pool_size: u.int_in_range(0..=3)?,
            max_connecting: u.int_in_range(0..=3)?,
            max_idle_time: u.arbitrary::<bool>()?.then_some(Duration::from_millis(300)),
            max_waiting: u.arbitrary::<bool>()?.then_some(4),
            owing: !u.ratio(1, 4)?,
            load_balanced: u.ratio(1, 3)?,
            ..PoolOptions::default()
        };
        Ok(Self {
            pool: Pool::new(options.clone()),
            options,
            now: Instant::ORIGIN,
            dialling: BTreeSet::new(),
            parked: BTreeSet::new(),
            held: BTreeMap::new(),
            waiting: BTreeMap::new(),
            created: 0,
            ended: 0,
        })
    }

    fn step(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let now = self.now;
        match u.int_in_range(0..=17)? {
            0..=3 => {
                let deadline = now + Duration::from_millis(u.int_in_range(0..=600)?);
                match self.pool.check_out(now, deadline) {
                    CheckOut::Granted { connection, owing } => {
                        assert!(self.parked.remove(&connection), "{connection} was granted but is not free");
                        assert!(owing.is_none_or(|limit| limit > now), "an overdue debt was granted");
                        self.held.insert(connection, owing);
                    }
                    CheckOut::Wait(ticket) => assert!(self.waiting.insert(ticket, deadline).is_none()),
                    CheckOut::Refused(_) => {}
                }
            }
            4 => {
                if let Some(ticket) = pick(u, self.waiting.keys())? {
                    // Whatever has ended it and was taken out has removed it here, so the pool has it.
                    assert!(self.pool.cancel(now, ticket));
                    self.waiting.remove(&ticket);
                }
            }
            5..=7 => {
                if let Some(dial) = pick(u, self.dialling.iter())?
                    && self.pool.handle_established(now, dial, service(u)?).is_ok()
                {
                    self.dialling.remove(&dial);
                    self.parked.insert(dial);
                }
            }
            8 => {
                let then = if u.arbitrary()? { OnFailure::Clear } else { OnFailure::Keep };
                if let Some(dial) = pick(u, self.dialling.iter())?
                    && self.pool.handle_dial_failed(now, dial, 8, then).is_ok()
                {
                    self.dialling.remove(&dial);
                    self.ended += 1;
                }
            }
            9..=11 => self.release(u, |pool, connection, _| pool.check_in(now, connection))?,
            12 => self.release(u, |pool, connection, _| pool.discard(now, connection, CloseReason::Error, Some(12)))?,
            13 => self.release(u, |pool, connection, limit| pool.owe(now, connection, limit))?,
            14 => self.pool.clear(now, 14, u.arbitrary()?, service(u)?),
            15 => self.pool.ready(now),
            _ => {
                self.now = now + Duration::from_millis(u.int_in_range(0..=400)?);
                self.pool.handle_timeout(self.now);
            }
        }
        self.check();
        // Mostly as the contract says; sometimes late, so that inputs meet actions that are still pending.
        if !u.ratio(1, 4)? {
            self.drain();
        }
        Ok(())
    }

    fn release(
        &mut self,
        u: &mut Unstructured<'_>,
        how: impl FnOnce(&mut Pool<u8>, ConnectionId, Option<Instant>) -> std::result::Result<(), WrongConnection>,
    ) -> Result<()> {
        if let Some(connection) = pick(u, self.held.keys())? {
            self.let_go(connection, how);
        }
        Ok(())
    }

    fn let_go(
        &mut self,
        connection: ConnectionId,
        how: impl FnOnce(&mut Pool<u8>, ConnectionId, Option<Instant>) -> std::result::Result<(), WrongConnection>,
    ) {
        let limit = self.held.remove(&connection).expect("it was picked among them");
        self.parked.insert(connection);
        how(&mut self.pool, connection, limit).expect("what we hold is in use");
    }

    fn drain(&mut self) {
        while let Some(action) = self.pool.poll_action() {
            match action {
                Action::Dial { connection, generation, .. } => {
                    assert!(generation <= self.pool.generation() && self.dialling.insert(connection));
                    self.created += 1;
                }
                Action::Grant { ticket, connection, owing } => {
                    assert!(self.waiting.remove(&ticket).is_some(), "a ticket ended twice");
                    self.parked.remove(&connection);
                    assert!(self.held.insert(connection, owing).is_none(), "{connection} was granted twice");
                }
                Action::Refuse { ticket, error } => {
                    let deadline = self.waiting.remove(&ticket).expect("a ticket ends once");
                    assert!(error != PoolError::TimedOut || deadline <= self.now);
                }
                Action::Close { connection, .. } => {
                    assert!(!self.held.contains_key(&connection), "{connection} was closed under its user");
                    assert!(self.parked.remove(&connection) || self.dialling.remove(&connection));
                    self.ended += 1;
                }
                Action::Interrupt { .. } => {}
                Action::Drain { connection } => {
                    assert!(self.parked.remove(&connection));
                    assert!(self.held.insert(connection, None).is_none());
                }
            }
        }
        let stats = self.pool.stats();
        assert_eq!(stats.pending as usize, self.dialling.len());
        assert_eq!(stats.in_use as usize, self.held.len());
        assert_eq!((stats.idle + stats.owing) as usize, self.parked.len());
        assert_eq!(stats.waiting as usize, self.waiting.len());
        assert_eq!(stats.total() as usize, self.created - self.ended);
    }

    /// What holds after every input, with actions drained or not.
    fn check(&mut self) {
        let stats = self.pool.stats();
        assert!(self.options.max_pool_size == 0 || stats.total() <= self.options.max_pool_size);
        assert!(stats.pending <= self.options.max_connecting.max(1));
        assert!(stats.waiting == 0 || (stats.idle == 0 && self.pool.state() == PoolState::Ready));
        assert!(stats.waiting <= stats.pending || stats.owing == 0, "a waiter was passed over");
        // Being asked again at the same time changes nothing, and leaves no timer that is due (it would spin).
        self.pool.handle_timeout(self.now);
        let settled = self.pool.stats();
        self.pool.handle_timeout(self.now);
        assert_eq!(self.pool.stats(), settled);
        assert!(self.pool.poll_timeout().is_none_or(|at| at > self.now));
    }

    /// Everybody leaves and the pool is closed: nothing may be left.
    fn finish(mut self) {
        self.drain();
        while let Some((ticket, _)) = self.waiting.pop_first() {
            assert!(self.pool.cancel(self.now, ticket));
        }
        self.pool.close(self.now);
        self.drain();
        while let Some(connection) = self.held.keys().next().copied() {
            let now = self.now;
            self.let_go(connection, |pool, connection, _| pool.check_in(now, connection));
            self.drain();
        }
        assert!(self.pool.stats().is_empty());
        assert_eq!(self.created, self.ended);
    }
}

/// One of four services, or none.
fn service(u: &mut Unstructured<'_>) -> Result<Option<[u8; 12]>> {
    Ok(Some(u.int_in_range(0..=4_u8)?).filter(|&number| number < 4).map(|number| [number; 12]))
}

fn pick<'a, T: Copy + 'a>(u: &mut Unstructured<'_>, from: impl ExactSizeIterator<Item = &'a T>) -> Result<Option<T>> {
    let mut from = from;
    if from.len() == 0 {
        return Ok(None);
    }
    let index = u.choose_index(from.len())?;
    Ok(from.nth(index).copied())
}
