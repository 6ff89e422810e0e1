//! Messages of the topology, its servers and their monitors (specification *SDAM Logging and Monitoring*).

use super::super::{Component, Record, describe, json};
use super::Fields;
use crate::event::{HeartbeatInfo, TopologyEvent};

/// `None` for the change of one server, which the change of the topology tells too.
pub(in crate::logging) fn topology(event: &TopologyEvent, limit: usize) -> Option<Record> {
    let mut fields = Fields::new();
    fields.text("topologyId", event.topology_id().to_hex());
    if let Some(address) = event.address() {
        fields.server(address);
    }
    let (message, template) = match event {
        TopologyEvent::TopologyOpening { .. } => {
            ("Starting topology monitoring", "Starting monitoring for topology with ID {topologyId}")
        }
        TopologyEvent::TopologyClosed { .. } => {
            ("Stopped topology monitoring", "Stopped monitoring for topology with ID {topologyId}")
        }
        TopologyEvent::ServerOpening { .. } => ("Starting server monitoring", SERVER_OPENING),
        TopologyEvent::ServerClosed { .. } => ("Stopped server monitoring", SERVER_CLOSED),
        TopologyEvent::ServerDescriptionChanged { .. } => return None,
        TopologyEvent::TopologyDescriptionChanged { previous_description, new_description, .. } => {
            fields.text("previousDescription", describe::topology(previous_description));
            fields.text("newDescription", describe::topology(new_description));
            ("Topology description changed", CHANGED)
        }
        TopologyEvent::ServerHeartbeatStarted { info } => {
            heartbeat(&mut fields, info);
            ("Server heartbeat started", HEARTBEAT_STARTED)
        }
        TopologyEvent::ServerHeartbeatSucceeded { info, duration, reply } => {
            heartbeat(&mut fields, info);
            fields.duration(*duration).text("reply", json::document(reply, limit));
            ("Server heartbeat succeeded", HEARTBEAT_SUCCEEDED)
        }
        TopologyEvent::ServerHeartbeatFailed { info, duration, failure } => {
            heartbeat(&mut fields, info);
            fields.duration(*duration).text("failure", describe::error(failure, limit));
            ("Server heartbeat failed", HEARTBEAT_FAILED)
        }
    };
    Some(fields.debug(Component::Topology, message, template))
}

fn heartbeat(fields: &mut Fields, info: &HeartbeatInfo) {
    if let Some(id) = info.connection_id {
        fields.count("driverConnectionId", id);
    }
    if let Some(id) = info.server_connection_id {
        fields.int("serverConnectionId", id);
    }
    fields.bool("awaited", info.awaited);
}

const SERVER_OPENING: &str =
    "Starting monitoring for server {serverHost}[:{serverPort}] in topology with ID {topologyId}";
const SERVER_CLOSED: &str =
    "Stopped monitoring for server {serverHost}[:{serverPort}] in topology with ID {topologyId}";
const CHANGED: &str = "Description changed for topology with ID {topologyId}. Previous description: \
    {previousDescription}. New description: {newDescription}";
const HEARTBEAT_STARTED: &str = "Heartbeat started for {serverHost}[:{serverPort}][ on connection with driver-generated \
    ID {driverConnectionId}][ and server-generated ID {serverConnectionId}] in topology with ID {topologyId}. Awaited: \
    {awaited}";
const HEARTBEAT_SUCCEEDED: &str = "Heartbeat succeeded in {durationMS} ms for {serverHost}[:{serverPort}][ on connection \
    with driver-generated ID {driverConnectionId}][ and server-generated ID {serverConnectionId}] in topology with ID \
    {topologyId}. Awaited: {awaited}. Reply: {reply}";
const HEARTBEAT_FAILED: &str = "Heartbeat failed in {durationMS} ms for {serverHost}[:{serverPort}][ on connection with \
    driver-generated ID {driverConnectionId}][ and server-generated ID {serverConnectionId}] in topology with ID \
    {topologyId}. Awaited: {awaited}. Failure: {failure}";
