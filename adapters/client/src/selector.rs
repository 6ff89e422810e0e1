//! The application's own choice among servers.

use core::fmt;
use std::sync::Arc;

use stator_proto::select::{SelectOptions, Target, in_window, suitable};

use crate::checkout::Ask;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::topology::{ServerDescription, TopologyDescription};

type Select = dyn Fn(&[Arc<ServerDescription>]) -> Vec<Arc<ServerDescription>> + Send + Sync;

/// Narrows down the servers that suit an operation by its read preference, before the nearest of them are taken (specification
/// *Server Selection*, "Filter servers with the custom server selector").
///
/// It is called without any lock, on the task of the operation; it should be quick. What it returns and was not given is
/// ignored. If it returns nothing, the operation waits for the deployment to change. It is not asked for operations that belong to
/// one server, such as the next batch of a cursor.
///
/// ```
/// use stator_client::ClientOptions;
/// use stator_client::options::ServerSelector;
///
/// let mut options = ClientOptions::parse("mongodb://a.example.com,b.example.com/?replicaSet=rs&readPreference=nearest")?;
/// options.server_selector = Some(ServerSelector::new(|servers| {
///     let is_ours = |server: &&std::sync::Arc<_>| {
///         let server: &stator_client::topology::ServerDescription = server;
///         server.address.to_string().starts_with("a.")
///     };
///     servers.iter().filter(is_ours).cloned().collect()
/// }));
/// # Ok::<(), stator_client::Error>(())
/// ```
#[derive(Clone)]
pub struct ServerSelector(Arc<Select>);

impl ServerSelector {
    /// A selector that calls `select`.
    pub fn new(
        select: impl Fn(&[Arc<ServerDescription>]) -> Vec<Arc<ServerDescription>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(select))
    }

    /// Whether it has a say in this.
    pub(crate) const fn is_asked(target: &Target<'_>) -> bool {
        !matches!(target, Target::Address(_))
    }

    /// Those of the suitable servers that it wants, in the latency window.
    pub(crate) fn select<'t>(
        &self,
        topology: &'t TopologyDescription,
        ask: &Ask<'_>,
        options: &SelectOptions,
    ) -> Result<Vec<&'t Arc<ServerDescription>>> {
        let suitable = suitable(topology, &ask.target, ask.avoid, options)
            .map_err(|error| Error::new(Phase::Select, ErrorKind::Impossible(error)))?;
        let given: Vec<Arc<ServerDescription>> = suitable.iter().map(|server| Arc::clone(server)).collect();
        let wanted = (self.0)(&given);
        let is_wanted = |server: &&Arc<ServerDescription>| wanted.iter().any(|other| other.address == server.address);
        let mut servers: Vec<_> = suitable.into_iter().filter(is_wanted).collect();
        in_window(&mut servers, options.local_threshold);
        Ok(servers)
    }
}

impl fmt::Debug for ServerSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerSelector")
    }
}
