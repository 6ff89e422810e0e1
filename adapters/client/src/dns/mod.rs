//! What DNS says of a `mongodb+srv` host: SRV and TXT records (specifications "Initial DNS Seedlist Discovery" and "Polling SRV
//! Records for mongos Discovery").
//!
//! Host names themselves are resolved by [`Runtime::lookup`](crate::Runtime::lookup), with everything that the system's resolver
//! knows; it just cannot be asked for SRV. So this asks the name servers of the system (or of the options) itself, over
//! [`Runtime::exchange_datagram`](crate::Runtime::exchange_datagram), and over TCP where an answer was cut off.

#[cfg(feature = "srv")]
mod ask;
mod error;
#[cfg(feature = "srv")]
mod message;
#[cfg(feature = "srv")]
mod resolver;
#[cfg(feature = "srv")]
mod side;
#[cfg(feature = "srv")]
mod srv;
#[cfg(feature = "srv")]
#[cfg(test)]
mod tests;

/// Stands in for all of it in builds without the feature.
#[cfg(not(feature = "srv"))]
mod off;

use core::time::Duration;

use stator_proto::ServerAddress;
use stator_proto::uri::{Config, Warning};

pub use error::{DnsError, DnsFailure};
#[cfg(not(feature = "srv"))]
pub(crate) use off::{ResolverConfig, resolve, resolve_hosts};
#[cfg(feature = "srv")]
pub(crate) use resolver::ResolverConfig;
#[cfg(feature = "srv")]
pub(crate) use srv::{resolve, resolve_hosts};

/// A `mongodb+srv` configuration with what DNS adds.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// The configuration, with seeds.
    pub(crate) config: Config,
    /// What in the TXT record was not applied.
    pub(crate) warnings: Vec<Warning>,
    /// How long the SRV records hold.
    pub(crate) min_ttl: Duration,
}

/// What SRV polling found.
#[derive(Debug)]
pub(crate) struct Hosts {
    /// All that belong to the domain; at least one. `srvMaxHosts` is not applied, since hosts already known are kept.
    pub(crate) hosts: Vec<ServerAddress>,
    /// How long the records hold.
    pub(crate) min_ttl: Duration,
}
