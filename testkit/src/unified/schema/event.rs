//! Events, as test files expect them.

use core::fmt;

use bson::Document;
use serde::Deserialize;

use super::shape::Shape;

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

impl fmt::Display for ExpectedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Checks { command, reply, command_name, database_name, previous, new, reason, .. } = &self.checks;
        write!(f, "{:?}", self.kind)?;
        let documents = [("command", command), ("reply", reply)];
        for (name, document) in documents {
            document.iter().try_for_each(|document| write!(f, ", {name}: {document}"))?;
        }
        let texts = [
            ("commandName", command_name),
            ("databaseName", database_name),
            ("previous", previous),
            ("new", new),
            ("reason", reason),
        ];
        for (name, text) in texts {
            text.iter().try_for_each(|text| write!(f, ", {name}: {text}"))?;
        }
        let flags = [
            ("hasServiceId", self.checks.has_service_id),
            ("hasServerConnectionId", self.checks.has_server_connection_id),
            ("interruptInUseConnections", self.checks.interrupt_in_use_connections),
            ("awaited", self.checks.awaited),
        ];
        for (name, flag) in flags {
            flag.iter().try_for_each(|flag| write!(f, ", {name}: {flag}"))?;
        }
        Ok(())
    }
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
