//! One event of each kind.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use bson::oid::ObjectId;
use bson::{Document, doc};
use stator_proto::hello::ServerKind;
use stator_proto::operation::CommandError;
use stator_proto::pool::PoolError;
use stator_proto::read_preference::{ReadPreference, TagSet};
use stator_proto::topology::{RoundTripTime, TopologyKind};
use stator_proto::{Instant, ServerAddress};
use stator_wire::bson::DocBuf;

use crate::error::{Error, ErrorKind, Phase};
use crate::event::{
    CheckOutFailedReason, CloseReason, CommandEvent, CommandInfo, ConnectionInfo, Event, EventDocument, HeartbeatInfo,
    PoolEvent, PoolEventKind, PoolOptions, SelectionEvent, SelectionEventKind, Selector, ServerDescription,
    TopologyDescription, TopologyEvent,
};

pub(super) const TIME: Duration = Duration::from_micros(1250);

pub(super) fn address() -> ServerAddress {
    ServerAddress::Tcp { host: "db.example".into(), port: 27018 }
}

pub(super) fn socket() -> ServerAddress {
    ServerAddress::Unix { path: "/tmp/mongodb.sock".into() }
}

pub(super) fn id() -> ObjectId {
    ObjectId::from_bytes([0xab; 12])
}

pub(super) fn document(document: &Document) -> EventDocument {
    EventDocument::new(DocBuf::new(bson::serialize_to_vec(document).unwrap()).unwrap())
}

pub(super) fn timeout() -> Error {
    Error::at(Phase::Receive, &address(), ErrorKind::Timeout)
}

pub(super) fn refused() -> Error {
    let reply = doc! { "ok": 0, "code": 59, "errmsg": "no such command" };
    let error = CommandError {
        code: 59,
        code_name: "CommandNotFound".into(),
        message: "no such command".into(),
        labels: vec!["Odd".into(), "New".into()],
        reply: DocBuf::new(bson::serialize_to_vec(&reply).unwrap()).unwrap(),
    };
    Error::at(Phase::Reply, &address(), ErrorKind::Command(error))
}

pub(super) fn info(address: ServerAddress, server_id: Option<i64>, service_id: Option<ObjectId>) -> Arc<CommandInfo> {
    Arc::new(CommandInfo {
        command_name: "ping".into(),
        database_name: "shop".into(),
        request_id: 4,
        operation_id: 12,
        connection: ConnectionInfo { address, id: 3, server_id, service_id },
    })
}

pub(super) fn commands() -> [CommandEvent; 3] {
    let info = || info(address(), Some(77), None);
    [
        CommandEvent::Started { info: info(), command: document(&doc! { "ping": 1, "$db": "shop" }) },
        CommandEvent::Succeeded { info: info(), duration: TIME, reply: document(&doc! { "ok": 1.0 }) },
        CommandEvent::Failed { info: info(), duration: TIME, failure: refused() },
    ]
}

pub(super) fn pool(kind: PoolEventKind) -> Event {
    Event::Pool(PoolEvent { address: address(), service_id: None, kind })
}

pub(super) fn pools() -> [Event; 11] {
    let options =
        PoolOptions { max_pool_size: Some(5), max_idle_time: Some(Duration::from_secs(10)), ..PoolOptions::default() };
    let cause = timeout();
    [
        PoolEventKind::PoolCreated { options },
        PoolEventKind::PoolReady,
        PoolEventKind::PoolCleared { interrupt_in_use_connections: false },
        PoolEventKind::PoolClosed,
        PoolEventKind::ConnectionCreated { connection_id: 3 },
        PoolEventKind::ConnectionReady { connection_id: 3, duration: TIME },
        PoolEventKind::ConnectionClosed { connection_id: 3, reason: CloseReason::Error, error: Some(timeout()) },
        PoolEventKind::ConnectionCheckOutStarted,
        PoolEventKind::ConnectionCheckOutFailed {
            reason: CheckOutFailedReason::ConnectionError,
            error: Error::at(Phase::Queue, &address(), ErrorKind::Pool(PoolError::Dial { cause })),
            duration: TIME,
        },
        PoolEventKind::ConnectionCheckedOut { connection_id: 3, duration: TIME },
        PoolEventKind::ConnectionCheckedIn { connection_id: 3 },
    ]
    .map(pool)
}

