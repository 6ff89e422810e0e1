//! What a client does, as events: commands, connection pools, the topology, the selection of servers.
//!
//! The events are those of the specifications *Command Logging and Monitoring*, *Connection Monitoring and Pooling* and
//! *SDAM Logging and Monitoring*; the selection of servers has events here too, for its log messages need them.
//!
//! A [`Listener`] is a function that gets them. Nothing is made or copied for a category that nobody listens to.
//!
//! - Events of pools and of the topology come one at a time, in the order of what they tell, from whichever thread or task
//!   is there when it happens; while a listener runs, later ones wait and nobody else does. Command events and those of
//!   selection come at once, on the task of their operation: when the operation returns, they have been delivered.
//! - No lock is held while a listener runs: it may use the client, though an operation per event has no end.
//! - A listener that blocks holds up whoever happens to deliver. Send to a channel what takes time.
//! - A panic in a listener is caught and ignored.
//!
//! ```
//! use std::sync::{Arc, Mutex};
//! use stator_client::ClientOptions;
//! use stator_client::event::{CommandEvent, Listener};
//!
//! let slow: Arc<Mutex<Vec<String>>> = Arc::default();
//! let found = Arc::clone(&slow);
//! let mut options = ClientOptions::parse("mongodb://localhost/")?;
//! options.listeners.push(Listener::commands(move |event| {
//!     if let CommandEvent::Succeeded { info, duration, .. } = event
//!         && duration.as_millis() > 100
//!     {
//!         found.lock().unwrap().push(info.command_name.clone());
//!     }
//! }));
//! # Ok::<(), stator_client::Error>(())
//! ```

mod command;
mod delivery;
mod document;
mod heartbeat;
mod listener;
mod pool;
mod redact;
mod selection;
#[cfg(test)]
mod tests;
mod topology;
mod watch;

pub use command::{CommandEvent, CommandInfo, ConnectionInfo};
#[allow(unused_imports, reason = "the execution path takes these up")]
pub(crate) use delivery::Deliveries;
pub use document::EventDocument;
#[allow(unused_imports, reason = "the monitors take this up")]
pub(crate) use heartbeat::Heartbeats;
pub use listener::Listener;
pub(crate) use listener::Listeners;
#[cfg(feature = "tracing")]
pub(crate) use listener::{Categories, Receiver};
pub use pool::{CheckOutFailedReason, CloseReason, PoolEvent, PoolEventKind, PoolOptions};
pub use selection::{SelectionEvent, SelectionEventKind, Selector};
pub use topology::{HeartbeatInfo, TopologyEvent};
#[allow(unused_imports, reason = "the execution path takes these up")]
pub(crate) use watch::Watch;

pub use crate::topology::{ServerDescription, TopologyDescription};

use bson::oid::ObjectId;
use stator_proto::Config;
use stator_proto::cluster::Event as Told;

use crate::error::Error;

/// Anything that a listener can be told.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A command was sent, answered, or failed.
    Command(CommandEvent),
    /// A connection pool or one of its connections has changed.
    Pool(PoolEvent),
    /// The topology, one of its servers, or what a monitor sees of it has changed.
    Topology(TopologyEvent),
    /// A server is being selected for an operation.
    Selection(SelectionEvent),
}

impl Event {
    /// The kind of event.
    pub const fn category(&self) -> Category {
        match self {
            Self::Command(_) => Category::Command,
            Self::Pool(_) => Category::Pool,
            Self::Topology(_) => Category::Topology,
            Self::Selection(_) => Category::Selection,
        }
    }

    /// The event's name in the specifications, such as `CommandStartedEvent`. The events of server selection have none
    /// there; they are named alike.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Command(event) => event.name(),
            Self::Pool(event) => event.kind.name(),
            Self::Topology(event) => event.name(),
            Self::Selection(event) => event.kind.name(),
        }
    }
}

impl Event {
    /// An event of the cluster of a client with this topology id and configuration.
    pub(crate) fn of(told: Told<Error>, topology_id: ObjectId, config: &Config) -> Self {
        match told {
            Told::Topology(event) => Self::Topology(TopologyEvent::of(event, topology_id)),
            Told::Pool { address, event } => Self::Pool(PoolEvent::of(event, &address, config)),
        }
    }
}

impl From<CommandEvent> for Event {
    fn from(event: CommandEvent) -> Self {
        Self::Command(event)
    }
}

impl From<PoolEvent> for Event {
    fn from(event: PoolEvent) -> Self {
        Self::Pool(event)
    }
}

impl From<TopologyEvent> for Event {
    fn from(event: TopologyEvent) -> Self {
        Self::Topology(event)
    }
}

impl From<SelectionEvent> for Event {
    fn from(event: SelectionEvent) -> Self {
        Self::Selection(event)
    }
}

/// The four kinds of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Category {
    /// [`CommandEvent`]
    Command,
    /// [`PoolEvent`]
    Pool,
    /// [`TopologyEvent`]
    Topology,
    /// [`SelectionEvent`]
    Selection,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 4] = [Self::Command, Self::Pool, Self::Topology, Self::Selection];
}
