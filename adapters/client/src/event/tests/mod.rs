//! Tests of events.

mod cluster;
mod command;
mod delivery;
mod heartbeat;
mod listener;
mod pool;
mod redaction;
mod world;

use std::sync::{Arc, Mutex};

use stator_proto::ServerAddress;
use stator_proto::pool::PoolError;

use super::{ConnectionInfo, Event, Listener, Listeners, PoolEvent, PoolEventKind};
use crate::error::{Error, ErrorKind, Phase};

/// A list that listeners fill.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<Event>>>);

impl Log {
    fn listener(&self) -> Listener {
        let log = self.clone();
        Listener::new(move |event| log.0.lock().unwrap().push(event.clone()))
    }

    fn listeners(&self) -> Listeners {
        Listeners::new(vec![self.listener()])
    }

    fn take(&self) -> Vec<Event> {
        core::mem::take(&mut self.0.lock().unwrap())
    }

    fn names(&self) -> Vec<&'static str> {
        self.take().iter().map(Event::name).collect()
    }
}

fn address() -> ServerAddress {
    ServerAddress::Tcp { host: "db.example".into(), port: 27018 }
}

fn connection() -> ConnectionInfo {
    ConnectionInfo { address: address(), id: 3, server_id: Some(77), service_id: None }
}

fn network_error() -> Error {
    Error::at(Phase::Receive, &address(), ErrorKind::Io(std::io::ErrorKind::ConnectionReset.into()))
}

/// An event that can be told from others by its number.
fn numbered(connection_id: u64) -> Event {
    let kind = PoolEventKind::ConnectionCreated { connection_id };
    Event::Pool(PoolEvent { address: address(), service_id: None, kind })
}

fn numbers(events: &[Event]) -> Vec<u64> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Pool(event) => event.kind.connection_id(),
            _ => None,
        })
        .collect()
}

fn cleared() -> PoolError<Error> {
    PoolError::Cleared { cause: Some(network_error()) }
}
