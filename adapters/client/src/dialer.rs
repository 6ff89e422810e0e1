//! From an address to a secured channel: what dials and monitors have in common.

use std::io;
use std::sync::Arc;

use stator_proto::{Instant, ServerAddress};

use crate::channel::Channel;
use crate::error::{Error, Phase, Result};
use crate::inner::Core;
use crate::runtime::{Endpoint, Runtime};

/// What it takes to reach one server.
#[derive(Debug)]
pub(crate) struct Dialer<R: Runtime> {
    pub(crate) runtime: R,
    pub(crate) address: Arc<ServerAddress>,
}

impl<R: Runtime> Dialer<R> {
    pub(crate) fn new(core: &Core<R>, address: &Arc<ServerAddress>) -> Self {
        Self { runtime: core.runtime.clone(), address: Arc::clone(address) }
    }

    /// A stream to the server.
    pub(crate) async fn connect(&self, deadline: Instant) -> Result<Channel<R::Stream>> {
        let Self { runtime, address, .. } = self;
        let endpoints = match &**address {
            ServerAddress::Unix { path } => vec![Endpoint::Unix(path.into())],
            ServerAddress::Tcp { host, port } => {
                let found = runtime.lookup(host, *port, deadline).await;
                let found = found.map_err(|error| Error::io(Phase::Dns, address, error))?;
                found.into_iter().map(Endpoint::Tcp).collect()
            }
        };
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the host name has no address");
        for endpoint in endpoints {
            match runtime.connect(&endpoint, deadline).await {
                Ok(stream) => return Ok(Channel::Plain(stream)),
                Err(error) => last = error,
            }
        }
        Err(Error::io(Phase::Connect, address, last))
    }

    /// The stream, secured if it is to be.
    pub(crate) async fn secure(&self, channel: Channel<R::Stream>, _deadline: Instant) -> Result<Channel<R::Stream>> {
        Ok(channel)
    }
}
