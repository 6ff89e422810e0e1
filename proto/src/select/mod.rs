//! Which server an operation goes to (specifications *Server Selection* and *Max Staleness*), as pure functions.
//!
//! [`select`] does the whole of it on a [`TopologyDescription`]: what is suitable, which of that is in the latency
//! window, and which of two of those at random has less to do. It allocates nothing, so it may run under a lock.
//! Nothing here waits: when there is no suitable server, the host has all monitors check at once, waits for the
//! description to change, and asks again until its deadline, when it fails with a [`SelectionFailure`].
//!
//! A host that lets its user take part puts the parts together itself: [`suitable`], its own filter, [`in_window`],
//! [`choose`].
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::sync::Arc;
//!
//! use stator_proto::hello::ServerKind;
//! use stator_proto::read_preference::ReadPreference;
//! use stator_proto::select::{SelectOptions, Target, select};
//! use stator_proto::topology::{ServerDescription, TopologyDescription, TopologyKind};
//! use stator_proto::{Instant, ServerAddress};
//!
//! let server = |host: &str, kind| {
//!     let address = ServerAddress::Tcp { host: host.into(), port: 27017 };
//!     let server = ServerDescription::<String> { kind, ..ServerDescription::unknown(Instant::ORIGIN, address) };
//!     (server.address.clone(), Arc::new(server))
//! };
//! let topology = TopologyDescription {
//!     kind: TopologyKind::ReplicaSetWithPrimary,
//!     set_name: Some("rs".into()),
//!     max_set_version: None,
//!     max_election_id: None,
//!     servers: BTreeMap::from([server("a", ServerKind::RsPrimary), server("b", ServerKind::RsSecondary)]),
//!     logical_session_timeout: None,
//!     incompatible: None,
//! };
//! let options = SelectOptions::default();
//! let idle = |_: &ServerAddress| 0;
//! let random = 4; // 64 unpredictable bits in earnest
//!
//! let writable = select(&topology, &Target::Writable, &[], &options, idle, random)?.unwrap();
//! assert_eq!(writable.address.to_string(), "a:27017");
//! let secondary = ReadPreference::secondary();
//! let readable = select(&topology, &Target::Readable(&secondary), &[], &options, idle, random)?.unwrap();
//! assert_eq!(readable.address.to_string(), "b:27017");
//! # Ok::<(), stator_proto::select::SelectError>(())
//! ```

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use crate::ServerAddress;
use crate::hello::ServerKind;
use crate::topology::{ServerDescription, TopologyDescription, TopologyKind};

mod error;
mod failure;
mod filter;
mod rtt;
mod target;
mod window;

#[cfg(test)]
mod tests;

pub use error::SelectError;
pub use failure::SelectionFailure;
pub use rtt::RttTracker;
pub use target::{Target, TargetBuf};

use filter::Filter;

/// How often an idle primary writes, so that its secondaries do not look stale (`idleWritePeriodMS`).
pub const IDLE_WRITE_PERIOD: Duration = Duration::from_secs(10);

/// What a client is told about selecting servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelectOptions {
    /// `heartbeatFrequencyMS`: how old a description of a server may be. Default 10 s.
    pub heartbeat_frequency: Duration,
    /// `localThresholdMS`: how much longer than the nearest suitable server another may take to answer. Default 15 ms.
    pub local_threshold: Duration,
}

impl Default for SelectOptions {
    fn default() -> Self {
        Self { heartbeat_frequency: Duration::from_secs(10), local_threshold: Duration::from_millis(15) }
    }
}

/// The server for one attempt of an operation; `None` if no server is suitable now.
///
/// `avoid`: servers that failed this operation before ("deprioritized"), used only if no other is suitable.
/// `operation_count`: how many operations a server is executing; asked only when there is a choice.
/// `random`: unpredictable bits, anew for each call.
///
/// # Errors
///
/// [`SelectError`]: a server that this driver cannot speak with, or a read preference that cannot be used. The operation
/// fails at once; there is nothing to wait for.
pub fn select<'t, C>(
    topology: &'t TopologyDescription<C>,
    target: &Target<'_>,
    avoid: &[ServerAddress],
    options: &SelectOptions,
    operation_count: impl Fn(&ServerAddress) -> u32,
    random: u64,
) -> Result<Option<&'t Arc<ServerDescription<C>>>, SelectError> {
    filter::check(topology, target, options)?;
    if let Target::Address(address) = target {
        return Ok(at(topology, address));
    }
    if matches!(topology.kind, TopologyKind::Single | TopologyKind::LoadBalanced) {
        // There is one, and it serves whatever is wanted.
        return Ok(topology.servers.values().find(|server| server.kind != ServerKind::Unknown));
    }
    let Some(filter) = Filter::find(topology, target, avoid, options) else { return Ok(None) };
    let suitable = filter.servers(topology);
    let window = window::of(suitable.clone(), options.local_threshold);
    Ok(window::choose(suitable.filter(move |server| window.contains(server)), operation_count, random))
}

/// Every server that is suitable, in the order of their addresses: [`select`] up to where an application's own
/// selector may drop some of them.
///
/// # Errors
///
/// As [`select`].
pub fn suitable<'t, C>(
    topology: &'t TopologyDescription<C>,
    target: &Target<'_>,
    avoid: &[ServerAddress],
    options: &SelectOptions,
) -> Result<Vec<&'t Arc<ServerDescription<C>>>, SelectError> {
    filter::check(topology, target, options)?;
    Ok(match target {
        Target::Address(address) => at(topology, address).into_iter().collect(),
        _ => Filter::find(topology, target, avoid, options)
            .map(|filter| filter.servers(topology).collect())
            .unwrap_or_default(),
    })
}

/// Keeps the servers in the latency window: from the shortest average round trip among them to `local_threshold` more.
pub fn in_window<C>(servers: &mut Vec<&Arc<ServerDescription<C>>>, local_threshold: Duration) {
    let window = window::of(servers.iter().copied(), local_threshold);
    servers.retain(|server| window.contains(server));
}

/// Of two servers at random, the one that executes fewer operations; `None` if there is none at all.
///
/// `operation_count` and `random` are those of [`select`].
pub fn choose<'t, C>(
    servers: &[&'t Arc<ServerDescription<C>>],
    operation_count: impl Fn(&ServerAddress) -> u32,
    random: u64,
) -> Option<&'t Arc<ServerDescription<C>>> {
    window::choose(servers.iter().copied(), operation_count, random)
}

/// The server of this address, whatever it is, if it answers.
fn at<'t, C>(topology: &'t TopologyDescription<C>, address: &ServerAddress) -> Option<&'t Arc<ServerDescription<C>>> {
    topology.server(address).filter(|server| server.kind != ServerKind::Unknown)
}
