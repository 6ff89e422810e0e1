//! What is known of a deployment, and how it is learnt (specification *Server Discovery and Monitoring*).

mod description;

pub use description::{Incompatible, RoundTripTime, ServerDescription, TopologyDescription, TopologyKind};
