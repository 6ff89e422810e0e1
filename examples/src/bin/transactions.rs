//! Transactions in three forms: a guard, a callback that is repeated, and a loop of your own.
//!
//! Needs: stator-tokio, tokio. It starts a replica set of one member (standalone servers have no transactions), moves money, and
//! ends it.
//!
//! ```text
//! cargo run --release -p stator-examples --bin transactions
//! ```

use std::process::ExitCode;

use stator_examples::{Result, exit_code};
use stator_testkit::server::{MongodOptions, ReplicaSet};
use stator_tokio::{Client, Collection, Document, doc};

fn main() -> ExitCode {
    let run = || {
        let set = ReplicaSet::start(1, MongodOptions::new())?;
        tokio::runtime::Runtime::new()?.block_on(run(&set.uri()))
    };
    exit_code(run())
}

async fn run(uri: &str) -> Result {
    let client = Client::new(uri)?;
    let accounts = client.database("bank").collection::<Document>("accounts");
    accounts.insert_many([doc! { "_id": "ada", "sum": 100 }, doc! { "_id": "grace", "sum": 100 }]).await?;
    let session = client.start_session().await?;

    // A guard: dropping it without a commit aborts the transaction.
    let txn = session.begin()?;
    transfer(&txn.bind(&accounts), "ada", "grace", 10).await?;
    drop(txn);
    show(&accounts, "an abandoned transaction").await?;

    let txn = session.begin()?;
    transfer(&txn.bind(&accounts), "ada", "grace", 10).await?;
    txn.commit().await?;
    show(&accounts, "a committed one").await?;

    // A callback: repeated when it meets a conflict or an election.
    session
        .with_transaction(|txn| {
            let accounts = txn.bind(&accounts);
            async move { transfer(&accounts, "grace", "ada", 30).await }
        })
        .await?;
    show(&accounts, "a callback").await?;

    // The same as a loop.
    let mut attempts = session.transaction_loop();
    loop {
        let txn = attempts.begin()?;
        let outcome = transfer(&txn.bind(&accounts), "grace", "ada", 5).await;
        if let Some(done) = attempts.end(outcome).await {
            break done?;
        }
    }
    show(&accounts, "a loop").await?;
    client.close().await;
    Ok(())
}

async fn transfer(accounts: &Collection, from: &str, to: &str, sum: i32) -> stator_tokio::Result<()> {
    accounts.update_one(doc! { "_id": from }, doc! { "$inc": { "sum": -sum } }).await?;
    accounts.update_one(doc! { "_id": to }, doc! { "$inc": { "sum": sum } }).await?;
    Ok(())
}

async fn show(accounts: &Collection, after: &str) -> stator_tokio::Result<()> {
    let all = accounts.find(doc! {}).sort(doc! { "_id": 1 }).await?.to_list(None).await?;
    let sums: Vec<String> = all.iter().map(|account| account.get_i32("sum").unwrap_or(0).to_string()).collect();
    println!("after {after:<26} {}", sums.join(" and "));
    Ok(())
}
