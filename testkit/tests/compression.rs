//! Compression negotiated with a real server.
#![cfg(unix)]

use bson::{Document, doc};
use stator_blocking::Client;
use stator_testkit::server::{Mongod, MongodOptions};

/// The bytes that the server has unpacked with an algorithm.
fn unpacked(mongod: &Mongod, name: &str) -> i64 {
    let status = mongod.admin().unwrap().run("admin", doc! { "serverStatus": 1 }).unwrap();
    let network = status.get_document("network").unwrap();
    let algorithm = network.get_document("compression").unwrap().get_document(name).unwrap();
    algorithm.get_document("decompressor").unwrap().get_i64("bytesIn").unwrap()
}

#[test]
fn every_algorithm_is_negotiated_and_used() {
    let mongod = MongodOptions::new().args(["--networkMessageCompressors", "snappy,zstd,zlib"]).start().unwrap();
    for name in ["snappy", "zlib", "zstd"] {
        let before = unpacked(&mongod, name);
        let client = Client::new(format!("mongodb://{}/?compressors={name}", mongod.address())).unwrap();
        let things = client.database("compression").collection::<Document>(name);
        let text = "to and fro ".repeat(50_000);
        things.insert_one(doc! { "_id": 1, "text": &text }).run().unwrap();
        let found = things.find_one(doc! { "_id": 1 }).run().unwrap().unwrap();
        assert_eq!(found.get_str("text").unwrap(), text);
        let bytes = unpacked(&mongod, name) - before;
        assert!((1..100_000).contains(&bytes), "{name}: {bytes} bytes for {}", text.len());
    }
}

#[test]
fn a_server_that_has_none_of_them_is_spoken_to_plainly() {
    let mongod = MongodOptions::new().args(["--networkMessageCompressors", "disabled"]).start().unwrap();
    let client = Client::new(format!("mongodb://{}/?compressors=zstd,zlib", mongod.address())).unwrap();
    let things = client.database("compression").collection::<Document>("plain");
    things.insert_one(doc! { "_id": 1 }).run().unwrap();
    assert_eq!(things.find_one(doc! {}).run().unwrap(), Some(doc! { "_id": 1 }));
}
