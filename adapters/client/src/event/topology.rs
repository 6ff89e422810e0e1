//! Events of the topology, its servers and their monitors (specification *SDAM Logging and Monitoring*).

use core::time::Duration;
use std::sync::Arc;

use bson::oid::ObjectId;
use stator_proto::ServerAddress;

use stator_proto::topology::TopologyEvent as Told;

use super::EventDocument;
use crate::error::Error;
use crate::topology::{ServerDescription, TopologyDescription};

/// The topology, one of its servers, or what a monitor sees of it has changed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TopologyEvent {
    /// TopologyOpeningEvent: the first of all.
    TopologyOpening {
        /// The client's id for its topology.
        topology_id: ObjectId,
    },
    /// TopologyClosedEvent: the last of all.
    TopologyClosed {
        /// The client's id for its topology.
        topology_id: ObjectId,
    },
    /// TopologyDescriptionChangedEvent.
    TopologyDescriptionChanged {
        /// The client's id for its topology.
        topology_id: ObjectId,
        /// What was known before.
        previous_description: Arc<TopologyDescription>,
        /// What is known now.
        new_description: Arc<TopologyDescription>,
    },
    /// ServerOpeningEvent: a server has become part of the topology.
    ServerOpening {
        /// The client's id for its topology.
        topology_id: ObjectId,
        /// The server.
        address: ServerAddress,
    },
    /// ServerClosedEvent: a server is no longer part of the topology.
    ServerClosed {
        /// The client's id for its topology.
        topology_id: ObjectId,
        /// The server.
        address: ServerAddress,
    },
    /// ServerDescriptionChangedEvent. Round trip times do not count as changes.
    ServerDescriptionChanged {
        /// The client's id for its topology.
        topology_id: ObjectId,
        /// The server.
        address: ServerAddress,
        /// What was known before.
        previous_description: Arc<ServerDescription>,
        /// What is known now.
        new_description: Arc<ServerDescription>,
    },
    /// ServerHeartbeatStartedEvent: a monitor is about to connect, to say hello, or to wait for the next reply.
    ServerHeartbeatStarted {
        /// Whose heartbeat.
        info: HeartbeatInfo,
    },
    /// ServerHeartbeatSucceededEvent.
    ServerHeartbeatSucceeded {
        /// Whose heartbeat.
        info: HeartbeatInfo,
        /// The time that it took; one that was awaited includes the server's waiting.
        duration: Duration,
        /// The server's reply.
        reply: EventDocument,
    },
    /// ServerHeartbeatFailedEvent.
    ServerHeartbeatFailed {
        /// Whose heartbeat.
        info: HeartbeatInfo,
        /// The time until the failure.
        duration: Duration,
        /// Why.
        failure: Error,
    },
}

/// What all events of one heartbeat have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeartbeatInfo {
    /// The client's id for its topology.
    pub topology_id: ObjectId,
    /// The server.
    pub address: ServerAddress,
    /// The driver's number for the monitor's connection.
    pub connection_id: Option<u64>,
    /// The server's number for the monitor's connection, once it has told one.
    pub server_connection_id: Option<i64>,
    /// Whether the server was asked to answer only when something changes (awaitable hello).
    pub awaited: bool,
}

impl HeartbeatInfo {
    /// The heartbeat of a monitor whose connection is not known.
    pub const fn new(topology_id: ObjectId, address: ServerAddress, awaited: bool) -> Self {
        Self { topology_id, address, connection_id: None, server_connection_id: None, awaited }
    }
}

impl TopologyEvent {
    /// An event of the topology with this id.
    pub(crate) fn of(told: Told<Error>, topology_id: ObjectId) -> Self {
        match told {
            Told::TopologyOpening => Self::TopologyOpening { topology_id },
            Told::TopologyClosed => Self::TopologyClosed { topology_id },
            Told::TopologyDescriptionChanged { previous, new } => {
                Self::TopologyDescriptionChanged { topology_id, previous_description: previous, new_description: new }
            }
            Told::ServerOpening { address } => Self::ServerOpening { topology_id, address },
            Told::ServerClosed { address } => Self::ServerClosed { topology_id, address },
            Told::ServerDescriptionChanged { address, previous, new } => Self::ServerDescriptionChanged {
                topology_id,
                address,
                previous_description: previous,
                new_description: new,
            },
        }
    }

    /// The event's name in the specification.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::TopologyOpening { .. } => "TopologyOpeningEvent",
            Self::TopologyClosed { .. } => "TopologyClosedEvent",
            Self::TopologyDescriptionChanged { .. } => "TopologyDescriptionChangedEvent",
            Self::ServerOpening { .. } => "ServerOpeningEvent",
            Self::ServerClosed { .. } => "ServerClosedEvent",
            Self::ServerDescriptionChanged { .. } => "ServerDescriptionChangedEvent",
            Self::ServerHeartbeatStarted { .. } => "ServerHeartbeatStartedEvent",
            Self::ServerHeartbeatSucceeded { .. } => "ServerHeartbeatSucceededEvent",
            Self::ServerHeartbeatFailed { .. } => "ServerHeartbeatFailedEvent",
        }
    }

    /// The client's id for its topology.
    pub const fn topology_id(&self) -> ObjectId {
        match self {
            Self::TopologyOpening { topology_id }
            | Self::TopologyClosed { topology_id }
            | Self::TopologyDescriptionChanged { topology_id, .. }
            | Self::ServerOpening { topology_id, .. }
            | Self::ServerClosed { topology_id, .. }
            | Self::ServerDescriptionChanged { topology_id, .. } => *topology_id,
            Self::ServerHeartbeatStarted { info }
            | Self::ServerHeartbeatSucceeded { info, .. }
            | Self::ServerHeartbeatFailed { info, .. } => info.topology_id,
        }
    }

    /// The server concerned, if it is one.
    pub const fn address(&self) -> Option<&ServerAddress> {
        match self {
            Self::TopologyOpening { .. } | Self::TopologyClosed { .. } | Self::TopologyDescriptionChanged { .. } => {
                None
            }
            Self::ServerOpening { address, .. }
            | Self::ServerClosed { address, .. }
            | Self::ServerDescriptionChanged { address, .. } => Some(address),
            Self::ServerHeartbeatStarted { info }
            | Self::ServerHeartbeatSucceeded { info, .. }
            | Self::ServerHeartbeatFailed { info, .. } => Some(&info.address),
        }
    }
}
