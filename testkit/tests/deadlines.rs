//! A deadline of 50 ms on each kind of operation, against a server that does not answer for 10 s, on all four runtimes: control comes
//! back in time with a timeout error, and the connection is kept, reused or closed as it should be.
//!
//! A new operation is one line of [`operations`].
#![cfg(unix)]

use std::cell::Cell;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use stator_async_std::AsyncStd;
use stator_blocking::Blocking;
use stator_client::event::{Listener, PoolEvent, PoolEventKind};
use stator_client::options::{CursorType, InsertOneModel, Overrides, TimeoutMode};
use stator_client::session::{Transaction, TransactionGuard};
use stator_client::{
    BlockOn, Client, ClientOptions, ClientSession, Collection, Cursor, Database, Document, Error, Phase, Runtime, doc,
};
use stator_smol::Smol;
use stator_testkit::server::{MongodOptions, ReplicaSet, unique_db};
use stator_tokio::Tokio;

/// The deadline.
const T: Duration = Duration::from_millis(50);
/// How long the server does not answer.
const BLOCKED: Duration = Duration::from_secs(10);
/// What a busy machine may add: what ends after that has not ended by its deadline.
const SCHEDULING: Duration = Duration::from_millis(500);
/// How often an operation may lose its deadline before its command is sent, because the machine is busy.
const TRIES: usize = 10;

type Outcome<'s> = Pin<Box<dyn Future<Output = Result<(), Error>> + 's>>;

/// One kind of operation.
struct Operation<R: Runtime> {
    name: &'static str,
    run: for<'s> fn(&'s Stage<R>) -> Outcome<'s>,
}

/// What a server does not answer.
const FIRST: [&str; 20] = [
    "find",
    "aggregate",
    "count",
    "distinct",
    "insert",
    "update",
    "delete",
    "findAndModify",
    "dbStats",
    "listDatabases",
    "listCollections",
    "create",
    "drop",
    "dropDatabase",
    "createIndexes",
    "dropIndexes",
    "listIndexes",
    "renameCollection",
    "collMod",
    "validate",
];

/// What another server does not answer, because it goes on with something that the server must have answered.
const LATER: [&str; 4] = ["getMore", "killCursors", "commitTransaction", "abortTransaction"];

/// Each line: a name, and what is to end with a timeout. Preparations end with `s.mark()`, where time begins.
macro_rules! operations {
    ($s:ident; $($name:literal: $action:expr;)*) => {
        vec![$(Operation { name: $name, run: |$s| Box::pin(async move { $action.await.map(|_| ()) }) }),*]
    };
}

