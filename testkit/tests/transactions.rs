//! Sessions and transactions on a real replica set, on every kind of runtime.
#![cfg(unix)]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use stator_blocking::Blocking;
use stator_client::session::{SessionError, TransactionState};
use stator_client::{BlockOn, Client, ClientOptions, Collection, Document, Error, ErrorKind, Runtime, doc};
use stator_proto::operation::OperationError;
use stator_smol::Smol;
use stator_testkit::server::{MongodOptions, ReplicaSet, unique_db};
use stator_tokio::Tokio;

fn set() -> &'static ReplicaSet {
    static SET: OnceLock<ReplicaSet> = OnceLock::new();
    SET.get_or_init(|| ReplicaSet::start(1, MongodOptions::new()).unwrap())
}

fn client<R: Runtime>(runtime: &R) -> Client<R> {
    Client::with_runtime(runtime.clone(), ClientOptions::parse(&set().uri()).unwrap()).unwrap()
}

/// Two accounts with 100 each.
async fn accounts<R: Runtime>(client: &Client<R>, name: &str) -> Collection<R, Document> {
    let accounts = client.database(&unique_db(name)).collection::<Document>("accounts");
    accounts.insert_many([doc! { "_id": "a", "sum": 100 }, doc! { "_id": "b", "sum": 100 }]).await.unwrap();
    accounts
}

async fn transfer<R: Runtime>(accounts: &Collection<R, Document>, sum: i32) -> Result<(), Error> {
    accounts.update_one(doc! { "_id": "a" }, doc! { "$inc": { "sum": -sum } }).await?;
    accounts.update_one(doc! { "_id": "b" }, doc! { "$inc": { "sum": sum } }).await?;
    Ok(())
}

async fn sum_of<R: Runtime>(accounts: &Collection<R, Document>, id: &str) -> i32 {
    accounts.find_one(doc! { "_id": id }).await.unwrap().unwrap().get_i32("sum").unwrap()
}

fn session_error(error: &Error) -> SessionError {
    match error.kind() {
        ErrorKind::Operation(OperationError::Session(error)) => *error,
        other => panic!("{other:?}"),
    }
}

async fn committed_and_aborted<R: Runtime>(runtime: R) {
    let client = client(&runtime);
    let accounts = accounts(&client, "committed").await;
    let session = client.start_session().await.unwrap();
    let txn = session.begin().unwrap();
    transfer(&txn.bind(&accounts), 10).await.unwrap();
    assert_eq!(sum_of(&accounts, "a").await, 100, "nobody else sees it");
    assert_eq!(sum_of(&txn.bind(&accounts), "a").await, 90);
    assert_eq!(session.transaction_state(), TransactionState::InProgress);
    txn.commit().await.unwrap();
    assert_eq!(sum_of(&accounts, "a").await, 90);
    // It may have got lost: committing again is harmless.
    txn.commit().await.unwrap();
    drop(txn);

    let txn = session.begin().unwrap();
    transfer(&txn.bind(&accounts), 10).await.unwrap();
    txn.abort().await.unwrap();
    assert_eq!(sum_of(&accounts, "a").await, 90);
    assert_eq!(session_error(&txn.commit().await.unwrap_err()), SessionError::CommitAfterAbort);

    // As users of other drivers write it.
    session.start_transaction().await.unwrap();
    accounts.update_one(doc! { "_id": "a" }, doc! { "$inc": { "sum": 1 } }).session(&session).await.unwrap();
    session.commit_transaction().await.unwrap();
    assert_eq!(sum_of(&accounts, "a").await, 91);
    session.end().await.unwrap();
    session.end().await.unwrap();
    let error = accounts.find_one(doc! {}).session(&session).await.unwrap_err();
    assert_eq!(session_error(&error), SessionError::Ended);
}

async fn dropped_guards_abort<R: Runtime>(runtime: R) {
    let client = client(&runtime);
    let accounts = accounts(&client, "dropped").await;
    let session = client.start_session().await.unwrap();
    let txn = session.begin().unwrap();
    transfer(&txn.bind(&accounts), 10).await.unwrap();
    drop(txn);
    // The documents are free again: this would meet a write conflict until then.
    while transfer(&accounts, 1).await.is_err() {}
    let txn = session.begin().unwrap();
    transfer(&txn.bind(&accounts), 5).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(sum_of(&accounts, "a").await, 94);

    // The last handle of a session with an open transaction.
    session.start_transaction().await.unwrap();
    transfer(&accounts.with_session(&session), 10).await.unwrap();
    let id = session.id();
    drop(txn);
    drop(session);
    while transfer(&accounts, 1).await.is_err() {}
    assert_eq!(sum_of(&accounts, "a").await, 93);
    // What the server has for it serves another.
    let mut open = Vec::new();
    loop {
        let next = client.start_session().await.unwrap();
        if next.id() == id {
            break;
        }
        assert!(open.len() < 1000, "the server session did not come back");
        open.push(next);
        client.database("admin").run_command(doc! { "ping": 1 }).await.unwrap();
        open.clear();
    }
}

