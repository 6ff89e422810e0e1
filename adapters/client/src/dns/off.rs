//! A build without the feature `srv` says so.

use std::net::SocketAddr;

use stator_proto::{Config, Instant};

use super::{Hosts, Resolved};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::runtime::Runtime;

/// Nothing to configure.
#[derive(Clone, Debug)]
pub(crate) struct ResolverConfig;

impl ResolverConfig {
    pub(crate) fn new(_servers: Option<&[SocketAddr]>) -> Self {
        Self
    }
}

/// Fails.
pub(crate) async fn resolve<R: Runtime>(
    _runtime: &R,
    _config: &Config,
    _resolver: &ResolverConfig,
    _deadline: Instant,
) -> Result<Resolved> {
    Err(unsupported())
}

/// Fails.
pub(crate) async fn resolve_hosts<R: Runtime>(
    _runtime: &R,
    _config: &Config,
    _resolver: &ResolverConfig,
    _deadline: Instant,
) -> Result<Hosts> {
    Err(unsupported())
}

fn unsupported() -> Error {
    let what = "mongodb+srv needs the feature `srv`, which this build lacks";
    Error::new(Phase::Dns, ErrorKind::Unsupported(what.into()))
}
