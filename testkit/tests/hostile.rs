//! Servers that break the rules: each gets its own clear error in time, costs no memory, and does not hurt the client.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bson::{Document, doc};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use stator_blocking::Blocking;
use stator_client::runtime::BlockOn;
use stator_client::{Client, ClientOptions, Error, ErrorKind, Phase, Runtime};
use stator_proto::connection::ConnectionError;
use stator_proto::handshake::HandshakeError;
use stator_proto::operation::OperationError;
use stator_smol::Smol;
use stator_tokio::Tokio;
use stator_wire::bson::{BsonError, Doc, DocBuf};
use stator_wire::op_compressed::compressor;
use stator_wire::op_msg::{Builder, Flags};
use stator_wire::{Deframer, Header, OpCode, OpMsg, WireError};

/// What has not ended by then does not end by itself.
const LATE: Duration = Duration::from_secs(10);
/// Where a timeout is to end it.
const SHORT: Duration = Duration::from_millis(80);

/// The server's end of one connection.
struct Peer {
    stream: TcpStream,
    input: Deframer,
}

impl Peer {
    fn new(stream: TcpStream) -> Self {
        Self { stream, input: Deframer::new(100_000_000) }
    }

    /// The next request: its id and its body; `None` when the client has gone.
    fn request(&mut self) -> Option<(i32, Document)> {
        loop {
            if let Some(frame) = self.input.next_frame().unwrap() {
                // Only the client compresses what it may; the fake does not ask it to.
                let message = OpMsg::parse(&frame).unwrap();
                let body = Document::from_reader(message.body().as_bytes()).unwrap();
                return Some((message.header().request_id, body));
            }
            let count = self.stream.read(self.input.space()).unwrap_or(0);
            self.input.advance(count);
            if count == 0 {
                return None;
            }
        }
    }

    /// Writes; that the client has gone is its affair.
    fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    fn reply(&mut self, to: i32, body: &Document) {
        self.send(&message(to, &body.to_vec().unwrap()));
    }

    /// Waits until the client goes.
    fn be_silent(&mut self) {
        while !matches!(self.stream.read(&mut [0; 4096]), Ok(0) | Err(_)) {}
    }

    /// As a server does: `hello`, `find` (which finds its own filter) and the like.
    fn behave(&mut self, hello: &Document) {
        while let Some((id, request)) = self.request() {
            self.answer(id, &request, hello);
        }
    }

    fn answer(&mut self, id: i32, request: &Document, hello: &Document) {
        let body = match request.keys().next().map(String::as_str) {
            Some("hello" | "isMaster" | "ismaster") => hello.clone(),
            Some("find") => found(request.get_document("filter").unwrap()),
            _ => doc! { "ok": 1, "n": 0 },
        };
        self.reply(id, &body);
    }
}

fn found(document: &Document) -> Document {
    doc! { "cursor": { "id": 0_i64, "ns": "d.c", "firstBatch": [document.clone()] }, "ok": 1 }
}

/// An OP_MSG around the bytes of a body, whatever they are.
fn message(to: i32, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Builder::new(&mut out, 1, to, Flags::NONE).finish().unwrap();
    out.push(0);
    out.extend_from_slice(body);
    set_length(&mut out, None);
    out
}

fn set_length(message: &mut [u8], length: Option<i32>) {
    let length = length.unwrap_or(message.len() as i32);
    message[..4].copy_from_slice(&length.to_le_bytes());
}

fn hello() -> Document {
    doc! {
        "ok": 1, "isWritablePrimary": true, "helloOk": true, "minWireVersion": 0, "maxWireVersion": 17,
        "maxBsonObjectSize": 16_777_216, "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000,
    }
}

/// A server whose connections, counted from 0, are served by `script`. Its URI.
fn server(script: impl Fn(usize, Peer) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("mongodb://{}/", listener.local_addr().unwrap());
    let (script, accepted) = (Arc::new(script), AtomicUsize::new(0));
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let (script, number) = (Arc::clone(&script), accepted.fetch_add(1, Ordering::SeqCst));
            thread::spawn(move || script(number, Peer::new(stream)));
        }
    });
    uri
}

