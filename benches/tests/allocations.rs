//! How often the heap is asked. One test function: the counts are of the whole process.

use std::alloc::System;

use bson::{RawDocumentBuf, doc, rawdoc};
use serde::Deserialize;
use stator_testkit::server::{Mongod, unique_db};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// A type without a heap of its own, so that what is counted is the driver's.
#[derive(Debug, Deserialize)]
struct Point {
    x: i32,
    y: f64,
}

#[test]
fn operations_keep_to_their_allocation_budgets() {
    let mongod = Mongod::shared().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let database = stator_tokio::Client::new(mongod.uri()).unwrap().database(&unique_db("allocations"));
        find_one_into_a_struct(&database).await;
        idle_connections(&mongod.uri()).await;
        a_large_reply(&database).await;
        database.drop().await.unwrap();
    });
}

async fn find_one_into_a_struct(database: &stator_tokio::Database) {
    const ROUNDS: usize = 200;
    let points = database.collection::<Point>("points");
    points.with_type().insert_one(doc! { "_id": 1, "x": 7, "y": 0.5 }).await.unwrap();
    let find = async || points.find_one(rawdoc! { "_id": 1 }).await.unwrap().unwrap();
    for _ in 0..20 {
        find().await;
    }
    let region = Region::new(HEAP);
    for _ in 0..ROUNDS {
        let point = find().await;
        assert_eq!((point.x, point.y), (7, 0.5));
    }
    let per_find = calls(region.change()) as f64 / ROUNDS as f64;
    println!("find_one into a struct: {per_find} allocations");
    assert!(per_find <= 8.0, "{per_find} allocations for one find_one");
}

/// Connections that a pool keeps ready hold little more than their state: no buffers.
async fn idle_connections(uri: &str) {
    const CONNECTIONS: usize = 50;
    let with = if uri.contains('?') { '&' } else { '?' };
    let region = Region::new(HEAP);
    let client = stator_tokio::Client::new(format!("{uri}{with}minPoolSize={CONNECTIONS}")).unwrap();
    client.warm().await.unwrap();
    let change = region.change();
    let held = (change.bytes_allocated - change.bytes_deallocated) / CONNECTIONS;
    println!("an idle connection: {held} bytes");
    assert!(held < 12_000, "{held} bytes for one idle connection");
    client.close().await;
}

/// The reply's frame is one allocation of its size. Fewer bytes than two frames are allocated in all, so nothing copies it.
async fn a_large_reply(database: &stator_tokio::Database) {
    const LENGTH: usize = 16_000_000;
    let blobs = database.collection::<RawDocumentBuf>("blobs");
    let payload = bson::Binary { subtype: bson::spec::BinarySubtype::Generic, bytes: vec![7; LENGTH] };
    blobs.with_type().insert_one(doc! { "_id": 1, "payload": payload }).await.unwrap();

    let region = Region::new(HEAP);
    let mut cursor = blobs.find(doc! {}).limit(-1).await.unwrap();
    assert!(cursor.advance().await.unwrap());
    assert!(cursor.current().unwrap().as_bytes().len() > LENGTH);
    let received = bytes(region.change());
    println!("a reply of {LENGTH} bytes, walked in place: {received} bytes allocated");
    assert!(received >= LENGTH, "{received} bytes cannot hold the reply");
    assert!(received < LENGTH + (1 << 20), "{received} bytes for one reply of {LENGTH}");
    drop(cursor);

    let region = Region::new(HEAP);
    let document = blobs.find_one(doc! {}).await.unwrap().unwrap();
    let decoded = bytes(region.change());
    println!("the same, decoded to an owned raw document: {decoded} bytes allocated");
    assert!(document.as_bytes().len() > LENGTH);
    assert!(decoded < 2 * LENGTH + (1 << 20), "{decoded} bytes to decode one document of {LENGTH}");
}

fn calls(stats: Stats) -> usize {
    stats.allocations + stats.reallocations
}

fn bytes(stats: Stats) -> usize {
    // What a reallocation adds is among them.
    stats.bytes_allocated
}
