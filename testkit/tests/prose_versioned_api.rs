//! *Stable API*, "Testing with required API version": a server that answers only those who declare a version.
//!
//! The whole suite does not run with a version declared: part of it uses commands that version 1 does not have.
#![cfg(unix)]

use stator_blocking::{Blocking, Client};
use stator_client::options::{ServerApi, ServerApiVersion};
use stator_client::{ClientOptions, Document, doc};
use stator_testkit::prose::{reads, with_options, writes};
use stator_testkit::server::{Mongod, MongodOptions, Version, unique_db};

fn client(mongod: &Mongod, server_api: Option<ServerApi>) -> Client {
    let uri = with_options(&mongod.uri(), "serverSelectionTimeoutMS=5000");
    let mut options = ClientOptions::parse(&uri).unwrap();
    options.config.server_api = server_api;
    Client::with_runtime(Blocking, options).unwrap()
}

/// Handshakes with authentication, monitors, reads, writes, cursors and generic commands declare the version. From 5.0 on.
#[test]
fn prose_required_api_version() {
    let mongod = MongodOptions::new().auth(true).start().unwrap();
    if mongod.version() < Version::V5_0 {
        return;
    }
    mongod.admin().unwrap().run("admin", doc! { "setParameter": 1, "requireApiVersion": true }).unwrap();

    let error = client(&mongod, None).database("db").run_command(doc! { "ping": 1 }).run().unwrap_err();
    assert!(error.to_string().contains("apiVersion"), "{error}");

    for strict in [None, Some(false)] {
        let version = ServerApiVersion::V1;
        let client = client(&mongod, Some(ServerApi { version, strict, deprecation_errors: None }));
        let database = client.database(&unique_db("api"));
        let things = database.collection::<Document>("things");
        for action in writes().into_iter().chain(reads()) {
            action.run(&things, None).unwrap_or_else(|error| panic!("{}: {error}", action.name));
        }
        things.insert_many((0..10).map(|i| doc! { "i": i })).run().unwrap();
        assert!(things.find(doc! {}).batch_size(2).run().unwrap().map(Result::unwrap).count() >= 10);
        drop(things.find(doc! {}).batch_size(2).run().unwrap());
        database.run_command(doc! { "ping": 1 }).run().unwrap();
        let session = client.start_session().run().unwrap();
        things.insert_one(doc! {}).session(&session).run().unwrap();
        session.end().run().unwrap();
        database.drop().run().unwrap();
    }
}
