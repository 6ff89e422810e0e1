//! Servers that fail before the first command.

use std::net::{Shutdown, TcpListener};
use std::time::Instant;

use bson::doc;
use stator_client::{Error, ErrorKind, Phase, Runtime};
use stator_proto::handshake::HandshakeError;
use stator_proto::operation::OperationError;

use crate::peer::{client, find, hello, server};
use crate::{SHORT, expect};

pub(crate) async fn bad_handshakes<R: Runtime>(runtime: R) {
    let handshake = |error: &Error| match error.kind() {
        ErrorKind::Pool(pool) => match pool.cause().unwrap().kind() {
            ErrorKind::Handshake(error) => Some(error.clone()),
            _ => None,
        },
        _ => None,
    };
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let start = Instant::now();
    let error = expect(
        "closed port",
        find(&client(runtime.clone(), &format!("mongodb://{closed}/?serverSelectionTimeoutMS=80")), 1).await,
        start,
    );
    assert!(error.is_timeout() && error.phase() == Phase::Select && !error.maybe_executed(), "{error:?}");
    assert!(error.to_string().contains("refused"), "the root cause is named: {error}");

    let uri = server(|_, mut peer| peer.be_silent());
    let start = Instant::now();
    let error = find(&client(runtime.clone(), &format!("{uri}?connectTimeoutMS=80")), 1).await;
    let error = expect("accepts and never answers", error, start);
    assert!(start.elapsed() >= SHORT && error.is_timeout() && error.is_network(), "{error:?}");
    assert_eq!(error.phase(), Phase::Hello);
    // The operation's own time may be shorter than the dial's.
    let uri = server(|_, mut peer| peer.be_silent());
    let start = Instant::now();
    let impatient = client(runtime.clone(), &format!("{uri}?connectTimeoutMS=60000&timeoutMS=80"));
    let error = expect("has less time", find(&impatient, 1).await, start);
    assert!(error.is_timeout() && !error.is_network() && error.phase() == Phase::Queue, "{error:?}");

    let old = doc! { "minWireVersion": 0, "maxWireVersion": 6 };
    let new = doc! { "minWireVersion": 1000, "maxWireVersion": 1001 };
    for (name, versions) in [("too old", old), ("too new", new)] {
        let mut reply = hello();
        reply.extend(versions);
        let uri = server(move |_, mut peer| peer.behave(&reply));
        let start = Instant::now();
        let error = expect(name, find(&client(runtime.clone(), &uri), 1).await, start);
        assert!(matches!(handshake(&error), Some(HandshakeError::Incompatible { .. })), "{error:?}");
        assert!(!error.is_network() && !error.is_retryable());
    }

    let refused = doc! { "ok": 0, "code": 8, "errmsg": "not today" };
    let uri = server(move |_, mut peer| peer.behave(&refused));
    let error = expect("refuses hello", find(&client(runtime.clone(), &uri), 1).await, Instant::now());
    assert!(matches!(handshake(&error), Some(HandshakeError::Hello(OperationError::Command(_)))), "{error:?}");

    let bytes: [(&str, &'static [u8]); 4] = [
        ("an HTTP server", b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
        ("garbage", &[0xFF; 100]),
        ("zeros", &[0; 100]),
        ("nothing", b""),
    ];
    for (name, bytes) in bytes {
        // The second time it behaves.
        let uri = server(move |number, mut peer| {
            if number > 0 {
                return peer.behave(&hello());
            }
            peer.request();
            peer.send(bytes);
            drop(peer.stream.shutdown(Shutdown::Write));
            peer.be_silent();
        });
        let client = client(runtime.clone(), &uri);
        let error = expect(name, find(&client, 1).await, Instant::now());
        assert!(matches!(handshake(&error), Some(HandshakeError::Connection(_))), "{name}: {error:?}");
        assert_eq!(error.phase(), Phase::Hello, "{name}");
        assert!(!error.maybe_executed(), "{name}");
        assert_eq!(find(&client, 2).await.unwrap(), Some(doc! { "_id": 2 }), "{name}");
    }
}
