//! Cancel-safety, exhaustively: every operation is dropped at every poll, on a cold and on a warm client, before and after
//! what it waited for has come, in the asynchronous and in the blocking world. Afterwards the pool is at its baseline, the
//! server has no cursor left, the next operations get their own answers, and nothing outlives the client.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use stator_client::options::{CursorType, DeleteManyModel, InsertOneModel, UpdateOneModel, WriteConcern, WriteModel};
use stator_client::{Bson, ClientOptions, Document, doc};
use stator_sim::server::{Config, FakeServer};
use stator_sim::{Sim, drop_after, drop_when_woken_after};

type Client = stator_client::Client<Sim>;
type Operation = fn(Client) -> Pin<Box<dyn Future<Output = stator_client::Result<()>> + Send>>;

fn things(client: &Client) -> stator_client::Collection<Sim> {
    client.database("db").collection("things")
}

/// A name and what it does. Results are not looked at: most runs do not live to see one.
macro_rules! operations {
    ($($name:ident: |$client:ident| $body:expr;)*) => {
        const OPERATIONS: &[(&str, Operation)] = &[$((stringify!($name), |$client| Box::pin(async move {
            $body;
            Ok(())
        }))),*];
    };
}

operations! {
    run_command: |c| c.database("db").run_command(doc! { "ping": 1 }).await?;
    insert_one: |c| things(&c).insert_one(doc! { "new": 1 }).await?;
    insert_many: |c| things(&c).insert_many((0..12).map(|n| doc! { "new": n })).await?;
    insert_unacknowledged: |c| things(&c).insert_one(doc! { "new": 1 }).write_concern(WriteConcern::unacknowledged()).await?;
    bulk_write: |c| things(&c).bulk_write(models()).await?;
    client_bulk_write: |c| c.bulk_write(models().into_iter().map(|model| model.on(&things(&c)))).verbose_results(true).await?;
    find: |c| {
        let mut cursor = things(&c).find(doc! {}).batch_size(3).await?;
        while cursor.advance().await? {}
    };
    find_dropped_in_the_middle: |c| {
        let mut cursor = things(&c).find(doc! {}).batch_size(2).await?;
        cursor.to_list(3).await?;
    };
    find_closed: |c| things(&c).find(doc! {}).batch_size(2).await?.close().await?;
    find_exhaust: |c| {
        let mut cursor = things(&c).find(doc! {}).batch_size(3).cursor_type(CursorType::Exhaust).await?;
        assert_eq!(cursor.to_list(None).await?.len(), 10);
    };
    find_exhaust_dropped_in_the_middle: |c| {
        let mut cursor = things(&c).find(doc! {}).batch_size(2).cursor_type(CursorType::Exhaust).await?;
        cursor.to_list(5).await?;
    };
    find_one: |c| things(&c).find_one(doc! { "_id": 5 }).await?;
    update_one: |c| things(&c).update_one(doc! { "_id": 1 }, doc! { "$set": { "x": 1 } }).await?;
    update_many: |c| things(&c).update_many(doc! {}, doc! { "$set": { "y": 1 } }).await?;
    replace_one: |c| things(&c).replace_one(doc! { "_id": 2 }, doc! { "n": 2 }).await?;
    delete_one: |c| things(&c).delete_one(doc! { "new": 1 }).await?;
    delete_many: |c| things(&c).delete_many(doc! { "new": 1 }).await?;
    find_one_and_update: |c| things(&c).find_one_and_update(doc! { "_id": 3 }, doc! { "$inc": { "z": 1 } }).await?;
    find_one_and_replace: |c| things(&c).find_one_and_replace(doc! { "_id": 4 }, doc! { "n": 4 }).await?;
    find_one_and_delete: |c| things(&c).find_one_and_delete(doc! { "new": 1 }).await?;
    count_documents: |c| things(&c).count_documents(doc! {}).await?;
    estimated_document_count: |c| things(&c).estimated_document_count().await?;
    distinct: |c| things(&c).distinct("n", doc! {}).await?;
    aggregate: |c| {
        let mut cursor = things(&c).aggregate([doc! { "$match": {} }]).batch_size(3).await?;
        while cursor.advance().await? {}
    };
    list_databases: |c| c.list_databases().await?;
    list_database_names: |c| c.list_database_names().await?;
    list_collections: |c| c.database("db").list_collections().await?;
    list_collection_names: |c| c.database("db").list_collection_names().await?;
    create_collection: |c| c.database("other").create_collection("made").await?;
    drop_collection: |c| c.database("other").collection::<Document>("made").drop().await?;
    drop_database: |c| c.database("other").drop().await?;
    close: |c| {
        let closed = Client::with_runtime(c.runtime().clone(), options())?;
        things(&closed).find_one(doc! {}).await?;
        closed.close().await;
    };
}

