//! The monitor of one server (specification *Server Monitoring*), and its companion that measures round trips.
//!
//! A [`Monitor`] is owned by one task of the host, which owns the stream too; the control plane
//! ([`Cluster`](crate::cluster::Cluster)) gives it orders and hears its reports.
//!
//! ```text
//!              connected         answered, no streaming             timer, or an order to check
//!  Connecting ───────────▶ Exchanging ─────────────────▶ Waiting ──────────────────────────────┐
//!     ▲   ▲                 │  ▲  │ ▲                      ▲  ▲                               │
//!     │   │                 │  │  │ └─ answered, streaming  │  └── Closing ◀── cancelled        │
//!     │   │                 │  └──┼──────────────────────── ┼─────────────────────────────────┘
//!     │   └─ known before ──┤     │ failed                  │
//!     │                     └─────▼─────── unknown before ──┘
//!     └───────────────────── Closing
//! ```
//!
//! The loop of a host: [`Monitor::poll_step`] says what to do; after each input, and before waiting, take out
//! [`Monitor::poll_report`] and [`Monitor::poll_event`] to the last one.
//!
//! ```
//! # use core::time::Duration;
//! # use stator_proto::monitor::{Monitor, MonitorOptions, Report, Step};
//! # use stator_proto::{Instant, SendBuf};
//! # use stator_wire::{Deframer, Header};
//! # use stator_wire::op_msg::{Builder, Flags};
//! # let (mut now, mut input, mut out) = (Instant::ORIGIN, Deframer::new(48_000_000), SendBuf::new());
//! # let mut reports = 0;
//! let mut monitor = Monitor::<String>::new(now, MonitorOptions::default());
//! while reports < 2 {
//!     while let Some(Report::Seen { hello, .. }) = monitor.poll_report() {
//!         assert_eq!(hello.max_wire_version, 17);
//!         reports += 1;
//!     }
//!     match monitor.poll_step() {
//!         Step::Connect { .. } => monitor.handle_connected(now), // the host has connected, and secured the stream
//!         Step::Exchange { .. } => {
//!             if monitor.poll_transmit(now, &mut out) {
//!                 let request = out.slices().concat(); // written to the stream
//!                 monitor.handle_sent(now, &mut out, request.len());
//! #               let id = Header::parse(&request).unwrap().request_id;
//! #               let mut reply = Vec::new();
//! #               let mut message = Builder::new(&mut reply, 1, id, Flags::NONE);
//! #               let mut body = message.body();
//! #               body.bool("ismaster", true).i32("maxWireVersion", 17).f64("ok", 1.0);
//! #               body.finish().unwrap();
//! #               message.finish().unwrap();
//! #               input.push(&reply);
//!             }
//!             monitor.handle_recv(now, &mut input); // after reading, until the deadline of the step
//!         }
//!         Step::Wait { until } => {
//!             now = until; // or sooner, with `handle_check_request`
//!             monitor.handle_timeout(now);
//!         }
//!         Step::Close => monitor.handle_disconnected(now), // the stream is dropped
//!         Step::Ended => break,
//!     }
//! }
//! ```

use core::fmt;
use core::time::Duration;

use alloc::vec::Vec;
use stator_wire::bson::DocBuf;

use crate::Instant;
use crate::connection::ConnectionError;
use crate::hello::HelloReply;
use crate::operation::OperationError;
use crate::topology::CheckFailure;
use crate::uri::{ServerApi, ServerMonitoringMode};

mod hello;
mod machine;
mod rtt;

#[cfg(test)]
mod tests;

pub use machine::Monitor;
pub use rtt::RttMonitor;

