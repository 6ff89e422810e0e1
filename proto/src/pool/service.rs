//! Generations, and the services behind a load balancer (CMAP, "Load Balancer Mode").

use alloc::vec::Vec;

use super::{
    CloseReason, Connection, ConnectionId, Generation, Key, Pool, PoolEvent, PoolUsage, Purpose, ServiceId, State,
    WrongConnection,
};
use crate::Instant;

impl<C: Clone> Pool<C> {
    /// The server has answered a dial's `hello`; authentication follows. In load-balanced mode the connection belongs
    /// to its service from now on, and a clear for that ends the dial. In other modes this changes nothing.
    ///
    /// # Errors
    ///
    /// [`WrongConnection`] if it is not pending (any more): the host closes the socket.
    pub fn handle_hello(
        &mut self,
        _now: Instant,
        connection: ConnectionId,
        service_id: Option<ServiceId>,
    ) -> Result<(), WrongConnection> {
        self.pending(connection.0)?;
        self.join_service(connection.0, service_id);
        Ok(())
    }

    /// The generation that a connection got: in load-balanced mode that of its service, once this is known. `None` if
    /// the connection has ended.
    pub fn generation_of(&self, connection: ConnectionId) -> Option<Generation> {
        self.connections.get(connection.0).map(|connection| connection.generation)
    }

    /// The service that a connection leads to; `None` if it has ended, is not known, or in other than load-balanced
    /// mode.
    pub fn service_of(&self, connection: ConnectionId) -> Option<ServiceId> {
        self.connections.get(connection.0)?.service
    }

    /// Whether a clear has made a connection useless, or it has ended: its errors say nothing of the present (SDAM,
    /// "stale errors").
    pub fn is_stale(&self, connection: ConnectionId) -> bool {
        let current = |connection: &Connection| connection.generation == self.current_generation(connection);
        !self.connections.get(connection.0).is_some_and(current)
    }

    /// What a connection is in use for, from now until it is checked in.
    ///
    /// # Errors
    ///
    /// [`WrongConnection`] if it is not in use.
    pub fn set_purpose(&mut self, connection: ConnectionId, purpose: Purpose) -> Result<(), WrongConnection> {
        let connection = self.connections.get_mut(connection.0).filter(|found| found.state == State::InUse);
        connection.ok_or(WrongConnection)?.purpose = purpose;
        Ok(())
    }

    /// What the connections in use are in use for. It looks at every connection: ask when a check-out has timed out.
    pub fn usage(&self) -> PoolUsage {
        let count = |purpose| {
            let used = |connection: &&Connection| connection.state == State::InUse && connection.purpose == purpose;
            self.connections.values().filter(used).count() as u32
        };
        PoolUsage {
            max_pool_size: self.options.max_pool_size,
            cursors: count(Purpose::Cursor),
            transactions: count(Purpose::Transaction),
            operations: count(Purpose::Operation) + self.owing.len(),
        }
    }

    /// The generation that a connection must have so as not to be stale.
    pub(super) fn current_generation(&self, connection: &Connection) -> Generation {
        match connection.service {
            None => self.generation,
            // Its service is known while it has a connection, and it has this one.
            Some(service) => self.services.get(&service).map_or(connection.generation, |service| service.generation),
        }
    }

    /// A connection learns where it leads to, once.
    pub(super) fn join_service(&mut self, key: Key, service_id: Option<ServiceId>) {
        let Some(id) = service_id.filter(|_| self.options.load_balanced) else { return };
        let Some(connection) = self.connections.get_mut(key).filter(|found| found.service.is_none()) else { return };
        let service = self.services.entry(id).or_default();
        service.connections += 1;
        connection.service = Some(id);
        connection.generation = service.generation;
    }

    /// Forgets a connection, and its service with the last one.
    pub(super) fn remove(&mut self, key: Key) {
        let Some(id) = self.connections.remove(key).and_then(|connection| connection.service) else { return };
        if let Some(service) = self.services.get_mut(&id) {
            service.connections -= 1;
            if service.connections == 0 {
                self.services.remove(&id);
            }
        }
    }

    /// The next generation of one service, and the event; `false` if no service is named.
    pub(super) fn begin_service_clear(&mut self, interrupt_in_use: bool, service_id: Option<ServiceId>) -> bool {
        let Some(id) = service_id else { return false };
        if let Some(service) = self.services.get_mut(&id) {
            service.generation.0 = service.generation.0.wrapping_add(1);
        }
        self.emit(|| PoolEvent::PoolCleared { interrupt_in_use, service_id });
        true
    }

    /// Closes what nobody is using of one service's connections.
    pub(super) fn close_unused_of(&mut self, service: ServiceId) {
        let of_service = |(key, found): (Key, &mut Connection)| (found.service == Some(service)).then_some(key);
        let keys: Vec<Key> = self.connections.iter_mut().filter_map(of_service).collect();
        for key in keys {
            self.close_unused_one(key, CloseReason::Stale);
        }
    }
}