fn client<R: Runtime>(runtime: R, uri: &str) -> Client<R> {
    Client::with_runtime(runtime, ClientOptions::parse(uri).unwrap()).unwrap()
}

async fn find<R: Runtime>(client: &Client<R>, id: i32) -> stator_client::Result<Option<Document>> {
    client.database("d").collection("c").find_one(doc! { "_id": id }).await
}

/// Does the same on runtimes of every kind.
macro_rules! on_all {
    ($($test:ident: $body:ident;)*) => {
        $(#[test]
        fn $test() {
            let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            tokio.block_on($body(Tokio));
            smol::block_on($body(Smol));
            Blocking.block_on($body(Blocking));
        })*
    };
}

on_all! {
    replies: bad_replies;
    handshakes: bad_handshakes;
    unsolicited: unsolicited_bytes;
    silence: silence_in_the_middle;
    more_to_come: more_replies_than_were_asked_for;
    empty_batches: batches_that_are_always_empty;
    odd_limits: limits_that_make_no_sense;
    slow_servers: one_byte_at_a_time;
    dials_in_flight: a_dial_does_not_keep_its_client;
}

/// A way to answer a `find` wrongly, and how the error shows it.
struct Case {
    name: &'static str,
    answer: fn(&mut Peer, i32),
    phase: Phase,
    is: fn(&ErrorKind) -> bool,
    network: bool,
}

/// A body whose documents lie in one another 10,000 deep: a find's reply is around them.
fn deep() -> Vec<u8> {
    let mut inner = Doc::EMPTY.as_bytes().to_vec();
    for _ in 0..10_000 {
        let mut outer = ((inner.len() + 4 + 3 + 1) as i32).to_le_bytes().to_vec();
        outer.extend_from_slice(b"\x03a\0");
        outer.extend_from_slice(&inner);
        outer.push(0);
        inner = outer;
    }
    inner
}

/// The body of a find's reply with these bytes as its only document.
fn found_raw(document: &[u8]) -> Vec<u8> {
    let document = DocBuf::new(document.to_vec()).unwrap();
    let mut out = Vec::new();
    let mut body = stator_wire::bson::DocWriter::new(&mut out);
    let mut cursor = body.document("cursor");
    cursor.i64("id", 0).str("ns", "d.c");
    let mut batch = cursor.array_of("firstBatch");
    batch.doc(document.as_doc());
    batch.finish().unwrap();
    cursor.finish().unwrap();
    body.i32("ok", 1);
    body.finish().unwrap();
    out
}

/// An OP_COMPRESSED frame with these fields.
fn compressed(to: i32, original: i32, size: i32, id: u8, data: &[u8]) -> Vec<u8> {
    let header = Header { length: 0, request_id: 1, response_to: to, op_code: OpCode::Compressed };
    let mut out = header.to_bytes().to_vec();
    out.extend_from_slice(&original.to_le_bytes());
    out.extend_from_slice(&size.to_le_bytes());
    out.push(id);
    out.extend_from_slice(data);
    set_length(&mut out, None);
    out
}

/// 100 MiB of zeros, packed.
fn bomb() -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..100 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    encoder.finish().unwrap()
}

fn wire(kind: &ErrorKind) -> Option<&WireError> {
    match kind {
        ErrorKind::Connection(ConnectionError::Wire(error)) => Some(error),
        _ => None,
    }
}

const OP_MSG: i32 = 2013;

