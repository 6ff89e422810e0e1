//! Transactions dropped at every poll, in the asynchronous and in the blocking world: nothing stays open on the server, no transaction
//! is committed half, the pool is at its baseline and the session goes on.

use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stator_client::options::{DeleteManyModel, InsertOneModel, UpdateOneModel, WriteModel};
use stator_client::session::ClientSession;
use stator_client::{Bson, ClientOptions, Document, Error, Result, doc};
use stator_sim::server::{Config, FakeServer, Reply, Request};
use stator_sim::{Sim, drop_after, drop_when_woken_after};

type Client = stator_client::Client<Sim>;
type Session = ClientSession<Sim>;
type Operation = fn(Client, Session) -> Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// How many commands a whole transaction has here.
const STATEMENTS: u32 = 4;

/// What a server keeps of transactions: for each session the latest one, open or not, and how many commands it has had.
#[derive(Debug, Default)]
struct Ledger {
    latest: HashMap<Vec<u8>, (i64, bool, u32)>,
    /// The sizes of what was committed.
    committed: Vec<u32>,
}

impl Ledger {
    fn answer(&mut self, request: &Request) -> Reply {
        let (body, name) = (&request.body, request.name());
        if !body.contains_key("autocommit") {
            return Reply::Engine;
        }
        let Ok(Some(Bson::Binary(id))) = body.get_document("lsid").map(|lsid| lsid.get("id")) else {
            return refused(72);
        };
        let number = body.get_i64("txnNumber").unwrap_or_default();
        let latest = self.latest.entry(id.bytes.clone()).or_insert((-1, false, 0));
        if number < latest.0 {
            return refused(225);
        }
        if body.get_bool("startTransaction").unwrap_or_default() {
            if number == latest.0 {
                return refused(50911);
            }
            *latest = (number, true, 0);
        }
        // 251: the server knows no such transaction.
        if latest.0 != number || !latest.1 {
            return refused(251);
        }
        match name {
            "commitTransaction" => {
                latest.1 = false;
                self.committed.push(latest.2);
            }
            "abortTransaction" => latest.1 = false,
            _ => latest.2 += 1,
        }
        Reply::Doc(doc! { "ok": 1, "n": 1, "nModified": 1 })
    }

    fn open(&self) -> usize {
        self.latest.values().filter(|latest| latest.1).count()
    }
}

fn refused(code: i32) -> Reply {
    Reply::Doc(doc! { "ok": 0, "code": code, "errmsg": "no" })
}

fn things(client: &Client) -> stator_client::Collection<Sim> {
    client.database("db").collection("things")
}

async fn write(things: &stator_client::Collection<Sim>) -> Result<()> {
    let update = |id| WriteModel::from(UpdateOneModel::new(doc! { "_id": id }, doc! { "$inc": { "n": 1 } }));
    things.update_one(doc! { "_id": 1 }, doc! { "$inc": { "n": 1 } }).await?;
    let insert = InsertOneModel::new(doc! { "n": 1 }).into();
    things.bulk_write([update(1), insert, DeleteManyModel::new(doc! { "n": 1 }).into()]).await?;
    Ok(())
}

/// A name, and what it does in a session. Results are not looked at: most runs do not live to see one.
macro_rules! operations {
    ($($name:ident: |$client:ident, $session:ident| $body:expr;)*) => {
        const OPERATIONS: &[(&str, Operation)] = &[$((stringify!($name), |$client, $session| Box::pin(async move {
            $body;
            Ok(())
        }))),*];
    };
}

operations! {
    committed: |c, s| {
        let txn = s.begin()?;
        write(&txn.bind(&things(&c))).await?;
        txn.commit().await?;
    };
    committed_twice: |c, s| {
        let txn = s.begin()?;
        write(&txn.bind(&things(&c))).await?;
        txn.commit().await?;
        let _ = txn.commit().await;
    };
    aborted: |c, s| {
        let txn = s.begin()?;
        write(&txn.bind(&things(&c))).await?;
        txn.abort().await?;
    };
    aborted_without_a_guard: |c, s| {
        s.start_transaction().await?;
        write(&things(&c).with_session(&s)).await?;
        s.abort_transaction().await?;
    };
    committed_without_a_guard: |c, s| {
        s.start_transaction().await?;
        write(&things(&c).with_session(&s)).await?;
        s.commit_transaction().await?;
    };
    ended: |c, s| {
        s.start_transaction().await?;
        write(&things(&c).with_session(&s)).await?;
        s.end().await?;
    };
    with_transaction: |c, s| {
        let things = things(&c);
        s.with_transaction(|txn| {
            let bound = txn.bind(&things);
            async move { write(&bound).await }
        }).await?;
    };
    transaction_loop: |c, s| {
        let mut attempts = s.transaction_loop::<Error>();
        loop {
            let txn = attempts.begin()?;
            let outcome = write(&txn.bind(&things(&c))).await;
            if let Some(done) = attempts.end(outcome).await {
                break done?;
            }
        }
    };
    cursor: |c, s| {
        let mut cursor = things(&c).find(doc! {}).batch_size(3).session(&s).await?;
        while cursor.advance().await? {}
    };
    insert_many: |c, s| things(&c).insert_many((0..12).map(|n| doc! { "new": n })).session(&s).await?;
}

