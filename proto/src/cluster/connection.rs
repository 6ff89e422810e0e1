//! What the host says about single connections of a server: passed on to its pool, and to the topology where it teaches
//! something.

use super::{Action, Cluster, Event, ServerId};
use crate::Instant;
use crate::pool::{CloseReason, ConnectionId, OnFailure, WrongConnection};
use crate::topology::{ApplicationError, ErrorVerdict};

impl<C: Clone + PartialEq> Cluster<C> {
    /// A dial has ended well, authentication included. `service_id`: as the server's hello names it, behind a load balancer.
    ///
    /// # Errors
    ///
    /// [`WrongConnection`] if it is not pending (any more): the host closes the socket.
    pub fn handle_established(
        &mut self,
        now: Instant,
        server: ServerId,
        connection: ConnectionId,
        service_id: Option<[u8; 12]>,
    ) -> Result<(), WrongConnection> {
        let found = self.server_mut(server).ok_or(WrongConnection)?;
        let outcome = found.pool.handle_established(now, connection, service_id);
        self.absorb_pool(server.slot());
        outcome
    }

    /// A dial has failed. `failure` is what SDAM is to make of it; `None` for failures that say nothing about the server (the
    /// host could not even try).
    ///
    /// # Errors
    ///
    /// [`WrongConnection`] if it is not pending (any more); then nobody learns anything.
    pub fn handle_dial_failed(
        &mut self,
        now: Instant,
        server: ServerId,
        connection: ConnectionId,
        cause: C,
        failure: Option<ApplicationError<C>>,
    ) -> Result<(), WrongConnection> {
        let found = self.server_mut(server).ok_or(WrongConnection)?;
        if !found.pool.is_pending(connection) {
            return Err(WrongConnection);
        }
        let address = found.address.clone();
        if let Some(service_id) = failure.as_ref().and_then(|failure| failure.service_id) {
            // Hello was answered: behind a load balancer, a clear is for this service.
            found.pool.handle_hello(now, connection, Some(service_id))?;
        }
        let then = match failure {
            Some(failure) => self.topology.handle_application_error(now, &address, failure),
            None => ErrorVerdict::Keep,
        };
        let then = match then {
            ErrorVerdict::Clear => OnFailure::Clear,
            ErrorVerdict::Keep => OnFailure::Keep,
        };
        // The description changes before the pool is cleared.
        self.absorb_topology(now);
        let outcome = match self.server_mut(server) {
            Some(found) => found.pool.handle_dial_failed(now, connection, cause, then),
            None => Err(WrongConnection),
        };
        self.absorb_pool(server.slot());
        outcome
    }

    /// An operation met an error on an established connection: the topology may learn from it, and the pool be cleared. The
    /// connection itself is checked in or discarded separately.
    pub fn handle_application_error(&mut self, now: Instant, server: ServerId, error: ApplicationError<C>) {
        let Some(found) = self.server(server).filter(|found| !found.removed) else { return };
        let address = found.address.clone();
        self.topology.handle_application_error(now, &address, error);
        self.absorb_topology(now);
    }

    /// A connection comes back, between two messages.
    ///
    /// # Errors
    ///
    /// [`WrongConnection`] if it is not in use; the host closes it.
    pub fn check_in(
        &mut self,
        now: Instant,
        server: ServerId,
        connection: ConnectionId,
    ) -> Result<(), WrongConnection> {
        let found = self.server_mut(server).ok_or(WrongConnection)?;
        let outcome = found.pool.check_in(now, connection);
        self.absorb_pool(server.slot());
        outcome
    }

    /// A connection whose reply is still to come lost its user; see [`Pool::owe`](crate::Pool::owe).
    ///
    /// # Errors
    ///
    /// [`WrongConnection`] if it is not in use; the host closes it.
    pub fn owe(
        &mut self,
        now: Instant,
        server: ServerId,
        connection: ConnectionId,
        limit: Option<Instant>,
    ) -> Result<(), WrongConnection> {
        let found = self.server_mut(server).ok_or(WrongConnection)?;
        let outcome = found.pool.owe(now, connection, limit);
        self.absorb_pool(server.slot());
        outcome
    }

    /// A connection is of no more use; see [`Pool::discard`](crate::Pool::discard).
    ///
    /// # Errors
    ///
    /// [`WrongConnection`] if it is pending or unknown.
    pub fn discard(
        &mut self,
        now: Instant,
        server: ServerId,
        connection: ConnectionId,
        reason: CloseReason,
        cause: Option<C>,
    ) -> Result<(), WrongConnection> {
        let found = self.server_mut(server).ok_or(WrongConnection)?;
        let outcome = found.pool.discard(now, connection, reason, cause);
        self.absorb_pool(server.slot());
        outcome
    }

    /// Whether a dial is still wanted.
    pub fn is_pending(&self, server: ServerId, connection: ConnectionId) -> bool {
        self.server(server).is_some_and(|found| found.pool.is_pending(connection))
    }

    /// Whether a connection belongs to a former generation: what it meets says nothing about the server of today.
    pub fn is_stale(&self, server: ServerId, connection: ConnectionId) -> bool {
        self.server(server).is_none_or(|found| found.removed || found.pool.is_stale(connection))
    }

    /// Takes over what a pool wants and tells; a removed server ends with its last connection.
    pub(super) fn absorb_pool(&mut self, slot: usize) {
        let Some(Some(server)) = self.servers.get_mut(slot) else { return };
        let id = server.id;
        while let Some(action) = server.pool.poll_action() {
            self.actions.push_back(Action::Pool { server: id, action });
        }
        while let Some(event) = server.pool.poll_event() {
            self.events.push_back(Event::Pool { address: server.address.clone(), event });
        }
        if server.removed && server.pool.stats().total() == 0 {
            self.servers[slot] = None;
        }
    }
}
