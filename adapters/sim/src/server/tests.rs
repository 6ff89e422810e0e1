use std::io::ErrorKind;

use bson::{Bson, doc};
use stator_client::Runtime;
use stator_proto::Instant;
use stator_wire::op_msg::{Builder, Flags};
use stator_wire::{Deframer, OpCode, OpMsg};

use super::*;
use crate::net::SimStream;

const MS: Duration = Duration::from_millis(1);

fn at() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 27017))
}

/// A client of a few lines.
struct Client {
    stream: SimStream,
    deframer: Deframer,
    next_id: i32,
}

#[derive(Debug)]
struct Got {
    response_to: i32,
    request_id: i32,
    more: bool,
    body: Document,
}

impl Client {
    async fn dial(sim: &Sim) -> Self {
        let stream = sim.connect(&Endpoint::Tcp(at()), Instant::FAR_FUTURE).await.unwrap();
        Self { stream, deframer: Deframer::new(48_000_000), next_id: 100 }
    }

    async fn send(&mut self, flags: Flags, body: Document, sequence: Option<(&str, Vec<Document>)>) -> i32 {
        self.next_id += 1;
        let mut out = Vec::new();
        let mut message = Builder::new(&mut out, self.next_id, 0, flags);
        message.body_doc(stator_wire::bson::Doc::new(&body.to_vec().unwrap()).unwrap());
        if let Some((name, documents)) = sequence {
            let documents: Vec<_> = documents.iter().map(|document| document.to_vec().unwrap()).collect();
            let views = documents.iter().map(|bytes| stator_wire::bson::Doc::new(bytes).unwrap());
            message.sequence(name, views).unwrap();
        }
        message.finish().unwrap();
        self.stream.send_all(&out).await.unwrap();
        self.next_id
    }

    /// `None` when the server has closed.
    async fn frame(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(frame) = self.deframer.next_frame().unwrap() {
                return Some(frame.to_vec());
            }
            match self.stream.recv(self.deframer.space()).await.unwrap() {
                0 => return None,
                count => self.deframer.advance(count),
            }
        }
    }

    async fn reply(&mut self) -> Option<Got> {
        let frame = self.frame().await?;
        let message = OpMsg::parse(&frame).unwrap();
        Some(Got {
            response_to: message.header().response_to,
            request_id: message.header().request_id,
            more: message.flags().contains(Flags::MORE_TO_COME),
            body: Document::from_reader(message.body().as_bytes()).unwrap(),
        })
    }

    async fn run(&mut self, body: Document) -> Document {
        let id = self.send(Flags::NONE, body, None).await;
        let got = self.reply().await.unwrap();
        assert_eq!((got.response_to, got.more), (id, false));
        got.body
    }
}

/// Runs `test` in both modes against a fresh server.
fn served(test: impl AsyncFn(&Sim, &FakeServer, Client)) {
    for sim in [Sim::new(1), Sim::blocking(1)] {
        let server = FakeServer::start(&sim, at());
        sim.run(async { test(&sim, &server, Client::dial(&sim).await).await }).unwrap();
        sim.run(sim.sleep(Duration::from_secs(60))).unwrap();
        assert_eq!((sim.streams_open(), server.connections()), (0, 0));
        assert_eq!(server.connections_accepted(), sim.connections_made());
    }
}

#[test]
fn commands_are_served_and_recorded() {
    served(async |sim, server, mut client| {
        assert_eq!(client.run(doc! { "hello": 1, "$db": "admin" }).await.get_i64("connectionId").unwrap(), 1);
        let documents: Vec<_> = (0..300).map(|n| doc! { "_id": n }).collect();
        let insert = doc! { "insert": "c", "$db": "db" };
        client.send(Flags::NONE, insert, Some(("documents", documents))).await;
        assert_eq!(client.reply().await.unwrap().body.get_i32("n").unwrap(), 300);
        let found = client.run(doc! { "find": "c", "$db": "db" }).await;
        assert_eq!(found.get_document("cursor").unwrap().get_array("firstBatch").unwrap().len(), 101);
        assert_eq!((server.open_cursors(), server.connections(), sim.streams_open()), (1, 1, 1));
        assert_eq!(server.command_names(), ["insert", "find"]);
        let commands = server.commands();
        assert_eq!((commands.len(), commands[1].documents("documents").len()), (3, 300));
        assert_eq!((commands[2].database(), commands[2].connection), ("db", client.stream.id()));
        server.engine(Engine::expire_cursors);
        assert_eq!(server.open_cursors(), 0);
    });
}

#[test]
fn no_reply_is_sent_to_those_who_want_none() {
    served(async |_, server, mut client| {
        let insert = doc! { "insert": "c", "documents": [{ "_id": 1 }], "$db": "db" };
        client.send(Flags::MORE_TO_COME, insert, None).await;
        assert_eq!(client.run(doc! { "count": "c", "$db": "db" }).await.get_i32("n").unwrap(), 1);
        assert!(server.commands()[0].more_to_come);
    });
}

