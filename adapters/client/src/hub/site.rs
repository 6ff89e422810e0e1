//! What belongs to one server: the connections that nobody uses, how to interrupt the others, and its monitors' desks.

use std::sync::Arc;

use stator_proto::ServerAddress;
use stator_proto::cluster::ServerId;
use stator_proto::pool::ConnectionId;

use super::{After, MonitorDesk};
use crate::link::Link;
use crate::runtime::{Closer, Runtime};

/// One server's places.
#[derive(Debug)]
pub(crate) struct Site<R: Runtime> {
    pub(crate) id: ServerId,
    pub(crate) address: Arc<ServerAddress>,
    /// Connections that nobody uses (idle or owing), by the pool's slots.
    idle: Vec<Option<Box<Link<R>>>>,
    /// How to interrupt a connection, dialled ones included, by the pool's slots.
    closers: Vec<Option<(ConnectionId, Closer)>>,
    pub(crate) monitor: MonitorDesk,
    pub(crate) rtt_monitor: MonitorDesk,
}

impl<R: Runtime> Site<R> {
    pub(super) fn new(id: ServerId, address: Arc<ServerAddress>, monitored: bool) -> Self {
        Self {
            id,
            address,
            idle: Vec::new(),
            closers: Vec::new(),
            monitor: MonitorDesk::new(monitored),
            rtt_monitor: MonitorDesk::new(false),
        }
    }

    /// Puts a connection that nobody uses into its place.
    pub(super) fn stow(&mut self, link: Box<Link<R>>) {
        let slot = link.seat.connection.slot();
        put(&mut self.idle, slot, link);
    }

    /// Takes a connection that nobody uses out of its place.
    pub(super) fn take(&mut self, connection: ConnectionId) -> Option<Box<Link<R>>> {
        self.idle.get_mut(connection.slot())?.take_if(|link| link.seat.connection == connection)
    }

    pub(super) fn unused(&self) -> impl Iterator<Item = ConnectionId> {
        self.idle.iter().flatten().map(|link| link.seat.connection)
    }

    /// Remembers how to interrupt a connection.
    pub(crate) fn remember_closer(&mut self, connection: ConnectionId, closer: Closer) {
        put(&mut self.closers, connection.slot(), (connection, closer));
    }

    /// Forgets how to interrupt a connection that has ended, or is about to.
    pub(crate) fn forget(&mut self, connection: ConnectionId) -> Option<Closer> {
        let known = self.closers.get_mut(connection.slot())?.take_if(|(known, _)| *known == connection);
        known.map(|(_, closer)| closer)
    }

    /// How to interrupt a connection.
    pub(super) fn closer(&self, connection: ConnectionId) -> Option<Closer> {
        let (known, closer) = self.closers.get(connection.slot())?.as_ref()?;
        (*known == connection).then(|| closer.clone())
    }

    pub(super) fn interrupt_all(&mut self, after: &mut After<R>) {
        after.rest().interrupt.extend(self.closers.drain(..).flatten().map(|(_, closer)| closer));
        for desk in [&mut self.monitor, &mut self.rtt_monitor] {
            desk.order(super::Orders::stop, after);
        }
    }
}

fn put<T>(places: &mut Vec<Option<T>>, slot: usize, value: T) {
    if slot >= places.len() {
        places.resize_with(slot + 1, || None);
    }
    places[slot] = Some(value);
}