/// What a monitor is told when it is made.
#[derive(Clone, Debug)]
pub struct MonitorOptions {
    /// `heartbeatFrequencyMS`: the pause between two checks, and how long a streaming server may be silent. Default 10 s; less
    /// than `min_heartbeat` counts as that between checks.
    pub heartbeat_frequency: Duration,
    /// `minHeartbeatFrequencyMS`: the least time from the end of a check to the next that was ordered. Default 500 ms.
    pub min_heartbeat: Duration,
    /// `connectTimeoutMS`: how long connecting and an answer may take; `None` and zero are no limit. Default 10 s.
    pub connect_timeout: Option<Duration>,
    /// `serverMonitoringMode`. Default `auto`.
    pub mode: ServerMonitoringMode,
    /// Whether this runs as a function of a cloud provider, where `auto` does not stream.
    pub faas: bool,
    /// The `client` document of the first hello.
    pub metadata: DocBuf,
    /// The names of the compressors wanted; the monitor itself never compresses.
    pub compressors: Vec<&'static str>,
    /// The Stable API version to declare.
    pub server_api: Option<ServerApi>,
    /// Whether heartbeats are told.
    pub events: bool,
}

impl Default for MonitorOptions {
    fn default() -> Self {
        Self {
            heartbeat_frequency: Duration::from_secs(10),
            min_heartbeat: Duration::from_millis(500),
            connect_timeout: Some(Duration::from_secs(10)),
            mode: ServerMonitoringMode::default(),
            faas: false,
            metadata: DocBuf::default(),
            compressors: Vec::new(),
            server_api: None,
            events: false,
        }
    }
}

impl MonitorOptions {
    /// Whether a server that can is to stream its answers.
    pub(crate) const fn streams(&self) -> bool {
        match self.mode {
            ServerMonitoringMode::Auto => !self.faas,
            ServerMonitoringMode::Stream => true,
            ServerMonitoringMode::Poll => false,
        }
    }
}

/// What the host is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Connect, TLS included, until then; then `handle_connected` or `handle_failed`.
    Connect {
        /// When it must be done.
        deadline: Instant,
    },
    /// Write what `poll_transmit` gives, and read until then; then `handle_recv`, `handle_closed` or `handle_failed`.
    Exchange {
        /// When something must have come.
        deadline: Instant,
    },
    /// Wait until then, or until an order comes; then `handle_timeout`.
    Wait {
        /// When to go on.
        until: Instant,
    },
    /// Close the stream; then `handle_disconnected`.
    Close,
    /// Nothing any more.
    Ended,
}

/// What a check has shown.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "it is moved once, and nearly always the larger one")]
pub enum Report<C> {
    /// The server has answered.
    Seen {
        /// What it says.
        hello: HelloReply,
        /// How long the answer took; `None` if the server was to wait before it.
        rtt: Option<Duration>,
    },
    /// The check has failed.
    Failed {
        /// Why.
        error: CheckError<C>,
        /// How, as SDAM wants to know it.
        failure: CheckFailure,
    },
}

/// Why a check has failed.
#[derive(Clone, Debug, PartialEq)]
pub enum CheckError<C> {
    /// The stream failed, or could not be had.
    Host(C),
    /// The server broke the wire protocol, or closed the connection.
    Connection(ConnectionError),
    /// The server refused hello, or its answer cannot be read.
    Hello(OperationError),
    /// The check was given up: by order, or with the monitor. Only events tell of it.
    Cancelled,
}

impl<C: fmt::Display> fmt::Display for CheckError<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(error) => error.fmt(f),
            Self::Connection(error) => error.fmt(f),
            Self::Hello(error) => write!(f, "hello failed: {error}"),
            Self::Cancelled => f.write_str("the check was cancelled"),
        }
    }
}

impl<C: fmt::Debug + fmt::Display> core::error::Error for CheckError<C> {}

/// A heartbeat's events (SDAM Logging and Monitoring): every start has one end, in turn. The address is the host's to add.
#[derive(Clone, Debug)]
pub enum HeartbeatEvent<C> {
    /// ServerHeartbeatStartedEvent.
    Started {
        /// Whether the server may wait for news before it answers.
        awaited: bool,
    },
    /// ServerHeartbeatSucceededEvent.
    Succeeded {
        /// Whether the server could wait for news before it answered.
        awaited: bool,
        /// How long the answer took.
        duration: Duration,
        /// The answer.
        reply: DocBuf,
    },
    /// ServerHeartbeatFailedEvent.
    Failed {
        /// Whether the server could wait for news before it answered.
        awaited: bool,
        /// How long it took to fail.
        duration: Duration,
        /// Why.
        error: CheckError<C>,
    },
}
