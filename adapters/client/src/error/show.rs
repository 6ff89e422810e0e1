//! How errors are compared and shown.

use core::fmt;
use std::sync::Arc;

use stator_proto::connection::ConnectionError;
use stator_proto::handshake::HandshakeError;
use stator_proto::pool::PoolError;

use super::{Error, ErrorKind, Phase};

/// Two errors are equal if they say the same; so repeated failures of one server are told once.
impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.phase == other.0.phase
                && self.0.server == other.0.server
                && self.to_string() == other.to_string())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("phase", &self.0.phase);
        if let Some(server) = &self.0.server {
            out.field("server", &format_args!("{server}"));
        }
        out.field("kind", &*self.0.kind).finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0.kind {
            ErrorKind::Uri(error) => error.fmt(f)?,
            ErrorKind::InvalidArgument(reason) => write!(f, "invalid argument: {reason}")?,
            ErrorKind::Unsupported(what) => write!(f, "not supported: {what}")?,
            ErrorKind::Encode(error) => write!(f, "a value cannot be encoded as BSON: {error}")?,
            ErrorKind::Decode(error) => write!(f, "a document cannot be decoded: {error}")?,
            ErrorKind::MalformedBson(error) => write!(f, "malformed BSON: {error}")?,
            ErrorKind::Command(error) => write!(f, "the server refused the command: {error}")?,
            ErrorKind::Write(failure) => failure.fmt(f)?,
            ErrorKind::BulkWrite(error) => error.facts().fmt(f)?,
            ErrorKind::ClientBulkWrite(error) => error.facts().fmt(f)?,
            ErrorKind::Operation(error) => error.fmt(f)?,
            ErrorKind::Tls(error) => error.fmt(f)?,
            ErrorKind::Timeout => {
                write!(f, "timed out in phase `{}`", self.0.phase.as_str())?;
                if let Some(attempt) = &self.0.attempt {
                    write!(f, ": {attempt}")?;
                    // Mostly it names the server already.
                    if attempt.0.server == self.0.server {
                        return Ok(());
                    }
                }
            }
            ErrorKind::Io(error) => write!(f, "the network failed in phase `{}`: {error}", self.0.phase.as_str())?,
            ErrorKind::Dns(error) => error.fmt(f)?,
            ErrorKind::Socks5(error) => error.fmt(f)?,
            ErrorKind::Connection(error) => error.fmt(f)?,
            ErrorKind::Selection(failure) => failure.fmt(f)?,
            ErrorKind::Impossible(error) => error.fmt(f)?,
            ErrorKind::Handshake(error) => {
                error.fmt(f)?;
                if self.0.phase != Phase::Auth
                    && let HandshakeError::Connection(ConnectionError::Closed { mid_reply: false }) = error
                {
                    f.write_str(" instead of saying hello: it is shutting down, or it demands TLS (`tls=true`)")?;
                }
            }
            ErrorKind::Credentials(error) => write!(f, "the credentials could not be fetched: {error}")?,
            ErrorKind::Pool(PoolError::Dial { cause }) => return cause.fmt(f),
            ErrorKind::Pool(error) => error.fmt(f)?,
            ErrorKind::Closed => f.write_str("the client is closed")?,
            ErrorKind::Abandoned => f.write_str("the operation was dropped before its end")?,
            ErrorKind::Runtime(error) => error.fmt(f)?,
        }
        match &self.0.server {
            Some(server) => write!(f, " [{server}]"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0.kind {
            ErrorKind::Encode(error) => Some(error),
            ErrorKind::Decode(error) => Some(error),
            ErrorKind::Io(error) => Some(error),
            ErrorKind::Uri(error) => Some(error),
            ErrorKind::Dns(error) => Some(error),
            ErrorKind::Socks5(error) => Some(error),
            ErrorKind::Tls(error) => Some(error),
            ErrorKind::Credentials(error) => Some(&**error),
            ErrorKind::Timeout => self.0.attempt.as_ref().map(|attempt| attempt as _),
            _ => self.bulk()?.error.map(|error| error as _),
        }
    }
}
