//! The adapter suite on every runtime, against real servers.
//!
//! `STATOR_MONGOD_VERSION=4.4 cargo test -p stator-testkit --test suite` runs it on another release.
#![cfg(unix)]

use stator_async_std::AsyncStd;
use stator_blocking::Blocking;
use stator_client::runtime::BlockOn;
use stator_client::{Client, ClientOptions, Document, ErrorKind, Runtime, doc};
use stator_smol::Smol;
use stator_testkit::server::{
    BOTH, IX, Mongod, MongodOptions, NUMERAL_NINE, ROOT, ReplicaSet, SHA_1, SHA_256, unique_db,
};
use stator_testkit::suite::{self, Context, Report, Server, TESTS};
use stator_tokio::Tokio;

fn server(mongod: &Mongod, rights: bool) -> Server {
    let version = mongod.version();
    Server { version: (version.major, version.minor), mongod: true, rights }
}

async fn run<R: Runtime>(runtime: R) -> Report {
    let mongod = Mongod::shared().unwrap();
    run_at(runtime, mongod.uri(), server(mongod, true)).await
}

async fn run_at<R: Runtime>(runtime: R, uri: String, server: Server) -> Report {
    suite::run(&Context::new(runtime, uri, server, unique_db("suite"))).await
}

fn all(report: &Report) {
    assert_eq!((report.ran, &report.skipped[..]), (TESTS.len(), &[][..]));
}

/// As a spawned task, so that the compiler checks that every future in it is `Send`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokio_multi_thread() {
    all(&tokio::spawn(run(Tokio)).await.unwrap());
}

#[tokio::test(flavor = "current_thread")]
async fn tokio_current_thread() {
    all(&run(Tokio).await);
}

#[test]
fn smol() {
    all(&smol::block_on(smol::spawn(run(Smol))));
}

#[test]
fn async_std() {
    all(&async_std::task::block_on(async_std::task::spawn(run(AsyncStd))));
}

#[test]
fn blocking() {
    all(&Blocking.block_on(run(Blocking)));
}

/// Root may do all; the others may read and write only, which some tests are not content with.
#[test]
fn with_access_control() {
    let mongod = Mongod::shared_auth().unwrap();
    let at = |user: stator_testkit::server::User, mechanism| mongod.uri_for(user.name, user.password, mechanism);
    all(&Blocking.block_on(run_at(Blocking, at(ROOT, None), server(mongod, true))));
    let limited = server(mongod, false);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let report = runtime.block_on(run_at(Tokio, at(SHA_256, Some("SCRAM-SHA-256")), limited));
    assert!(report.ran > TESTS.len() / 2, "{report:?}");
    smol::block_on(run_at(Smol, at(SHA_1, Some("SCRAM-SHA-1")), limited));
    async_std::task::block_on(run_at(AsyncStd, at(NUMERAL_NINE, None), limited));
}

async fn count<R: Runtime>(runtime: R, uri: &str) -> stator_client::Result<u64> {
    let client = Client::with_runtime(runtime, ClientOptions::parse(uri)?)?;
    let things = client.database(&unique_db("login")).collection::<Document>("things");
    things.insert_one(doc! {}).await?;
    things.count_documents(doc! {}).await
}

async fn every_login<R: Runtime>(runtime: R) {
    let mongod = Mongod::shared_auth().unwrap();
    for (user, mechanism) in [
        (SHA_256, Some("SCRAM-SHA-256")),
        (SHA_1, Some("SCRAM-SHA-1")),
        (BOTH, Some("SCRAM-SHA-1")),
        (BOTH, Some("SCRAM-SHA-256")),
        (SHA_256, None),
        (SHA_1, None),
        (BOTH, None),
        (IX, None),
        (NUMERAL_NINE, Some("SCRAM-SHA-256")),
    ] {
        let uri = mongod.uri_for(user.name, user.password, mechanism);
        assert_eq!(count(runtime.clone(), &uri).await.unwrap(), 1, "{} {mechanism:?}", user.name);
    }
    // The soft hyphen is prepared away (SASLprep).
    assert_eq!(count(runtime.clone(), &mongod.uri_for(IX.name, "I\u{ad}X", None)).await.unwrap(), 1);

    for (user, password, mechanism) in [
        (SHA_256.name, "wrong", None),
        (SHA_256.name, "wrong", Some("SCRAM-SHA-256")),
        (SHA_1.name, "wrong", Some("SCRAM-SHA-1")),
        ("nobody", "wrong", None),
        ("nobody", "wrong", Some("SCRAM-SHA-1")),
        // It exists, but not for this mechanism.
        (SHA_1.name, SHA_1.password, Some("SCRAM-SHA-256")),
    ] {
        let error = count(runtime.clone(), &mongod.uri_for(user, password, mechanism)).await.unwrap_err();
        assert!(error.is_authentication(), "{user} {mechanism:?}: {error:?}");
        assert_eq!(error.code(), Some(18), "{user} {mechanism:?}: {error:?}");
        assert_eq!(error.phase(), stator_client::Phase::Auth);
        assert!(!error.is_network() && !error.is_timeout() && !error.maybe_executed());
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("wrong") && !shown.contains(SHA_1.password), "{shown}");
    }
    // Without credentials the server refuses commands, not the connection.
    let error = count(runtime.clone(), &format!("mongodb://{}/", mongod.address())).await.unwrap_err();
    assert_eq!((error.code(), error.is_authentication()), (Some(13), false), "{error:?}");
    let error = count(runtime, &mongod.uri_for("root", "rootpw", Some("NO-SUCH"))).await;
    // An unknown mechanism is a bad value: a warning, says the specification, or an error of the connection string.
    if let Err(error) = error {
        assert!(matches!(error.kind(), ErrorKind::Uri(_)), "{error:?}");
    }
}

