//! The connection pool as a machine: the bookkeeping of Connection Monitoring and Pooling (CMAP).
//!
//! A [`Pool`] holds ids, counts and times, never a socket. The host keeps the sockets, keyed by [`ConnectionId`]; it
//! says what happened and does what [`Pool::poll_action`] asks. After any input, drain `poll_action` (and
//! `poll_event`, where somebody listens) to `None`, then read [`Pool::poll_timeout`].
//!
//! The pool:
//!
//! ```text
//!                 ready                       close
//!   new ──▶ Paused ──────▶ Ready ─┐   Paused ───────▶ Closed
//!             ▲                   │    Ready ───────▶
//!             └───────────────────┘
//!        clear, or a failed dial that clears
//! ```
//!
//! A connection:
//!
//! ```text
//!                                      check_in
//!            handle_established     ┌────────────┐
//!   Pending ───────────────────▶ Idle ─────────▶ In use ──────▶ Owing ──▶ In use (Drain)
//!      │                            │ check_out   │  ▲   owe     │  reply_limit
//!      │ handle_dial_failed         │ perished    │  └───────────┘
//!      │                            │             │     check_out that finds nothing better
//!      └──────────────▶ Closed ◀────┴─────────────┘ discard, check_in when perished
//! ```
//!
//! Who waits, waits in one queue, first come, first served: whatever connection comes free goes to its head. A dial
//! belongs to the queue, not to a ticket; a failed dial refuses the head of the queue if that was there when the dial
//! began.
//!
//! *Owing* is an addition to CMAP: a connection whose complete request was sent, but whose user has gone, waits for
//! its reply up to [`PoolOptions::reply_limit`]. A check-out that finds no idle connection and no room to dial gets
//! it and reads the reply first.
//!
//! Where this machine is more eager than CMAP's text demands: a clear ends idle connections and dials at once rather
//! than when they are met.
//!
//! Behind a load balancer ([`PoolOptions::load_balanced`]) the connections of one pool lead to many services. Each
//! service that has connections has a generation; a connection gets its service, and with it its generation, when its
//! `hello` is answered ([`Pool::handle_hello`]). A clear is for one service: it ends that service's connections, and
//! neither pauses the pool nor refuses anybody.
//!
//! ```
//! use core::time::Duration;
//! use stator_proto::Instant;
//! use stator_proto::pool::{Action, CheckOut, Pool, PoolError, PoolOptions};
//!
//! let mut now = Instant::ORIGIN;
//! let never = Instant::FAR_FUTURE;
//! let mut pool = Pool::new(PoolOptions { max_pool_size: 1, ..PoolOptions::default() });
//! assert_eq!(pool.check_out(now, never), CheckOut::Refused(PoolError::Cleared { cause: None }));
//!
//! // Pending: the first check-out waits for a dial.
//! pool.ready(now);
//! let CheckOut::Wait(first) = pool.check_out(now, never) else { panic!() };
//! let Some(Action::Dial { connection, .. }) = pool.poll_action() else { panic!() };
//! pool.handle_established(now, connection, None)?;
//! assert_eq!(pool.poll_action(), Some(Action::Grant { ticket: first, connection, owing: None }));
//!
//! // In use, idle, in use again: no action is needed.
//! pool.check_in(now, connection)?;
//! assert_eq!(pool.check_out(now, never), CheckOut::Granted { connection, owing: None });
//! assert_eq!(pool.poll_action(), None);
//!
//! // Owing: its user left before the reply came. The next one reads that first.
//! pool.owe(now, connection, None)?;
//! let limit = pool.poll_timeout().unwrap();
//! assert_eq!(limit, now + Duration::from_secs(1));
//! assert_eq!(pool.check_out(now, never), CheckOut::Granted { connection, owing: Some(limit) });
//!
//! // Nobody comes: drained at the limit, by whoever runs the pool's timer.
//! pool.owe(now, connection, Some(limit))?;
//! now = limit;
//! pool.handle_timeout(now);
//! assert_eq!(pool.poll_action(), Some(Action::Drain { connection }));
//! pool.check_in(now, connection)?;
//!
//! // Closed: stale after a clear.
//! pool.clear(now, "network error", false, None);
//! assert!(matches!(pool.poll_action(), Some(Action::Close { .. })));
//! assert_eq!(pool.check_out(now, never), CheckOut::Refused(PoolError::Cleared { cause: Some("network error") }));
//! # Ok::<(), stator_proto::pool::WrongConnection>(())
//! ```

use alloc::collections::{BTreeMap, VecDeque};
use core::time::Duration;

use crate::Instant;

