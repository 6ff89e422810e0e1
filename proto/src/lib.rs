//! Every state machine of a MongoDB driver, without I/O.
//!
//! Nothing in this crate opens a socket, asks for the time, draws a random number, takes a lock, spawns or awaits. It
//! is `no_std` and needs only `alloc`. A host, which may be an executor, a thread, a simulation or an event loop of
//! your own, moves bytes and tells the time; everything that a driver has to know is here.
//!
//! | machine | does |
//! |---|---|
//! | [`uri`] | connection string to [`Config`] |
//! | [`Handshake`] | hello, authentication and negotiation on a fresh stream; becomes a [`Connection`] |
//! | [`Connection`] | one request in flight, its reply, compression, cancellation |
//! | [`operation`] | the commands, and [`Exec`](operation::Exec), which takes one from check-out to its result |
//! | [`Cursor`] | batches, `getMore`, `killCursors` |
//! | [`Monitor`] | one server's checks, polled or streamed; [`RttMonitor`] measures beside it |
//! | [`Pool`] | who gets which connection, and when one is to be dialled or closed |
//! | [`select`] | which server an operation goes to |
//! | [`session`] | sessions, transactions, and the loop around a whole transaction |
//! | [`retry`] | what is tried again, when and where |
//! | [`auth`] | SCRAM and the other mechanisms as exchanges of payloads |
//! | [`socks5`] | the way through a proxy |
//!
//! # The grammar of machines
//!
//! Every machine is spoken to in the same way:
//!
//! - `handle_*(now, input)` tells it what has happened: bytes came, bytes were written, the stream has ended;
//! - `poll_*()` takes out what it wants: bytes to write, keys to derive, connections to dial;
//! - `poll_timeout()` says until when it can wait, as an [`Instant`] of the host's own clock. A machine of the data
//!   plane (handshake, connection, operation) only reports its deadline: the host ends the wait and then
//!   [cancels](Connection::cancel) or drops the machine. A machine that has timers of its own is woken by
//!   `handle_timeout(now)`; waking it too early or too often is harmless.
//!
//! `now` need not be exact and may stand still.
//!
//! # The drain contract
//!
//! > **After any input, drain every `poll_*` until it has nothing more, then read `poll_timeout`.**
//!
//! An input may change what each `poll_*` says, and what `poll_timeout` says depends on all of them. Whoever waits
//! without having drained waits for something that the machine has not yet asked for. Between two inputs, asking again
//! is free and changes nothing.
//!
//! Three more invariants hold for all machines:
//!
//! - **The first fatal error sticks.** Whatever is called afterwards returns it again; later troubles do not hide it.
//! - **No input panics**, neither bytes of a server nor calls in an odd order; memory is bounded by the limits given.
//! - **Buffers belong to the caller.** Output is appended to a [`SendBuf`], input is taken from a
//!   [`Deframer`](stator_wire::Deframer), and a [`Reply`](connection::Reply) owns its frame, of which documents are
//!   slices.
//!
//! # A run loop
//!
//! The whole of a driver for one command: a handshake, then a `find`. The stream is anything with `read` and `write`;
//! here it is a server in memory, made of the same parts (it is hidden, but a click away, in the documentation's
//! source).
//!
//! ```
//! use std::io::{Read, Write};
//!
//! use stator_proto::auth::scram::Nonce;
//! use stator_proto::connection::{Compression, Reply};
//! use stator_proto::handshake::{ClientMetadata, HandshakeOptions};
//! use stator_proto::operation::{Exec, Find, Namespace, OperationError, Reached, Settings, Step};
//! use stator_proto::topology::TopologyKind;
//! use stator_proto::{Connection, Handshake, Instant, SendBuf};
//! use stator_wire::Deframer;
//! use stator_wire::bson::DocBuf;
//!
//! # struct Memory { input: Deframer, output: Vec<u8> }
//! # impl Read for Memory {
//! #     fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
//! #         let count = (&self.output[..]).read(buf)?;
//! #         self.output.drain(..count);
//! #         Ok(count)
//! #     }
//! # }
//! # impl Write for Memory {
//! #     fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
//! #         use stator_wire::op_msg::{Builder, Flags, OpMsg};
//! #         self.input.push(bytes);
//! #         while let Some(frame) = self.input.next_frame().map_err(std::io::Error::other)? {
//! #             let request = OpMsg::parse(&frame).map_err(std::io::Error::other)?;
//! #             let mut reply = Builder::new(&mut self.output, 1, request.header().request_id, Flags::NONE);
//! #             let mut body = reply.body();
//! #             if request.body().get("find").is_ok_and(|find| find.is_some()) {
//! #                 let mut cursor = body.document("cursor");
//! #                 cursor.i64("id", 0).str("ns", "shop.orders");
//! #                 let mut batch = cursor.array_of("firstBatch");
//! #                 batch.document().i32("_id", 1);
//! #                 batch.document().i32("_id", 2);
//! #             } else {
//! #                 body.bool("ismaster", true).i32("maxWireVersion", 17);
//! #             }
//! #             body.f64("ok", 1.0);
//! #             body.finish().map_err(std::io::Error::other)?;
//! #             reply.finish().map_err(std::io::Error::other)?;
//! #         }
//! #         Ok(bytes.len())
//! #     }
//! #     fn flush(&mut self) -> std::io::Result<()> { Ok(()) }
//! # }
//! # type Error = Box<dyn std::error::Error>;
//! # fn now() -> Instant { Instant::ORIGIN }
//! # #[derive(Debug)]
//! # struct Failed(String);
//! # impl From<OperationError> for Failed { fn from(error: OperationError) -> Self { Self(error.to_string()) } }
//! # impl From<stator_proto::connection::ConnectionError> for Failed {
//! #     fn from(error: stator_proto::connection::ConnectionError) -> Self { Self(error.to_string()) }
//! # }
//! # impl std::fmt::Display for Failed {
//! #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&self.0) }
//! # }
//! # impl std::error::Error for Failed {}
//! # impl stator_proto::retry::Failure for Failed {
//! #     fn class(&self) -> stator_proto::retry::FailureClass { stator_proto::retry::FailureClass::Other }
//! # }
//! /// Reads once; the end of the stream is for the machine to judge.
//! fn read(stream: &mut impl Read, input: &mut Deframer) -> std::io::Result<bool> {
//!     let count = stream.read(input.space())?;
//!     input.advance(count);
//!     Ok(count > 0)
//! }
//!
//! /// From a fresh stream to a connection.
//! fn shake_hands(
//!     stream: &mut (impl Read + Write),
//!     input: &mut Deframer,
//!     out: &mut SendBuf,
//! ) -> Result<Connection, Error> {
//!     let options = HandshakeOptions {
//!         metadata: ClientMetadata::default().to_doc(),
//!         login: None,
//!         compressors: Vec::new(),
//!         compression: Compression::none(),
//!         load_balanced: false,
//!         server_api: None,
//!         deadline: Instant::FAR_FUTURE,
//!     };
//!     let nonce = Nonce::from_random(&[7; 24]); // 24 unpredictable bytes in earnest
//!     let mut handshake = Handshake::new(options, nonce);
//!     while !handshake.is_done() {
//!         // Drain: keys that are wanted, then everything to be written.
//!         if let Some(challenge) = handshake.poll_keys() {
//!             let keys = challenge.derive_keys(); // or from a cache, or on another thread
//!             handshake.handle_keys(keys)?;
//!         }
//!         handshake.poll_transmit(now(), out);
//!         while !out.is_empty() {
//!             let count = stream.write(&out.slices().concat())?; // one vectored write in earnest
//!             handshake.handle_sent(now(), out, count);
//!         }
//!         // Then wait for input, until `handshake.poll_timeout()`.
//!         if !read(stream, input)? {
//!             return Err(handshake.handle_closed(now(), input).into());
//!         }
//!         handshake.handle_recv(now(), input)?;
//!     }
//!     let (connection, _keys) = handshake.finish().ok_or("the loop has ended, so it is done")?;
//!     Ok(connection)
//! }
//!
//! /// One exchange: the request is in `out`, the reply comes back.
//! fn exchange(
//!     connection: &mut Connection,
//!     stream: &mut (impl Read + Write),
//!     input: &mut Deframer,
//!     out: &mut SendBuf,
//! ) -> Result<Reply, Error> {
//!     while !out.is_empty() {
//!         let count = stream.write(&out.slices().concat())?;
//!         connection.handle_sent(now(), out, count);
//!     }
//!     loop {
//!         if let Some(reply) = connection.handle_recv(now(), input)? {
//!             return Ok(reply);
//!         }
//!         // Wait until `connection.poll_timeout()`; when that has passed, `connection.cancel(out)`.
//!         if !read(stream, input)? {
//!             return Err(connection.handle_closed(now(), input).into());
//!         }
//!     }
//! }
//!
//! # fn main() -> Result<(), Error> {
//! # let mut stream = Memory { input: Deframer::new(48_000_000), output: Vec::new() };
//! let (mut input, mut out) = (Deframer::new(48_000_000), SendBuf::new());
//! let mut connection = shake_hands(&mut stream, &mut input, &mut out)?;
//! assert_eq!(connection.hello().max_wire_version, 17);
//!
//! let find = Find::new(Namespace::new("shop", "orders"), DocBuf::default());
//! let mut exec = Exec::<_, Failed>::new(now(), find, Settings::default(), None);
//! loop {
//!     match exec.poll_step() {
//!         Step::CheckOut => exec.handle_checked_out(now(), Reached::new(TopologyKind::Single)), // from a pool, in earnest
//!         Step::Exchange => {
//!             exec.send(now(), &mut connection, &mut out);
//!             // Nothing to write means that it has failed; the next step is `Done`.
//!             if !out.is_empty() {
//!                 let reply = exchange(&mut connection, &mut stream, &mut input, &mut out)?;
//!                 exec.handle_reply(now(), reply);
//!             }
//!         }
//!         Step::Reauthenticate => return Err("nobody has logged in".into()), // `Handshake::reauthenticate`, in earnest
//!         // Retries were not asked for, nor was a timeout.
//!         Step::Sleep(until) => exec.handle_timeout(until),
//!         Step::Expired => return Err("out of time".into()),
//!         Step::Done => break,
//!     }
//! }
//! let mut reply = exec.finish().ok_or("the loop has ended, so it is done")??;
//! let mut ids = Vec::new();
//! while let Some(document) = reply.batch.next_doc() {
//!     ids.push(document?.get_i32("_id")?);
//! }
//! assert_eq!(ids, [Some(1), Some(2)]);
//! # Ok(())
//! # }
//! ```

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod address;
pub mod auth;
pub mod cluster;
pub mod concern;
pub mod connection;
pub mod cursor;
pub mod handshake;
pub mod hello;
pub mod monitor;
pub mod operation;
pub mod pool;
pub mod read_preference;
pub mod retry;
pub mod select;
pub mod session;
pub mod socks5;
pub mod time;
pub mod topology;
pub mod uri;

pub use address::ServerAddress;
pub use connection::{Connection, SendBuf};
pub use cursor::Cursor;
pub use handshake::Handshake;
pub use monitor::{Monitor, RttMonitor};
pub use pool::Pool;
pub use time::Instant;
pub use uri::Config;
