//! Events of connection pools (specification *Connection Monitoring and Pooling*).

use core::time::Duration;

use bson::oid::ObjectId;
use stator_proto::pool::PoolEvent as Told;
pub use stator_proto::pool::{CheckOutFailedReason, CloseReason};
use stator_proto::{Config, ServerAddress};

use crate::error::{Error, ErrorKind, Phase};

/// A connection pool or one of its connections has changed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PoolEvent {
    /// The server that the pool is for.
    pub address: ServerAddress,
    /// What stands behind a load balancer, where the event concerns one service.
    pub service_id: Option<ObjectId>,
    /// What has happened.
    pub kind: PoolEventKind,
}

/// What has happened to a pool or to one of its connections.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PoolEventKind {
    /// PoolCreatedEvent.
    PoolCreated {
        /// What was said of the pool.
        options: PoolOptions,
    },
    /// PoolReadyEvent: connections can be had.
    PoolReady,
    /// PoolClearedEvent: all connections made so far are stale.
    PoolCleared {
        /// Whether connections in use are interrupted.
        interrupt_in_use_connections: bool,
    },
    /// PoolClosedEvent.
    PoolClosed,
    /// ConnectionCreatedEvent: a connection begins to be established.
    ConnectionCreated {
        /// The connection's number in its pool.
        connection_id: u64,
    },
    /// ConnectionReadyEvent: a connection is established.
    ConnectionReady {
        /// The connection's number in its pool.
        connection_id: u64,
        /// The time since it was created.
        duration: Duration,
    },
    /// ConnectionClosedEvent.
    ConnectionClosed {
        /// The connection's number in its pool.
        connection_id: u64,
        /// Why.
        reason: CloseReason,
        /// The error behind [`CloseReason::Error`], where there is one.
        error: Option<Error>,
    },
    /// ConnectionCheckOutStartedEvent: an operation wants a connection.
    ConnectionCheckOutStarted,
    /// ConnectionCheckOutFailedEvent: the operation gets none.
    ConnectionCheckOutFailed {
        /// Why, in CMAP's words.
        reason: CheckOutFailedReason,
        /// The error that the operation gets.
        error: Error,
        /// The time since the check-out was started.
        duration: Duration,
    },
    /// ConnectionCheckedOutEvent: an operation has got a connection.
    ConnectionCheckedOut {
        /// The connection's number in its pool.
        connection_id: u64,
        /// The time since the check-out was started.
        duration: Duration,
    },
    /// ConnectionCheckedInEvent: a connection is free again.
    ConnectionCheckedIn {
        /// The connection's number in its pool.
        connection_id: u64,
    },
}

impl PoolEventKind {
    /// The event's name in the specification.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::PoolCreated { .. } => "PoolCreatedEvent",
            Self::PoolReady => "PoolReadyEvent",
            Self::PoolCleared { .. } => "PoolClearedEvent",
            Self::PoolClosed => "PoolClosedEvent",
            Self::ConnectionCreated { .. } => "ConnectionCreatedEvent",
            Self::ConnectionReady { .. } => "ConnectionReadyEvent",
            Self::ConnectionClosed { .. } => "ConnectionClosedEvent",
            Self::ConnectionCheckOutStarted => "ConnectionCheckOutStartedEvent",
            Self::ConnectionCheckOutFailed { .. } => "ConnectionCheckOutFailedEvent",
            Self::ConnectionCheckedOut { .. } => "ConnectionCheckedOutEvent",
            Self::ConnectionCheckedIn { .. } => "ConnectionCheckedInEvent",
        }
    }

    /// The number of the connection concerned.
    pub const fn connection_id(&self) -> Option<u64> {
        match self {
            Self::ConnectionCreated { connection_id }
            | Self::ConnectionReady { connection_id, .. }
            | Self::ConnectionClosed { connection_id, .. }
            | Self::ConnectionCheckedOut { connection_id, .. }
            | Self::ConnectionCheckedIn { connection_id } => Some(*connection_id),
            _ => None,
        }
    }
}

/// What was said of a pool; `None` where nothing was and the default holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolOptions {
    /// `maxPoolSize`
    pub max_pool_size: Option<u32>,
    /// `minPoolSize`
    pub min_pool_size: Option<u32>,
    /// `maxIdleTimeMS`
    pub max_idle_time: Option<Duration>,
    /// `maxConnecting`
    pub max_connecting: Option<u32>,
    /// `waitQueueTimeoutMS`
    pub wait_queue_timeout: Option<Duration>,
}

impl From<&Config> for PoolOptions {
    fn from(config: &Config) -> Self {
        Self {
            max_pool_size: config.max_pool_size,
            min_pool_size: config.min_pool_size,
            max_idle_time: config.max_idle_time,
            max_connecting: config.max_connecting,
            wait_queue_timeout: config.wait_queue_timeout,
        }
    }
}

impl PoolEvent {
    /// An event of the pool to `address`, of a client with this configuration.
    pub(crate) fn of(told: Told<Error>, address: &ServerAddress, config: &Config) -> Self {
        let mut service = None;
        let kind = match told {
            // The machine knows what is in force; listeners are told what was said.
            Told::PoolCreated { .. } => PoolEventKind::PoolCreated { options: config.into() },
            Told::PoolReady => PoolEventKind::PoolReady,
            Told::PoolCleared { interrupt_in_use, service_id } => {
                service = service_id;
                PoolEventKind::PoolCleared { interrupt_in_use_connections: interrupt_in_use }
            }
            Told::PoolClosed => PoolEventKind::PoolClosed,
            Told::ConnectionCreated { connection } => {
                PoolEventKind::ConnectionCreated { connection_id: connection.number() }
            }
            Told::ConnectionReady { connection, duration } => {
                PoolEventKind::ConnectionReady { connection_id: connection.number(), duration }
            }
            Told::ConnectionClosed { connection, reason, error } => {
                PoolEventKind::ConnectionClosed { connection_id: connection.number(), reason, error }
            }
            Told::CheckOutStarted => PoolEventKind::ConnectionCheckOutStarted,
            Told::CheckOutFailed { error, duration } => PoolEventKind::ConnectionCheckOutFailed {
                reason: error.reason(),
                error: Error::at(Phase::Queue, address, ErrorKind::Pool(error)),
                duration,
            },
            Told::CheckedOut { connection, duration } => {
                PoolEventKind::ConnectionCheckedOut { connection_id: connection.number(), duration }
            }
            Told::CheckedIn { connection } => PoolEventKind::ConnectionCheckedIn { connection_id: connection.number() },
        };
        Self { address: address.clone(), service_id: service.map(ObjectId::from_bytes), kind }
    }
}