fn address() -> SocketAddr {
    "10.0.0.1:27017".parse().unwrap()
}

/// Runs `operation` in a fresh world and drops it at point `n`, with the session or without it; `true` if it ended before.
fn drop_at(sim: &Sim, name: &str, operation: Operation, woken: bool, keeps_session: bool, n: usize) -> bool {
    let set_name = Some("rs".into());
    let me = address().to_string();
    let config = Config { max_write_batch_size: 5, set_name, me, ..Config::default() };
    let server = FakeServer::start_with(sim, address(), config);
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let of_server = Arc::clone(&ledger);
    server.script(move |request| of_server.lock().unwrap().answer(request));
    let handle = sim.clone();
    let what = format!("{name} at {n}, woken {woken}, keeps its session {keeps_session}");
    let told = what.clone();
    let books = Arc::clone(&ledger);
    let ended = sim.run(async move {
        let options = ClientOptions::parse("mongodb://10.0.0.1/?maxPoolSize=1&replicaSet=rs").unwrap();
        let client = Client::with_runtime(handle.clone(), options).unwrap();
        things(&client).insert_many((0..10).map(|n| doc! { "_id": n })).await.unwrap();
        let session = client.start_session().await.unwrap();
        let future = operation(client.clone(), session.clone());
        let outcome = if woken { drop_when_woken_after(future, n).await } else { drop_after(future, n).await };
        if let Some(outcome) = &outcome {
            outcome.as_ref().unwrap_or_else(|error| panic!("{told}: {error}"));
        }
        if keeps_session && !session.is_ended() {
            if session.in_transaction() {
                session.abort_transaction().await.unwrap_or_else(|error| panic!("{told}: {error}"));
            }
            let found: Option<Document> = things(&client).find_one(doc! { "_id": 7 }).session(&session).await.unwrap();
            assert_eq!(found.unwrap(), doc! { "_id": 7 }, "{told}");
            let txn = session.begin().unwrap_or_else(|error| panic!("{told}: {error}"));
            write(&txn.bind(&things(&client))).await.unwrap_or_else(|error| panic!("{told}: {error}"));
            txn.commit().await.unwrap_or_else(|error| panic!("{told}: {error}"));
        }
        drop(session);
        // Long before a server loses patience.
        handle.sleep(Duration::from_secs(3)).await;
        assert_eq!(books.lock().unwrap().open(), 0, "{told}: a transaction was left open");
        let stats = client.pool_stats();
        assert_eq!((stats.in_use, stats.owing, stats.waiting, stats.pending), (0, 0, 0, 0), "{told}");
        things(&client).find_one(doc! { "_id": 8 }).await.unwrap_or_else(|error| panic!("{told}: {error}"));
        client.close().await;
        outcome.is_some()
    });
    let ended = ended.unwrap_or_else(|error| panic!("{what}: {error}"));
    let ledger = ledger.lock().unwrap();
    assert!(ledger.committed.iter().all(|size| *size == STATEMENTS), "{what}: {ledger:?}");
    assert_eq!(server.open_cursors(), 0, "{what}");
    ended
}

fn exhaust(world: fn(u64) -> Sim, woken: &[bool]) -> usize {
    let mut runs = 0;
    for (index, (name, operation)) in OPERATIONS.iter().enumerate() {
        for &woken in woken {
            for keeps_session in [true, false] {
                for n in 0.. {
                    assert!(n < 500, "{name} does not end");
                    runs += 1;
                    if drop_at(&world(index as u64 * 1000 + n as u64), name, *operation, woken, keeps_session, n) {
                        break;
                    }
                }
            }
        }
    }
    runs
}

#[test]
fn transactions_dropped_at_every_poll() {
    let runs = exhaust(Sim::new, &[false, true]);
    println!("{} operations, {runs} runs", OPERATIONS.len());
    assert!(runs > 8 * OPERATIONS.len());
}

#[test]
fn transactions_dropped_at_every_poll_where_io_blocks() {
    let runs = exhaust(Sim::blocking, &[false]);
    println!("{} operations, {runs} runs", OPERATIONS.len());
    assert!(runs >= 2 * OPERATIONS.len());
}
