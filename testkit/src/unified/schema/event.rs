//! Events, as test files expect them.

use bson::Document;
use serde::Deserialize;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are the specifications'")]
pub enum EventKind {
    CommandStartedEvent,
    CommandSucceededEvent,
    CommandFailedEvent,
    PoolCreatedEvent,
    PoolReadyEvent,
    PoolClearedEvent,
    PoolClosedEvent,
    ConnectionCreatedEvent,
    ConnectionReadyEvent,
    ConnectionClosedEvent,
    ConnectionCheckOutStartedEvent,
    ConnectionCheckOutFailedEvent,
    ConnectionCheckedOutEvent,
    ConnectionCheckedInEvent,
    ServerDescriptionChangedEvent,
    ServerHeartbeatStartedEvent,
    ServerHeartbeatSucceededEvent,
    ServerHeartbeatFailedEvent,
    TopologyDescriptionChangedEvent,
    TopologyOpeningEvent,
    TopologyClosedEvent,
}

/// The three streams of events; each is compared on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventType {
    /// Commands and their replies.
    #[default]
    Command,
    /// Pools and connections.
    Cmap,
    /// Servers and the topology.
    Sdam,
}

impl EventKind {
    /// The stream that it belongs to.
    pub const fn event_type(self) -> EventType {
        match self {
            Self::CommandStartedEvent | Self::CommandSucceededEvent | Self::CommandFailedEvent => EventType::Command,
            Self::PoolCreatedEvent
            | Self::PoolReadyEvent
            | Self::PoolClearedEvent
            | Self::PoolClosedEvent
            | Self::ConnectionCreatedEvent
            | Self::ConnectionReadyEvent
            | Self::ConnectionClosedEvent
            | Self::ConnectionCheckOutStartedEvent
            | Self::ConnectionCheckOutFailedEvent
            | Self::ConnectionCheckedOutEvent
            | Self::ConnectionCheckedInEvent => EventType::Cmap,
            Self::ServerDescriptionChangedEvent
            | Self::ServerHeartbeatStartedEvent
            | Self::ServerHeartbeatSucceededEvent
            | Self::ServerHeartbeatFailedEvent
            | Self::TopologyDescriptionChangedEvent
            | Self::TopologyOpeningEvent
            | Self::TopologyClosedEvent => EventType::Sdam,
        }
    }
}

/// One expected event: its kind and what must hold of it. What is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    /// The command, as a root document.
    pub command: Option<Document>,
    /// The reply, as a root document.
    pub reply: Option<Document>,
    /// The command's name.
    pub command_name: Option<String>,
    /// The database.
    pub database_name: Option<String>,
    /// Whether a load balancer's service is named.
    pub has_service_id: Option<bool>,
    /// Whether the server has told its number of the connection.
    pub has_server_connection_id: Option<bool>,
    /// Whether a cleared pool interrupted what was in use.
    pub interrupt_in_use_connections: Option<bool>,
    /// Why a connection was closed, or could not be had.
    pub reason: Option<String>,
    /// Whether a heartbeat was awaited.
    pub awaited: Option<bool>,
    /// The server's or topology's type before.
    pub previous: Option<String>,
    /// The server's or topology's type after.
    pub new: Option<String>,
}

/// An event that is expected.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Shape")]
pub struct ExpectedEvent {
    /// What must happen.
    pub kind: EventKind,
    /// What must hold of it.
    pub checks: Checks,
}

/// The events that are expected of a client.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RawEvents")]
pub struct ExpectedEvents {
    /// The client.
    pub client: String,
    /// Which stream.
    pub event_type: EventType,
    /// All events of it, in order.
    pub events: Vec<ExpectedEvent>,
    /// Whether more may follow.
    pub ignore_extra_events: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RawEvents {
    client: String,
    event_type: Option<EventType>,
    events: Vec<ExpectedEvent>,
    ignore_extra_events: Option<bool>,
}

impl TryFrom<RawEvents> for ExpectedEvents {
    type Error = String;

    fn try_from(raw: RawEvents) -> Result<Self, String> {
        let event_type = raw.event_type.unwrap_or_default();
        if let Some(alien) = raw.events.iter().find(|event| event.kind.event_type() != event_type) {
            return Err(format!("{:?} among the events of type {event_type:?}", alien.kind));
        }
        let ignore_extra_events = raw.ignore_extra_events.unwrap_or(false);
        Ok(Self { client: raw.client, event_type, events: raw.events, ignore_extra_events })
    }
}

/// The events as the schema writes them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::enum_variant_names, reason = "the names are the schema's")]
enum Shape {
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
struct Empty {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Started {
    command: Option<Document>,
    command_name: Option<String>,
    database_name: Option<String>,
    has_service_id: Option<bool>,
    has_server_connection_id: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Succeeded {
    reply: Option<Document>,
    command_name: Option<String>,
    database_name: Option<String>,
    has_service_id: Option<bool>,
    has_server_connection_id: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Failed {
    command_name: Option<String>,
    database_name: Option<String>,
    has_service_id: Option<bool>,
    has_server_connection_id: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Cleared {
    has_service_id: Option<bool>,
    interrupt_in_use_connections: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Heartbeat {
    awaited: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", bound = "T: Deserialize<'de>")]
struct Change<T> {
    previous_description: Option<Described<T>>,
    new_description: Option<Described<T>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "T: Deserialize<'de>")]
struct Described<T> {
    r#type: Option<T>,
}

/// SDAM's name of a server's type.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct ServerType(String);

/// SDAM's name of a topology's type.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct TopologyType(String);

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
