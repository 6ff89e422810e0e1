//! What is known of a deployment: snapshots, cheap to clone and to share.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use core::time::Duration;

use crate::hello::{HelloReply, ServerKind, TopologyVersion};
use crate::{Instant, ServerAddress};

/// The shape of a deployment (SDAM's `TopologyType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum TopologyKind {
    /// Not known yet.
    #[default]
    Unknown,
    /// One server, whatever it is.
    Single,
    /// A replica set without a known primary.
    ReplicaSetNoPrimary,
    /// A replica set with a primary.
    ReplicaSetWithPrimary,
    /// A sharded cluster, reached through its routers.
    Sharded,
    /// One load balancer; what stands behind it is not seen.
    LoadBalanced,
}

impl TopologyKind {
    /// The name that SDAM gives it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::Single => "Single",
            Self::ReplicaSetNoPrimary => "ReplicaSetNoPrimary",
            Self::ReplicaSetWithPrimary => "ReplicaSetWithPrimary",
            Self::Sharded => "Sharded",
            Self::LoadBalanced => "LoadBalanced",
        }
    }

    /// Whether this is a replica set, with or without a primary.
    pub const fn is_replica_set(self) -> bool {
        matches!(self, Self::ReplicaSetNoPrimary | Self::ReplicaSetWithPrimary)
    }
}

/// How long a server takes to answer (specification "Server Selection", section "Round Trip Times").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct RoundTripTime {
    /// The moving average; `None` before the first sample.
    pub average: Option<Duration>,
    /// The least of the last samples; zero while there are too few of them.
    pub minimum: Duration,
}

/// One server as it was last seen. `C` is the host's error type, cheap to clone.
#[derive(Clone, Debug)]
pub struct ServerDescription<C> {
    /// Where it is.
    pub address: ServerAddress,
    /// What it is.
    pub kind: ServerKind,
    /// Its last answer; `None` while it is unknown.
    pub hello: Option<Arc<HelloReply>>,
    /// Why it is unknown, if an error made it so.
    pub error: Option<C>,
    /// From its last answer, or from the error that made it unknown.
    pub topology_version: Option<TopologyVersion>,
    /// How long it takes to answer.
    pub round_trip_time: RoundTripTime,
    /// When it was last seen, or last found missing.
    pub last_update: Instant,
}

impl<C> ServerDescription<C> {
    /// A server of which nothing is known yet.
    pub const fn unknown(now: Instant, address: ServerAddress) -> Self {
        Self {
            address,
            kind: ServerKind::Unknown,
            hello: None,
            error: None,
            topology_version: None,
            round_trip_time: RoundTripTime { average: None, minimum: Duration::ZERO },
            last_update: now,
        }
    }

    /// Whether operations can be sent to it at all (SDAM: "available").
    pub const fn is_available(&self) -> bool {
        !matches!(self.kind, ServerKind::Unknown | ServerKind::RsGhost)
    }
}

/// A server that this driver cannot speak with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incompatible {
    /// Which one.
    pub address: ServerAddress,
    /// Its `minWireVersion`.
    pub min_wire_version: i32,
    /// Its `maxWireVersion`.
    pub max_wire_version: i32,
}

/// A deployment as it was last seen.
#[derive(Clone, Debug)]
pub struct TopologyDescription<C> {
    /// Its shape.
    pub kind: TopologyKind,
    /// The replica set's name, as told or as found.
    pub set_name: Option<String>,
    /// The greatest `setVersion` that a primary has reported.
    pub max_set_version: Option<i64>,
    /// The greatest `electionId` that a primary has reported.
    pub max_election_id: Option<[u8; 12]>,
    /// All servers, in the order of their addresses.
    pub servers: BTreeMap<ServerAddress, Arc<ServerDescription<C>>>,
    /// The least of the data-bearing servers' session timeouts; `None` if one of them has no sessions.
    pub logical_session_timeout: Option<Duration>,
    /// The first server that is too old or too new; while there is one, no server can be selected.
    pub incompatible: Option<Incompatible>,
}

impl<C> TopologyDescription<C> {
    /// The description of a server.
    pub fn server(&self, address: &ServerAddress) -> Option<&Arc<ServerDescription<C>>> {
        self.servers.get(address)
    }

    /// The primary of a replica set, if there is one.
    pub fn primary(&self) -> Option<&Arc<ServerDescription<C>>> {
        self.servers.values().find(|server| server.kind == ServerKind::RsPrimary)
    }
}
