//! Events: what a client told, and whether it is what was expected.

use core::fmt;

use bson::Document;
use bson::oid::ObjectId;

use super::{Lookup, at, match_root};
use crate::unified::schema::{EventKind, ExpectedEvent, ExpectedEvents};

/// An event that a client told, reduced to what test files ask about. What its kind does not have is `None`.
#[derive(Clone, Debug)]
pub struct Observed {
    /// What happened.
    pub kind: EventKind,
    /// The command; empty if it is redacted.
    pub command: Option<Document>,
    /// The reply; empty if it is redacted.
    pub reply: Option<Document>,
    /// The command's name.
    pub command_name: Option<String>,
    /// The database.
    pub database_name: Option<String>,
    /// A load balancer's service.
    pub service_id: Option<ObjectId>,
    /// The server's number of the connection.
    pub server_connection_id: Option<i64>,
    /// Whether a cleared pool interrupted what was in use.
    pub interrupt_in_use: Option<bool>,
    /// Why a connection was closed, or could not be had.
    pub reason: Option<String>,
    /// Whether a heartbeat was awaited.
    pub awaited: Option<bool>,
    /// The server's or topology's type before.
    pub previous: Option<String>,
    /// The server's or topology's type after.
    pub new: Option<String>,
}

impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.kind)?;
        let parts = [&self.command_name, &self.reason, &self.previous, &self.new];
        parts.into_iter().flatten().try_for_each(|part| write!(f, " {part}"))?;
        self.awaited.iter().try_for_each(|awaited| write!(f, " awaited: {awaited}"))
    }
}

impl Observed {
    /// An event of which nothing but its kind is known.
    pub const fn new(kind: EventKind) -> Self {
        Self {
            kind,
            command: None,
            reply: None,
            command_name: None,
            database_name: None,
            service_id: None,
            server_connection_id: None,
            interrupt_in_use: None,
            reason: None,
            awaited: None,
            previous: None,
            new: None,
        }
    }
}

/// Compares one event.
pub fn match_event(expected: &ExpectedEvent, actual: &Observed, lookup: &dyn Lookup) -> Result<(), String> {
    if expected.kind != actual.kind {
        return Err(format!("expected {expected}, found {actual}"));
    }
    let checks = &expected.checks;
    equal("commandName", checks.command_name.as_ref(), actual.command_name.as_ref())?;
    equal("databaseName", checks.database_name.as_ref(), actual.database_name.as_ref())?;
    equal("interruptInUseConnections", checks.interrupt_in_use_connections.as_ref(), actual.interrupt_in_use.as_ref())?;
    equal("reason", checks.reason.as_ref(), actual.reason.as_ref())?;
    equal("awaited", checks.awaited.as_ref(), actual.awaited.as_ref())?;
    equal("previousDescription.type", checks.previous.as_ref(), actual.previous.as_ref())?;
    equal("newDescription.type", checks.new.as_ref(), actual.new.as_ref())?;
    let service = actual.service_id.is_some_and(|id| id.bytes() != [0; 12]);
    equal("hasServiceId", checks.has_service_id.as_ref(), Some(&service))?;
    let connection = actual.server_connection_id.is_some_and(|id| id > 0);
    equal("hasServerConnectionId", checks.has_server_connection_id.as_ref(), Some(&connection))?;
    let documents = [("command", &checks.command, &actual.command), ("reply", &checks.reply, &actual.reply)];
    for (what, expected, actual) in documents {
        if let Some(expected) = expected {
            let actual = actual.as_ref().ok_or_else(|| at(what, "missing"))?;
            match_root(expected, actual, lookup).map_err(|reason| at(what, &reason))?;
        }
    }
    Ok(())
}

/// Compares the events of one stream, in order. `actual` are the events of that stream only.
pub fn match_events(expected: &ExpectedEvents, actual: &[Observed], lookup: &dyn Lookup) -> Result<(), String> {
    for (index, event) in expected.events.iter().enumerate() {
        let place = format!("event {index} of {:?}", expected.event_type);
        let found =
            actual.get(index).ok_or_else(|| format!("{place} is missing: {event}; found only {}", list(actual)))?;
        match_event(event, found, lookup).map_err(|reason| format!("{place} ({:?}): {reason}", event.kind))?;
    }
    match actual.get(expected.events.len()..) {
        Some(more) if !more.is_empty() && !expected.ignore_extra_events => {
            let count = expected.events.len();
            Err(format!("only {count} events of {:?} were expected; more came: {}", expected.event_type, list(more)))
        }
        _ => Ok(()),
    }
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, expected: Option<&T>, actual: Option<&T>) -> Result<(), String> {
    match expected {
        Some(_) if expected != actual => Err(at(what, &format!("expected {expected:?}, found {actual:?}"))),
        _ => Ok(()),
    }
}

fn list(events: &[Observed]) -> String {
    let names: Vec<_> = events.iter().map(ToString::to_string).collect();
    format!("[{}]", names.join(", "))
}
