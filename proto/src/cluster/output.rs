//! What comes out of a cluster.

use alloc::sync::Arc;
use core::fmt;

use crate::ServerAddress;
use crate::pool::{self, PoolEvent};
use crate::topology::TopologyEvent;

/// One server of a deployment, for as long as it is part of it. One that is removed and comes back is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId {
    pub(super) number: u64,
    pub(super) slot: u32,
}

impl ServerId {
    /// 1 for the first server, then increasing by 1.
    pub const fn number(self) -> u64 {
        self.number
    }

    /// A small index for the host's tables: no two present servers share it, removed ones give it back. Actions come in
    /// order, so a slot's `StopMonitor` and the end of its pool come out before its next tenant's `StartMonitor`.
    pub const fn slot(self) -> usize {
        self.slot as usize
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number.fmt(f)
    }
}

/// What the host shall do, in this order.
#[derive(Clone, Debug)]
pub enum Action<C> {
    /// A server is part of the deployment from now on. `monitored`: start a monitor for it (and for its round trip times,
    /// when that asks for it); what stands behind a load balancer is not monitored.
    AddServer {
        /// Which.
        server: ServerId,
        /// Where.
        address: Arc<ServerAddress>,
        /// Whether to start a monitor.
        monitored: bool,
    },
    /// The server is no longer part of the deployment: its monitor is to end. Connections in use end when they come back.
    RemoveServer {
        /// Which.
        server: ServerId,
    },
    /// The server's monitor is to check as soon as it may.
    CheckNow {
        /// Which.
        server: ServerId,
    },
    /// The check that the server's monitor is at is to be given up, and its connection closed.
    CancelCheck {
        /// Which.
        server: ServerId,
    },
    /// Something was learnt: whoever waits for a server looks again.
    Changed,
    /// The SRV records are to be asked for; then `handle_srv`.
    ResolveSrv,
    /// What one server's pool wants.
    Pool {
        /// Whose.
        server: ServerId,
        /// What.
        action: pool::Action<C>,
    },
}

/// What is told to listeners, in this order.
#[derive(Clone, Debug)]
pub enum Event<C> {
    /// Of the topology.
    Topology(TopologyEvent<C>),
    /// Of one server's pool.
    Pool {
        /// Whose.
        address: Arc<ServerAddress>,
        /// What.
        event: PoolEvent<C>,
    },
}
