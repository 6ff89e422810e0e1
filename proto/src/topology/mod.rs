//! What is known of a deployment, and how it is learnt (specification *Server Discovery and Monitoring*).
//!
//! A [`Topology`] hears what monitors have seen and what operations have met, keeps one description of the deployment, and says
//! what follows: which servers to watch, which pools to open and to clear. It holds no pool and no monitor.
//!
//! ```text
//!             one seed, standalone                       routers
//!   Unknown ───────────────────────▶ Single    Unknown ──────────▶ Sharded
//!      │ primary        ┌───────────────────────────┐
//!      ├──────────────▶ │ ReplicaSetWithPrimary     │
//!      │                └──────┬──────────────▲─────┘
//!      │                 lost  ▼              │ primary
//!      │ other member   ┌─────────────────────┴─────┐      directConnection: Single from the start
//!      └──────────────▶ │ ReplicaSetNoPrimary       │      replicaSet=..:    ReplicaSetNoPrimary from the start
//!                       └───────────────────────────┘      loadBalanced:      LoadBalanced for ever
//! ```

mod change;
mod description;
mod election;
mod errors;
mod machine;
mod output;
mod state_change;
mod update;

#[cfg(test)]
mod tests;

pub use description::{Incompatible, Rejection, RoundTripTime, ServerDescription, TopologyDescription, TopologyKind};
pub use election::Election;
pub use errors::{ApplicationError, CheckFailure, ErrorKind, ErrorPhase, ErrorVerdict};
pub use machine::{Topology, TopologyOptions};
pub use output::{TopologyAction, TopologyEvent};
pub use state_change::StateChange;
