//! From a server's address to a stream of plain bytes: everything before TLS.
//!
//! ```text
//!  Connector of the options ───────────────────────────────▶ Channel::Boxed
//!  Unix socket ──────────────── Runtime::connect ──────────▶ Channel::Plain
//!  host ── lookup ── addresses ── happy eyeballs ──────────▶ Channel::Plain
//!  host behind a proxy: as above, to the proxy; then SOCKS5 ▶ Channel::Plain
//! ```
//!
//! Nothing here is raced (R2): each call ends by the deadline, and a second attempt is a second task.

mod connector;
mod eyeballs;
#[cfg(test)]
pub(crate) mod fake;
mod order;
mod socks;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use stator_proto::socks5::ProxyUser;
use stator_proto::{Config, Instant, ServerAddress};

use crate::channel::Channel;
use crate::error::{Error, Phase, Result};
use crate::runtime::{Endpoint, Runtime};
pub use connector::Connector;
#[cfg(feature = "srv")]
pub(crate) use socks::write_all;

/// How a client connects. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectSettings {
    connector: Option<Connector>,
    proxy: Option<Arc<Proxy>>,
}

/// The SOCKS5 proxy of the options.
#[derive(Debug)]
struct Proxy {
    host: String,
    port: u16,
    user: Option<ProxyUser>,
}

impl Proxy {
    /// The error of reaching the proxy, which is not the server that the error names.
    fn blame(&self, error: io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("the SOCKS5 proxy {}, port {}: {error}", self.host, self.port))
    }
}

impl ConnectSettings {
    pub(crate) fn new(config: &Config, connector: Option<Connector>) -> Self {
        // Empty ones count as none (specification "SOCKS5 Support").
        let username = config.proxy.username.as_ref().filter(|name| !name.is_empty());
        let password = config.proxy.password.as_ref().filter(|password| !password.expose().is_empty());
        let user = username.zip(password);
        let user = user.map(|(name, password)| ProxyUser { username: name.clone(), password: password.clone() });
        let proxy = config.proxy_address().map(|(host, port)| Arc::new(Proxy { host: host.to_owned(), port, user }));
        Self { connector, proxy }
    }
}

/// Connects to a server, through the connector or the proxy of the settings if there is one. Unix sockets are never
/// proxied.
///
/// # Errors
/// In [`Phase::Dns`] when the host's name cannot be resolved, else in [`Phase::Connect`].
///
/// # Cancel safety
/// A dropped call leaves no stream behind; attempts of its own tasks end by the deadline and are closed then.
pub(crate) async fn open<R: Runtime>(
    runtime: &R,
    settings: &ConnectSettings,
    server: &ServerAddress,
    deadline: Instant,
) -> Result<Channel<R::Stream>> {
    let failed = |error| Error::io(Phase::Connect, server, error);
    if let Some(connector) = &settings.connector {
        return connector.connect(server, deadline).await.map(Channel::Boxed).map_err(failed);
    }
    let (host, port) = match server {
        ServerAddress::Unix { path } => {
            let stream = runtime.connect(&Endpoint::Unix(path.into()), deadline).await;
            return stream.map(Channel::Plain).map_err(failed);
        }
        ServerAddress::Tcp { host, port } => (host, *port),
    };
    let failed = |(phase, error)| Error::io(phase, server, error);
    let Some(proxy) = &settings.proxy else {
        return tcp(runtime, host, port, deadline).await.map(Channel::Plain).map_err(failed);
    };
    let reached = tcp(runtime, &proxy.host, proxy.port, deadline).await;
    let mut stream = reached.map_err(|(phase, error)| failed((phase, proxy.blame(error))))?;
    socks::ask(runtime, &mut stream, proxy, server, deadline).await?;
    Ok(Channel::Plain(stream))
}

/// Connects to a host; an error comes with its phase.
async fn tcp<R: Runtime>(
    runtime: &R,
    host: &str,
    port: u16,
    deadline: Instant,
) -> Result<R::Stream, (Phase, io::Error)> {
    let found = match host.parse::<IpAddr>() {
        Ok(ip) => vec![SocketAddr::new(ip, port)],
        Err(_) => {
            let found = runtime.lookup(host, port, deadline).await;
            order::interleave(found.map_err(|error| (Phase::Dns, error))?)
        }
    };
    let stream = match found[..] {
        [only] => runtime.connect(&Endpoint::Tcp(only), deadline).await,
        _ => eyeballs::connect(runtime, found, deadline).await,
    };
    stream.map_err(|error| (Phase::Connect, error))
}

#[cfg(test)]
mod tests;
