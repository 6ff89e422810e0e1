//! Why a check-out was refused, and why a connection was closed.

use core::fmt;

/// Why a check-out got no connection. `C` is the host's error: one cause is cloned to every waiter that it fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolError<C> {
    /// PoolClearedError: the pool is paused, or was cleared while the check-out waited. Retryable; does not touch
    /// SDAM's state.
    Cleared {
        /// What the pool was cleared for; `None` if it has not been ready yet.
        cause: Option<C>,
    },
    /// The connection that was dialled for this check-out could not be established.
    Dial {
        /// Why not.
        cause: C,
    },
    /// PoolClosedError: the pool is closed.
    Closed,
    /// WaitQueueTimeoutError: the check-out's deadline passed first.
    TimedOut,
    /// More check-outs wait than `waitQueueSize` allows.
    QueueFull,
    /// The caller gave up before its deadline. Seen in events only.
    Cancelled,
}

impl<C> PoolError<C> {
    /// The host's error behind this one.
    pub const fn cause(&self) -> Option<&C> {
        match self {
            Self::Cleared { cause } => cause.as_ref(),
            Self::Dial { cause } => Some(cause),
            Self::Closed | Self::TimedOut | Self::QueueFull | Self::Cancelled => None,
        }
    }

    /// The `reason` that CMAP's ConnectionCheckOutFailedEvent gives for this error.
    pub const fn reason(&self) -> CheckOutFailedReason {
        match self {
            Self::Closed => CheckOutFailedReason::PoolClosed,
            Self::TimedOut => CheckOutFailedReason::Timeout,
            // CMAP has three reasons only; the last two are none of them, and "timeout" would be untrue.
            Self::Cleared { .. } | Self::Dial { .. } | Self::QueueFull | Self::Cancelled => {
                CheckOutFailedReason::ConnectionError
            }
        }
    }
}

/// CMAP's wording where it has one, without the address: that is the host's to add.
impl<C: fmt::Display> fmt::Display for PoolError<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cleared { cause: Some(cause) } => {
                write!(f, "Connection pool was cleared because another operation failed with: {cause}")
            }
            Self::Cleared { cause: None } => {
                f.write_str("Connection pool is paused: its server is not known to answer")
            }
            Self::Dial { cause } => write!(f, "An error occurred while trying to establish a new connection: {cause}"),
            Self::Closed => f.write_str("Attempted to check out a connection from closed connection pool"),
            Self::TimedOut => f.write_str("Timed out while checking out a connection from connection pool"),
            Self::QueueFull => f.write_str("Too many operations are waiting for a connection (waitQueueSize)"),
            Self::Cancelled => f.write_str("The caller stopped waiting for a connection"),
        }
    }
}

/// The cause is part of the message, hence not a `source` too; see [`PoolError::cause`].
impl<C: fmt::Debug + fmt::Display> core::error::Error for PoolError<C> {}

/// The `reason` of a ConnectionCheckOutFailedEvent (CMAP).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CheckOutFailedReason {
    /// The pool was closed.
    PoolClosed,
    /// The check-out took longer than it may.
    Timeout,
    /// No connection could be established, or the pool was cleared.
    ConnectionError,
}

impl CheckOutFailedReason {
    /// CMAP's spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PoolClosed => "poolClosed",
            Self::Timeout => "timeout",
            Self::ConnectionError => "connectionError",
        }
    }
}

/// The `reason` of a ConnectionClosedEvent (CMAP).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The pool was cleared.
    Stale,
    /// It was idle for longer than `maxIdleTimeMS`.
    Idle,
    /// It met an error, or was left in the middle of a message.
    Error,
    /// The pool was closed.
    PoolClosed,
}

impl CloseReason {
    /// CMAP's spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Idle => "idle",
            Self::Error => "error",
            Self::PoolClosed => "poolClosed",
        }
    }
}

/// The pool did not create this connection, closed it, or has it in a state that the call does not fit (CMAP: "MUST
/// throw an Error"). Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongConnection;

impl fmt::Display for WrongConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is not this pool's, or not in the state that the call needs")
    }
}

impl core::error::Error for WrongConnection {}
