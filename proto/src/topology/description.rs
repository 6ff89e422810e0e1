//! What is known of a deployment: snapshots, cheap to clone and to share.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use super::Election;
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
    /// Why it is unknown although it has answered.
    pub rejection: Option<Rejection>,
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
            rejection: None,
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

impl<C: PartialEq> ServerDescription<C> {
    /// Whether two descriptions of one server tell the same (SDAM, "Server Description Equality"): when it was seen and how
    /// long it takes to answer do not count.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let hello = match (&self.hello, &other.hello) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other) || one.describes_the_same(other),
            (None, None) => true,
            _ => false,
        };
        hello
            && (self.kind, self.topology_version) == (other.kind, other.topology_version)
            && self.error == other.error
            && self.rejection == other.rejection
    }
}

/// Why a server that has answered is unknown nevertheless.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// It is to be reached directly, and is no member of the set asked for.
    SetName {
        /// `replicaSet`
        wanted: String,
        /// What it calls its set.
        found: Option<String>,
    },
    /// It calls itself primary, but a later election is known (by `electionId` and `setVersion`).
    StalePrimary {
        /// What it reports.
        reported: Election,
        /// The latest that is known.
        newest: Election,
    },
    /// It was primary until another said the same later.
    Deposed,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetName { wanted, found: Some(found) } => {
                write!(f, "it belongs to the replica set {found}, not to {wanted}")
            }
            Self::SetName { wanted, found: None } => write!(f, "it is no member of the replica set {wanted}"),
            // SDAM prescribes these two texts.
            Self::StalePrimary { reported, newest } => write!(
                f,
                "primary marked stale due to electionId/setVersion mismatch, {reported} is stale compared to {newest}"
            ),
            Self::Deposed => f.write_str("primary marked stale due to discovery of newer primary"),
        }
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
#[derive(Debug)]
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
    /// Nothing at all.
    pub const fn empty() -> Self {
        Self {
            kind: TopologyKind::Unknown,
            set_name: None,
            max_set_version: None,
            max_election_id: None,
            servers: BTreeMap::new(),
            logical_session_timeout: None,
            incompatible: None,
        }
    }

    /// Whether all but the servers is the same.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.set_name == other.set_name
            && (self.max_set_version, self.max_election_id) == (other.max_set_version, other.max_election_id)
            && self.logical_session_timeout == other.logical_session_timeout
            && self.incompatible == other.incompatible
    }

    /// The description of a server.
    pub fn server(&self, address: &ServerAddress) -> Option<&Arc<ServerDescription<C>>> {
        self.servers.get(address)
    }

    /// The primary of a replica set, if there is one.
    pub fn primary(&self) -> Option<&Arc<ServerDescription<C>>> {
        self.servers.values().find(|server| server.kind == ServerKind::RsPrimary)
    }
}

/// Shares the servers' descriptions, hence without a bound on the error.
impl<C> Clone for TopologyDescription<C> {
    fn clone(&self) -> Self {
        Self {
            set_name: self.set_name.clone(),
            servers: self.servers.clone(),
            incompatible: self.incompatible.clone(),
            ..*self
        }
    }
}
