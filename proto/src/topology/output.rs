//! What comes out of a topology: actions to do, and events to tell.

use alloc::sync::Arc;

use super::{ServerDescription, TopologyDescription};
use crate::ServerAddress;
use crate::pool::ServiceId;

/// What is to be done, in this order.
#[derive(Clone, Debug)]
pub enum TopologyAction<C> {
    /// A server is part of the deployment: it needs a pool and, where `monitored`, a monitor.
    ServerAdded {
        /// Where.
        address: ServerAddress,
        /// Whether it is to be monitored; what stands behind a load balancer is not.
        monitored: bool,
    },
    /// A server is part of the deployment no more: its monitor and its pool end.
    ServerRemoved {
        /// Where.
        address: ServerAddress,
    },
    /// The server's pool may be used.
    PoolReady {
        /// Where.
        address: ServerAddress,
    },
    /// The server's pool is to be cleared.
    ClearPool {
        /// Where.
        address: ServerAddress,
        /// For what.
        error: C,
        /// Whether connections in use are to be interrupted.
        interrupt_in_use: bool,
        /// Only connections to this service, behind a load balancer.
        service_id: Option<ServiceId>,
    },
    /// The server is to be checked as soon as that may be.
    CheckNow {
        /// Where.
        address: ServerAddress,
    },
    /// The check of the server that is under way is to be given up.
    CancelCheck {
        /// Where.
        address: ServerAddress,
    },
    /// Something was learnt: whoever waits for a server looks again.
    Changed,
}

/// The events of SDAM but those of heartbeats, which monitors tell. The topology's id is the host's to add.
#[derive(Clone, Debug)]
pub enum TopologyEvent<C> {
    /// TopologyOpeningEvent.
    TopologyOpening,
    /// TopologyDescriptionChangedEvent.
    TopologyDescriptionChanged {
        /// As it was.
        previous: Arc<TopologyDescription<C>>,
        /// As it is.
        new: Arc<TopologyDescription<C>>,
    },
    /// TopologyClosedEvent.
    TopologyClosed,
    /// ServerOpeningEvent.
    ServerOpening {
        /// Where.
        address: ServerAddress,
    },
    /// ServerDescriptionChangedEvent.
    ServerDescriptionChanged {
        /// Where.
        address: ServerAddress,
        /// As it was.
        previous: Arc<ServerDescription<C>>,
        /// As it is.
        new: Arc<ServerDescription<C>>,
    },
    /// ServerClosedEvent.
    ServerClosed {
        /// Where.
        address: ServerAddress,
    },
}