/// Writes that need several commands.
fn models() -> Vec<WriteModel> {
    let id = |n: i32| format!("{n}{}", "x".repeat(150));
    let upsert = |n| UpdateOneModel::new(doc! { "_id": id(n) }, doc! { "$set": { "new": 1 } }).upsert(true).into();
    let inserts = (0..6).map(|_| InsertOneModel::new(doc! { "new": 1 }).into());
    inserts.chain((0..6).map(upsert)).chain([DeleteManyModel::new(doc! { "new": 1 }).into()]).collect()
}

fn address() -> SocketAddr {
    "10.0.0.1:27017".parse().unwrap()
}

fn options() -> ClientOptions {
    ClientOptions::parse("mongodb://user:secret@10.0.0.1/?maxPoolSize=1").unwrap()
}

/// How an operation is dropped.
#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    /// At its n-th await point.
    AtPoll,
    /// When it would have been polled for the n-th time: what it waited for is there.
    WhenWoken,
}

/// Runs `operation` in a fresh world and drops it at point `n`; `true` if it ended before.
fn drop_at(sim: &Sim, name: &str, operation: Operation, warm: bool, how: How, n: usize) -> bool {
    // Documents so short that the results of a bulk write need a getMore.
    let config =
        Config { max_write_batch_size: 5, max_wire_version: 25, max_bson_object_size: 400, ..Config::default() };
    let server = FakeServer::start_with(sim, address(), config);
    server.engine(|engine| engine.add_user("admin", "user", "secret"));
    let handle = sim.clone();
    let what = format!("{name}, {how:?} {n}, warm {warm}");
    let ended = sim
        .run(async move {
            let client = Client::with_runtime(handle.clone(), options()).unwrap();
            let helper = Client::with_runtime(handle.clone(), options()).unwrap();
            things(&helper).insert_many((0..10).map(|n| doc! { "_id": n, "n": n })).await.unwrap();
            helper.close().await;
            drop(helper);
            if warm {
                things(&client).find_one(doc! { "_id": 0 }).await.unwrap();
            }
            let future = operation(client.clone());
            let ended = match how {
                How::AtPoll => drop_after(future, n).await,
                How::WhenWoken => drop_when_woken_after(future, n).await,
            };
            if let Some(outcome) = &ended {
                outcome.as_ref().unwrap_or_else(|error| panic!("{what}: {error}"));
            }
            // The same client goes on at once, on the only connection there may be.
            for id in [7, 8] {
                let found = things(&client).find_one(doc! { "_id": id }).await;
                let found = found.unwrap_or_else(|error| panic!("{what}: {error}")).unwrap();
                assert_eq!(found.get("_id"), Some(&Bson::Int32(id)), "{what}: somebody else's reply");
            }
            handle.sleep(Duration::from_secs(3)).await;
            let stats = client.pool_stats();
            assert_eq!((stats.in_use, stats.owing, stats.waiting, stats.pending), (0, 0, 0, 0), "{what}");
            assert!(stats.total() <= 1, "{what}: {stats:?}");
            client.close().await;
            ended.is_some()
        })
        .unwrap_or_else(|error| panic!("{name}, {how:?} {n}, warm {warm}: {error}"));
    assert_eq!(server.open_cursors(), 0, "{name}, {how:?} {n}, warm {warm}");
    let handle = sim.clone();
    sim.run(async move { handle.sleep(Duration::from_secs(30)).await }).unwrap();
    assert_eq!(sim.streams_open(), 0, "{name}, {how:?} {n}, warm {warm}: a connection outlives its client");
    ended
}

fn exhaust(world: fn(u64) -> Sim, hows: &[How]) -> usize {
    let mut runs = 0;
    for (index, (name, operation)) in OPERATIONS.iter().enumerate() {
        for warm in [false, true] {
            for &how in hows {
                for n in 0.. {
                    assert!(n < 500, "{name} does not end");
                    let sim = world(index as u64 * 1000 + n as u64);
                    runs += 1;
                    if drop_at(&sim, name, *operation, warm, how, n) {
                        break;
                    }
                }
            }
        }
    }
    runs
}

#[test]
fn every_operation_dropped_at_every_poll() {
    let runs = exhaust(Sim::new, &[How::AtPoll, How::WhenWoken]);
    println!("{} operations, {runs} runs", OPERATIONS.len());
    assert!(runs > 4 * OPERATIONS.len());
}

#[test]
fn every_operation_dropped_at_every_poll_where_io_blocks() {
    let runs = exhaust(Sim::blocking, &[How::AtPoll]);
    println!("{} operations, {runs} runs", OPERATIONS.len());
    assert!(runs > 2 * OPERATIONS.len());
}
