//! A thousand at once: everybody gets their own answer, and nothing is spawned for it.
#![cfg(unix)]

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use stator_async_std::AsyncStd;
use stator_blocking::Blocking;
use stator_client::options::{DriverInfo, InsertOneModel};
use stator_client::runtime::{BlockOn, Endpoint, SpawnError};
use stator_client::{
    Client, ClientOptions, Collection, Cursor, Database, Document, Error, Instant, Runtime, action, doc,
};
use stator_smol::Smol;
use stator_testkit::server::{Mongod, unique_db};
use stator_tokio::Tokio;

const MANY: i32 = 1000;
/// Threads that share a client.
const THREADS: i32 = 32;

/// A runtime that counts the tasks it starts.
#[derive(Clone, Debug)]
struct Counting<R> {
    inner: R,
    spawned: Arc<AtomicUsize>,
}

impl<R> Counting<R> {
    fn new(inner: R) -> Self {
        Self { inner, spawned: Arc::default() }
    }
}

impl<R: Runtime> Runtime for Counting<R> {
    type Stream = R::Stream;

    fn now(&self) -> Instant {
        self.inner.now()
    }

    fn unix_time(&self) -> Duration {
        self.inner.unix_time()
    }

    fn fill_random(&self, out: &mut [u8]) {
        self.inner.fill_random(out);
    }

    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send + 'static {
        self.inner.sleep_until(at)
    }

    fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) -> Result<(), SpawnError> {
        self.spawned.fetch_add(1, Ordering::SeqCst);
        self.inner.spawn(name, task)
    }

    fn connect(&self, to: &Endpoint, deadline: Instant) -> impl Future<Output = io::Result<Self::Stream>> + Send {
        self.inner.connect(to, deadline)
    }

    fn lookup(
        &self,
        host: &str,
        port: u16,
        deadline: Instant,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send {
        self.inner.lookup(host, port, deadline)
    }

    fn exchange_datagram(
        &self,
        to: SocketAddr,
        question: &[u8],
        deadline: Instant,
    ) -> impl Future<Output = io::Result<Vec<u8>>> + Send {
        self.inner.exchange_datagram(to, question, deadline)
    }
}

impl<R: BlockOn> BlockOn for Counting<R> {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.inner.block_on(future)
    }
}

fn collection<R: Runtime>(runtime: Counting<R>, pool: u32) -> Collection<Counting<R>> {
    let uri = format!("{}?maxPoolSize={pool}", Mongod::shared().unwrap().uri());
    let client = Client::with_runtime(runtime, ClientOptions::parse(&uri).unwrap()).unwrap();
    client.database(&unique_db("many")).collection("things")
}

async fn fill<R: Runtime>(things: &Collection<R>) {
    things.insert_many((0..MANY).map(|i| doc! { "_id": i, "x": -i })).await.unwrap();
}

async fn ask<R: Runtime>(things: &Collection<R>, i: i32) {
    let found = things.find_one(doc! { "_id": i }).await.unwrap();
    assert_eq!(found, Some(doc! { "_id": i, "x": -i }), "somebody else's answer");
}

/// Whether the pool is quiet and within its limit.
fn check_pool<R: Runtime>(things: &Collection<R>, pool: u32) {
    let stats = things.database().client().pool_stats();
    assert_eq!((stats.in_use, stats.owing, stats.waiting), (0, 0, 0), "{stats:?}");
    assert!(stats.total() <= pool, "{stats:?}");
}

/// `MANY` tasks at once on an executor; `join` starts them all and waits for all.
async fn rounds<R: Runtime, J: Future<Output = ()>>(
    runtime: R,
    pool: u32,
    join: impl Fn(Vec<action::BoxFuture<()>>) -> J,
) {
    let runtime = Counting::new(runtime);
    let things = collection(runtime.clone(), pool);
    fill(&things).await;
    let all = || {
        let ask = |i| {
            let things = things.clone();
            Box::pin(async move { ask(&things, i).await }) as action::BoxFuture<()>
        };
        (0..MANY).map(ask).collect::<Vec<_>>()
    };
    // Until the pool is as large as it gets, waiters make it dial.
    loop {
        let before = runtime.spawned.load(Ordering::SeqCst);
        join(all()).await;
        check_pool(&things, pool);
        if runtime.spawned.load(Ordering::SeqCst) == before {
            break;
        }
        assert!(before <= 2 + 2 * pool as usize, "{before} tasks for {pool} connections");
    }
    // A warm pool: one more thousand has just spawned nothing, and so does a cursor.
    let before = runtime.spawned.load(Ordering::SeqCst);
    let mut cursor = things.find(doc! {}).batch_size(100).await.unwrap();
    assert_eq!(cursor.to_list(None).await.unwrap().len(), MANY as usize);
    assert_eq!(runtime.spawned.load(Ordering::SeqCst), before);
}

