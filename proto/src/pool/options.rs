//! What a pool is told when it is made, the ids that it hands out, and the counts that it shows.

use core::fmt;
use core::time::Duration;

use super::arena::Key;

/// The options of a pool (ConnectionPoolOptions in CMAP). All pools of one client use the same.
///
/// `waitQueueTimeoutMS` is not here: how long a check-out waits is said by the deadline that it brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolOptions {
    /// `maxPoolSize`: connections that exist at any moment, whatever their state. 0 = no limit. Default 100.
    pub max_pool_size: u32,
    /// `minPoolSize`: connections kept up in the background while the pool is ready; `max_pool_size` wins. Default 0.
    pub min_pool_size: u32,
    /// `maxIdleTimeMS`: how long a connection stays idle before it is closed. `None` or zero = no limit, the default.
    pub max_idle_time: Option<Duration>,
    /// `maxConnecting`: dials under way at any moment. Default 2; 0 counts as 1.
    pub max_connecting: u32,
    /// `waitQueueSize` (deprecated in CMAP): check-outs that may wait without a dial under way for them.
    /// `None` = no limit, the default.
    pub max_waiting: Option<u32>,
    /// Whether a connection whose reply is still to come is kept for [`reply_limit`](Self::reply_limit) when its user
    /// goes away. Goes beyond CMAP and Client-Side Operations Timeout, which close it; `false` does as they say.
    /// Default `true`.
    pub owing: bool,
    /// How long an owed reply may take before the connection is drained for the last time. Default 1 s.
    pub reply_limit: Duration,
    /// How long after a failed dial the pool starts no other for `minPoolSize` (check-outs dial at once).
    /// Default 1 s.
    pub populate_pause: Duration,
    /// `loadBalanced`: the pool's connections lead to many services, each with a generation of its own. Default
    /// `false`.
    pub load_balanced: bool,
    /// Whether events are recorded from the start, `PoolCreated` included. Default `false`.
    pub events: bool,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            max_pool_size: 100,
            min_pool_size: 0,
            max_idle_time: None,
            max_connecting: 2,
            max_waiting: None,
            owing: true,
            reply_limit: Duration::from_secs(1),
            populate_pause: Duration::from_secs(1),
            load_balanced: false,
            events: false,
        }
    }
}

/// One connection of one pool. Pools number independently: across servers, key by server as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub(super) Key);

impl ConnectionId {
    /// The `connectionId` of CMAP's events: 1 for the pool's first connection, then increasing by 1.
    pub const fn number(self) -> u64 {
        self.0.number
    }

    /// A small index for the host's table of sockets: no two open connections of a pool share it, closed ones give it
    /// back. Actions come in order, so a slot's `Close` comes out before the `Dial` that reuses the slot.
    pub const fn slot(self) -> usize {
        self.0.slot as usize
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.number.fmt(f)
    }
}

/// One check-out that waits in the queue (CMAP's WaitQueue).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) Key);

impl Ticket {
    /// The ticket's number: from 1, increasing in the order of arrival.
    pub const fn number(self) -> u64 {
        self.0.number
    }

    /// A small index for the host's table of waiters: no two waiting tickets of a pool share it.
    pub const fn slot(self) -> usize {
        self.0.slot as usize
    }
}

/// Which server stands behind a load balancer: the `serviceId` of its `hello`.
pub type ServiceId = [u8; 12];

/// How often the pool was cleared; in load-balanced mode, how often it was for one service. A connection of another
/// generation is stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Generation(pub u32);

/// Where the pool is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PoolState {
    /// New or cleared: refuses check-outs, dials nothing.
    Paused,
    /// The server is known to answer.
    Ready,
    /// Ended for good.
    Closed,
}

/// How many connections are in each state, how many check-outs wait, and how long those that were granted have waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PoolStats {
    /// Being dialled or authenticated.
    pub pending: u32,
    /// Free to be checked out (CMAP's "available").
    pub idle: u32,
    /// Checked out, or being drained for the last time.
    pub in_use: u32,
    /// Without a user until an owed reply has come (in use, to CMAP).
    pub owing: u32,
    /// Check-outs in the queue.
    pub waiting: u32,
    /// Check-outs that were granted, since the pool was made.
    pub granted: u64,
    /// How long all of these waited together; those that found an idle connection did not wait.
    pub waited: Duration,
    /// How long the last of these waited.
    pub last_wait: Duration,
}

impl core::ops::Add for PoolStats {
    type Output = Self;

    /// The counts of two pools together; `last_wait` is the longer one.
    fn add(self, other: Self) -> Self {
        Self {
            pending: self.pending + other.pending,
            idle: self.idle + other.idle,
            in_use: self.in_use + other.in_use,
            owing: self.owing + other.owing,
            waiting: self.waiting + other.waiting,
            granted: self.granted.saturating_add(other.granted),
            waited: self.waited.saturating_add(other.waited),
            last_wait: self.last_wait.max(other.last_wait),
        }
    }
}

impl PoolStats {
    /// CMAP's totalConnectionCount.
    pub const fn total(&self) -> u32 {
        self.pending + self.idle + self.in_use + self.owing
    }

    /// Whether there is no connection, and nobody waits for one.
    pub const fn is_empty(&self) -> bool {
        self.total() == 0 && self.waiting == 0
    }

    /// How long a granted check-out waited on average; zero before the first.
    pub fn mean_wait(&self) -> Duration {
        let nanos = self.waited.as_nanos().checked_div(self.granted.into()).unwrap_or_default();
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// What a connection was checked out for ("Connection Tracking" of the load balancer specification).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Purpose {
    /// One operation.
    #[default]
    Operation,
    /// A cursor that is pinned to it.
    Cursor,
    /// A transaction that is pinned to it.
    Transaction,
}

/// What the connections in use are in use for. As text, what a WaitQueueTimeoutError must say in load-balanced mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PoolUsage {
    /// `maxPoolSize`.
    pub max_pool_size: u32,
    /// In use by cursors.
    pub cursors: u32,
    /// In use by transactions.
    pub transactions: u32,
    /// In use by other operations, those included whose reply is owed to nobody.
    pub operations: u32,
}

impl fmt::Display for PoolUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "maxPoolSize: {}, connections in use by cursors: {}, connections in use by transactions: {}, connections \
             in use by other operations: {}",
            self.max_pool_size, self.cursors, self.transactions, self.operations
        )
    }
}
