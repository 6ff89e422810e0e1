//! The monitor of a server: when it is checked, and what the checks find (specification *Server Monitoring*).
//!
//! A [`Monitor`] is owned by one task of the host, which also owns the stream. The machine says what to do next
//! ([`Monitor::poll_step`]) and what there is to tell ([`Monitor::poll_output`]): reports for the topology, events for
//! listeners.
//!
//! ```text
//!          new, wait over                        reply, the server streams: the next exchange at once
//!               |                                            +-----+
//!               v         handle_connected                   v     |
//!            Connect ----------------------------------> Exchange -+
//!             ^ | |                                       ^  |   |
//!    wait over| | +------ cancelled, overdue ----+        |  |   | failed, cancelled
//!             | | failed                         |        |  |   |
//!             | v               reply, polled    |        |  |   |
//!             Wait <-------------------------------------------+ |
//!             ^ |   wait over, the stream is still there  |  |   |
//!             | +-----------------------------------------+      |
//!             |  handle_disconnected             v               |
//!             +------------------------------- Close <-----------+
//!                                                |
//!        Connect <--- failed on a known server --+--- handle_stop ---> Ended
//! ```
//!
//! - **The first message** on a connection is the handshake: legacy hello with `helloOk`, or `hello` under the Stable
//!   API, with the client's metadata and nothing of authentication. Its reply is the first check.
//! - **Streaming**: if the reply has a `topologyVersion` and the [mode](MonitorOptions::mode) allows it, hello is sent
//!   with `maxAwaitTimeMS` and `exhaustAllowed`, and every reply is a check. Meanwhile an [`RttMonitor`] measures round
//!   trips on another connection.
//! - **Polling** otherwise: a check every [`heartbeat_frequency`](MonitorOptions::heartbeat_frequency), on the same
//!   connection.
//! - **After a network error on a known server** the next check begins at once, but not twice within
//!   [`min_heartbeat`](MonitorOptions::min_heartbeat).
//!
//! A wait is cut short by [`Monitor::handle_check_request`]. Requests that come during a check are ignored, as the
//! specification demands: while operations wait for a server, the topology asks again after every failed check.
//!
//! # The loop of a host
//!
//! A host that blocks; one that does not lets `Wait` and `Exchange` be interrupted by whoever wants a check, cancels
//! or stops. The stream is a server in memory.
//!
//! ```
//! use std::io::{ErrorKind, Read, Write};
//! use std::time::Duration;
//!
//! use stator_proto::hello::ServerKind;
//! use stator_proto::monitor::{HeartbeatEvent, Monitor, MonitorOptions, Output, Report, Step};
//! use stator_proto::{Instant, SendBuf};
//! use stator_wire::Deframer;
//!
//! # struct Memory { input: Deframer, output: Vec<u8>, last: i32 }
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
//! #             let stream = request.flags().contains(Flags::EXHAUST_ALLOWED);
//! #             let mut answers = request.header().request_id;
//! #             for more in if stream { &[true, true][..] } else { &[false] } {
//! #                 self.last += 1;
//! #                 let flags = if *more { Flags::MORE_TO_COME } else { Flags::NONE };
//! #                 let mut reply = Builder::new(&mut self.output, self.last, answers, flags);
//! #                 answers = self.last;
//! #                 let mut body = reply.body();
//! #                 body.bool("isWritablePrimary", true).str("setName", "rs").bool("helloOk", true);
//! #                 let mut version = body.document("topologyVersion");
//! #                 version.object_id("processId", [7; 12]).i64("counter", self.last.into());
//! #                 drop(version);
//! #                 body.i32("maxWireVersion", 17).f64("ok", 1.0);
//! #                 body.finish().map_err(std::io::Error::other)?;
//! #                 reply.finish().map_err(std::io::Error::other)?;
//! #             }
//! #         }
//! #         Ok(bytes.len())
//! #     }
//! #     fn flush(&mut self) -> std::io::Result<()> { Ok(()) }
//! # }
//! # fn connect(_deadline: Instant) -> Result<Memory, ErrorKind> {
//! #     Ok(Memory { input: Deframer::new(48_000_000), output: Vec::new(), last: 0 })
//! # }
//! # fn now() -> Instant { Instant::ORIGIN }
//! # fn sleep_until(_until: Instant) {}
//! /// Writes what there is to write, then reads once. The deadline goes into the calls, as a socket's timeout.
//! fn exchange(
//!     monitor: &mut Monitor<ErrorKind>,
//!     stream: &mut (impl Read + Write),
//!     input: &mut Deframer,
//!     out: &mut SendBuf,
//! ) -> std::io::Result<()> {
//!     monitor.poll_transmit(now(), out);
//!     while !out.is_empty() {
//!         let count = stream.write(&out.slices().concat())?;
//!         monitor.handle_sent(now(), out, count);
//!     }
//!     let count = stream.read(input.space())?;
//!     input.advance(count);
//!     if count > 0 {
//!         monitor.handle_recv(now(), input);
//!     } else {
//!         monitor.handle_closed(now(), input);
//!     }
//!     Ok(())
//! }
//!
//! let options = MonitorOptions { events: true, ..MonitorOptions::default() };
//! let mut monitor = Monitor::new(now(), options);
//! let (mut stream, mut input, mut out) = (None, Deframer::new(48_000_000), SendBuf::new());
//! let (mut seen, mut heartbeats) = (Vec::new(), 0);
//! loop {
//!     while let Some(output) = monitor.poll_output() {
//!         match output {
//!             // In earnest this goes to the topology, and from there to the server's pool.
//!             Output::Report(Report::Seen { hello, rtt }) => seen.push((hello.kind, rtt.is_some())),
//!             Output::Report(Report::Failed { error, .. }) => panic!("{error}"),
//!             Output::Event(HeartbeatEvent::Started { .. }) => heartbeats += 1,
//!             Output::Event(_) => {}
//!         }
//!     }
//!     if seen.len() >= 3 {
//!         monitor.handle_stop(now());
//!     }
//!     match monitor.poll_step() {
//!         Step::Connect { deadline } => match connect(deadline) {
//!             Ok(connected) => {
//!                 stream = Some(connected);
//!                 monitor.handle_connected(now());
//!             }
//!             Err(error) => monitor.handle_failed(now(), error, error == ErrorKind::TimedOut),
//!         },
//!         Step::Exchange { deadline: _ } => {
//!             let stream = stream.as_mut().expect("an exchange comes after a connect");
//!             if let Err(error) = exchange(&mut monitor, stream, &mut input, &mut out) {
//!                 monitor.handle_failed(now(), error.kind(), error.kind() == ErrorKind::TimedOut);
//!             }
//!         }
//!         Step::Wait { until } => {
//!             sleep_until(until);
//!             monitor.handle_timeout(now());
//!         }
//!         Step::Close => {
//!             (stream, input, out) = (None, Deframer::new(48_000_000), SendBuf::new());
//!             monitor.handle_disconnected(now());
//!         }
//!         Step::Ended => break,
//!     }
//! }
//! // The handshake, then two replies that the server has streamed: their time is no round trip.
//! let primary = ServerKind::RsPrimary;
//! assert_eq!(seen, [(primary, true), (primary, false), (primary, false)]);
//! assert_eq!(heartbeats, 4, "the last one was stopped");
//! ```

mod call;
mod machine;
mod options;
mod output;
mod rtt;

#[cfg(test)]
mod tests;

pub use machine::Monitor;
pub use options::MonitorOptions;
pub use output::{CheckError, FailureKind, HeartbeatEvent, Output, Report, Step};
pub use rtt::RttMonitor;
