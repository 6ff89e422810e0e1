//! Transfers between accounts in transactions, and readers that always see the same sum.

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use bson::{Document, doc};
use stator_client::options::{Acknowledgment, ReadConcern, ReadConcernLevel, WriteConcern};
use stator_client::session::{ClientSession, Transaction, TransactionOptions};
use stator_client::{Client, Collection, Error, Result, Runtime};

use super::load::{Ends, Load, NAMESPACE};

/// How many accounts there are, and what each has at the beginning.
pub(super) const ACCOUNTS: i32 = 8;
pub(super) const BALANCE: i64 = 1000;
/// The collections of the accounts and of what was transferred.
pub(super) const COLLECTIONS: (&str, &str) = ("accounts", "transfers");

/// `SnapshotTooOld` and `SnapshotUnavailable`: a member has not got the point in time of a snapshot that began on another. The
/// specifications do not have them retried; a new session gets a new point in time.
const NO_SNAPSHOT: [i32; 2] = [239, 246];

/// Fills the accounts.
pub(super) fn open(uri: &str) -> Result<()> {
    let client = stator_blocking::Client::new(uri)?;
    let database = client.database(NAMESPACE.0);
    database.create_collection(COLLECTIONS.1).run()?;
    let accounts = (0..ACCOUNTS).map(|id| doc! { "_id": id, "sum": BALANCE });
    database.collection::<Document>(COLLECTIONS.0).insert_many(accounts).write_concern(majority()).run()?;
    Ok(())
}

fn majority() -> WriteConcern {
    WriteConcern { w: Some(Acknowledgment::Majority), ..WriteConcern::default() }
}

fn options() -> TransactionOptions {
    TransactionOptions {
        read_concern: Some(ReadConcern { level: Some(ReadConcernLevel::Snapshot) }),
        write_concern: Some(majority()),
        ..TransactionOptions::default()
    }
}

/// The transfers of one task are told apart by their numbers, and each goes another way.
async fn transfer<R: Runtime>(txn: &Transaction<R>, task: usize, number: i64) -> Result<()> {
    let from = (number * 5 + task as i64) % i64::from(ACCOUNTS);
    let to = (from + 1 + number % i64::from(ACCOUNTS - 1)) % i64::from(ACCOUNTS);
    let sum = 1 + number % 3;
    let accounts = txn.collection::<Document>(NAMESPACE.0, COLLECTIONS.0);
    accounts.update_one(doc! { "_id": from }, doc! { "$inc": { "sum": -sum } }).await?;
    accounts.update_one(doc! { "_id": to }, doc! { "$inc": { "sum": sum } }).await?;
    let done = doc! { "_id": name(task, number), "from": from, "to": to, "sum": sum };
    txn.collection::<Document>(NAMESPACE.0, COLLECTIONS.1).insert_one(done).await?;
    Ok(())
}

/// The `_id` of a transfer.
pub(super) fn name(task: usize, number: i64) -> String {
    format!("{task}/{number}")
}

/// Transfers with a guard. An attempt that the server has aborted is one: the next transfer has another number.
pub(super) async fn with_guards<R: Runtime>(client: Client<R>, load: Arc<Load>, task: usize) {
    let _ends = Ends(Arc::clone(&load));
    let Some(session) = session(&client, &load).await else { return };
    let mut number = 0;
    while !load.is_stopped() {
        number += 1;
        match guarded(&session, task, number).await {
            Ok(()) => load.committed(task, number),
            Err(error) if error.has_label("TransientTransactionError") => load.aborted(task, number),
            Err(error) => load.failed("transfer with a guard", &error),
        }
    }
}

async fn guarded<R: Runtime>(session: &ClientSession<R>, task: usize, number: i64) -> Result<()> {
    let txn = session.start_transaction().options(options()).begin()?;
    transfer(&txn, task, number).await?;
    txn.commit().await
}

/// Transfers with `with_transaction`.
pub(super) async fn with_callbacks<R: Runtime>(client: Client<R>, load: Arc<Load>, task: usize) {
    let _ends = Ends(Arc::clone(&load));
    let Some(session) = session(&client, &load).await else { return };
    let mut number = 0;
    while !load.is_stopped() {
        number += 1;
        let calls = AtomicU64::new(0);
        let outcome = session.with_transaction(|txn| {
            calls.fetch_add(1, Ordering::Relaxed);
            async move { transfer(&txn, task, number).await }
        });
        match outcome.options(options()).await {
            Ok(()) => load.committed(task, number),
            Err(error) => load.failed("with_transaction", &error),
        }
        load.repeated(calls.load(Ordering::Relaxed).saturating_sub(1));
    }
}

async fn session<R: Runtime>(client: &Client<R>, load: &Load) -> Option<ClientSession<R>> {
    client.start_session().await.map_err(|error| load.failed("start of a session", &error)).ok()
}

/// Reads all accounts twice in each snapshot session: it is the same picture, and complete.
pub(super) async fn read_snapshots<R: Runtime>(client: Client<R>, load: Arc<Load>) {
    let _ends = Ends(Arc::clone(&load));
    let accounts = client.database(NAMESPACE.0).collection::<Document>(COLLECTIONS.0);
    while !load.is_stopped() {
        let pictures = async {
            let session = client.start_session().snapshot(true).await?;
            let accounts = accounts.with_session(&session);
            Ok::<_, Error>((balances(&accounts).await?, balances(&accounts).await?))
        };
        match pictures.await {
            Ok((first, second)) => load.seen(is_whole(&first) && first == second),
            Err(error) if error.code().is_some_and(|code| NO_SNAPSHOT.contains(&code)) => load.no_snapshot(),
            Err(error) => load.failed("snapshot read", &error),
        }
    }
}

/// Reads all accounts in transactions.
pub(super) async fn read_in_transactions<R: Runtime>(client: Client<R>, load: Arc<Load>) {
    let _ends = Ends(Arc::clone(&load));
    let Some(session) = session(&client, &load).await else { return };
    while !load.is_stopped() {
        let picture = session.with_transaction(|txn| async move {
            let accounts = txn.collection::<Document>(NAMESPACE.0, COLLECTIONS.0);
            let first = balances(&accounts).await?;
            Ok::<_, Error>((balances(&accounts).await?, first))
        });
        match picture.options(options()).await {
            Ok((first, second)) => load.seen(is_whole(&first) && first == second),
            Err(error) => load.failed("read in a transaction", &error),
        }
    }
}

async fn balances<R: Runtime>(accounts: &Collection<R, Document>) -> Result<Vec<i64>> {
    let mut cursor = accounts.find(doc! {}).sort(doc! { "_id": 1 }).await?;
    let found = cursor.to_list(None).await?;
    Ok(found.iter().map(|account| account.get_i64("sum").unwrap_or_default()).collect())
}

/// Nothing is missing and nothing was made of nothing.
pub(super) fn is_whole(balances: &[i64]) -> bool {
    balances.len() == ACCOUNTS as usize && balances.iter().sum::<i64>() == i64::from(ACCOUNTS) * BALANCE
}
