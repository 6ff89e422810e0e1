//! Heartbeats, with the numbers of their connections.

use core::time::Duration;
use std::sync::Arc;

use bson::oid::ObjectId;
use stator_proto::monitor::{CheckError, HeartbeatEvent};
use stator_wire::bson::DocBuf;

use super::world::document;
use super::{address, network_error};
use crate::event::{Heartbeats, TopologyEvent};

const TIME: Duration = Duration::from_millis(7);

fn started() -> HeartbeatEvent<crate::Error> {
    HeartbeatEvent::Started { awaited: false }
}

fn succeeded(connection_id: Option<i32>) -> HeartbeatEvent<crate::Error> {
    let reply = document(|d| {
        d.i32("ok", 1);
        if let Some(id) = connection_id {
            d.i32("connectionId", id);
        }
    });
    HeartbeatEvent::Succeeded { awaited: true, duration: TIME, reply: DocBuf::new(reply).unwrap() }
}

fn failed() -> HeartbeatEvent<crate::Error> {
    HeartbeatEvent::Failed { awaited: false, duration: TIME, error: CheckError::Host(network_error()) }
}

/// The connection's two numbers after each event.
fn numbers(events: impl IntoIterator<Item = HeartbeatEvent<crate::Error>>) -> Vec<(u64, Option<i64>)> {
    let mut heartbeats = Heartbeats::new(ObjectId::from_bytes([1; 12]), Arc::new(address()));
    let info = |event| match heartbeats.event(event) {
        TopologyEvent::ServerHeartbeatStarted { info }
        | TopologyEvent::ServerHeartbeatSucceeded { info, .. }
        | TopologyEvent::ServerHeartbeatFailed { info, .. } => {
            assert_eq!((&info.address, info.topology_id), (&address(), ObjectId::from_bytes([1; 12])));
            (info.connection_id.unwrap(), info.server_connection_id)
        }
        other => panic!("{other:?}"),
    };
    events.into_iter().map(info).collect()
}

#[test]
fn a_connection_keeps_its_numbers_until_it_fails() {
    let seen = numbers([started(), succeeded(Some(5)), started(), succeeded(None), started(), failed(), started()]);
    assert_eq!(seen, [(1, None), (1, Some(5)), (1, Some(5)), (1, Some(5)), (1, Some(5)), (1, Some(5)), (2, None)]);
}

#[test]
fn a_heartbeat_that_was_given_up_took_its_connection_along() {
    assert_eq!(numbers([started(), succeeded(Some(5)), started(), started()])[2..], [(1, Some(5)), (2, None)]);
    assert_eq!(numbers([started(), failed(), started(), failed(), started()]).last(), Some(&(3, None)));
}

#[test]
fn what_is_told_is_what_was_seen() {
    let mut heartbeats = Heartbeats::new(ObjectId::from_bytes([1; 12]), Arc::new(address()));
    heartbeats.event(started());
    let TopologyEvent::ServerHeartbeatSucceeded { info, duration, reply } = heartbeats.event(succeeded(Some(5))) else {
        panic!()
    };
    assert!(info.awaited && duration == TIME);
    assert_eq!(reply.get_i32("connectionId").unwrap(), 5);
    heartbeats.event(started());
    let TopologyEvent::ServerHeartbeatFailed { info, failure, .. } = heartbeats.event(failed()) else { panic!() };
    assert!(!info.awaited && failure.is_network());
}
