//! From an address to a secured channel: what dials and monitors have in common.

use std::sync::Arc;

use stator_proto::{Instant, ServerAddress};

use crate::channel::Channel;
use crate::connect::{self, ConnectSettings};
use crate::error::Result;
use crate::inner::Core;
use crate::runtime::Runtime;
use crate::tls::Connector;

/// What it takes to reach one server.
#[derive(Debug)]
pub(crate) struct Dialer<R: Runtime> {
    pub(crate) runtime: R,
    pub(crate) address: Arc<ServerAddress>,
    settings: ConnectSettings,
    tls: Option<Connector>,
}

impl<R: Runtime> Dialer<R> {
    pub(crate) fn new(core: &Core<R>, address: &Arc<ServerAddress>) -> Self {
        Self {
            runtime: core.runtime.clone(),
            address: Arc::clone(address),
            settings: core.connect.clone(),
            tls: core.tls.clone(),
        }
    }

    /// A stream to the server.
    pub(crate) async fn connect(&self, deadline: Instant) -> Result<Channel<R::Stream>> {
        connect::open(&self.runtime, &self.settings, &self.address, deadline).await
    }

    /// The stream, secured if it is to be.
    pub(crate) async fn secure(&self, channel: Channel<R::Stream>, deadline: Instant) -> Result<Channel<R::Stream>> {
        match &self.tls {
            Some(tls) => tls.secure(channel, &self.address, deadline).await,
            None => Ok(channel),
        }
    }
}
