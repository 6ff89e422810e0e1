//! The driver's error: one pointer, cheap to clone, with the questions that people ask.

use std::io;
use std::sync::Arc;

use stator_proto::ServerAddress;
use stator_proto::connection::ConnectionError;
use stator_proto::handshake::HandshakeError;
use stator_proto::operation::{CommandError, OperationError, WriteFailure};
use stator_proto::pool::PoolError;
use stator_proto::retry::{Failure, Labels};
use stator_proto::select::{SelectError, SelectionFailure};
use stator_proto::socks5::Socks5Error;
use stator_proto::uri::UriError;

use crate::credentials::CallbackError;
use crate::decode::DecodeError;
use crate::dns::DnsError;
use crate::runtime::SpawnError;
use crate::tls::TlsError;

mod bulk;
mod failure;
mod questions;
mod show;

pub use bulk::{BulkWriteError, ClientBulkWriteError};

/// The result of everything that can fail here.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// What went wrong, where and when. Cloning copies one pointer: a cleared pool hands one cause to many.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    kind: Arc<ErrorKind>,
    phase: Phase,
    server: Option<ServerAddress>,
    /// Earlier messages of the same operation were sent and not refused.
    partly_done: bool,
    /// Labels that the driver adds.
    added: Labels,
    /// Of a timeout: what the last attempt failed with, where the deadline came before the next one, or what the server said
    /// when it stopped the command for it.
    attempt: Option<Error>,
}

/// How far an operation had come when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Before anything was sent: arguments, options, encoding.
    Prepare,
    /// Waiting for a free connection.
    Queue,
    /// Looking for a suitable server.
    Select,
    /// Resolving a host name.
    Dns,
    /// Connecting to a server.
    Connect,
    /// Securing the connection.
    Tls,
    /// Saying hello.
    Hello,
    /// Authenticating.
    Auth,
    /// Sending the command.
    Send,
    /// Waiting for the reply, or reading it.
    Receive,
    /// The server has answered: with an error.
    Reply,
    /// Turning the reply into the user's type.
    Decode,
}

impl Phase {
    /// The phase in a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Queue => "queue",
            Self::Select => "select",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Hello => "hello",
            Self::Auth => "auth",
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Reply => "reply",
            Self::Decode => "decode",
        }
    }
}

/// What went wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The connection string has a mistake.
    Uri(UriError),
    /// An argument or option cannot be used; says which and why.
    InvalidArgument(String),
    /// A feature that this version of the driver does not have; says which.
    Unsupported(String),
    /// A value cannot be turned into BSON.
    Encode(bson::error::Error),
    /// A document does not fit the type asked for, or is no BSON.
    Decode(DecodeError),
    /// A document is malformed: found before any type was asked of it.
    MalformedBson(stator_wire::bson::BsonError),
    /// The server refused the command.
    Command(CommandError),
    /// The write failed, or was done but not confirmed as the write concern demands.
    Write(Box<WriteFailure>),
    /// `insert_many` or `bulk_write` of a collection failed, wholly or in part.
    BulkWrite(Box<BulkWriteError>),
    /// `bulk_write` of a client failed, wholly or in part.
    ClientBulkWrite(Box<ClientBulkWriteError>),
    /// The server's reply makes no sense, or a document is too large for it.
    Operation(OperationError),
    /// The deadline has passed.
    Timeout,
    /// The connection could not be secured, or was not secure any more.
    Tls(TlsError),
    /// The stream failed.
    Io(io::Error),
    /// A `mongodb+srv` host could not be resolved.
    Dns(DnsError),
    /// The SOCKS5 proxy is of no use. A network error that says nothing about the server.
    Socks5(Socks5Error),
    /// The server broke the wire protocol or closed the connection.
    Connection(ConnectionError),
    /// Hello or authentication failed.
    Handshake(HandshakeError),
    /// Credentials or a token could not be fetched: the callback has failed, or the environment lacks something.
    Credentials(CallbackError),
    /// No server that suits was found in time; names each server and why it does not serve.
    Selection(Box<SelectionFailure<Error>>),
    /// No server can suit: the deployment cannot be used, or the read preference contradicts itself.
    Impossible(SelectError),
    /// No connection could be had from the pool.
    Pool(PoolError<Error>),
    /// The client is closed.
    Closed,
    /// The operation's future was dropped before its end. Seen in events only.
    Abandoned,
    /// The runtime cannot run background tasks.
    Runtime(SpawnError),
}

impl Error {
    pub(crate) fn new(phase: Phase, kind: ErrorKind) -> Self {
        Self(Arc::new(Inner {
            kind: Arc::new(kind),
            phase,
            server: None,
            partly_done: false,
            added: Labels::NONE,
            attempt: None,
        }))
    }

    pub(crate) fn at(phase: Phase, server: &ServerAddress, kind: ErrorKind) -> Self {
        Self(Arc::new(Inner {
            kind: Arc::new(kind),
            phase,
            server: Some(server.clone()),
            partly_done: false,
            added: Labels::NONE,
            attempt: None,
        }))
    }

    pub(crate) fn invalid(reason: impl Into<String>) -> Self {
        Self::new(Phase::Prepare, ErrorKind::InvalidArgument(reason.into()))
    }

    /// An I/O error of `phase`; one that says "timed out" is a [`ErrorKind::Timeout`], one of TLS a [`ErrorKind::Tls`].
    pub(crate) fn io(phase: Phase, server: &ServerAddress, error: io::Error) -> Self {
        match error.downcast::<TlsError>() {
            // Servers judge the client's certificate when the handshake is over: the first reply brings the verdict.
            Ok(error) => Self::at(if phase == Phase::Auth { Phase::Tls } else { phase }, server, ErrorKind::Tls(error)),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Self::at(phase, server, ErrorKind::Timeout),
            Err(error) => Self::at(phase, server, ErrorKind::Io(error)),
        }
    }

    /// The same error with what its operation knows: the server that it came from, and whether a part was done before.
    pub(crate) fn of_operation(mut self, server: &ServerAddress, partly_done: bool) -> Self {
        // A shared one comes from a check-out, before which nothing was done, and names its server already.
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.server.get_or_insert_with(|| server.clone());
            inner.partly_done = partly_done;
        }
        self
    }

    /// The deadline has passed before the operation could be sent or tried again; `cause` is what the last attempt failed
    /// with. Or the server has stopped the command, because it was told of the deadline.
    pub(crate) fn expired(server: Option<&ServerAddress>, cause: Option<Self>) -> Self {
        let server = server.cloned().or_else(|| cause.as_ref()?.server().cloned());
        let by_server = cause.as_ref().is_some_and(Failure::is_max_time_expired);
        Self(Arc::new(Inner {
            kind: Arc::new(ErrorKind::Timeout),
            phase: if by_server { Phase::Reply } else { Phase::Queue },
            server,
            partly_done: false,
            added: Labels::NONE,
            attempt: cause,
        }))
    }

    /// As [`of_operation`](Self::of_operation), in place.
    pub(crate) fn add_origin(&mut self, server: &ServerAddress, partly_done: bool) {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.server.get_or_insert_with(|| server.clone());
            inner.partly_done = partly_done;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Error;

    #[test]
    fn a_connection_strings_mistake_is_introduced_once() {
        let error = Error::from("mongodb:/x".parse::<stator_proto::Config>().unwrap_err());
        assert_eq!(error.to_string().matches("connection string").count(), 1, "{error}");
    }
}
