//! The prose tests of the specification *Transactions*.
#![cfg(unix)]

mod prose;

use std::collections::BTreeSet;
use std::sync::{Arc, mpsc};

use prose::mongoses;
use stator_blocking::Blocking;
use stator_client::event::{CommandEvent, Event, Listener, PoolEventKind};
use stator_client::options::{Acknowledgment, Overrides, WriteConcern};
use stator_client::session::ClientSession;
use stator_client::{Client, Document, ErrorKind, doc};
use stator_sim::Sim;
use stator_sim::server::{FakeServer, Reply};
use stator_testkit::prose::{self as kit, FailPoint, Record};
use stator_testkit::server::unique_db;

/// A mongos of which a test needs no more than that it says yes, and that all it finds is one document.
fn agreeable(server: &FakeServer) {
    server.script(|request| match request.name() {
        "insert" => Reply::Doc(doc! { "n": 1, "ok": 1.0, "recoveryToken": { "shardId": "s" } }),
        "find" => {
            let cursor = doc! { "id": 0_i64, "ns": "test.test", "firstBatch": [{ "_id": 1 }] };
            Reply::Doc(doc! { "cursor": cursor, "ok": 1.0, "recoveryToken": { "shardId": "s" } })
        }
        "commitTransaction" | "abortTransaction" => Reply::Doc(doc! { "ok": 1.0 }),
        _ => Reply::Engine,
    });
}

/// Pins a session to one of two simulated mongoses, then runs 50 finds in it; who has answered them.
fn addresses_after_pinning(in_transactions: bool) -> BTreeSet<String> {
    let (sim, record) = (Sim::new(1), Record::new());
    let (client, servers) = mongoses(&sim, &record, 2, "localThresholdMS=1000");
    servers.iter().for_each(agreeable);
    sim.run(async {
        kit::know_all(&client).await;
        let things = client.database("test").collection::<Document>("test");
        things.insert_one(doc! {}).await.unwrap();
        let session = client.start_session().await.unwrap();
        let transaction = session.begin().unwrap();
        transaction.bind(&things).insert_one(doc! {}).await.unwrap();
        transaction.commit().await.unwrap();
        assert!(session.is_pinned());
        record.clear();
        for _ in 0..50 {
            find_in(&session, &client, in_transactions).await;
        }
    })
    .unwrap();
    let address = |event: CommandEvent| event.info().connection.address.to_string();
    record.commands("find").into_iter().map(address).collect()
}

async fn find_in(session: &ClientSession<Sim>, client: &Client<Sim>, in_transaction: bool) {
    let things = client.database("test").collection::<Document>("test");
    if in_transaction {
        let transaction = session.begin().unwrap();
        assert!(transaction.bind(&things).find_one(doc! {}).await.unwrap().is_some());
        transaction.commit().await.unwrap();
    } else {
        assert!(things.find_one(doc! {}).session(session).await.unwrap().is_some());
    }
}

/// Mongos Pinning 1. Test that starting a new transaction on a pinned ClientSession unpins the session and normal server selection is
/// performed for the next operation. On simulated mongoses.
#[test]
fn prose_mongos_pinning_1_the_next_transaction_unpins() {
    assert!(addresses_after_pinning(true).len() > 1);
}

/// Mongos Pinning 2. Test non-transaction operations using a pinned ClientSession unpins the session and normal server selection is
/// performed. On simulated mongoses.
#[test]
fn prose_mongos_pinning_2_an_operation_outside_of_transactions_unpins() {
    assert!(addresses_after_pinning(false).len() > 1);
}

/// PoolClearedError: Test that `PoolClearedError` has `TransientTransactionError` label. The only connection is busy with a command
/// that fails after a while; the transaction waits for it when the pool is cleared.
#[test]
fn prose_pool_cleared_error_is_transient() {
    let fail_point = FailPoint::of_primary();
    let record = Record::new();
    let (tell, told) = mpsc::channel();
    let tell = Arc::new(std::sync::Mutex::new(tell));
    // The blocked command was sent.
    let listener = Listener::new(move |event| {
        if let Event::Command(CommandEvent::Started { info, .. }) = event
            && info.command_name == "count"
        {
            let _ = tell.lock().unwrap().send(());
        }
    });
    let uri = fail_point.uri("maxPoolSize=1&retryReads=false&heartbeatFrequencyMS=500&w=majority");
    let client = record.client_with(Blocking, &uri, listener);
    let things = client.database(&unique_db("transactions")).collection::<Document>("things");
    things.insert_one(doc! { "x": 1 }).run().unwrap();
    let session = client.start_session().run().unwrap();
    let transaction = session.begin().unwrap();
    transaction.bind(&things).find_one(doc! {}).run().unwrap();
    fail_point.set(
        doc! { "times": 1 },
        doc! { "failCommands": ["count"], "errorCode": 91, "blockConnection": true, "blockTimeMS": 1000 },
    );
    let (counted, found) = kit::both(
        || things.estimated_document_count().run(),
        || {
            told.recv().unwrap();
            transaction.bind(&things).find_one(doc! {}).run()
        },
    );
    assert_eq!(counted.unwrap_err().code(), Some(91));
    let error = found.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Pool(_)), "{error:?}");
    assert!(error.has_label("TransientTransactionError"), "{error:?}");
    let cleared = |event: &stator_client::event::PoolEvent| matches!(event.kind, PoolEventKind::PoolCleared { .. });
    assert!(record.pools().iter().any(cleared));
    // So it is for the convenient API to try again.
    transaction.abort().run().unwrap();
}

/// Options Inside Transaction 1.0 Write concern not inherited from collection object inside transaction.
#[test]
fn prose_options_1_0_the_collections_write_concern_is_not_inherited() {
    let record = Record::new();
    let client = record.client(Blocking, &kit::set().uri());
    let database = client.database(&unique_db("transactions"));
    database.create_collection("things").run().unwrap();
    let unacknowledged = WriteConcern::new(Acknowledgment::Nodes(0));
    let overrides = Overrides { write_concern: Some(unacknowledged), ..Overrides::default() };
    let things = database.collection_with::<Document>("things", &overrides);
    let session = client.start_session().run().unwrap();
    session.start_transaction().run().unwrap();
    things.insert_one(doc! { "n": 1 }).session(&session).run().unwrap();
    session.commit_transaction().run().unwrap();
    session.end().run().unwrap();
    assert_eq!(things.count_documents(doc! { "n": 1 }).run().unwrap(), 1);
    assert!(!record.last("insert").contains_key("writeConcern"));
}