mod arena;
mod checkout;
mod connection;
mod error;
mod options;
mod output;
mod phase;
mod service;
mod upkeep;

#[cfg(test)]
mod tests;

use arena::{Arena, Key, List};
pub use connection::OnFailure;
pub use error::{CheckOutFailedReason, CloseReason, PoolError, WrongConnection};
pub use options::{ConnectionId, Generation, PoolOptions, PoolState, PoolStats, PoolUsage, Purpose, ServiceId, Ticket};
pub use output::{Action, CheckOut, PoolEvent};

/// The pool of connections to one server. `C` is the host's error type, cheap to clone.
#[derive(Debug)]
pub struct Pool<C> {
    options: PoolOptions,
    state: PoolState,
    generation: Generation,
    /// What the last clear was for; `None` before the first and once ready again.
    cleared_by: Option<C>,
    /// In load-balanced mode: the services that have connections.
    services: BTreeMap<ServiceId, Service>,

    connections: Arena<Connection>,
    /// Used last in front, so the oldest is at the back. Empty while anybody waits. None is stale.
    idle: List,
    /// The soonest limit in front. None is stale.
    owing: List,
    /// Dials under way, the oldest in front. None is stale.
    pending: List,
    in_use: u32,
    granted: u64,
    waited: Duration,
    last_wait: Duration,

    waiters: Arena<Waiter>,
    /// First come in front.
    queue: List,

    /// Since a dial failed: when minPoolSize may dial again.
    populate_after: Option<Instant>,
    actions: VecDeque<Action<C>>,
    events: VecDeque<PoolEvent<C>>,
    listening: bool,
}

#[derive(Debug)]
struct Connection {
    generation: Generation,
    /// Which server it leads to, in load-balanced mode and once that is known.
    service: Option<ServiceId>,
    purpose: Purpose,
    /// Pending: when it was created. Idle: when it became so.
    since: Instant,
    state: State,
    /// Whether its user has been told to stop already.
    interrupted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// `asked_by`: the number of the last ticket when the dial began; 0 if it is for minPoolSize.
    Pending {
        asked_by: u64,
    },
    Idle,
    InUse,
    Owing {
        limit: Instant,
    },
}

/// What stands behind a load balancer. It is forgotten with its last connection.
#[derive(Debug, Default)]
struct Service {
    generation: Generation,
    connections: u32,
}

#[derive(Debug)]
struct Waiter {
    started: Instant,
    deadline: Instant,
}

impl<C: Clone> Pool<C> {
    /// A paused pool. It does nothing before [`Pool::ready`].
    pub fn new(options: PoolOptions) -> Self {
        let mut pool = Self {
            state: PoolState::Paused,
            generation: Generation::default(),
            cleared_by: None,
            services: BTreeMap::new(),
            connections: Arena::new(),
            idle: List::new(),
            owing: List::new(),
            pending: List::new(),
            in_use: 0,
            granted: 0,
            waited: Duration::ZERO,
            last_wait: Duration::ZERO,
            waiters: Arena::new(),
            queue: List::new(),
            populate_after: None,
            actions: VecDeque::new(),
            events: VecDeque::new(),
            listening: options.events,
            options,
        };
        if pool.listening {
            pool.events.push_back(PoolEvent::PoolCreated { options: pool.options.clone() });
        }
        pool
    }

    /// The options that the pool was made with.
    pub const fn options(&self) -> &PoolOptions {
        &self.options
    }

    /// Paused, ready or closed.
    pub const fn state(&self) -> PoolState {
        self.state
    }

    /// Whether the pool has ended.
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, PoolState::Closed)
    }

    /// The generation that a new connection gets.
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// The counts of the moment.
    pub const fn stats(&self) -> PoolStats {
        PoolStats {
            pending: self.pending.len(),
            idle: self.idle.len(),
            in_use: self.in_use,
            owing: self.owing.len(),
            waiting: self.queue.len(),
            granted: self.granted,
            waited: self.waited,
            last_wait: self.last_wait,
        }
    }

    /// The next thing to do, oldest first.
    pub fn poll_action(&mut self) -> Option<Action<C>> {
        self.actions.pop_front()
    }

    /// The next thing to tell, oldest first.
    pub fn poll_event(&mut self) -> Option<PoolEvent<C>> {
        self.events.pop_front()
    }

    /// Whether events are recorded from now on. Without a listener they cost nothing.
    pub fn set_events(&mut self, listening: bool) {
        self.listening = listening;
    }

    fn emit(&mut self, event: impl FnOnce() -> PoolEvent<C>) {
        if self.listening {
            self.events.push_back(event());
        }
    }

    const fn total(&self) -> u32 {
        self.stats().total()
    }
}
