//! Selecting a server and checking a connection out of its pool, in one go.

use alloc::sync::Arc;

use super::{Cluster, ServerId};
use crate::pool::{self, ConnectionId, PoolError, PoolStats, Ticket};
use crate::select::{SelectError, Target, choose, select};
use crate::topology::ServerDescription;
use crate::{Instant, ServerAddress};

/// The answer to a check-out.
#[derive(Clone, Debug)]
#[must_use = "a granted connection must be checked in, and a ticket ends only by an action or a cancellation"]
pub enum CheckOut<C> {
    /// The connection is the caller's, now.
    Granted {
        /// Whose.
        server: ServerId,
        /// Which one.
        connection: ConnectionId,
        /// The connection still owes a reply to someone who left: read it first, until this instant at the latest.
        owing: Option<Instant>,
    },
    /// A server was selected, and the ticket is in its pool's queue.
    Wait {
        /// Whose.
        server: ServerId,
        /// The place in the queue.
        ticket: Ticket,
    },
    /// No server suits now, and all monitors were asked to check: ask again after the next
    /// [`Action::Changed`](super::Action::Changed).
    NoServer,
    /// The server's pool has none to give.
    Refused {
        /// Whose.
        server: ServerId,
        /// Why.
        error: PoolError<C>,
    },
    /// No server can suit, however long one waits.
    Impossible(SelectError),
}

impl<C: Clone + PartialEq> Cluster<C> {
    /// Selects a server and asks its pool for a connection, until `deadline`.
    ///
    /// `avoid`: servers to take only if no other suits. `random`: unpredictable bits, for the choice among equals.
    pub fn check_out(
        &mut self,
        now: Instant,
        target: &Target<'_>,
        avoid: &[ServerAddress],
        deadline: Instant,
        random: u64,
    ) -> CheckOut<C> {
        match self.select(target, avoid, random) {
            Ok(Some(server)) => self.check_out_of(now, server, deadline),
            Ok(None) => {
                self.check_all();
                CheckOut::NoServer
            }
            Err(error) => CheckOut::Impossible(error),
        }
    }

    /// The first half of a check-out: the server alone.
    ///
    /// # Errors
    ///
    /// No server can suit, however long one waits.
    pub fn select(
        &self,
        target: &Target<'_>,
        avoid: &[ServerAddress],
        random: u64,
    ) -> Result<Option<ServerId>, SelectError> {
        let busy = |address: &ServerAddress| self.busy(address);
        let found = select(self.topology.description(), target, avoid, &self.options.select, busy, random)?;
        Ok(found.and_then(|server| self.server_at(&server.address)))
    }

    /// Asks the pool of a server that was selected by other means. [`CheckOut::NoServer`] if it was removed meanwhile.
    pub fn check_out_of(&mut self, now: Instant, server: ServerId, deadline: Instant) -> CheckOut<C> {
        let Some(found) = self.server_mut(server).filter(|found| !found.removed) else { return CheckOut::NoServer };
        let outcome = found.pool.check_out(now, deadline);
        self.absorb_pool(server.slot());
        match outcome {
            pool::CheckOut::Granted { connection, owing } => CheckOut::Granted { server, connection, owing },
            pool::CheckOut::Wait(ticket) => CheckOut::Wait { server, ticket },
            pool::CheckOut::Refused(error) => CheckOut::Refused { server, error },
        }
    }

    /// As [`check_out`](Self::check_out), where the host has narrowed the choice down to `servers` itself: suitable ones, in the
    /// latency window.
    pub fn check_out_among(
        &mut self,
        now: Instant,
        servers: &[&Arc<ServerDescription<C>>],
        deadline: Instant,
        random: u64,
    ) -> CheckOut<C> {
        let chosen = choose(servers, |address| self.busy(address), random);
        match chosen.and_then(|server| self.server_at(&server.address)) {
            Some(server) => self.check_out_of(now, server, deadline),
            None => {
                self.check_all();
                CheckOut::NoServer
            }
        }
    }

    /// The caller stops waiting in a queue; see [`Pool::cancel`](crate::Pool::cancel).
    pub fn cancel(&mut self, now: Instant, server: ServerId, ticket: Ticket) -> bool {
        // A ticket that is on its way out in an action of ours has ended for the pool.
        let of_ticket = |action: &super::Action<C>| match action {
            super::Action::Pool { server: whose, action } => {
                *whose == server
                    && matches!(action, pool::Action::Grant { ticket: t, .. } | pool::Action::Refuse { ticket: t, .. } if *t == ticket)
            }
            _ => false,
        };
        if let Some(index) = self.actions.iter().position(of_ticket) {
            if let Some(super::Action::Pool { action: pool::Action::Grant { connection, owing, .. }, .. }) =
                self.actions.remove(index)
            {
                // Granted, so in use; neither call can find it otherwise.
                let _ = match owing {
                    None => self.check_in(now, server, connection),
                    Some(limit) => self.owe(now, server, connection, Some(limit)),
                };
            }
            return true;
        }
        let Some(found) = self.server_mut(server) else { return false };
        let cancelled = found.pool.cancel(now, ticket);
        self.absorb_pool(server.slot());
        cancelled
    }

    /// Whoever waits for a server wants to know soon.
    pub fn check_all(&mut self) {
        for slot in 0..self.servers.len() {
            if let Some(Some(server)) = self.servers.get(slot)
                && !server.removed
            {
                let server = server.id;
                self.actions.push_back(super::Action::CheckNow { server });
            }
        }
    }

    /// How many operations a server is at: connections in use, and check-outs that wait.
    fn busy(&self, address: &ServerAddress) -> u32 {
        let found = self.present().find(|server| *server.address == *address);
        found.map_or(0, |server| {
            let PoolStats { in_use, waiting, .. } = server.pool.stats();
            in_use.saturating_add(waiting)
        })
    }
}