#[test]
fn an_exhaust_cursor_streams_its_batches() {
    served(async |_, server, mut client| {
        server.engine(|engine| {
            let documents: Vec<Bson> = (0..5).map(|n| doc! { "_id": n }.into()).collect();
            let insert = Request::new(doc! { "insert": "c", "documents": documents, "$db": "db" });
            engine.command(Instant::ORIGIN, &mut engine::Peer::new(0), &insert);
        });
        let found = client.run(doc! { "find": "c", "batchSize": 1, "$db": "db" }).await;
        let cursor = found.get_document("cursor").unwrap().get_i64("id").unwrap();
        let get_more = doc! { "getMore": cursor, "collection": "c", "batchSize": 2, "$db": "db" };
        let id = client.send(Flags::EXHAUST_ALLOWED, get_more, None).await;
        let first = client.reply().await.unwrap();
        let second = client.reply().await.unwrap();
        let last = client.reply().await.unwrap();
        assert_eq!((first.response_to, first.more), (id, true));
        assert_eq!((second.response_to, second.more), (first.request_id, true));
        assert_eq!((last.response_to, last.more), (second.request_id, false));
        assert_eq!(last.body.get_document("cursor").unwrap().get_i64("id").unwrap(), 0);
        assert_eq!(server.command_names(), ["find", "getMore"]);
    });
}

#[test]
fn awaited_hellos_wait_for_a_change_or_their_time() {
    served(async |sim, server, mut client| {
        let hello = client.run(doc! { "hello": 1, "$db": "admin" }).await;
        let version = hello.get_document("topologyVersion").unwrap().clone();
        let awaited = doc! { "hello": 1, "topologyVersion": version, "maxAwaitTimeMS": 10_000, "$db": "admin" };
        let start = sim.now();
        client.run(awaited.clone()).await;
        let waited = sim.now() - start;
        assert!(waited >= 10_000 * MS && waited < 10_010 * MS, "{waited:?}");

        let (changer, waiter) = (server.clone(), sim.clone());
        sim.spawn("changer", async move {
            waiter.sleep(50 * MS).await;
            changer.engine(|engine| engine.set_config(Config { max_wire_version: 9, ..Config::default() }));
        })
        .unwrap();
        let start = sim.now();
        client.send(Flags::EXHAUST_ALLOWED, awaited, None).await;
        let got = client.reply().await.unwrap();
        assert!(got.more && sim.now() - start < 60 * MS);
        assert_eq!(got.body.get_i32("maxWireVersion").unwrap(), 9);
        let start = sim.now();
        assert!(client.reply().await.unwrap().more);
        assert!(sim.now() - start >= 9_990 * MS, "the stream goes on with the new version");
    });
}

#[test]
fn scripts_say_odd_things() {
    served(async |sim, server, mut client| {
        let ping = doc! { "ping": 1, "$db": "admin" };
        server.script(|_| Reply::Doc(doc! { "ok": 0.0, "code": 11600 }));
        assert_eq!(client.run(ping.clone()).await.get_i32("code").unwrap(), 11600);
        server.script(|_| Reply::After(30 * MS, Box::new(Reply::Engine)));
        let start = sim.now();
        assert_eq!(client.run(ping.clone()).await, doc! { "ok": 1.0 });
        assert!(sim.now() - start >= 30 * MS);
        server.script(|request| Reply::Bytes(reply_frame(1, request.request_id + 1, false, &doc! { "odd": 1 })));
        client.send(Flags::NONE, ping.clone(), None).await;
        let got = client.reply().await.unwrap();
        assert_eq!((got.response_to, got.body), (client.next_id + 1, doc! { "odd": 1 }));
        server.script(|_| Reply::Nothing);
        client.send(Flags::NONE, ping.clone(), None).await;
        sim.sleep(MS * 100).await;
        assert_eq!(stator_client::runtime::Stream::try_recv(&mut client.stream, &mut [0; 9]).unwrap(), None);
        let asker = server.clone();
        server.script(move |_| {
            assert!(!asker.commands().is_empty(), "a script may ask the server");
            Reply::Close
        });
        client.send(Flags::NONE, ping.clone(), None).await;
        assert!(client.reply().await.is_none());
        for close in [true, false] {
            server.script(move |_| Reply::Half { close });
            let mut client = Client::dial(sim).await;
            client.send(Flags::NONE, ping.clone(), None).await;
            let mut half = [0; 100];
            let count = client.stream.recv(&mut half).await.unwrap();
            let claimed = i32::from_le_bytes(half[..4].try_into().unwrap());
            assert_eq!(count, usize::try_from(claimed).unwrap() / 2);
            if close {
                assert_eq!(client.stream.recv(&mut half).await.unwrap(), 0);
            } else {
                let soon = sim.now() + 500 * MS;
                let silence = core::future::poll_fn(|cx| {
                    stator_client::runtime::Stream::poll_recv(&mut client.stream, cx, &mut half, soon)
                });
                assert_eq!(silence.await.unwrap_err().kind(), ErrorKind::TimedOut);
            }
        }
        server.script(|_| Reply::RunAndClose);
        let mut client = Client::dial(sim).await;
        client.send(Flags::NONE, doc! { "insert": "c", "documents": [{ "_id": 1 }], "$db": "db" }, None).await;
        assert!(client.reply().await.is_none());
        assert_eq!(server.engine(|engine| engine.documents("db", "c").len()), 1);
        server.clear_script();
        assert_eq!(Client::dial(sim).await.run(ping).await, doc! { "ok": 1.0 });
    });
}

