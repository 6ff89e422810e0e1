//! Why a handshake failed.

use core::fmt;

use super::{MAX_WIRE_VERSION, MIN_WIRE_VERSION};
use crate::auth::{AuthError, Mechanism};
use crate::connection::ConnectionError;
use crate::operation::{CommandError, OperationError};

/// Why a handshake failed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The stream or the wire protocol failed.
    Connection(ConnectionError),
    /// The server refused hello.
    Hello(OperationError),
    /// The server refused the credentials, or the conversation went wrong.
    Auth {
        /// The mechanism in use.
        mechanism: Mechanism,
        /// What went wrong.
        cause: AuthFailure,
    },
    /// The server is too old or too new.
    Incompatible {
        /// The server's `minWireVersion`.
        min: i32,
        /// The server's `maxWireVersion`.
        max: i32,
    },
    /// `loadBalanced=true`, but the server names no `serviceId`.
    NotLoadBalanced,
}

/// What went wrong in authentication.
#[derive(Clone, Debug, PartialEq)]
pub enum AuthFailure {
    /// The server's answer to a command: usually code 18, wrong user or password.
    Refused(CommandError),
    /// The conversation broke the mechanism's rules.
    Mechanism(AuthError),
    /// The reply lacks a field of the conversation.
    Reply(OperationError),
    /// The host could not fetch what was needed: credentials or a token.
    NeedFailed,
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(error) => error.fmt(f),
            Self::Hello(error) => write!(f, "hello failed: {error}"),
            Self::Auth { mechanism, cause } => {
                write!(f, "authentication with {} failed: ", mechanism.as_str())?;
                match cause {
                    AuthFailure::Refused(error) => error.fmt(f),
                    AuthFailure::Mechanism(error) => error.fmt(f),
                    AuthFailure::Reply(error) => error.fmt(f),
                    AuthFailure::NeedFailed => f.write_str("the credentials could not be fetched"),
                }
            }
            Self::Incompatible { min, max } => write!(
                f,
                "the server speaks wire versions {min} to {max}; this driver speaks {MIN_WIRE_VERSION} (MongoDB 4.2) to \
                 {MAX_WIRE_VERSION}"
            ),
            Self::NotLoadBalanced => f.write_str(
                "driver attempted to initialize in load balancing mode, but the server does not support this mode \
                 (loadBalanced=true, but it is not behind a load balancer)",
            ),
        }
    }
}

impl core::error::Error for HandshakeError {}

impl From<ConnectionError> for HandshakeError {
    fn from(error: ConnectionError) -> Self {
        Self::Connection(error)
    }
}
