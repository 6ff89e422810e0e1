//! The first message and what is negotiated with it.

use alloc::sync::Arc;

use stator_wire::op_compressed::{Noop, compressor};
use stator_wire::{Codec, OpCompressed};

use super::*;
use crate::uri::ServerApiVersion;

const METADATA: &str = r#"{driver: {name: "", version: ""}, os: {type: "unknown"}}"#;

fn without_user(options: HandshakeOptions, server: Server) -> (Pair, Result<(), HandshakeError>) {
    let mut pair = Pair::new(options, server);
    let outcome = pair.drive();
    (pair, outcome)
}

#[test]
fn without_login_it_is_one_legacy_hello() {
    let (pair, outcome) = without_user(options(None), Server::new(vec![]));
    assert_eq!(outcome, Ok(()));
    let expected = format!(
        r#"{{isMaster: 1, helloOk: true, backpressure: "2", client: {METADATA}, compression: [], $db: "admin"}}"#
    );
    assert_eq!(pair.server.commands(), [expected]);
    let (connection, keys) = pair.client.finish().unwrap();
    assert_eq!((connection.hello().max_wire_version, connection.hello().min_wire_version), (17, 0));
    assert!(connection.is_idle() && keys.is_none());
}

#[test]
fn the_stable_api_and_load_balancers_get_hello() {
    let api = ServerApi { version: ServerApiVersion::V1, strict: Some(true), deprecation_errors: None };
    let (pair, outcome) =
        without_user(HandshakeOptions { server_api: Some(api), ..options(None) }, Server::new(vec![]));
    assert_eq!(outcome, Ok(()));
    let command = &pair.server.commands()[0];
    assert!(command.starts_with("{hello: 1, helloOk: true, "), "{command}");
    assert!(command.ends_with(r#"$db: "admin", apiVersion: "1", apiStrict: true}"#), "{command}");

    let mut server = Server::new(vec![]);
    server.service_id = Some([3; 12]);
    let (pair, outcome) = without_user(HandshakeOptions { load_balanced: true, ..options(None) }, server);
    assert_eq!(outcome, Ok(()));
    let command = &pair.server.commands()[0];
    assert!(command.starts_with("{hello: 1, ") && command.contains("loadBalanced: true"), "{command}");
    let (connection, _) = pair.client.finish().unwrap();
    assert_eq!(connection.hello().service_id, Some([3; 12]));
}

#[test]
fn the_stable_api_is_declared_in_every_step() {
    let api = ServerApi { version: ServerApiVersion::V1, strict: None, deprecation_errors: Some(true) };
    let mut server = Server::new(vec![stored(Hash::Sha256)]);
    (server.speculative, server.skip_empty) = (false, false);
    let options = HandshakeOptions { server_api: Some(api), ..options(Some(scram(Hash::Sha256))) };
    let (pair, _, _) = Pair::new(options, server).with_keys().logged_in();
    assert_eq!(pair.server.names(), ["hello", "saslStart", "saslContinue", "saslContinue"]);
    for command in pair.server.commands() {
        assert!(command.ends_with(r#"apiVersion: "1", apiDeprecationErrors: true}"#), "{command}");
    }
}

#[test]
fn behind_no_load_balancer_load_balanced_fails() {
    let (_, outcome) = without_user(HandshakeOptions { load_balanced: true, ..options(None) }, Server::new(vec![]));
    assert_eq!(outcome, Err(HandshakeError::NotLoadBalanced));

    let mut old = Server::new(vec![]);
    old.edit = Box::new(|step, fields| {
        if step == "hello" {
            *fields = failure(59, "no such command: 'hello'");
        }
    });
    let (_, outcome) = without_user(HandshakeOptions { load_balanced: true, ..options(None) }, old);
    assert_eq!(outcome, Err(HandshakeError::NotLoadBalanced));
}

#[test]
fn the_metadata_is_sent_as_given() {
    let metadata = ClientMetadata { application: Some("app".into()), ..ClientMetadata::default() };
    let options = HandshakeOptions { metadata: metadata.to_doc(), ..options(None) };
    let (pair, _) = without_user(options, Server::new(vec![]));
    let client = pair.server.commands[0].as_doc().get_doc("client").unwrap().unwrap();
    assert_eq!(client, metadata.to_doc().as_doc());
    assert_eq!(client.get_doc("application").unwrap().unwrap().get_str("name"), Ok(Some("app")));
}

/// The compressor that the connection uses after the handshake, by what both sides have.
fn negotiated(wanted: &[(&'static str, u8)], server: &[&'static str]) -> Option<u8> {
    let codecs: Vec<(u8, Box<dyn Codec + Send + Sync>)> =
        (0..4).map(|id| (id, Box::new(Noop) as Box<dyn Codec + Send + Sync>)).collect();
    let options = HandshakeOptions {
        compressors: wanted.to_vec(),
        compression: Compression { codecs: Arc::from(codecs), requests: None },
        ..options(None)
    };
    let mut fake = Server::new(vec![]);
    fake.compressors = server.to_vec();
    let (pair, outcome) = without_user(options, fake);
    assert_eq!(outcome, Ok(()));
    let (mut connection, _) = pair.client.finish().unwrap();
    let body = |body: &mut DocWriter<'_>| {
        body.i32("ping", 1);
    };
    let request = Request { name: "ping", body: &body, sequences: &[], exhaust: false, no_reply: false };
    let mut out = SendBuf::new();
    connection.send(pair.now, &request, Instant::FAR_FUTURE, &mut out).unwrap();
    let frame = out.slices().concat();
    OpCompressed::parse(&frame).ok().map(|frame| frame.compressor())
}

#[test]
fn the_first_compressor_that_both_sides_have_is_used_after_the_handshake() {
    let zstd = ("zstd", compressor::ZSTD);
    let zlib = ("zlib", compressor::ZLIB);
    assert_eq!(negotiated(&[], &["zstd"]), None);
    assert_eq!(negotiated(&[zstd, zlib], &[]), None);
    assert_eq!(negotiated(&[zstd, zlib], &["zlib", "zstd"]), Some(compressor::ZSTD));
    assert_eq!(negotiated(&[zlib, zstd], &["zlib", "zstd"]), Some(compressor::ZLIB));
    assert_eq!(negotiated(&[zstd, zlib], &["snappy", "zlib"]), Some(compressor::ZLIB));
}

#[test]
fn a_compressor_that_was_not_offered_is_ignored() {
    let mut server = Server::new(vec![]);
    server.edit = Box::new(|_, fields| set(fields, "compression", Field::Strings(vec!["lz4".into()])));
    let options = HandshakeOptions { compressors: vec![("zlib", compressor::ZLIB)], ..options(None) };
    let (pair, outcome) = without_user(options, server);
    assert_eq!(outcome, Ok(()));
    assert!(pair.server.commands()[0].contains(r#"compression: ["zlib"]"#));
}

#[test]
fn incompatible_servers_are_named() {
    for (min, max, compatible) in [
        (0, MIN_WIRE_VERSION, true),
        (MAX_WIRE_VERSION, MAX_WIRE_VERSION + 5, true),
        (0, MIN_WIRE_VERSION - 1, false),
        (MAX_WIRE_VERSION + 1, MAX_WIRE_VERSION + 5, false),
    ] {
        let mut server = Server::new(vec![]);
        server.wire_versions = (min, max);
        let (_, outcome) = without_user(options(None), server);
        let expected = if compatible { Ok(()) } else { Err(HandshakeError::Incompatible { min, max }) };
        assert_eq!(outcome, expected);
    }
    let shown = format!("{}", HandshakeError::Incompatible { min: 0, max: 7 });
    assert_eq!(shown, "the server speaks wire versions 0 to 7; this driver speaks 8 (MongoDB 4.2) to 29");
}

#[test]
fn a_refused_or_unreadable_hello_fails() {
    let outcome = |edit: fn(&mut Fields)| {
        let mut server = Server::new(vec![]);
        server.edit = Box::new(move |_, fields| edit(fields));
        let (pair, outcome) = without_user(options(None), server);
        assert!(!pair.client.is_authenticating());
        outcome.unwrap_err()
    };
    let refused = outcome(|fields| *fields = failure(13, "no"));
    let HandshakeError::Hello(OperationError::Command(error)) = &refused else { panic!("{refused}") };
    assert_eq!((error.code, error.message.as_str()), (13, "no"));
    assert_eq!(format!("{refused}"), "hello failed: no (code 13)");
    let missing = outcome(|fields| set(fields, "ok", Field::Absent));
    assert_eq!(missing, HandshakeError::Hello(OperationError::Reply("there is no `ok`")));
    let unreadable = outcome(|fields| set(fields, "maxWireVersion", Field::Str("x".into())));
    assert!(matches!(unreadable, HandshakeError::Hello(OperationError::Bson(BsonError::WrongType { .. }))));
}