#[rustfmt::skip]
fn operations<R: Runtime>() -> Vec<Operation<R>> {
    operations! { s;
        "find": s.things.find(doc! {}).timeout(T);
        "find, each step": s.things.find(doc! {}).timeout_mode(TimeoutMode::Iteration).timeout(T);
        "find, tailable": s.things.find(doc! {}).cursor_type(CursorType::Tailable).timeout(T);
        "find, awaiting": s.things.find(doc! {}).cursor_type(CursorType::TailableAwait).timeout(T);
        "find, exhaust": s.things.find(doc! {}).cursor_type(CursorType::Exhaust).timeout(T);
        "find_one": s.things.find_one(doc! {}).timeout(T);
        "aggregate": s.things.aggregate([doc! { "$match": {} }]).timeout(T);
        "aggregate, $out": s.things.aggregate([doc! { "$out": "copy" }]).timeout(T);
        "aggregate, database": s.database.aggregate([doc! { "$currentOp": {} }]).timeout(T);
        "count_documents": s.things.count_documents(doc! {}).timeout(T);
        "estimated_document_count": s.things.estimated_document_count().timeout(T);
        "distinct": s.things.distinct("x", doc! {}).timeout(T);
        "insert_one": s.things.insert_one(doc! {}).timeout(T);
        "insert_many": s.things.insert_many([doc! {}, doc! {}]).timeout(T);
        "bulk_write": s.things.bulk_write([InsertOneModel::new(doc! {})]).timeout(T);
        "update_one": s.things.update_one(doc! {}, doc! { "$inc": { "x": 1 } }).timeout(T);
        "update_many": s.things.update_many(doc! {}, doc! { "$inc": { "x": 1 } }).timeout(T);
        "replace_one": s.things.replace_one(doc! {}, doc! { "x": 1 }).timeout(T);
        "delete_one": s.things.delete_one(doc! {}).timeout(T);
        "delete_many": s.things.delete_many(doc! {}).timeout(T);
        "find_one_and_update": s.things.find_one_and_update(doc! {}, doc! { "$inc": { "x": 1 } }).timeout(T);
        "find_one_and_replace": s.things.find_one_and_replace(doc! {}, doc! { "x": 1 }).timeout(T);
        "find_one_and_delete": s.things.find_one_and_delete(doc! {}).timeout(T);
        "run_command": s.database.run_command(doc! { "dbStats": 1 }).timeout(T);
        "list_databases": s.client.list_databases().timeout(T);
        "list_database_names": s.client.list_database_names().timeout(T);
        "list_collections": s.database.list_collections().timeout(T);
        "list_collection_names": s.database.list_collection_names().timeout(T);
        "create_collection": s.database.create_collection("new").timeout(T);
        "drop collection": s.things.drop().timeout(T);
        "drop database": s.database.drop().timeout(T);
        "run_cursor_command": s.database.run_cursor_command(doc! { "find": "things" }).timeout(T);
        "count": s.things.count(doc! {}).timeout(T);
        "create_index": s.things.create_index(doc! { "x": 1 }).timeout(T);
        "create_indexes": s.things.create_indexes([doc! { "x": 1 }.into()]).timeout(T);
        "drop_index": s.things.drop_index("x_1").timeout(T);
        "drop_indexes": s.things.drop_indexes().timeout(T);
        "list_indexes": s.things.list_indexes().timeout(T);
        "list_index_names": s.things.list_index_names().timeout(T);
        "rename": s.things.rename("renamed").timeout(T);
        "modify": s.things.modify(doc! { "validator": {} }).timeout(T);
        "validate": s.things.validate().timeout(T);
        "timeout of the client": s.impatient.find_one(doc! {});
        "in a session": async { let session = s.client.start_session().await?; s.mark(); s.things.find_one(doc! {}).session(&session).timeout(T).await };
        "in a transaction": async { let txn = s.client.start_session().await?.begin()?; s.mark(); txn.bind(&s.things).find_one(doc! {}).timeout(T).await };
        "with_transaction": async {
            let (session, things) = (s.client.start_session().await?, &s.things);
            s.mark();
            let insert = |txn: Transaction<R>| async move { txn.bind(things).insert_one(doc! {}).await };
            session.with_transaction(insert).timeout(T).await
        };
    }
}

#[rustfmt::skip]
fn later_operations<R: Runtime>() -> Vec<Operation<R>> {
    operations! { s;
        "getMore": async { let mut cursor = s.cursor().await?; s.mark(); cursor.advance().await };
        "getMore, whole life": async { s.mark(); let mut cursor = s.things.find(doc! {}).batch_size(1).timeout(T).await?; cursor.advance().await?; cursor.advance().await };
        "getMore, tailable": async { let mut cursor = s.tail(CursorType::Tailable).await?; s.mark(); cursor.advance().await };
        "getMore, awaiting": async { let mut cursor = s.tail(CursorType::TailableAwait).await?; s.mark(); cursor.advance().await };
        "getMore, exhaust": async { let mut cursor = s.tail(CursorType::Exhaust).await?; s.mark(); cursor.advance().await };
        "getMore, aggregate": async { let mut cursor = s.things.aggregate([]).batch_size(0).timeout(T).timeout_mode(TimeoutMode::Iteration).await?; s.mark(); cursor.advance().await };
        "getMore, list_collections": async { let mut cursor = s.database.list_collections().batch_size(0).timeout(T).timeout_mode(TimeoutMode::Iteration).await?; s.mark(); cursor.advance().await };
        "to_list": async { let mut cursor = s.cursor().await?; s.mark(); cursor.to_list(None).await };
        "close a cursor": async { let cursor = s.cursor().await?; s.mark(); cursor.close().timeout(T).await };
        "close a cursor in its time": async { let cursor = s.cursor().await?; s.mark(); cursor.close().await };
        "commit": async { let txn = s.transaction().await?; s.mark(); txn.commit().timeout(T).await };
        "end a session": async { let txn = s.transaction().await?; s.mark(); txn.session().end().timeout(T).await };
    }
}