#[tokio::test]
async fn logins_on_tokio() {
    every_login(Tokio).await;
}

#[test]
fn logins_on_smol() {
    smol::block_on(every_login(Smol));
}

#[test]
fn logins_on_async_std() {
    async_std::task::block_on(every_login(AsyncStd));
}

#[test]
fn logins_on_plain_threads() {
    Blocking.block_on(every_login(Blocking));
}

#[test]
fn unix_sockets() {
    let mongod = Mongod::shared().unwrap();
    let path = mongod.unix_socket().unwrap();
    let uri = format!("mongodb://{}/", path.to_str().unwrap().replace('/', "%2F"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(count(Tokio, &uri)).unwrap(), 1);
    assert_eq!(smol::block_on(count(Smol, &uri)).unwrap(), 1);
    assert_eq!(async_std::task::block_on(count(AsyncStd, &uri)).unwrap(), 1);
    assert_eq!(Blocking.block_on(count(Blocking, &uri)).unwrap(), 1);
}

#[test]
fn a_secondary_is_read_directly() {
    let set = ReplicaSet::start(2, MongodOptions::new()).unwrap();
    let primary = set.primary_index().unwrap();
    let database = unique_db("direct");
    let client = |index: usize| stator_blocking::Client::new(set.members()[index].uri()).unwrap();
    assert!(set.members()[primary].uri().contains("directConnection=true"));
    let things = client(primary).database(&database).collection::<Document>("things");
    let confirmed = stator_client::options::WriteConcern::new(stator_client::options::Acknowledgment::Nodes(2));
    things.insert_one(doc! { "_id": 1 }).write_concern(confirmed).run().unwrap();

    let secondary = client(1 - primary);
    let things = secondary.database(&database).collection::<Document>("things");
    // No read preference is asked for: a direct connection reads wherever it leads.
    assert_eq!(things.find_one(doc! {}).run().unwrap(), Some(doc! { "_id": 1 }));
    assert_eq!(things.find(doc! {}).run().unwrap().count(), 1);
    assert_eq!(things.count_documents(doc! {}).run().unwrap(), 1);
    assert_eq!(secondary.database(&database).list_collection_names().run().unwrap(), ["things"]);
    let error = things.insert_one(doc! {}).run().unwrap_err();
    assert_eq!(error.code(), Some(10107), "NotWritablePrimary: {error:?}");
}

/// `run()` on every kind of action, and cursors as iterators.
#[test]
fn plain_threads_run_and_iterate() {
    let client = stator_blocking::Client::new(Mongod::shared().unwrap().uri()).unwrap();
    let database = client.database(&unique_db("plain"));
    let things = database.collection::<Document>("things");
    database.create_collection("things").run().unwrap();
    things.insert_one(doc! { "_id": 0, "x": 0 }).run().unwrap();
    things.insert_many((1..10).map(|i| doc! { "_id": i, "x": i })).run().unwrap();
    let cursor = things.find(doc! {}).sort(doc! { "_id": 1 }).batch_size(3).run().unwrap();
    let seen: Vec<i32> = cursor.map(|document| document.unwrap().get_i32("x").unwrap()).collect();
    assert_eq!(seen, Vec::from_iter(0..10));
    assert_eq!(things.aggregate([doc! { "$match": { "x": 3 } }]).batch_size(1).run().unwrap().count(), 1);
    assert_eq!(things.find_one(doc! { "x": 4 }).run().unwrap(), Some(doc! { "_id": 4, "x": 4 }));
    assert_eq!(things.update_one(doc! { "x": 1 }, doc! { "$set": { "y": 1 } }).run().unwrap().modified_count, 1);
    assert_eq!(things.replace_one(doc! { "x": 2 }, doc! { "x": 2 }).run().unwrap().matched_count, 1);
    assert!(things.find_one_and_update(doc! { "x": 3 }, doc! { "$set": { "y": 1 } }).run().unwrap().is_some());
    assert!(things.find_one_and_replace(doc! { "x": 3 }, doc! { "x": 3 }).run().unwrap().is_some());
    assert!(things.find_one_and_delete(doc! { "x": 3 }).run().unwrap().is_some());
    assert_eq!(things.delete_one(doc! { "x": 4 }).run().unwrap().deleted_count, 1);
    assert_eq!(things.count_documents(doc! {}).run().unwrap(), 8);
    assert_eq!(things.estimated_document_count().run().unwrap(), 8);
    assert_eq!(things.distinct("x", doc! {}).run().unwrap().len(), 8);
    assert_eq!(database.list_collection_names().run().unwrap(), ["things"]);
    assert_eq!(database.list_collections().run().unwrap().count(), 1);
    assert!(client.list_databases().run().unwrap().len() >= 2);
    assert!(client.list_database_names().run().unwrap().iter().any(|name| name == database.name()));
    database.run_command(doc! { "ping": 1 }).run().unwrap();
    things.drop().run().unwrap();
    database.drop().run().unwrap();
}
