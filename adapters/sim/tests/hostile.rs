//! A server that means harm: typed errors, and nothing for the user to stumble over later.

use std::net::SocketAddr;

use stator_client::{ClientOptions, Document, ErrorKind, doc};
use stator_sim::Sim;
use stator_sim::server::{FakeServer, Reply};

type Client = stator_client::Client<Sim>;

fn address() -> SocketAddr {
    "10.0.0.1:27017".parse().unwrap()
}

fn client(sim: &Sim) -> Client {
    let options = ClientOptions::parse("mongodb://10.0.0.1/").unwrap();
    Client::with_runtime(sim.clone(), options).unwrap()
}

/// A document nested deeper than decoders survive, and than servers store.
fn deep() -> Document {
    (0..250).fold(doc! {}, |inner, _| doc! { "a": inner })
}

#[test]
fn no_raw_document_reaches_the_user_that_would_overflow_a_decoder() {
    let sim = Sim::new(1);
    let server = FakeServer::start(&sim, address());
    server.script(|request| match request.name() {
        "ping" => Reply::Doc(doc! { "ok": 1, "deep": deep() }),
        "find" => Reply::Doc(doc! { "ok": 1, "cursor": { "id": 0_i64, "ns": "db.c", "firstBatch": [deep()] } }),
        _ => Reply::Engine,
    });
    let handle = sim.clone();
    sim.run(async move {
        let client = client(&handle);
        let database = client.database("db");
        let raw = database.run_command(doc! { "ping": 1 }).raw().await.unwrap_err();
        assert!(matches!(raw.kind(), ErrorKind::MalformedBson(_)), "{raw:?}");
        let mut cursor = database.collection::<Document>("c").find(doc! {}).await.unwrap();
        assert!(cursor.advance().await.unwrap() && cursor.current().is_none());
        assert!(cursor.deserialize_current::<Document>().is_err());
    })
    .unwrap();
}