const CASES: &[Case] = &[
    Case {
        name: "closes instead of answering",
        answer: |peer, _| drop(peer.stream.shutdown(Shutdown::Both)),
        phase: Phase::Receive,
        is: |kind| matches!(kind, ErrorKind::Connection(ConnectionError::Closed { mid_reply: false })),
        network: true,
    },
    Case {
        name: "closes in the middle of a reply",
        answer: |peer, to| {
            let whole = message(to, &found(&doc! {}).to_vec().unwrap());
            peer.send(&whole[..whole.len() / 2]);
            drop(peer.stream.shutdown(Shutdown::Both));
        },
        phase: Phase::Receive,
        is: |kind| matches!(kind, ErrorKind::Connection(ConnectionError::Closed { mid_reply: true })),
        network: true,
    },
    Case {
        name: "closes in the middle of a header",
        answer: |peer, _| {
            peer.send(&[40, 0, 0]);
            drop(peer.stream.shutdown(Shutdown::Both));
        },
        phase: Phase::Receive,
        is: |kind| matches!(kind, ErrorKind::Connection(ConnectionError::Closed { mid_reply: true })),
        network: true,
    },
    Case {
        name: "a length below the header's",
        answer: |peer, to| {
            let mut whole = message(to, &found(&doc! {}).to_vec().unwrap());
            set_length(&mut whole, Some(15));
            peer.send(&whole);
        },
        phase: Phase::Receive,
        is: |kind| matches!(wire(kind), Some(WireError::FrameLength { claimed: 15, .. })),
        network: false,
    },
    Case {
        name: "a negative length",
        answer: |peer, to| {
            let mut whole = message(to, &found(&doc! {}).to_vec().unwrap());
            set_length(&mut whole, Some(-1));
            peer.send(&whole);
        },
        phase: Phase::Receive,
        is: |kind| matches!(wire(kind), Some(WireError::FrameLength { claimed: -1, .. })),
        network: false,
    },
    Case {
        name: "a length that cuts the body off",
        answer: |peer, to| {
            let mut whole = message(to, &found(&doc! {}).to_vec().unwrap());
            let length = whole.len() as i32 - 10;
            set_length(&mut whole, Some(length));
            peer.send(&whole);
        },
        phase: Phase::Receive,
        is: |kind| wire(kind).is_some(),
        network: false,
    },
    Case {
        name: "a length longer than what comes",
        answer: |peer, to| {
            let mut whole = message(to, &found(&doc! {}).to_vec().unwrap());
            set_length(&mut whole, Some(47_000_000));
            peer.send(&whole);
            drop(peer.stream.shutdown(Shutdown::Both));
        },
        phase: Phase::Receive,
        is: |kind| matches!(kind, ErrorKind::Connection(ConnectionError::Closed { mid_reply: true })),
        network: true,
    },
    Case {
        name: "claims 2 GiB",
        answer: |peer, to| {
            let mut whole = message(to, &found(&doc! {}).to_vec().unwrap());
            set_length(&mut whole, Some(i32::MAX));
            peer.send(&whole);
        },
        phase: Phase::Receive,
        is: |kind| matches!(wire(kind), Some(WireError::FrameLength { claimed: i32::MAX, .. })),
        network: false,
    },
    Case {
        name: "answers another request",
        answer: |peer, to| peer.reply(to + 7, &found(&doc! {})),
        phase: Phase::Receive,
        is: |kind| matches!(kind, ErrorKind::Connection(ConnectionError::WrongReply { .. })),
        network: false,
    },
    Case {
        name: "an unknown opcode",
        answer: |peer, to| {
            let mut whole = message(to, &found(&doc! {}).to_vec().unwrap());
            whole[12..16].copy_from_slice(&9999_i32.to_le_bytes());
            peer.send(&whole);
        },
        phase: Phase::Receive,
        is: |kind| matches!(kind, ErrorKind::Connection(ConnectionError::NotOpMsg(9999))),
        network: false,
    },
    Case {
        name: "unknown flags",
        answer: |peer, to| {
            let mut whole = message(to, &found(&doc! {}).to_vec().unwrap());
            whole[16] = 0x80;
            peer.send(&whole);
        },
        phase: Phase::Receive,
        is: |kind| matches!(wire(kind), Some(WireError::UnknownFlags(_))),
        network: false,
    },
    Case {
        name: "a wrong checksum",
        answer: |peer, to| {
            let mut whole = message(to, &found(&doc! {}).to_vec().unwrap());
            whole[16] = 1;
            whole.extend_from_slice(b"oops");
            set_length(&mut whole, None);
            peer.send(&whole);
        },
        phase: Phase::Receive,
        is: |kind| matches!(wire(kind), Some(WireError::Checksum { .. })),
        network: false,
    },
    Case {
        name: "garbage instead of BSON",
        answer: |peer, to| peer.send(&message(to, &[0xFF; 64])),
        phase: Phase::Receive,
        is: |kind| wire(kind).is_some(),
        network: false,
    },
    Case {
        name: "garbage inside of a document",
        answer: |peer, to| {
            let mut body = vec![0xEE; 64];
            body[..4].copy_from_slice(&64_i32.to_le_bytes());
            body[63] = 0;
            peer.send(&message(to, &body));
        },
        phase: Phase::Decode,
        is: |kind| matches!(kind, ErrorKind::Operation(OperationError::Bson(_))),
        network: false,
    },
    Case {
        name: "an empty reply",
        answer: |peer, to| peer.reply(to, &doc! {}),
        phase: Phase::Decode,
        is: |kind| matches!(kind, ErrorKind::Operation(OperationError::Reply(_))),
        network: false,
    },
    Case {
        name: "no cursor",
        answer: |peer, to| peer.reply(to, &doc! { "ok": 1 }),
        phase: Phase::Decode,
        is: |kind| matches!(kind, ErrorKind::Operation(OperationError::Reply(_))),
        network: false,
    },
    Case {
        name: "a cursor of another kind",
        answer: |peer, to| peer.reply(to, &doc! { "cursor": { "id": "no", "ns": 7, "firstBatch": 1 }, "ok": 1 }),
        phase: Phase::Decode,
        is: |kind| matches!(kind, ErrorKind::Operation(OperationError::Bson(BsonError::WrongType { .. }))),
        network: false,
    },
    Case {
        name: "nested 10,000 deep",
        answer: |peer, to| peer.send(&message(to, &found_raw(&deep()))),
        phase: Phase::Decode,
        is: |kind| matches!(kind, ErrorKind::MalformedBson(BsonError::TooDeep { .. })),
        network: false,
    },
    Case {
        name: "text that is not UTF-8",
        answer: |peer, to| peer.send(&message(to, &found_raw(b"\x10\0\0\0\x02a\0\x04\0\0\0\xFF\xFE\xFD\0\0"))),
        phase: Phase::Decode,
        is: |kind| matches!(kind, ErrorKind::Decode(_)),
        network: false,
    },
    Case {
        name: "an error whose text is not UTF-8",
        answer: |peer, to| {
            // {ok: 0, errmsg: <not UTF-8>, code: 5}
            let body = b"\x26\0\0\0\x10ok\0\0\0\0\0\x02errmsg\0\x03\0\0\0\xFF\xFE\0\x10code\0\x05\0\0\0\0";
            peer.send(&message(to, body));
        },
        phase: Phase::Reply,
        is: |kind| matches!(kind, ErrorKind::Command(error) if error.code == 5),
        network: false,
    },
    Case {
        name: "a zip bomb that claims 2 GiB",
        answer: |peer, to| peer.send(&compressed(to, OP_MSG, i32::MAX, compressor::ZLIB, &bomb())),
        phase: Phase::Receive,
        is: |kind| matches!(wire(kind), Some(WireError::UncompressedSize { claimed: i32::MAX, .. })),
        network: false,
    },
    Case {
        name: "a zip bomb that claims 1 MiB and holds 100",
        answer: |peer, to| peer.send(&compressed(to, OP_MSG, 1 << 20, compressor::ZLIB, &bomb())),
        phase: Phase::Receive,
        is: |kind| matches!(wire(kind), Some(WireError::Codec(_))),
        network: false,
    },
    Case {
        name: "compressed garbage",
        answer: |peer, to| peer.send(&compressed(to, OP_MSG, 100, compressor::ZLIB, &[0xFF; 50])),
        phase: Phase::Receive,
        is: |kind| matches!(wire(kind), Some(WireError::Codec(_))),
        network: false,
    },
    Case {
        name: "an unknown compressor",
        answer: |peer, to| peer.send(&compressed(to, OP_MSG, 100, 77, &[0; 50])),
        phase: Phase::Receive,
        is: |kind| matches!(wire(kind), Some(WireError::Compressor(77))),
        network: false,
    },
    Case {
        name: "compression in compression",
        answer: |peer, to| peer.send(&compressed(to, 2012, 100, compressor::NOOP, &[0; 100])),
        phase: Phase::Receive,
        is: |kind| matches!(wire(kind), Some(WireError::NestedCompression)),
        network: false,
    },
];