/// What operations work on.
struct Stage<R: Runtime> {
    client: Client<R>,
    database: Database<R>,
    things: Collection<R>,
    capped: Collection<R>,
    /// The same collection, of a client with `timeoutMS`.
    impatient: Collection<R>,
    began: Cell<Instant>,
}

impl<R: Runtime> Stage<R> {
    /// Preparations are over: time begins.
    fn mark(&self) {
        self.began.set(Instant::now());
    }

    /// A cursor whose next step needs a batch.
    async fn cursor(&self) -> Result<Cursor<R>, Error> {
        let find = self.things.find(doc! {}).batch_size(1).timeout(T).timeout_mode(TimeoutMode::Iteration);
        let mut cursor = find.await?;
        cursor.advance().await?;
        Ok(cursor)
    }

    async fn tail(&self, cursor_type: CursorType) -> Result<Cursor<R>, Error> {
        let find = self.capped.find(doc! {}).batch_size(1).cursor_type(cursor_type).timeout(T);
        let find = if cursor_type == CursorType::Exhaust { find.timeout_mode(TimeoutMode::Iteration) } else { find };
        let mut cursor = find.await?;
        cursor.advance().await?;
        Ok(cursor)
    }

    /// A transaction in which something was done.
    async fn transaction(&self) -> Result<TransactionGuard<R>, Error> {
        let session: ClientSession<R> = self.client.start_session().await?;
        let guard = session.begin()?;
        guard.bind(&self.things).find_one(doc! {}).await?;
        Ok(guard)
    }
}

/// The application's name of the clients whose commands are blocked.
const BLOCKED_APP: &str = "deadlines";

fn block(set: &ReplicaSet, commands: &[&str], app: &str, time: Duration) {
    let time = i64::try_from(time.as_millis()).unwrap();
    let data = doc! { "failCommands": commands, "blockConnection": true, "blockTimeMS": time, "appName": app };
    set.members()[0].admin().unwrap().fail_command(doc! { "times": i32::MAX }, data).unwrap();
}

