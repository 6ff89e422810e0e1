//! Faults of connections and addresses, at the test's command.

use std::net::SocketAddr;

use stator_client::runtime::Endpoint;

use super::{ConnectionId, PipeId, Route, Side};
use crate::world::{Sim, State};

impl Sim {
    /// Resets a connection: both ends fail at once with `ConnectionReset`, and what was under way is lost.
    pub fn reset(&self, id: ConnectionId) {
        self.world.with(|state| {
            let Some(connection) = state.net.connections.get_mut(&id) else { return };
            connection.reset = true;
            BOTH.iter().for_each(|side| connection.end(*side).out.discard());
            BOTH.iter().for_each(|side| state.rouse_pipe(PipeId(id, *side)));
        });
    }

    /// Closes one direction of a connection, as if `side` had said that it writes no more.
    pub fn half_close(&self, id: ConnectionId, side: Side) {
        self.world.with(|state| state.finish(id, side));
    }

    /// From now on nothing that `from` writes arrives, a close included; writes succeed until the path is full.
    pub fn black_hole(&self, id: ConnectionId, from: Side) {
        self.world.with(|state| state.hold(id, from));
    }

    /// Ends the black holes of a connection: what was held arrives now, as after a retransmission.
    pub fn heal(&self, id: ConnectionId) {
        self.world.with(|state| state.release(id));
    }

    /// Resets all connections to `at`.
    pub fn reset_all(&self, at: SocketAddr) {
        for id in self.connections_to(at) {
            self.reset(id);
        }
    }

    /// Cuts `at` off: its connections become black holes in both directions, and so do those who connect.
    pub fn partition(&self, at: SocketAddr) {
        self.set_route(at, Route::BlackHole);
        self.world.with(|state| {
            for id in state.connections_at(at) {
                BOTH.iter().for_each(|side| state.hold(id, *side));
            }
        });
    }

    /// Ends a [`partition`](Self::partition).
    pub fn heal_partition(&self, at: SocketAddr) {
        self.set_route(at, Route::Open);
        self.world.with(|state| {
            for id in state.connections_at(at) {
                state.release(id);
            }
        });
    }
}

impl State {
    fn connections_at(&self, at: SocketAddr) -> Vec<ConnectionId> {
        let at = Endpoint::Tcp(at);
        self.net.connections.iter().filter(|(_, connection)| connection.at == at).map(|(id, _)| *id).collect()
    }

    fn hold(&mut self, id: ConnectionId, from: Side) {
        let now = self.now;
        if let Some(connection) = self.net.connections.get_mut(&id) {
            connection.end(from).out.hold(now);
        }
    }

    fn release(&mut self, id: ConnectionId) {
        for side in BOTH {
            let now = self.now;
            let Some(connection) = self.net.connections.get_mut(&id) else { return };
            for at in connection.end(side).out.release(now, &mut self.chance) {
                self.arrive(PipeId(id, side), at);
            }
        }
    }
}

const BOTH: [Side; 2] = [Side::Client, Side::Server];