#[track_caller]
fn expect<T: std::fmt::Debug>(name: &str, result: stator_client::Result<T>, since: Instant) -> Error {
    let error = result.expect_err(name);
    println!("{name}: {error}");
    assert!(since.elapsed() < LATE, "{name}: only after {:?}", since.elapsed());
    // What is decoded has left its server behind.
    assert!(error.server().is_some() || error.phase() == Phase::Decode, "{name}: {error:?}");
    error
}

async fn bad_replies<R: Runtime>(runtime: R) {
    let before = memory("VmHWM:");
    for case in CASES {
        let answer = case.answer;
        let uri = server(move |number, mut peer| {
            if number > 0 {
                return peer.behave(&hello());
            }
            // The first connection answers the first find in its own way.
            while let Some((id, request)) = peer.request() {
                if request.contains_key("find") {
                    answer(&mut peer, id);
                    return peer.be_silent();
                }
                peer.answer(id, &request, &hello());
            }
        });
        let client = client(runtime.clone(), &format!("{uri}?maxPoolSize=1&compressors=zlib"));
        // Decoding of requests is not what this server is for: it never offers compression for them.
        let start = Instant::now();
        let error = expect(case.name, find(&client, 1).await, start);
        assert!((case.is)(error.kind()), "{}: {error:?}", case.name);
        assert_eq!(error.phase(), case.phase, "{}: {error:?}", case.name);
        assert_eq!((error.is_network(), error.is_timeout()), (case.network, false), "{}: {error:?}", case.name);
        // Where the connection is sound, only the answer was bad; then it is the fake that has become silent.
        if matches!(case.phase, Phase::Decode | Phase::Reply) {
            assert_eq!(client.pool_stats().idle, 1, "{}", case.name);
            continue;
        }
        assert_eq!(client.pool_stats().total(), 0, "{}: the connection is gone", case.name);
        for id in 2..5 {
            assert_eq!(find(&client, id).await.unwrap(), Some(doc! { "_id": id }), "{}", case.name);
        }
    }
    if let (Some(before), Some(after)) = (before, memory("VmHWM:")) {
        assert!(after < before + 300_000, "from {before} kB to {after} kB");
    }
}

