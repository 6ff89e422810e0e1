//! A description while it changes.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Incompatible, ServerDescription, TopologyDescription, TopologyKind};
use crate::handshake::{MAX_WIRE_VERSION, MIN_WIRE_VERSION};
use crate::hello::ServerKind;
use crate::{Instant, ServerAddress};

/// A copy of the description that is being changed.
pub(super) struct Change<C> {
    pub(super) now: Instant,
    pub(super) description: TopologyDescription<C>,
    /// Servers that are to be checked at once.
    pub(super) check_now: Vec<ServerAddress>,
}

impl<C> Change<C> {
    /// A server is seen anew.
    pub(super) fn replace(&mut self, server: ServerDescription<C>) {
        self.description.servers.insert(server.address.clone(), Arc::new(server));
    }

    /// A server is thought to be part of the deployment.
    pub(super) fn add(&mut self, address: &ServerAddress) {
        if !self.description.servers.contains_key(address) {
            self.replace(ServerDescription::unknown(self.now, address.clone()));
        }
    }

    /// A server is not part of the deployment.
    pub(super) fn remove(&mut self, address: &ServerAddress) {
        self.description.servers.remove(address);
    }

    /// Only these servers are part of the deployment.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&ServerAddress) -> bool) {
        self.description.servers.retain(|address, _| keep(address));
    }

    /// A replica set has a primary or not.
    pub(super) fn check_if_has_primary(&mut self) {
        self.description.kind = match self.description.primary() {
            Some(_) => TopologyKind::ReplicaSetWithPrimary,
            None => TopologyKind::ReplicaSetNoPrimary,
        };
    }

    /// Works out what follows from the servers.
    pub(super) fn settle(&mut self) {
        let TopologyDescription { servers, .. } = &self.description;
        let known = || servers.values().filter_map(|server| Some((server, server.hello.as_ref()?)));
        let misfit = known()
            .find(|(_, hello)| hello.max_wire_version < MIN_WIRE_VERSION || hello.min_wire_version > MAX_WIRE_VERSION);
        let incompatible = misfit.map(|(server, hello)| Incompatible {
            address: server.address.clone(),
            min_wire_version: hello.min_wire_version,
            max_wire_version: hello.max_wire_version,
        });
        let bears_data = |kind| {
            use ServerKind::{Mongos, RsPrimary, RsSecondary, Standalone};
            matches!(kind, Mongos | RsPrimary | RsSecondary | Standalone)
        };
        let timeouts =
            known().filter(|(server, _)| bears_data(server.kind)).map(|(_, hello)| hello.logical_session_timeout);
        // `None` is less than any timeout: one server without sessions decides.
        let timeout = timeouts.min().flatten();
        self.description.incompatible = incompatible;
        self.description.logical_session_timeout = timeout;
    }
}
