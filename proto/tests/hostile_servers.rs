//! What fuzzing has found: servers that break the rules in ways that nobody had thought of.

use stator_proto::Instant;
use stator_proto::auth::scram::Nonce;
use stator_proto::connection::{Compression, Connection, ConnectionError, Request, SendBuf};
use stator_proto::handshake::{Handshake, HandshakeError, HandshakeOptions};
use stator_proto::hello::HelloReply;
use stator_wire::Deframer;
use stator_wire::bson::{BsonError, Doc, DocBuf, DocWriter};
use stator_wire::op_msg::{Builder, Flags};

const NOW: Instant = Instant::ORIGIN;

fn reply(response_to: i32, flags: Flags, write: impl FnOnce(&mut DocWriter<'_>)) -> Deframer {
    let mut frame = Vec::new();
    let mut builder = Builder::new(&mut frame, 40, response_to, flags);
    write(&mut builder.body());
    builder.finish().unwrap();
    let mut input = Deframer::new(1 << 20);
    input.push(&frame);
    input
}

fn awaiting(exhaust: bool) -> Connection {
    let (mut connection, mut out) = (Connection::new(Compression::none()), SendBuf::new());
    let body = |body: &mut DocWriter<'_>| {
        body.i32("ping", 1);
    };
    let request = Request { name: "ping", body: &body, sequences: &[], exhaust, no_reply: false };
    connection.send(NOW, &request, Instant::FAR_FUTURE, &mut out).unwrap();
    connection.handle_sent(NOW, &mut out, usize::MAX);
    connection
}

fn greeting() -> (Handshake, SendBuf) {
    let options = HandshakeOptions {
        metadata: DocBuf::default(),
        login: None,
        compressors: Vec::new(),
        compression: Compression::none(),
        load_balanced: false,
        server_api: None,
        deadline: Instant::FAR_FUTURE,
    };
    let mut handshake = Handshake::new(options, Nonce::from_random(&[0; 24]));
    let mut out = SendBuf::new();
    assert!(handshake.poll_transmit(NOW, &mut out));
    handshake.handle_sent(NOW, &mut out, usize::MAX);
    (handshake, out)
}

#[test]
fn more_replies_come_only_where_they_were_allowed() {
    let mut allowed = awaiting(true);
    let mut input = reply(1, Flags::MORE_TO_COME, |_| {});
    assert!(allowed.handle_recv(NOW, &mut input).unwrap().unwrap().more_to_come());
    assert!(allowed.is_awaiting());

    let mut refused = awaiting(false);
    let mut input = reply(1, Flags::MORE_TO_COME, |_| {});
    assert_eq!(refused.handle_recv(NOW, &mut input).unwrap_err(), ConnectionError::MoreThanAsked);
    assert_eq!(refused.error(), Some(&ConnectionError::MoreThanAsked));
}

/// It would have ended with a connection that waits for a reply that nobody asked for.
#[test]
fn a_handshake_does_not_end_before_the_last_reply() {
    let (mut handshake, _) = greeting();
    let mut input = reply(1, Flags::MORE_TO_COME, |body| {
        body.i32("maxWireVersion", 21).i32("ok", 1);
    });
    let error = HandshakeError::Connection(ConnectionError::MoreThanAsked);
    assert_eq!(handshake.handle_recv(NOW, &mut input), Err(error));
    assert!(handshake.finish().is_none());
}

#[test]
fn a_hangup_does_not_replace_the_reason_why_a_handshake_failed() {
    let (mut handshake, _) = greeting();
    let mut input = reply(1, Flags::NONE, |body| {
        body.i32("maxWireVersion", 6).i32("ok", 1);
    });
    let error = HandshakeError::Incompatible { min: 0, max: 6 };
    assert_eq!(handshake.handle_recv(NOW, &mut input), Err(error.clone()));
    assert_eq!(handshake.handle_closed(NOW, &input), error);
    assert_eq!(handshake.error(), Some(&error));
}

/// A search for each of them would take time with the square of their number: the last value counts, as with every
/// other field.
#[test]
fn repeated_fields_of_hello_cost_no_search() {
    let hello = |write: &dyn Fn(&mut DocWriter<'_>)| {
        let mut bytes = Vec::new();
        let mut body = DocWriter::new(&mut bytes);
        write(&mut body);
        body.finish().unwrap();
        HelloReply::parse(Doc::new(&bytes).unwrap())
    };
    let repeated = hello(&|body| {
        for version in 0..9 {
            body.i32("setVersion", version).i32("maxWireVersion", version);
        }
    });
    let repeated = repeated.unwrap();
    assert_eq!((repeated.set_version, repeated.max_wire_version), (Some(8), 8));
    let wrong = hello(&|body| {
        body.str("maxWireVersion", "many");
    });
    assert!(matches!(wrong, Err(BsonError::WrongType { key, .. }) if &*key == "maxWireVersion"));
}