/// A line of the process's status, in kB; `None` where there is none.
fn memory(line: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let value = status.lines().find_map(|text| text.strip_prefix(line))?;
    value.trim().trim_end_matches(" kB").parse().ok()
}

async fn bad_handshakes<R: Runtime>(runtime: R) {
    let handshake = |error: &Error| match error.kind() {
        ErrorKind::Pool(pool) => match pool.cause().unwrap().kind() {
            ErrorKind::Handshake(error) => Some(error.clone()),
            _ => None,
        },
        _ => None,
    };
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let start = Instant::now();
    let error = expect("closed port", find(&client(runtime.clone(), &format!("mongodb://{closed}/")), 1).await, start);
    assert!(error.is_network() && error.phase() == Phase::Connect && !error.maybe_executed(), "{error:?}");

    let uri = server(|_, mut peer| peer.be_silent());
    let start = Instant::now();
    let error = find(&client(runtime.clone(), &format!("{uri}?connectTimeoutMS=80")), 1).await;
    let error = expect("accepts and never answers", error, start);
    assert!(start.elapsed() >= SHORT && error.is_timeout() && error.is_network(), "{error:?}");
    assert_eq!(error.phase(), Phase::Auth);
    // The operation's own time may be shorter than the dial's.
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
        assert_eq!(error.phase(), Phase::Auth, "{name}");
        assert!(!error.maybe_executed(), "{name}");
        assert_eq!(find(&client, 2).await.unwrap(), Some(doc! { "_id": 2 }), "{name}");
    }
}