#[test]
fn delays_and_fail_points_apply() {
    served(async |sim, server, mut client| {
        server.set_delay("ping", 20 * MS);
        let start = sim.now();
        client.run(doc! { "ping": 1, "$db": "admin" }).await;
        assert!(sim.now() - start >= 20 * MS);
        let data = doc! { "failCommands": ["find"], "errorCode": 189, "blockConnection": true, "blockTimeMS": 50 };
        let mode = doc! { "times": 1 };
        client
            .run(doc! { "configureFailPoint": "failCommand", "mode": mode.clone(), "data": data, "$db": "admin" })
            .await;
        let start = sim.now();
        let reply = client.run(doc! { "find": "c", "$db": "db" }).await;
        assert_eq!(reply.get_str("codeName").unwrap(), "PrimarySteppedDown");
        assert!(sim.now() - start >= 50 * MS);
        let data = doc! { "failCommands": ["insert"], "writeConcernError": { "code": 64, "errmsg": "waiting" } };
        client
            .run(doc! { "configureFailPoint": "failCommand", "mode": mode.clone(), "data": data, "$db": "admin" })
            .await;
        let reply = client.run(doc! { "insert": "c", "documents": [{ "_id": 1 }], "$db": "db" }).await;
        assert_eq!(reply.get_i32("n").unwrap(), 1);
        assert_eq!(reply.get_document("writeConcernError").unwrap().get_i32("code").unwrap(), 64);
        let data = doc! { "failCommands": ["find"], "closeConnection": true };
        client.run(doc! { "configureFailPoint": "failCommand", "mode": mode, "data": data, "$db": "admin" }).await;
        client.send(Flags::NONE, doc! { "find": "c", "$db": "db" }, None).await;
        assert!(client.reply().await.is_none());
    });
}

#[test]
fn old_handshakes_are_answered_and_nonsense_closes() {
    served(async |sim, server, mut client| {
        let query = doc! { "isMaster": 1, "helloOk": true }.to_vec().unwrap();
        let mut frame = Vec::new();
        let length = 16 + 4 + 11 + 8 + query.len();
        for number in [i32::try_from(length).unwrap(), 7, 0, OpCode::Query.to_i32(), 0] {
            frame.extend_from_slice(&number.to_le_bytes());
        }
        frame.extend_from_slice(b"admin.$cmd\0");
        for number in [0_i32, -1] {
            frame.extend_from_slice(&number.to_le_bytes());
        }
        frame.extend_from_slice(&query);
        client.stream.send_all(&frame).await.unwrap();
        let reply = client.frame().await.unwrap();
        let header = stator_wire::Header::parse(&reply).unwrap();
        assert_eq!((header.op_code, header.response_to), (OpCode::Reply, 7));
        assert!(Document::from_reader(&reply[36..]).unwrap().get_bool("ismaster").unwrap());
        assert_eq!(server.commands()[0].database(), "admin");
        // A body nested deeper than any server takes: the connection ends, nothing overflows.
        let mut nested = doc! {}.to_vec().unwrap();
        for _ in 0..20_000 {
            let length = i32::try_from(nested.len() + 8).unwrap();
            nested = [&length.to_le_bytes()[..], b"\x03a\0", &nested, &[0]].concat();
        }
        let mut deep = Client::dial(sim).await;
        let mut out = Vec::new();
        let mut message = Builder::new(&mut out, 1, 0, Flags::NONE);
        message.body_doc(stator_wire::bson::Doc::new(&nested).unwrap());
        message.finish().unwrap();
        deep.stream.send_all(&out).await.unwrap();
        assert!(deep.frame().await.is_none());

        client.stream.send_all(&[0xff; 64]).await.unwrap();
        assert!(client.frame().await.is_none());
        // A message longer than the limit.
        let mut client = Client::dial(sim).await;
        client.stream.send_all(&[0, 0, 0, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0, 0xdd, 7, 0, 0]).await.unwrap();
        assert!(client.frame().await.is_none());
    });
}
