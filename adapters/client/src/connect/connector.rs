//! Connections that the user makes.

use core::fmt;
use core::future::Future;
use std::io;
use std::sync::Arc;

use stator_proto::{Instant, ServerAddress};

use crate::action::BoxFuture;
use crate::runtime::Stream;

type Connect = dyn Fn(ServerAddress, Instant) -> BoxFuture<io::Result<Box<dyn Stream>>> + Send + Sync;

/// A connect function of your own: for tunnels, test networks and sockets that the driver knows nothing of.
///
/// It is called for each connection, with the server's address (not looked up, whatever `proxyHost` says) and with the deadline by
/// which it has to end, with [`io::ErrorKind::TimedOut`] if need be. The driver does not wait on anything else meanwhile, so the
/// call may block where the runtime's own `connect` may (rule R1 of [`runtime`](crate::runtime)). TLS, if it is on, is spoken
/// over what comes back.
///
/// ```
/// use stator_client::options::Connector;
/// use stator_client::runtime::{Endpoint, Stream};
/// use stator_client::{ClientOptions, Runtime};
///
/// /// Every server is reached through one local socket.
/// fn through_tunnel<R: Runtime>(runtime: R) -> Connector {
///     Connector::new(move |_server, deadline| {
///         let runtime = runtime.clone();
///         async move {
///             let stream = runtime.connect(&Endpoint::Unix("/run/tunnel.sock".into()), deadline).await?;
///             Ok(Box::new(stream) as Box<dyn Stream>)
///         }
///     })
/// }
///
/// fn options<R: Runtime>(runtime: R) -> stator_client::Result<ClientOptions> {
///     let mut options = ClientOptions::parse("mongodb://db.behind.tunnel")?;
///     options.connector = Some(through_tunnel(runtime));
///     Ok(options)
/// }
/// ```
#[derive(Clone)]
pub struct Connector(Arc<Connect>);

impl Connector {
    /// A connector that calls `connect`.
    pub fn new<F>(connect: impl Fn(ServerAddress, Instant) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = io::Result<Box<dyn Stream>>> + Send + 'static,
    {
        Self(Arc::new(move |server, deadline| Box::pin(connect(server, deadline))))
    }

    pub(super) fn connect(&self, to: &ServerAddress, deadline: Instant) -> BoxFuture<io::Result<Box<dyn Stream>>> {
        (self.0)(to.clone(), deadline)
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}