/// More bytes than were asked for, glued to a reply or later: they are nobody's reply.
async fn unsolicited_bytes<R: Runtime>(runtime: R) {
    let frames = || [message(0, &found(&doc! { "_id": "forged" }).to_vec().unwrap()), vec![0xFF; 7], vec![1]];
    for (index, extra) in frames().into_iter().enumerate() {
        for glued in [true, false] {
            let extra = extra.clone();
            let (told, heard) = std::sync::mpsc::sync_channel(100);
            let uri = server(move |number, mut peer| {
                while let Some((id, request)) = peer.request() {
                    if number > 0 || !request.contains_key("find") {
                        peer.answer(id, &request, &hello());
                        continue;
                    }
                    let mut whole = message(id, &found(request.get_document("filter").unwrap()).to_vec().unwrap());
                    if glued {
                        whole.extend_from_slice(&extra);
                        peer.send(&whole);
                    } else {
                        peer.send(&whole);
                        peer.send(&extra);
                    }
                    told.send(()).unwrap();
                }
            });
            let client = client(runtime.clone(), &format!("{uri}?maxPoolSize=1"));
            assert_eq!(find(&client, 1).await.unwrap(), Some(doc! { "_id": 1 }));
            heard.recv_timeout(LATE).unwrap();
            // It may cost the next one its connection (or its time, if it looks like the beginning of a long frame), but
            // never gives it another's reply.
            let things = client.database("d").collection::<Document>("c");
            match things.find_one(doc! { "_id": 2 }).timeout(SHORT).await {
                Ok(found) => assert_eq!(found, Some(doc! { "_id": 2 })),
                Err(error) if glued => panic!("what comes with a reply is seen at once: {error:?}"),
                Err(error) => {
                    println!("unsolicited {index}, glued {glued}: {error}");
                    assert!(matches!(error.kind(), ErrorKind::Connection(_)) || error.is_timeout(), "{error:?}");
                }
            }
            for id in 3..6 {
                assert_eq!(find(&client, id).await.unwrap(), Some(doc! { "_id": id }));
            }
        }
    }
}

/// Half a reply, then nothing: the operation ends in time, and the only connection is free again after a second.
async fn silence_in_the_middle<R: Runtime>(runtime: R) {
    for part in [0, 3, 20] {
        let uri = server(move |number, mut peer| {
            while let Some((id, request)) = peer.request() {
                if number == 0 && request.contains_key("find") {
                    let whole = message(id, &found(&doc! { "_id": 1 }).to_vec().unwrap());
                    peer.send(&whole[..part]);
                    return peer.be_silent();
                }
                peer.answer(id, &request, &hello());
            }
        });
        let client = client(runtime.clone(), &format!("{uri}?maxPoolSize=1"));
        let start = Instant::now();
        let one = client.database("d").collection::<Document>("c").find_one(doc! { "_id": 1 }).timeout(SHORT).await;
        let error = expect("silence in the middle of a reply", one, start);
        assert!(error.is_timeout() && error.is_network() && error.maybe_executed(), "{error:?}");
        assert_eq!(error.phase(), Phase::Receive);
        assert!(start.elapsed() >= SHORT);
        let start = Instant::now();
        let two = client.database("d").collection::<Document>("c").find_one(doc! { "_id": 2 }).timeout(SHORT).await;
        let error = expect("behind it in the queue", two, start);
        assert!(error.is_timeout() && !error.maybe_executed() && error.phase() == Phase::Queue, "{error:?}");
        assert_eq!(find(&client, 3).await.unwrap(), Some(doc! { "_id": 3 }));
        assert!(start.elapsed() < LATE);
        assert_eq!(client.pool_stats().owing, 0);
    }
}

/// A reply that says that another will come, which does not, or never ends.
async fn more_replies_than_were_asked_for<R: Runtime>(runtime: R) {
    for endless in [false, true] {
        let uri = server(move |number, mut peer| {
            while let Some((id, request)) = peer.request() {
                if number > 0 || !request.contains_key("find") {
                    peer.answer(id, &request, &hello());
                    continue;
                }
                let mut more = message(id, &found(request.get_document("filter").unwrap()).to_vec().unwrap());
                more[16] = Flags::MORE_TO_COME.bits() as u8;
                peer.send(&more);
                while endless && peer.stream.write_all(&more).is_ok() {
                    // Each answers the one before it.
                    more[8..12].copy_from_slice(&1_i32.to_le_bytes());
                }
                return peer.be_silent();
            }
        });
        let client = client(runtime.clone(), &format!("{uri}?maxPoolSize=1"));
        assert_eq!(find(&client, 1).await.unwrap(), Some(doc! { "_id": 1 }));
        let start = Instant::now();
        assert_eq!(find(&client, 2).await.unwrap(), Some(doc! { "_id": 2 }), "endless: {endless}");
        assert!(start.elapsed() < LATE, "{:?}", start.elapsed());
    }
}