pub(super) fn unknown() -> Arc<TopologyDescription> {
    Arc::new(TopologyDescription {
        kind: TopologyKind::Unknown,
        set_name: None,
        max_set_version: None,
        max_election_id: None,
        servers: BTreeMap::new(),
        logical_session_timeout: None,
        incompatible: None,
    })
}

pub(super) fn replica_set() -> Arc<TopologyDescription> {
    let mut primary = ServerDescription::unknown(Instant::ORIGIN, address());
    primary.kind = ServerKind::RsPrimary;
    primary.round_trip_time = RoundTripTime { average: Some(TIME), minimum: Duration::ZERO };
    let mut lost = ServerDescription::unknown(Instant::ORIGIN, socket());
    lost.error = Some(timeout());
    let servers = [primary, lost].map(|server| (server.address.clone(), Arc::new(server)));
    Arc::new(TopologyDescription {
        kind: TopologyKind::ReplicaSetWithPrimary,
        set_name: Some("rs".into()),
        max_set_version: Some(2),
        max_election_id: Some([1; 12]),
        servers: BTreeMap::from(servers),
        logical_session_timeout: Some(Duration::from_secs(1800)),
        incompatible: None,
    })
}

pub(super) fn heartbeat(connection_id: Option<u64>, server_connection_id: Option<i64>) -> HeartbeatInfo {
    HeartbeatInfo { connection_id, server_connection_id, ..HeartbeatInfo::new(id(), address(), true) }
}

pub(super) fn topologies() -> [TopologyEvent; 9] {
    let (topology_id, address) = (id(), address());
    let server = Arc::new(ServerDescription::unknown(Instant::ORIGIN, address.clone()));
    let info = heartbeat(Some(8), Some(99));
    let reply = document(&doc! { "ok": 1 });
    [
        TopologyEvent::TopologyOpening { topology_id },
        TopologyEvent::TopologyClosed { topology_id },
        TopologyEvent::TopologyDescriptionChanged {
            topology_id,
            previous_description: unknown(),
            new_description: replica_set(),
        },
        TopologyEvent::ServerOpening { topology_id, address: address.clone() },
        TopologyEvent::ServerClosed { topology_id, address: address.clone() },
        TopologyEvent::ServerDescriptionChanged {
            topology_id,
            address,
            previous_description: Arc::clone(&server),
            new_description: server,
        },
        TopologyEvent::ServerHeartbeatStarted { info: heartbeat(None, None) },
        TopologyEvent::ServerHeartbeatSucceeded { info: info.clone(), duration: TIME, reply },
        TopologyEvent::ServerHeartbeatFailed { info, duration: TIME, failure: timeout() },
    ]
}

pub(super) fn selections() -> [Event; 4] {
    let tags = TagSet::from_iter([("dc", "ny"), ("rack", "1")]);
    let preference = ReadPreference {
        tag_sets: vec![tags, TagSet::default()],
        max_staleness: Some(Duration::from_secs(120)),
        ..ReadPreference::secondary()
    };
    let selector = Selector::ReadPreference(preference);
    [
        SelectionEventKind::Started,
        SelectionEventKind::Waiting { remaining: Some(Duration::from_millis(29_999)) },
        SelectionEventKind::Succeeded { address: address() },
        SelectionEventKind::Failed { failure: Error::new(Phase::Select, ErrorKind::Timeout) },
    ]
    .map(|kind| Event::Selection(SelectionEvent::new("find", 12, selector.clone(), &unknown(), kind)))
}

pub(super) fn all() -> Vec<Event> {
    let mut all: Vec<Event> = commands().map(Event::from).into();
    all.extend(pools());
    all.extend(topologies().map(Event::from));
    all.extend(selections());
    all
}