/// A server that does not answer these commands of those clients. The fail point stays as it is: changing it would wait for
/// whoever is blocked.
fn deaf_to(cell: &'static OnceLock<ReplicaSet>, commands: &[&str]) -> &'static ReplicaSet {
    cell.get_or_init(|| {
        let set = ReplicaSet::start(1, MongodOptions::new()).unwrap();
        block(&set, commands, BLOCKED_APP, BLOCKED);
        set
    })
}

/// How many connections of a client were closed.
#[derive(Clone, Default)]
struct Closed(Arc<AtomicUsize>);

impl Closed {
    fn listener(&self) -> Listener {
        let count = Arc::clone(&self.0);
        Listener::pools(move |event: &PoolEvent| {
            if matches!(event.kind, PoolEventKind::ConnectionClosed { .. }) {
                count.fetch_add(1, Ordering::SeqCst);
            }
        })
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn client<R: Runtime>(runtime: &R, set: &ReplicaSet, options: &str, keeps: bool, closed: &Closed) -> Client<R> {
    let mut options = ClientOptions::parse(&format!("{}&{options}", set.uri())).unwrap();
    options.keep_owing_connections = keeps;
    options.listeners.push(closed.listener());
    Client::with_runtime(runtime.clone(), options).unwrap()
}

/// Waits for what is a matter of time.
async fn eventually<R: Runtime>(runtime: &R, what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        runtime.sleep_until(runtime.now() + Duration::from_millis(5)).await;
    }
}

/// Runs all operations; `keeps` tells whether connections that owe a reply are kept for a while.
async fn every_operation<R: Runtime>(runtime: R, keeps: bool) {
    static AT_FIRST: OnceLock<ReplicaSet> = OnceLock::new();
    static LATER_ON: OnceLock<ReplicaSet> = OnceLock::new();
    run(&runtime, deaf_to(&AT_FIRST, &FIRST), keeps, operations()).await;
    run(&runtime, deaf_to(&LATER_ON, &LATER), keeps, later_operations()).await;
}

async fn run<R: Runtime>(runtime: &R, set: &ReplicaSet, keeps: bool, operations: Vec<Operation<R>>) {
    let closed = Closed::default();
    let hears = client(runtime, set, "appName=others", true, &Closed::default());
    let database = hears.database(&unique_db("deadlines"));
    let things: Collection<R> = database.collection("things");
    things.insert_many((0..4).map(|id| doc! { "_id": id, "x": id })).await.unwrap();
    database.create_collection("capped").capped(true).size(4096).await.unwrap();
    database.collection("capped").insert_many((0..2).map(|id| doc! { "_id": id })).await.unwrap();

    let client = client(runtime, set, &format!("appName={BLOCKED_APP}"), keeps, &closed);
    let impatient = Overrides { timeout: Some(T), ..Overrides::default() };
    let stage = Stage {
        things: client.database(database.name()).collection("things"),
        capped: client.database(database.name()).collection("capped"),
        impatient: client.database(database.name()).with(&impatient).collection("things"),
        database: client.database(database.name()),
        client: client.clone(),
        began: Cell::new(Instant::now()),
    };
    let (mut unanswered, mut slowest) = (0, Duration::ZERO);
    for Operation { name, run } in operations {
        for attempt in 1.. {
            // There is a connection that owes nothing.
            client.database("admin").run_command(doc! { "ping": 1 }).await.unwrap();
            let before = closed.count();
            stage.mark();
            let outcome = run(&stage).await;
            let taken = stage.began.get().elapsed();
            let stats = client.pool_stats();
            let error = outcome.expect_err(name);
            assert!(error.is_timeout(), "{name}: {error:?}");
            assert!(taken < T + SCHEDULING, "{name}: {taken:?}");
            let was_sent = matches!(error.phase(), Phase::Receive | Phase::Reply);
            if !was_sent && attempt < TRIES {
                continue;
            }
            assert!(was_sent && error.maybe_executed(), "{name}: {error:?}");
            if error.phase() == Phase::Receive {
                assert!(taken >= T, "{name}: {taken:?}, {error:?}");
                unanswered += 1;
                // What goes on in the background may have a connection, too.
                if keeps {
                    assert!(stats.owing > 0, "{name}: {stats:?}");
                } else {
                    assert!(stats.owing == 0 && closed.count() > before, "{name}: closed at once, {stats:?}");
                }
            }
            // The abort after it has a time of its own.
            if name != "with_transaction" {
                slowest = slowest.max(taken);
            }
            break;
        }
    }
    assert!(unanswered > 0, "somebody had to wait");
    // The server does not answer in time for anybody: what is owed is given up, and closed.
    let stats = || client.pool_stats();
    eventually(runtime, "nothing is owed", || (stats().owing, stats().waiting) == (0, 0)).await;
    eventually(runtime, "they are closed", || closed.count() >= unanswered).await;
    println!("{}: {unanswered} were not answered, the slowest took {slowest:?}", std::any::type_name::<R>());
}

/// Aborting says nothing, but it does not take longer for that.
async fn a_silent_abort<R: Runtime>(runtime: R) {
    static ABORTS: OnceLock<ReplicaSet> = OnceLock::new();
    let set = deaf_to(&ABORTS, &["abortTransaction"]);
    let client = client(&runtime, set, &format!("appName={BLOCKED_APP}"), true, &Closed::default());
    let things = client.database(&unique_db("deadlines")).collection::<Document>("things");
    things.insert_one(doc! {}).await.unwrap();
    let session = client.start_session().await.unwrap();
    session.start_transaction().await.unwrap();
    things.find_one(doc! {}).session(&session).await.unwrap();
    let start = Instant::now();
    session.abort_transaction().timeout(T).await.unwrap();
    assert!((T..T + SCHEDULING).contains(&start.elapsed()), "{:?}", start.elapsed());
}

/// A reply that comes within the second saves the connection, for the next one who needs it.
async fn a_late_reply<R: Runtime>(runtime: R, set: &ReplicaSet) {
    let app = unique_db("late");
    let closed = Closed::default();
    let client = client(&runtime, set, &format!("appName={app}&maxPoolSize=1"), true, &closed);
    let things = client.database(&app).collection::<Document>("things");
    things.insert_many((0..4).map(|id| doc! { "_id": id })).await.unwrap();
    for command in ["find", "insert", "aggregate", "getMore"] {
        let mut cursor =
            things.find(doc! {}).batch_size(1).timeout_mode(TimeoutMode::Iteration).timeout(T).await.unwrap();
        cursor.advance().await.unwrap();
        block(set, &[command], &app, Duration::from_millis(300));
        let error = match command {
            "find" => things.find_one(doc! { "_id": 9 }).timeout(T).await.unwrap_err(),
            "insert" => things.insert_one(doc! {}).timeout(T).await.unwrap_err(),
            "getMore" => cursor.advance().await.unwrap_err(),
            _ => things.count_documents(doc! {}).timeout(T).await.unwrap_err(),
        };
        assert!(error.is_timeout(), "{command}: {error:?}");
        set.members()[0].admin().unwrap().clear_fail_command().unwrap();
        assert_eq!(things.find_one(doc! { "_id": 1 }).await.unwrap(), Some(doc! { "_id": 1 }), "its own reply");
    }
    // Dropped cursors are killed on it, too.
    eventually(&runtime, "it is idle", || client.pool_stats().idle == 1).await;
    assert_eq!(closed.count(), 0);
}

fn on_tokio<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn each_operation_ends_by_its_deadline_on_tokio() {
    on_tokio(every_operation(Tokio, true));
}

#[test]
fn each_operation_ends_by_its_deadline_on_smol() {
    smol::block_on(every_operation(Smol, true));
}

#[test]
fn each_operation_ends_by_its_deadline_on_async_std() {
    async_std::task::block_on(every_operation(AsyncStd, true));
}

#[test]
fn each_operation_ends_by_its_deadline_on_a_plain_thread() {
    Blocking.block_on(every_operation(Blocking, true));
}

/// As CMAP and Client Side Operations Timeout say.
#[test]
fn connections_that_owe_a_reply_are_closed_where_that_is_wanted() {
    on_tokio(every_operation(Tokio, false));
    Blocking.block_on(every_operation(Blocking, false));
}

#[test]
fn aborting_ends_by_its_deadline_without_an_error() {
    on_tokio(a_silent_abort(Tokio));
    smol::block_on(a_silent_abort(Smol));
    async_std::task::block_on(a_silent_abort(AsyncStd));
    Blocking.block_on(a_silent_abort(Blocking));
}

#[test]
fn a_connection_whose_reply_comes_late_is_used_again() {
    let set = ReplicaSet::start(1, MongodOptions::new()).unwrap();
    on_tokio(a_late_reply(Tokio, &set));
    smol::block_on(a_late_reply(Smol, &set));
    async_std::task::block_on(a_late_reply(AsyncStd, &set));
    Blocking.block_on(a_late_reply(Blocking, &set));
}
