//! A server of a few lines on plain threads, which can do as it likes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bson::{Document, doc};
use stator_client::{Client, ClientOptions, Runtime};
use stator_wire::op_msg::{Builder, Flags};
use stator_wire::{Deframer, OpMsg};

/// The server's end of one connection.
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    pub(crate) input: Deframer,
}

impl Peer {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, input: Deframer::new(100_000_000) }
    }

    /// The next request: its id and its body; `None` when the client has gone.
    pub(crate) fn request(&mut self) -> Option<(i32, Document)> {
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
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    pub(crate) fn reply(&mut self, to: i32, body: &Document) {
        self.send(&message(to, &body.to_vec().unwrap()));
    }

    /// Waits until the client goes.
    pub(crate) fn be_silent(&mut self) {
        while !matches!(self.stream.read(&mut [0; 4096]), Ok(0) | Err(_)) {}
    }

    /// As a server does: `hello`, `find` (which finds its own filter) and the like.
    pub(crate) fn behave(&mut self, hello: &Document) {
        while let Some((id, request)) = self.request() {
            self.answer(id, &request, hello);
        }
    }

    pub(crate) fn answer(&mut self, id: i32, request: &Document, hello: &Document) {
        let body = match request.keys().next().map(String::as_str) {
            Some("hello" | "isMaster" | "ismaster") => hello.clone(),
            Some("find") => found(request.get_document("filter").unwrap()),
            _ => doc! { "ok": 1, "n": 0 },
        };
        self.reply(id, &body);
    }
}

pub(crate) fn found(document: &Document) -> Document {
    doc! { "cursor": { "id": 0_i64, "ns": "d.c", "firstBatch": [document.clone()] }, "ok": 1 }
}

/// An OP_MSG around the bytes of a body, whatever they are.
pub(crate) fn message(to: i32, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Builder::new(&mut out, 1, to, Flags::NONE).finish().unwrap();
    out.push(0);
    out.extend_from_slice(body);
    set_length(&mut out, None);
    out
}

pub(crate) fn set_length(message: &mut [u8], length: Option<i32>) {
    let length = length.unwrap_or(message.len() as i32);
    message[..4].copy_from_slice(&length.to_le_bytes());
}

pub(crate) fn hello() -> Document {
    doc! {
        "ok": 1, "isWritablePrimary": true, "helloOk": true, "minWireVersion": 0, "maxWireVersion": 17,
        "maxBsonObjectSize": 16_777_216, "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000,
    }
}

/// A server that behaves towards the client's monitor, which connects first. The other connections, counted from 0, are served
/// by `script`. Its URI.
pub(crate) fn server(script: impl Fn(usize, Peer) + Send + Sync + 'static) -> String {
    bare_server(move |number, mut peer| match number.checked_sub(1) {
        Some(number) => script(number, peer),
        None => peer.behave(&hello()),
    })
}

/// A server whose connections, counted from 0 and that of the monitor among them, are served by `script`. Its URI.
pub(crate) fn bare_server(script: impl Fn(usize, Peer) + Send + Sync + 'static) -> String {
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

pub(crate) fn client<R: Runtime>(runtime: R, uri: &str) -> Client<R> {
    let mut options = ClientOptions::parse(uri).unwrap();
    // The first error is what these tests are about.
    options.config.retry_reads = Some(false);
    Client::with_runtime(runtime, options).unwrap()
}

pub(crate) async fn find<R: Runtime>(client: &Client<R>, id: i32) -> stator_client::Result<Option<Document>> {
    client.database("d").collection("c").find_one(doc! { "_id": id }).await
}
