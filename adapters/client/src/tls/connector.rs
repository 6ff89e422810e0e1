//! Makes secure channels of plain ones.

use core::fmt;
use core::future::poll_fn;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::ServerName;
use stator_proto::uri::TlsOptions;
use stator_proto::{Config, ServerAddress};

use super::session::Session;
use super::settings::{Settings, TlsConfig};
use super::{TlsError, TlsStream};
use crate::channel::Channel;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::runtime::{Instant, Stream};

/// Secures the connections of one client. Cheap to clone; clones share the sessions to resume.
#[derive(Clone)]
pub(crate) struct Connector(Arc<Shared>);

struct Shared {
    options: TlsOptions,
    /// Set by the first connection whose files were in order.
    settings: OnceLock<Settings>,
}

impl Connector {
    /// `None` where TLS is not wanted. Reads no file yet.
    pub(crate) fn new(config: &Config, custom: Option<TlsConfig>) -> Option<Self> {
        let wanted = match &custom {
            Some(_) => config.tls.enabled.unwrap_or(true),
            None => config.tls_enabled(),
        };
        let settings = OnceLock::new();
        if let Some(custom) = custom {
            settings.get_or_init(|| Settings::custom(custom));
        }
        wanted.then(|| Self(Arc::new(Shared { options: config.tls.clone(), settings })))
    }

    /// Shakes hands with `server` over `channel`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Tls`]; [`ErrorKind::Timeout`] when `deadline` passes first; [`ErrorKind::Io`] of the channel;
    /// [`ErrorKind::Unsupported`] for a Unix domain socket.
    pub(crate) async fn secure<S: Stream>(
        &self,
        channel: Channel<S>,
        server: &ServerAddress,
        deadline: Instant,
    ) -> Result<Channel<S>> {
        let failed = |error| Error::at(Phase::Tls, server, ErrorKind::Tls(error));
        let ServerAddress::Tcp { host, .. } = server else {
            let what = "TLS over a Unix domain socket, which needs none: say `tls=false`".into();
            return Err(Error::at(Phase::Tls, server, ErrorKind::Unsupported(what)));
        };
        // The zone of an address is the business of this machine alone.
        let bare = host.split_once('%').map_or(host.as_str(), |(address, _)| address);
        let name =
            ServerName::try_from(bare.to_owned()).map_err(|_| failed(TlsError::HostName(host.as_str().into())))?;
        let session = Session::new(self.settings().map_err(failed)?, name).map_err(failed)?;
        let mut stream = TlsStream::new(channel, session);
        poll_fn(|cx| stream.poll_handshake(cx, deadline))
            .await
            .map_err(|error| Error::io(Phase::Tls, server, error))?;
        Ok(Channel::Tls(Box::new(stream)))
    }

    fn settings(&self) -> Result<Settings, TlsError> {
        if let Some(settings) = self.0.settings.get() {
            return Ok(settings.clone());
        }
        // No lock is held while files are read; of two that come at once, the first to end is kept.
        let loaded = Settings::load(&self.0.options)?;
        Ok(self.0.settings.get_or_init(|| loaded).clone())
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("options", &self.0.options).finish_non_exhaustive()
    }
}
