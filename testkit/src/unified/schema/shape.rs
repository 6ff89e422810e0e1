//! Expected events as the schema writes them: one key, which names the event, and what may stand below it.

use bson::Document;
use serde::Deserialize;

use super::event::{Checks, EventKind, ExpectedEvent};

/// The events as the schema writes them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::enum_variant_names, reason = "the names are the schema's")]
pub(super) enum Shape {
    CommandStartedEvent(Started),
    CommandSucceededEvent(Succeeded),
    CommandFailedEvent(Failed),
    PoolCreatedEvent(Empty),
    PoolReadyEvent(Empty),
    PoolClearedEvent(Cleared),
    PoolClosedEvent(Empty),
    ConnectionCreatedEvent(Empty),
    ConnectionReadyEvent(Empty),
    ConnectionClosedEvent(Reason),
    ConnectionCheckOutStartedEvent(Empty),
    ConnectionCheckOutFailedEvent(Reason),
    ConnectionCheckedOutEvent(Empty),
    ConnectionCheckedInEvent(Empty),
    ServerDescriptionChangedEvent(Change<ServerType>),
    ServerHeartbeatStartedEvent(Heartbeat),
    ServerHeartbeatSucceededEvent(Heartbeat),
    ServerHeartbeatFailedEvent(Heartbeat),
    TopologyDescriptionChangedEvent(Change<TopologyType>),
    TopologyOpeningEvent(Empty),
    TopologyClosedEvent(Empty),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Empty {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Started {
    command: Option<Document>,
    command_name: Option<String>,
    database_name: Option<String>,
    has_service_id: Option<bool>,
    has_server_connection_id: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Succeeded {
    reply: Option<Document>,
    command_name: Option<String>,
    database_name: Option<String>,
    has_service_id: Option<bool>,
    has_server_connection_id: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Failed {
    command_name: Option<String>,
    database_name: Option<String>,
    has_service_id: Option<bool>,
    has_server_connection_id: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Cleared {
    has_service_id: Option<bool>,
    interrupt_in_use_connections: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Heartbeat {
    awaited: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", bound = "T: Deserialize<'de>")]
pub(super) struct Change<T> {
    previous_description: Option<Described<T>>,
    new_description: Option<Described<T>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "T: Deserialize<'de>")]
pub(super) struct Described<T> {
    r#type: Option<T>,
}

/// SDAM's name of a server's type.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(super) struct ServerType(String);

/// SDAM's name of a topology's type.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(super) struct TopologyType(String);

const SERVER_TYPES: &[&str] = &[
    "Standalone",
    "Mongos",
    "PossiblePrimary",
    "RSPrimary",
    "RSSecondary",
    "RSOther",
    "RSArbiter",
    "RSGhost",
    "LoadBalancer",
    "Unknown",
];

const TOPOLOGY_TYPES: &[&str] =
    &["Single", "Unknown", "ReplicaSetNoPrimary", "ReplicaSetWithPrimary", "Sharded", "LoadBalanced"];

fn one_of(known: &[&str], name: String) -> Result<String, String> {
    if known.contains(&name.as_str()) { Ok(name) } else { Err(format!("unknown type {name:?}")) }
}

impl TryFrom<String> for ServerType {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        one_of(SERVER_TYPES, name).map(Self)
    }
}

impl TryFrom<String> for TopologyType {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        one_of(TOPOLOGY_TYPES, name).map(Self)
    }
}

impl<T> Change<T> {
    fn checks(self, name: impl Fn(T) -> String) -> Checks {
        let of = |described: Option<Described<T>>| described.and_then(|described| described.r#type).map(&name);
        Checks { previous: of(self.previous_description), new: of(self.new_description), ..Checks::default() }
    }
}

impl From<Shape> for ExpectedEvent {
    fn from(shape: Shape) -> Self {
        use EventKind as Kind;
        let nothing = Checks::default;
        let reason = |reason: Reason| Checks { reason: reason.reason, ..Checks::default() };
        let awaited = |heartbeat: Heartbeat| Checks { awaited: heartbeat.awaited, ..Checks::default() };
        let (kind, checks) = match shape {
            Shape::CommandStartedEvent(event) => (Kind::CommandStartedEvent, event.into()),
            Shape::CommandSucceededEvent(event) => (Kind::CommandSucceededEvent, event.into()),
            Shape::CommandFailedEvent(event) => (Kind::CommandFailedEvent, event.into()),
            Shape::PoolCreatedEvent(Empty {}) => (Kind::PoolCreatedEvent, nothing()),
            Shape::PoolReadyEvent(Empty {}) => (Kind::PoolReadyEvent, nothing()),
            Shape::PoolClearedEvent(event) => (Kind::PoolClearedEvent, event.into()),
            Shape::PoolClosedEvent(Empty {}) => (Kind::PoolClosedEvent, nothing()),
            Shape::ConnectionCreatedEvent(Empty {}) => (Kind::ConnectionCreatedEvent, nothing()),
            Shape::ConnectionReadyEvent(Empty {}) => (Kind::ConnectionReadyEvent, nothing()),
            Shape::ConnectionClosedEvent(event) => (Kind::ConnectionClosedEvent, reason(event)),
            Shape::ConnectionCheckOutStartedEvent(Empty {}) => (Kind::ConnectionCheckOutStartedEvent, nothing()),
            Shape::ConnectionCheckOutFailedEvent(event) => (Kind::ConnectionCheckOutFailedEvent, reason(event)),
            Shape::ConnectionCheckedOutEvent(Empty {}) => (Kind::ConnectionCheckedOutEvent, nothing()),
            Shape::ConnectionCheckedInEvent(Empty {}) => (Kind::ConnectionCheckedInEvent, nothing()),
            Shape::ServerDescriptionChangedEvent(event) => {
                (Kind::ServerDescriptionChangedEvent, event.checks(|name| name.0))
            }
            Shape::ServerHeartbeatStartedEvent(event) => (Kind::ServerHeartbeatStartedEvent, awaited(event)),
            Shape::ServerHeartbeatSucceededEvent(event) => (Kind::ServerHeartbeatSucceededEvent, awaited(event)),
            Shape::ServerHeartbeatFailedEvent(event) => (Kind::ServerHeartbeatFailedEvent, awaited(event)),
            Shape::TopologyDescriptionChangedEvent(event) => {
                (Kind::TopologyDescriptionChangedEvent, event.checks(|name| name.0))
            }
            Shape::TopologyOpeningEvent(Empty {}) => (Kind::TopologyOpeningEvent, nothing()),
            Shape::TopologyClosedEvent(Empty {}) => (Kind::TopologyClosedEvent, nothing()),
        };
        Self { kind, checks }
    }
}

impl From<Started> for Checks {
    fn from(event: Started) -> Self {
        Self {
            command: event.command,
            command_name: event.command_name,
            database_name: event.database_name,
            has_service_id: event.has_service_id,
            has_server_connection_id: event.has_server_connection_id,
            ..Self::default()
        }
    }
}

impl From<Succeeded> for Checks {
    fn from(event: Succeeded) -> Self {
        Self {
            reply: event.reply,
            command_name: event.command_name,
            database_name: event.database_name,
            has_service_id: event.has_service_id,
            has_server_connection_id: event.has_server_connection_id,
            ..Self::default()
        }
    }
}

impl From<Failed> for Checks {
    fn from(event: Failed) -> Self {
        Self {
            command_name: event.command_name,
            database_name: event.database_name,
            has_service_id: event.has_service_id,
            has_server_connection_id: event.has_server_connection_id,
            ..Self::default()
        }
    }
}

impl From<Cleared> for Checks {
    fn from(event: Cleared) -> Self {
        Self {
            has_service_id: event.has_service_id,
            interrupt_in_use_connections: event.interrupt_in_use_connections,
            ..Self::default()
        }
    }
}