/// A cursor that never gives anything and never ends: its timeout ends it.
async fn batches_that_are_always_empty<R: Runtime>(runtime: R) {
    let uri = server(|_, mut peer| {
        while let Some((id, request)) = peer.request() {
            let empty = |batch: &str| doc! { "cursor": { "id": 9_i64, "ns": "d.c", batch: [] }, "ok": 1 };
            match request.keys().next().map(String::as_str) {
                Some("find") => peer.reply(id, &empty("firstBatch")),
                Some("getMore") => peer.reply(id, &empty("nextBatch")),
                _ => peer.answer(id, &request, &hello()),
            }
        }
    });
    let client = client(runtime, &uri);
    let find = client.database("d").collection::<Document>("c").find(doc! {}).timeout(SHORT);
    let start = Instant::now();
    let mut cursor = find.await.unwrap();
    let error = expect("empty batches", cursor.advance().await, start);
    assert!(error.is_timeout(), "{error:?}");
    assert!(!cursor.advance().await.unwrap(), "it has ended");
}

/// Limits of zero, below zero and beyond everything: inserts end, and nothing is allocated for them.
async fn limits_that_make_no_sense<R: Runtime>(runtime: R) {
    for (size, message, batch) in [(0, 0, 0), (-1, -1, -1), (i32::MAX, i32::MAX, i32::MAX), (100, 100, 1)] {
        let mut reply = hello();
        reply.extend(doc! { "maxBsonObjectSize": size, "maxMessageSizeBytes": message, "maxWriteBatchSize": batch });
        let uri = server(move |_, mut peer| peer.behave(&reply));
        let client = client(runtime.clone(), &uri);
        let things = client.database("d").collection::<Document>("c");
        let documents = (0..3).map(|i| doc! { "_id": i });
        let start = Instant::now();
        let inserted = things.insert_many(documents).timeout(Duration::from_secs(2)).await;
        println!("limits {size} {message} {batch}: {inserted:?}");
        assert!(start.elapsed() < LATE && !inserted.is_err_and(|error| error.is_timeout()), "{size} {message} {batch}");
    }
}

async fn one_byte_at_a_time<R: Runtime>(runtime: R) {
    let uri = server(|_, mut peer| {
        peer.stream.set_nodelay(true).unwrap();
        while let Some((id, request)) = peer.request() {
            let body = match request.get("find") {
                Some(_) => found(request.get_document("filter").unwrap()),
                None => hello(),
            };
            for byte in message(id, &body.to_vec().unwrap()) {
                peer.send(&[byte]);
            }
        }
    });
    let client = client(runtime, &uri);
    for id in 0..3 {
        assert_eq!(find(&client, id).await.unwrap(), Some(doc! { "_id": id }));
    }
}

/// The second dial of this client never ends; the client does.
async fn a_dial_does_not_keep_its_client<R: Runtime>(runtime: R) {
    let (told, heard) = std::sync::mpsc::channel();
    let uri = server(move |number, mut peer| {
        if number == 0 {
            peer.behave(&hello());
            told.send("gone").unwrap();
        } else {
            peer.request();
            told.send("dialled").unwrap();
            peer.be_silent();
        }
    });
    let client = client(runtime.clone(), &format!("{uri}?minPoolSize=2&connectTimeoutMS=600000"));
    // minPoolSize has the second dialled.
    assert_eq!(find(&client, 1).await.unwrap(), Some(doc! { "_id": 1 }));
    let start = Instant::now();
    let (mut seen, mut client) = (Vec::new(), Some(client));
    while seen.len() < 2 {
        assert!(start.elapsed() < LATE, "the idle connection is closed with the last handle: {seen:?}");
        match heard.try_recv() {
            Ok(event) => {
                seen.push(event);
                drop(client.take());
            }
            Err(_) => runtime.sleep_until(runtime.now() + Duration::from_millis(1)).await,
        }
    }
    assert_eq!(seen, ["dialled", "gone"]);
}
