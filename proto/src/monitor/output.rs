//! What a monitor wants from its host, and what it tells.

use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use stator_wire::bson::DocBuf;

use crate::Instant;
use crate::connection::ConnectionError;
use crate::hello::HelloReply;
use crate::operation::OperationError;

/// What the host is to do next. It stays the same until the host has said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Connect (name lookup, TCP, TLS), then say `handle_connected` or `handle_failed`.
    Connect {
        /// When it must have succeeded.
        deadline: Instant,
    },
    /// Write what `poll_transmit` gives, if anything, and read; then say `handle_recv`, `handle_closed` or
    /// `handle_failed`.
    Exchange {
        /// When the reply must be there.
        deadline: Instant,
    },
    /// Nothing is to be done until then; `handle_timeout` ends the wait, and a request for a check may shorten it. The
    /// stream, if there is one, is kept.
    Wait {
        /// When the next check is due.
        until: Instant,
    },
    /// Drop the stream, or the attempt to connect, and both buffers; then say `handle_disconnected`.
    Close,
    /// Stopped: there is nothing left to do.
    Ended,
}

/// Why a check failed. `C` is the host's error type, cheap to clone.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CheckError<C> {
    /// What the host met: name lookup, connecting, TLS, reading or writing.
    Host(C),
    /// The server closed the connection or broke the wire protocol.
    Connection(ConnectionError),
    /// The server refused hello, or its reply cannot be read.
    Hello(OperationError),
    /// The deadline has passed, and the host had no error of its own for it.
    TimedOut,
    /// The check was cancelled or the monitor stopped. Only seen in events: nothing is known of the server.
    Cancelled,
}

impl<C: fmt::Display> fmt::Display for CheckError<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(error) => error.fmt(f),
            Self::Connection(error) => error.fmt(f),
            Self::Hello(error) => write!(f, "hello failed: {error}"),
            Self::TimedOut => f.write_str("the server did not answer in time"),
            Self::Cancelled => f.write_str("the check was cancelled"),
        }
    }
}

impl<C: fmt::Debug + fmt::Display> core::error::Error for CheckError<C> {}

/// Which kind of failure a check met: what becomes of the server's pool depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The network, or a peer that breaks the protocol.
    Network,
    /// A network timeout: connections in use are to be interrupted too.
    Timeout,
    /// The server answered, but with an error.
    Command,
}

/// What a check has found out, for the topology.
#[derive(Clone, Debug, PartialEq)]
pub enum Report<C> {
    /// The server answered.
    Seen {
        /// What it says of itself.
        hello: Arc<HelloReply>,
        /// How long it took; `None` if the server was allowed to wait.
        rtt: Option<Duration>,
    },
    /// The check failed: the server is unknown now, its round-trip times are void and its pool is to be cleared.
    Failed {
        /// Why.
        error: CheckError<C>,
        /// Which kind of failure it is.
        kind: FailureKind,
    },
}

/// The events of a server's checks (specification *SDAM Logging and Monitoring*). Every start has one end.
#[derive(Clone, Debug, PartialEq)]
pub enum HeartbeatEvent<C> {
    /// `ServerHeartbeatStartedEvent`: a check begins, with connecting if there is no connection.
    Started {
        /// Whether the server may wait with its reply.
        awaited: bool,
        /// `serverConnectionId`, once it is known.
        server_connection_id: Option<i64>,
    },
    /// `ServerHeartbeatSucceededEvent`.
    Succeeded {
        /// As in the start.
        awaited: bool,
        /// From sending to the reply, or from the reply before in a stream of them.
        duration: Duration,
        /// The whole reply.
        reply: DocBuf,
        /// `serverConnectionId`, if the server told it.
        server_connection_id: Option<i64>,
    },
    /// `ServerHeartbeatFailedEvent`.
    Failed {
        /// As in the start.
        awaited: bool,
        /// From sending, or from connecting if nothing was sent.
        duration: Duration,
        /// Why.
        error: CheckError<C>,
        /// `serverConnectionId`, if it was known.
        server_connection_id: Option<i64>,
    },
}

/// What a monitor tells, in the order in which it happened: the event of a check's end, the report, the event of the
/// next check's start.
#[derive(Clone, Debug, PartialEq)]
pub enum Output<C> {
    /// For the topology.
    Report(Report<C>),
    /// For listeners; only if [`MonitorOptions::events`](super::MonitorOptions::events) is set.
    Event(HeartbeatEvent<C>),
}
