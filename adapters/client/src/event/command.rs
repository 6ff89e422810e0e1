//! Events of commands (specification *Command Logging and Monitoring*).

use core::time::Duration;
use std::sync::Arc;

use bson::oid::ObjectId;
use stator_proto::ServerAddress;

use stator_proto::hello::HelloReply;
use stator_proto::pool::ConnectionId;

use super::EventDocument;
use crate::error::Error;

/// A command was sent, answered, or failed.
///
/// Every `Started` is followed by one `Succeeded` or `Failed` with the same info, also if the operation's future is
/// dropped. Commands that say hello or authenticate while a connection is made, and those of monitors, have no events.
///
/// What sensitive commands (`authenticate`, `saslStart`, `createUser`, ...) carry is left out: command and reply are
/// empty documents, and of a server's error only the code, its name and the labels remain.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CommandEvent {
    /// CommandStartedEvent: the command is about to be sent.
    Started {
        /// Which command this is.
        info: Arc<CommandInfo>,
        /// The command as it is sent; document sequences are arrays in it.
        command: EventDocument,
    },
    /// CommandSucceededEvent: the server has answered with `ok: 1`. Single writes may have failed for all that.
    Succeeded {
        /// Which command this is.
        info: Arc<CommandInfo>,
        /// The time from before sending to after receiving.
        duration: Duration,
        /// The reply; `{ok: 1}` for an unacknowledged write.
        reply: EventDocument,
    },
    /// CommandFailedEvent: the server has refused it, or the network failed, or nobody waited for its end.
    Failed {
        /// Which command this is.
        info: Arc<CommandInfo>,
        /// The time from before sending to the failure.
        duration: Duration,
        /// Why.
        failure: Error,
    },
}

impl CommandEvent {
    /// Which command this is.
    pub const fn info(&self) -> &Arc<CommandInfo> {
        match self {
            Self::Started { info, .. } | Self::Succeeded { info, .. } | Self::Failed { info, .. } => info,
        }
    }

    /// The event's name in the specification.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "CommandStartedEvent",
            Self::Succeeded { .. } => "CommandSucceededEvent",
            Self::Failed { .. } => "CommandFailedEvent",
        }
    }
}

/// What all events of one command have in common.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CommandInfo {
    /// The command's name, such as `find`.
    pub command_name: String,
    /// The database that it is sent to.
    pub database_name: String,
    /// The request's number on its connection, as the message's header has it.
    pub request_id: i32,
    /// The number of the operation, the same for all commands that it sends: batches, retries, `getMore`.
    pub operation_id: i64,
    /// Where it is sent.
    pub connection: ConnectionInfo,
}

/// The connection that a command is sent on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// The server.
    pub address: ServerAddress,
    /// The driver's number for the connection, unique in its pool: the `connectionId` of CMAP's events.
    pub id: u64,
    /// The server's number for the connection, if it has told one.
    pub server_id: Option<i64>,
    /// What stands behind a load balancer (`serviceId`).
    pub service_id: Option<ObjectId>,
}

impl ConnectionInfo {
    /// A connection, with what the server said of itself on it.
    pub(crate) fn of(address: &ServerAddress, id: ConnectionId, hello: &HelloReply) -> Self {
        Self {
            address: address.clone(),
            id: id.number(),
            server_id: hello.connection_id,
            service_id: hello.service_id.map(ObjectId::from_bytes),
        }
    }
}