async fn callbacks_are_repeated<R: Runtime>(runtime: R) {
    let client = client(&runtime);
    let accounts = accounts(&client, "callback").await;
    let session = client.start_session().await.unwrap();
    let calls = AtomicU32::new(0);
    let conflict = accounts.clone();
    let sum = session
        .with_transaction(|txn| {
            let (bound, conflict, calls) = (txn.bind(&accounts), &conflict, &calls);
            async move {
                // The first attempt begins, and then somebody else changes what it is about to change.
                bound.find_one(doc! { "_id": "a" }).await?;
                if calls.fetch_add(1, Ordering::Relaxed) == 0 {
                    transfer(conflict, 1).await?;
                }
                transfer(&bound, 10).await?;
                Ok::<_, Error>(sum_of(&bound, "a").await)
            }
        })
        .await
        .unwrap();
    assert_eq!((sum, calls.load(Ordering::Relaxed)), (89, 2));
    assert_eq!(sum_of(&accounts, "b").await, 111);

    // An error of another kind ends it, and nothing is left of it.
    let failed: Result<(), Box<dyn std::error::Error + Send + Sync>> = session
        .with_transaction(|txn| {
            let bound = txn.bind(&accounts);
            async move {
                transfer(&bound, 10).await?;
                Err("too little money".into())
            }
        })
        .await;
    assert_eq!(failed.unwrap_err().to_string(), "too little money");
    assert_eq!((sum_of(&accounts, "a").await, session.in_transaction()), (89, false));

    // The same as a loop.
    let mut attempts = session.transaction_loop();
    let mut calls = 0;
    let done = loop {
        let txn = attempts.begin().unwrap();
        let bound = txn.bind(&accounts);
        let outcome = async {
            bound.find_one(doc! { "_id": "a" }).await?;
            calls += 1;
            if calls == 1 {
                transfer(&accounts, 1).await?;
            }
            transfer(&bound, 10).await
        };
        let outcome = outcome.await;
        if let Some(done) = attempts.end(outcome).await {
            break done;
        }
    };
    done.unwrap();
    assert_eq!((calls, sum_of(&accounts, "a").await), (2, 78));
}

async fn what_a_session_does_not_allow<R: Runtime>(runtime: R) {
    let client = client(&runtime);
    let accounts = accounts(&client, "refused").await;
    let session = client.start_session().await.unwrap();
    let other = self::client(&runtime);
    let foreign = other.database("x").collection::<Document>("y").find_one(doc! {}).session(&session).await;
    assert_eq!(session_error(&foreign.unwrap_err()), SessionError::ForeignClient);

    let txn = session.begin().unwrap();
    assert_eq!(session_error(&session.begin().unwrap_err()), SessionError::TransactionInProgress);
    let bound = txn.bind(&accounts);
    let concern = stator_client::options::WriteConcern { w: None, journal: Some(true), w_timeout: None };
    let given = bound.insert_one(doc! { "_id": 1 }).write_concern(concern).await.unwrap_err();
    assert_eq!(session_error(&given), SessionError::WriteConcernInTransaction);
    // Two at once: the second is refused, and nothing of the transaction is lost. (A plain thread does one after the other.)
    let mut first = bound.insert_one(doc! { "_id": 2 }).into_future();
    if smol::future::poll_once(&mut first).await.is_none() {
        let second = bound.insert_one(doc! { "_id": 3 }).await.unwrap_err();
        assert_eq!(session_error(&second), SessionError::InUse);
        first.await.unwrap();
    }
    txn.commit().await.unwrap();
    assert_eq!(accounts.count_documents(doc! {}).await.unwrap(), 3);
    let snapshot = client.start_session().snapshot(true).await.unwrap();
    assert_eq!(session_error(&snapshot.begin().unwrap_err()), SessionError::SnapshotTransaction);
    assert!(client.start_session().snapshot(true).causal_consistency(true).await.is_err());
}

async fn sessions_gather_times<R: Runtime>(runtime: R) {
    let client = client(&runtime);
    let accounts = accounts(&client, "times").await;
    let (one, two) = (client.start_session().await.unwrap(), client.start_session().await.unwrap());
    assert_eq!((one.operation_time(), one.cluster_time().is_some()), (None, false));
    transfer(&accounts.with_session(&one), 1).await.unwrap();
    let (cluster, operation) = (one.cluster_time().unwrap(), one.operation_time().unwrap());
    two.advance_cluster_time(&cluster);
    two.advance_operation_time(operation);
    assert_eq!(two.operation_time(), Some(operation));
    assert_eq!(sum_of(&accounts.with_session(&two), "a").await, 99);
    let snapshot = client.start_session().snapshot(true).await.unwrap();
    let before = accounts.with_session(&snapshot);
    assert_eq!(sum_of(&before, "a").await, 99);
    transfer(&accounts, 1).await.unwrap();
    assert_eq!(sum_of(&before, "a").await, 99, "a snapshot does not change");
    assert!(snapshot.snapshot_time().is_some());
    // A cursor goes on in its session.
    let mut cursor = accounts.find(doc! {}).batch_size(1).session(&two).await.unwrap();
    let mut count = 0;
    while cursor.advance().await.unwrap() {
        count += 1;
    }
    assert_eq!(count, 2);
}

macro_rules! on_every_runtime {
    ($($test:ident),+) => {
        mod on_tokio {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                // Spawned: the futures can be sent, though they borrow what surrounds them.
                tokio::spawn(super::$test(super::Tokio)).await.unwrap();
            })+
        }
        mod on_smol {
            $(#[test]
            fn $test() {
                smol::block_on(smol::spawn(super::$test(super::Smol)));
            })+
        }
        mod on_threads {
            use super::BlockOn;
            $(#[test]
            fn $test() {
                super::Blocking.block_on(super::$test(super::Blocking));
            })+
        }
    };
}

on_every_runtime!(
    committed_and_aborted,
    dropped_guards_abort,
    callbacks_are_repeated,
    what_a_session_does_not_allow,
    sessions_gather_times
);
