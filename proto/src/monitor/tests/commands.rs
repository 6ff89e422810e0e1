//! What a monitor says, and when it says `hello`.

use super::*;
use crate::Handshake;
use crate::auth::scram::Nonce;
use crate::connection::Compression;
use crate::handshake::{ClientMetadata, HandshakeOptions};
use crate::uri::{ServerApi, ServerApiVersion};

fn api() -> ServerApi {
    ServerApi { version: ServerApiVersion::V1, strict: Some(true), deprecation_errors: None }
}

#[test]
fn the_first_message_is_that_of_a_handshake_without_login() {
    for server_api in [None, Some(api())] {
        let metadata = ClientMetadata { application: Some("app".into()), ..ClientMetadata::default() }.to_doc();
        let mut handshake = Handshake::new(
            HandshakeOptions {
                metadata: metadata.clone(),
                login: None,
                compressors: vec![("zstd", 3), ("zlib", 2)],
                compression: Compression::none(),
                load_balanced: false,
                server_api: server_api.clone(),
                deadline: Instant::FAR_FUTURE,
            },
            Nonce::from_random(&[7; 24]),
        );
        let mut out = SendBuf::new();
        assert!(handshake.poll_transmit(Instant::ORIGIN, &mut out));
        let bytes = out.slices().concat();
        let expected = OpMsg::parse(&bytes).unwrap();
        let compressors = vec!["zstd", "zlib"];
        let mut world = World::new(MonitorOptions { metadata, compressors, server_api, ..options() });
        world.connect();
        assert_eq!(world.request(), format!("{:?}", expected.body()));
    }
}

#[test]
fn later_messages_are_short() {
    let mut world = World::greeted(polling(), OLD);
    world.wait();
    assert_eq!(world.request(), r#"{isMaster: 1, helloOk: true, $db: "admin"}"#);
    world.reply(Says { hello_ok: true, ..OLD });
    world.wait();
    assert_eq!(world.request(), r#"{hello: 1, helloOk: true, $db: "admin"}"#);
}

#[test]
fn hello_is_forgotten_with_the_connection() {
    let mut world = World::greeted(polling(), NEW);
    world.wait();
    assert!(world.request().starts_with("{hello: 1, "));
    world.monitor.handle_failed(world.now, "reset", false);
    world.close();
    world.connect();
    assert!(world.request().starts_with("{isMaster: 1, helloOk: true, backpressure: \"2\", client: "));
}

#[test]
fn the_stable_api_is_declared_every_time_and_always_means_hello() {
    let mut world = World::greeted(MonitorOptions { server_api: Some(api()), ..polling() }, OLD);
    world.wait();
    assert_eq!(world.request(), r#"{hello: 1, helloOk: true, $db: "admin", apiVersion: "1", apiStrict: true}"#);
    let mut world = World::greeted(MonitorOptions { server_api: Some(api()), ..options() }, NEW);
    let command = world.request();
    assert!(command.starts_with("exhaust {hello: 1") && command.ends_with(r#"apiStrict: true}"#), "{command}");
}

#[test]
fn the_server_may_wait_as_long_as_the_frequency_says() {
    for (frequency, millis) in [(Duration::from_millis(750), 750), (Duration::MAX, i64::MAX)] {
        let mut world = World::greeted(MonitorOptions { heartbeat_frequency: frequency, ..options() }, NEW);
        assert!(world.request().contains(&format!("maxAwaitTimeMS: {millis}")));
    }
}

#[test]
fn a_command_that_is_too_long_is_a_failed_check_and_no_loop() {
    let mut metadata = vec![];
    let mut writer = DocWriter::new(&mut metadata);
    writer.binary("long", 0, &vec![0; 48_000_000]);
    writer.finish().unwrap();
    let mut world = World::new(MonitorOptions { metadata: DocBuf::new(metadata).unwrap(), ..options() });
    world.connect();
    assert!(!world.monitor.poll_transmit(world.now, &mut world.out) && world.out.is_empty());
    let told = world.told();
    assert!(told[2].starts_with("lost by Network: the command has 48000"), "{told:?}");
    world.close();
    assert_eq!(world.step(), "wait 10000");
}