async fn on_tokio(tasks: Vec<action::BoxFuture<()>>) {
    let handles: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    for handle in handles {
        handle.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokio_multi_thread() {
    rounds(Tokio, 1, on_tokio).await;
    rounds(Tokio, 100, on_tokio).await;
}

#[tokio::test(flavor = "current_thread")]
async fn tokio_current_thread() {
    rounds(Tokio, 1, on_tokio).await;
    rounds(Tokio, 100, on_tokio).await;
}

#[test]
fn smol() {
    async fn join(tasks: Vec<action::BoxFuture<()>>) {
        for task in tasks.into_iter().map(smol::spawn).collect::<Vec<_>>() {
            task.await;
        }
    }
    smol::block_on(rounds(Smol, 1, join));
    smol::block_on(rounds(Smol, 100, join));
}

#[test]
fn async_std() {
    async fn join(tasks: Vec<action::BoxFuture<()>>) {
        for task in tasks.into_iter().map(async_std::task::spawn).collect::<Vec<_>>() {
            task.await;
        }
    }
    async_std::task::block_on(rounds(AsyncStd, 1, join));
    async_std::task::block_on(rounds(AsyncStd, 100, join));
}

#[test]
fn plain_threads() {
    for pool in [1, 100] {
        let runtime = Counting::new(Blocking);
        let things = collection(runtime.clone(), pool);
        Blocking.block_on(fill(&things));
        let round = || {
            thread::scope(|scope| {
                for first in 0..THREADS {
                    let things = &things;
                    scope.spawn(move || {
                        for i in (first..MANY).step_by(THREADS as usize) {
                            let found = things.find_one(doc! { "_id": i }).run().unwrap();
                            assert_eq!(found, Some(doc! { "_id": i, "x": -i }), "somebody else's answer");
                        }
                    });
                }
            });
        };
        loop {
            let before = runtime.spawned.load(Ordering::SeqCst);
            round();
            check_pool(&things, pool);
            if runtime.spawned.load(Ordering::SeqCst) == before {
                break;
            }
            assert!(before <= 2 + 2 * pool as usize, "{before} tasks for {pool} connections");
        }
    }
}

/// Never run: it compiles, or it does not.
#[allow(dead_code, reason = "the compiler is the test")]
fn everything_is_send<R: Runtime>(client: Client<R>, mut cursor: Cursor<R, Document>) {
    fn send<T: Send>(_: T) {}
    fn shared<T: Send + Sync + 'static>() {}
    fn action<T: IntoFuture<IntoFuture: Send + 'static> + Send>(_: T) {}

    shared::<Client<R>>();
    shared::<Database<R>>();
    shared::<Collection<R>>();
    // A document's type has nothing to say about its handles.
    shared::<Collection<R, std::rc::Rc<()>>>();
    shared::<Error>();
    shared::<ClientOptions>();
    fn moves<T: Send + Unpin + 'static>() {}
    moves::<Cursor<R>>();

    let database = client.database("d");
    let things = database.collection::<Document>("c");
    let (x, set) = (|| doc! { "x": 1 }, || doc! { "$set": { "x": 1 } });
    action(client.list_databases());
    action(client.list_database_names());
    action(database.run_command(x()));
    send(database.run_command(x()).raw());
    action(database.aggregate([x()]));
    action(database.create_collection("c"));
    action(database.list_collections());
    action(database.list_collection_names());
    action(database.drop());
    action(things.insert_one(x()));
    action(things.insert_many([x()]));
    action(things.bulk_write([InsertOneModel::new(x())]));
    action(client.bulk_write([InsertOneModel::new(x()).on(&things)]));
    action(things.find(x()));
    action(things.find_one(x()));
    action(things.update_one(x(), set()));
    action(things.update_many(x(), set()));
    action(things.replace_one(x(), x()));
    action(things.delete_one(x()));
    action(things.delete_many(x()));
    action(things.find_one_and_delete(x()));
    action(things.find_one_and_update(x(), set()));
    action(things.find_one_and_replace(x(), x()));
    action(things.count_documents(x()));
    action(things.estimated_document_count());
    action(things.distinct("x", x()));
    send(things.distinct("x", x()).typed::<i32>());
    action(things.aggregate([x()]));
    action(things.drop());
    send(cursor.advance());
    send(cursor.try_next());
    send(cursor.to_list(None));
    action(cursor.close());
    send(client.append_metadata(DriverInfo::default()));
    send(client.close());
}
