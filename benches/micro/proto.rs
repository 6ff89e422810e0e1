//! The machines: `cargo bench -p stator-benches --bench proto`.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use divan::{Bencher, black_box};
use stator_proto::connection::Compression;
use stator_proto::hello::{HelloReply, ServerKind};
use stator_proto::operation::{Documents, Exec, Find, Insert, Namespace, Operation, Reached, Settings};
use stator_proto::pool::{Action, CheckOut, Pool, PoolOptions};
use stator_proto::read_preference::ReadPreference;
use stator_proto::select::{SelectOptions, Target, select};
use stator_proto::topology::{RoundTripTime, ServerDescription, TopologyDescription, TopologyKind};
use stator_proto::{Connection, Instant, SendBuf, ServerAddress};
use stator_wire::bson::{DocBuf, DocWriter};

fn main() {
    divan::main();
}

/// From an operation to the bytes that are to be written.
fn send(operation: impl Operation, connection: &mut Connection, out: &mut SendBuf) -> usize {
    let now = Instant::ORIGIN;
    let mut exec: Exec<_, Box<dyn Error>> = Exec::new(now, operation, Settings::default(), None);
    exec.handle_checked_out(now, Reached::new(TopologyKind::Single));
    exec.send(now, connection, out);
    let written = out.remaining();
    // Nothing was written, so the connection is as good as new.
    connection.cancel(out);
    written
}

#[divan::bench]
fn build_find_one(bencher: Bencher<'_, '_>) {
    let namespace = Namespace::new("perftest", "corpus");
    let mut filter = Vec::new();
    let mut writer = DocWriter::new(&mut filter);
    writer.i32("_id", 7);
    writer.finish().expect("a document");
    let filter = DocBuf::new(filter).expect("a document");
    let (mut connection, mut out) = (Connection::new(Compression::none()), SendBuf::new());
    bencher.bench_local(|| {
        let find = Find::new(namespace.clone(), black_box(&filter).clone()).one();
        let bytes = send(find, &mut connection, &mut out);
        assert!(bytes > 60);
        bytes
    });
}

/// The documents are encoded already: only the head is built.
#[divan::bench(args = [1, 1000])]
fn build_insert(bencher: Bencher<'_, '_>, copies: usize) {
    let namespace = Namespace::new("perftest", "corpus");
    let one = [0x12, 0, 0, 0, 0x10, b'n', b'u', b'm', b'b', b'e', b'r', b's', 0, 7, 0, 0, 0, 0];
    let ends: Vec<usize> = (1..=copies).map(|n| n * one.len()).collect();
    let bytes = one.repeat(copies);
    let (mut connection, mut out) = (Connection::new(Compression::none()), SendBuf::new());
    bencher
        .with_inputs(|| Documents::new(bytes.clone(), ends.clone()))
        .bench_local_values(|documents| send(Insert::new(namespace.clone(), documents), &mut connection, &mut out));
}

/// A check-out that is granted at once, and the check-in.
#[divan::bench(args = [1, 100])]
fn check_out_and_in(bencher: Bencher<'_, '_>, connections: u32) {
    let now = Instant::ORIGIN;
    let mut pool: Pool<&str> = Pool::new(PoolOptions { max_pool_size: connections, ..PoolOptions::default() });
    pool.ready(now);
    let held: Vec<_> = (0..connections).map(|_| dialled(&mut pool, now)).collect();
    for connection in held {
        pool.check_in(now, connection).expect("it is checked out");
    }
    bencher.bench_local(|| {
        let CheckOut::Granted { connection, .. } = pool.check_out(now, Instant::FAR_FUTURE) else {
            panic!("there is an idle connection");
        };
        pool.check_in(now, black_box(connection)).expect("it is checked out");
    });
}

fn dialled(pool: &mut Pool<&str>, now: Instant) -> stator_proto::pool::ConnectionId {
    let CheckOut::Wait(_) = pool.check_out(now, Instant::FAR_FUTURE) else { panic!("nothing is idle") };
    loop {
        match pool.poll_action().expect("a dial, then a grant") {
            Action::Dial { connection, .. } => pool.handle_established(now, connection, None).expect("it is dialled"),
            Action::Grant { connection, .. } => return connection,
            other => panic!("{other:?}"),
        }
    }
}

/// A check-out that waits, and is granted what another checks in.
#[divan::bench]
fn wait_and_grant(bencher: Bencher<'_, '_>) {
    let now = Instant::ORIGIN;
    let mut pool: Pool<&str> = Pool::new(PoolOptions { max_pool_size: 1, ..PoolOptions::default() });
    pool.ready(now);
    let mut held = dialled(&mut pool, now);
    bencher.bench_local(|| {
        let CheckOut::Wait(_) = pool.check_out(now, Instant::FAR_FUTURE) else { panic!("nothing is idle") };
        pool.check_in(now, held).expect("it is checked out");
        match pool.poll_action() {
            Some(Action::Grant { connection, .. }) => held = connection,
            other => panic!("{other:?}"),
        }
    });
}

/// A primary and secondaries, each a millisecond farther away than the last.
fn topology(servers: u16) -> TopologyDescription<String> {
    let server = |n: u16| {
        let kind = if n == 0 { ServerKind::RsPrimary } else { ServerKind::RsSecondary };
        let hello = HelloReply { kind, max_wire_version: 17, last_write_date: Some(0), ..HelloReply::default() };
        let address = ServerAddress::Tcp { host: "server.example.org".into(), port: 27017 + n };
        let average = Some(Duration::from_millis(1 + u64::from(n)));
        let description = ServerDescription {
            kind,
            hello: Some(Arc::new(hello)),
            round_trip_time: RoundTripTime { average, minimum: Duration::ZERO },
            ..ServerDescription::unknown(Instant::ORIGIN, address)
        };
        (description.address.clone(), Arc::new(description))
    };
    TopologyDescription {
        kind: TopologyKind::ReplicaSetWithPrimary,
        set_name: Some("rs".into()),
        max_set_version: None,
        max_election_id: None,
        servers: (0..servers).map(server).collect(),
        logical_session_timeout: None,
        incompatible: None,
    }
}

#[divan::bench(args = [1, 3, 50])]
fn select_primary(bencher: Bencher<'_, '_>, servers: u16) {
    let (topology, options) = (topology(servers), SelectOptions::default());
    bencher.bench(|| {
        let found = select(black_box(&topology), &Target::Writable, &[], &options, |_| 0, 7);
        found.expect("servers to speak with").expect("a primary").kind
    });
}

#[divan::bench(args = [3, 50])]
fn select_secondary(bencher: Bencher<'_, '_>, servers: u16) {
    let (topology, options) = (topology(servers), SelectOptions::default());
    let preference = ReadPreference::secondary();
    bencher.bench(|| {
        let found = select(black_box(&topology), &Target::Readable(&preference), &[], &options, |_| 0, 7);
        found.expect("servers to speak with").expect("a secondary").kind
    });
}
