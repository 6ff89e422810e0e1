//! What stands in messages for errors, durations and descriptions.

use core::fmt::Write as _;
use core::time::Duration;

use super::json;
use crate::error::{Error, ErrorKind};
use crate::event::{ServerDescription, TopologyDescription};

/// An error with all that it knows: message, labels, and the server's reply, cut to `limit` characters.
pub(super) fn error(error: &Error, limit: usize) -> String {
    let mut out = error.to_string();
    for (at, label) in error.labels().enumerate() {
        out.push_str(if at > 0 { ", " } else { ", labels: " });
        out.push_str(label);
    }
    if let ErrorKind::Command(said) = error.kind() {
        // Writing to a string cannot fail, here and below.
        let _ = write!(out, ", reply: {}", json::bytes(said.reply.as_bytes(), limit));
    }
    out
}

/// Why no server was selected, without what is known of the deployment: that stands beside it in the message.
pub(super) fn selection_error(error: &Error, limit: usize) -> String {
    match error.kind() {
        ErrorKind::Selection(failure) => match failure.hint() {
            Some(hint) => format!("no server is suitable for {}; {hint}", failure.target),
            None => format!("no server is suitable for {}", failure.target),
        },
        _ => self::error(error, limit),
    }
}

/// In milliseconds, with what there is behind the point.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// A deployment in one line.
pub(super) fn topology(topology: &TopologyDescription) -> String {
    let mut out = format!("{{ type: {}", topology.kind.as_str());
    if let Some(name) = &topology.set_name {
        let _ = write!(out, ", setName: {name}");
    }
    if let Some(version) = topology.max_set_version {
        let _ = write!(out, ", maxSetVersion: {version}");
    }
    if let Some(id) = topology.max_election_id {
        let _ = write!(out, ", maxElectionId: {}", bson::oid::ObjectId::from_bytes(id));
    }
    if let Some(timeout) = topology.logical_session_timeout {
        let _ = write!(out, ", logicalSessionTimeoutMinutes: {}", timeout.as_secs() / 60);
    }
    if let Some(server) = &topology.incompatible {
        let (least, most) = (server.min_wire_version, server.max_wire_version);
        let _ = write!(out, ", incompatible: {} with wire versions {least} to {most}", server.address);
    }
    out.push_str(", servers: [");
    for (at, description) in topology.servers.values().enumerate() {
        out.push_str(if at > 0 { ", " } else { " " });
        server(&mut out, description);
    }
    out.push_str(if topology.servers.is_empty() { "] }" } else { " ] }" });
    out
}

fn server(out: &mut String, server: &ServerDescription) {
    let _ = write!(out, "{{ address: {}, type: {}", server.address, server.kind.as_str());
    if let Some(average) = server.round_trip_time.average {
        let _ = write!(out, ", roundTripTimeMS: {}", milliseconds(average));
    }
    if let Some(hello) = &server.hello
        && let Some(name) = &hello.set_name
    {
        let _ = write!(out, ", setName: {name}");
    }
    if let Some(error) = &server.error {
        let _ = write!(out, ", error: {error}");
    }
    out.push_str(" }");
}
