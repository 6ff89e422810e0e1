//! The heartbeats of one monitor, with what its machine does not know: the topology, and the connection's numbers.

use std::sync::Arc;

use bson::oid::ObjectId;
use stator_proto::ServerAddress;
use stator_proto::monitor::{CheckError, HeartbeatEvent as Told};
use stator_wire::bson::Doc;

use super::{EventDocument, HeartbeatInfo, TopologyEvent};
use crate::error::Error;
use crate::monitor::check_error;

/// The connections of one monitor, as its events tell of them.
///
/// A monitor connects for its first heartbeat and closes the connection when a heartbeat fails, so its events say when there
/// is another one. They are numbered from 1.
#[derive(Debug)]
pub(crate) struct Heartbeats {
    topology_id: ObjectId,
    address: Arc<ServerAddress>,
    connection_id: u64,
    connected: bool,
    /// A heartbeat has begun. One that ends without an event was given up together with its connection.
    pending: bool,
    server_connection_id: Option<i64>,
}

impl Heartbeats {
    /// The heartbeats of a monitor that has not connected yet.
    pub(crate) const fn new(topology_id: ObjectId, address: Arc<ServerAddress>) -> Self {
        Self { topology_id, address, connection_id: 0, connected: false, pending: false, server_connection_id: None }
    }

    /// The next event, as listeners are told it.
    pub(crate) fn event(&mut self, told: Told<Error>) -> TopologyEvent {
        match told {
            Told::Started { awaited } => {
                let given_up = core::mem::replace(&mut self.pending, true);
                if !core::mem::replace(&mut self.connected, true) || given_up {
                    self.connection_id += 1;
                    self.server_connection_id = None;
                }
                TopologyEvent::ServerHeartbeatStarted { info: self.info(awaited) }
            }
            Told::Succeeded { awaited, duration, reply } => {
                self.pending = false;
                self.server_connection_id = connection_id(reply.as_doc()).or(self.server_connection_id);
                let reply = EventDocument::new(reply);
                TopologyEvent::ServerHeartbeatSucceeded { info: self.info(awaited), duration, reply }
            }
            Told::Failed { awaited, duration, error } => {
                (self.connected, self.pending) = (false, false);
                let failure = self.failure(error);
                TopologyEvent::ServerHeartbeatFailed { info: self.info(awaited), duration, failure }
            }
        }
    }

    fn failure(&self, error: CheckError<Error>) -> Error {
        check_error(&self.address, error)
    }

    fn info(&self, awaited: bool) -> HeartbeatInfo {
        HeartbeatInfo {
            connection_id: Some(self.connection_id),
            server_connection_id: self.server_connection_id,
            ..HeartbeatInfo::new(self.topology_id, ServerAddress::clone(&self.address), awaited)
        }
    }
}

/// `connectionId` in a reply to hello; servers send it as whatever number.
fn connection_id(reply: Doc<'_>) -> Option<i64> {
    reply.get("connectionId").ok()??.as_number_i64().ok()
}
