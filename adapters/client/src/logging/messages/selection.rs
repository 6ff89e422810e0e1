//! Messages of server selection (specification *Server Selection*).

use super::super::{Component, LogLevel, Record, describe};
use super::Fields;
use crate::event::{SelectionEvent, SelectionEventKind};

pub(in crate::logging) fn selection(event: &SelectionEvent, limit: usize) -> Record {
    let SelectionEvent { operation, operation_id, selector, topology_description, kind } = event;
    let mut fields = Fields::new();
    fields.text("selector", selector.to_string()).int("operationId", *operation_id);
    fields.text("operation", operation.as_str());
    fields.text("topologyDescription", describe::topology(topology_description));
    let (level, message, template) = match kind {
        SelectionEventKind::Started => (LogLevel::Debug, "Server selection started", STARTED),
        SelectionEventKind::Succeeded { address } => {
            fields.server(address);
            (LogLevel::Debug, "Server selection succeeded", SUCCEEDED)
        }
        SelectionEventKind::Failed { failure } => {
            fields.text("failure", describe::selection_error(failure, limit));
            (LogLevel::Debug, "Server selection failed", FAILED)
        }
        SelectionEventKind::Waiting { remaining } => {
            if let Some(remaining) = remaining {
                fields.count("remainingTimeMS", u64::try_from(remaining.as_millis()).unwrap_or(u64::MAX));
            }
            (LogLevel::Info, "Waiting for suitable server to become available", WAITING)
        }
    };
    fields.record(Component::ServerSelection, level, message, template)
}

const STARTED: &str = "Server selection started for operation {operation} with ID {operationId}. Selector: {selector}, \
    topology description: {topologyDescription}";
const SUCCEEDED: &str = "Server selection succeeded for operation {operation} with ID {operationId}. Selected server: \
    {serverHost}[:{serverPort}]. Selector: {selector}, topology description: {topologyDescription}";
const FAILED: &str = "Server selection failed for operation {operation} with ID {operationId}. Failure: {failure}. \
    Selector: {selector}, topology description: {topologyDescription}";
const WAITING: &str = "Waiting for server to become available for operation {operation} with ID {operationId}.[ Remaining \
    time: {remainingTimeMS} ms.] Selector: {selector}, topology description: {topologyDescription}.";
