//! Why a connection ended.

use core::fmt;

use stator_wire::WireError;
use stator_wire::bson::BsonError;

/// Why a connection cannot be used any further. The first one sticks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The server's bytes break the wire protocol.
    Wire(WireError),
    /// A reply came that answers another request.
    WrongReply {
        /// The request in flight.
        expected: i32,
        /// The request that the reply names.
        found: i32,
    },
    /// Bytes came although nothing was asked.
    Unsolicited,
    /// A reply announced another one, although the request allowed only one.
    MoreThanAsked,
    /// A message of another kind than OP_MSG came.
    NotOpMsg(i32),
    /// The server closed the connection; `mid_reply` if in the middle of a reply.
    Closed {
        /// Whether part of a reply had come.
        mid_reply: bool,
    },
    /// A request was cancelled when part of it had been written.
    CancelledMidWrite,
    /// A second request while one is in flight: a mistake of the caller.
    Busy,
    /// The command cannot be written: a key contains NUL, or it is too long.
    Encode(BsonError),
    /// The command is longer than the server accepts.
    TooLong {
        /// The command's length in bytes.
        length: usize,
        /// The server's `maxMessageSizeBytes`.
        limit: usize,
    },
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wire(error) => write!(f, "the server broke the wire protocol: {error}"),
            Self::WrongReply { expected, found } => {
                write!(f, "the server answered request {found} where {expected} was in flight")
            }
            Self::Unsolicited => f.write_str("the server sent bytes although nothing was asked"),
            Self::MoreThanAsked => f.write_str("the server announced more replies than the one that was asked for"),
            Self::NotOpMsg(code) => write!(f, "the server answered with opcode {code} instead of OP_MSG"),
            Self::Closed { mid_reply: true } => {
                f.write_str("the server closed the connection in the middle of a reply")
            }
            Self::Closed { mid_reply: false } => f.write_str("the server closed the connection"),
            Self::CancelledMidWrite => f.write_str("the request was cancelled when part of it had been written"),
            Self::Busy => f.write_str("a request is already in flight on this connection"),
            Self::Encode(error) => write!(f, "the command cannot be encoded: {error}"),
            Self::TooLong { length, limit } => {
                write!(f, "the command has {length} bytes, the server accepts {limit}")
            }
        }
    }
}

impl core::error::Error for ConnectionError {}

impl From<WireError> for ConnectionError {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}
