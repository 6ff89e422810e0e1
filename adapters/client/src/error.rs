//! The driver's error: one pointer, cheap to clone, with the questions that people ask.

use core::fmt;
use std::io;
use std::sync::Arc;

use stator_proto::ServerAddress;
use stator_proto::connection::ConnectionError;
use stator_proto::handshake::HandshakeError;
use stator_proto::operation::{CommandError, OperationError, WriteError, WriteFailure};
use stator_proto::pool::PoolError;
use stator_proto::retry::{Failure, FailureClass, Labels};
use stator_proto::select::{SelectError, SelectionFailure};
use stator_proto::socks5::Socks5Error;
use stator_proto::uri::UriError;

use crate::credentials::CallbackError;
use crate::decode::DecodeError;
use crate::dns::{DnsError, DnsFailure};
use crate::runtime::SpawnError;
use crate::tls::TlsError;

mod bulk;

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

    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// How far the operation had come. A failed check-out names the phase of its cause.
    pub fn phase(&self) -> Phase {
        match self.cause() {
            Some(cause) => cause.phase(),
            None => self.0.phase,
        }
    }

    /// The server concerned: the one that was chosen, or whose failure kept it from being chosen.
    pub fn server(&self) -> Option<&ServerAddress> {
        let root = || match &*self.0.kind {
            ErrorKind::Selection(failure) => failure.cause()?.server(),
            _ => self.cause()?.server(),
        };
        self.0.server.as_ref().or_else(root)
    }

    /// The error that a server or the network has brought: behind a failed check-out, or behind a timeout.
    fn origin(&self) -> &Self {
        self.cause().or(self.0.attempt.as_ref()).map_or(self, Self::origin)
    }

    /// The error behind a failed check-out, or behind the end of a bulk write.
    fn cause(&self) -> Option<&Self> {
        match &*self.0.kind {
            ErrorKind::Pool(error) => error.cause(),
            _ => self.bulk()?.error,
        }
    }

    /// The server's error number: of the command, of its first failed write or of its write concern. Of a timeout that
    /// another error has led to: that error's.
    pub fn code(&self) -> Option<i32> {
        if let Some(bulk) = self.bulk() {
            return bulk.code();
        }
        match &*self.0.kind {
            ErrorKind::Command(error) => Some(error.code),
            ErrorKind::Write(failure) => {
                let first = failure.write_errors.first().map(|error| error.code);
                first.or(failure.write_concern_error.as_ref().map(|error| error.code))
            }
            ErrorKind::Handshake(HandshakeError::Auth {
                cause: stator_proto::handshake::AuthFailure::Refused(error),
                ..
            }) => Some(error.code),
            _ => self.cause().or(self.0.attempt.as_ref())?.code(),
        }
    }

    /// The error labels, such as `TransientTransactionError`: the server's, and those that drivers add.
    pub fn labels(&self) -> impl Iterator<Item = &str> + '_ {
        // What ended a bulk write may be a timeout that something else has led to.
        let middle = self.origin();
        let origin = middle.origin();
        let given: &[String] = match &*origin.0.kind {
            ErrorKind::Command(error) => &error.labels,
            ErrorKind::Write(failure) => &failure.labels,
            _ => origin.bulk().map_or(&[], |bulk| bulk.labels),
        };
        let added = (self.0.added | middle.0.added | origin.0.added).names();
        let fresh = move |label: &&'static str| !given.iter().any(|known| known == label);
        let added: Vec<&str> = added.filter(fresh).collect();
        given.iter().map(String::as_str).chain(added)
    }

    /// The same error with labels that the driver adds.
    pub(crate) fn with_labels(mut self, labels: Labels) -> Self {
        let inner = Arc::make_mut(&mut self.0);
        inner.added = inner.added | labels;
        self
    }

    /// Whether the error carries a label.
    pub fn has_label(&self, label: &str) -> bool {
        self.labels().any(|known| known == label)
    }

    /// The writes that failed, if this is a failed write, or a timeout because of one.
    pub fn write_errors(&self) -> &[WriteError] {
        match &*self.origin().0.kind {
            ErrorKind::Write(failure) => &failure.write_errors,
            _ => self.bulk().map_or(&[], |bulk| bulk.write_errors),
        }
    }

    /// Whether a unique index refused a document.
    pub fn is_duplicate_key(&self) -> bool {
        match &*self.0.kind {
            ErrorKind::Command(error) => DUPLICATE_KEY.contains(&error.code),
            ErrorKind::Write(failure) => failure.write_errors.iter().any(|error| DUPLICATE_KEY.contains(&error.code)),
            _ => self.bulk().is_some_and(|bulk| bulk.is_duplicate_key()),
        }
    }

    /// Whether a deadline has passed, the driver's own or the server's (`MaxTimeMSExpired`).
    ///
    /// Where a `timeoutMS` is set, the server's is the driver's own: the kind is [`ErrorKind::Timeout`] then, and
    /// [`source`](std::error::Error::source) what the server said.
    pub fn is_timeout(&self) -> bool {
        match &*self.0.kind {
            ErrorKind::Timeout | ErrorKind::Selection(_) | ErrorKind::Pool(PoolError::TimedOut) => true,
            ErrorKind::Dns(error) => matches!(error.failure, DnsFailure::Timeout),
            ErrorKind::Command(_) | ErrorKind::Write(_) => self.is_max_time_expired(),
            _ => match self.bulk() {
                Some(bulk) => bulk.is_timeout(),
                None => self.cause().is_some_and(Self::is_timeout),
            },
        }
    }

    /// Whether the network failed: connecting, sending, receiving.
    pub fn is_network(&self) -> bool {
        match &*self.0.kind {
            ErrorKind::Io(_) | ErrorKind::Socks5(_) | ErrorKind::Connection(ConnectionError::Closed { .. }) => true,
            ErrorKind::Timeout => !matches!(self.0.phase, Phase::Queue | Phase::Select | Phase::Reply),
            ErrorKind::Handshake(HandshakeError::Connection(_)) => true,
            // The others come again with every attempt.
            ErrorKind::Tls(error) => matches!(error, TlsError::Closed | TlsError::Protocol { .. }),
            _ => self.cause().is_some_and(Self::is_network),
        }
    }

    /// Why the connection could not be secured, if that is what has failed.
    pub fn tls(&self) -> Option<&TlsError> {
        match &*self.0.kind {
            ErrorKind::Tls(error) => Some(error),
            // No server could be selected because none could be reached securely.
            ErrorKind::Selection(failure) => failure.cause()?.tls(),
            _ => self.cause()?.tls(),
        }
    }

    /// Whether a runtime could not run a background task.
    pub(crate) fn is_runtime(&self) -> bool {
        matches!(*self.0.kind, ErrorKind::Runtime(_)) || self.cause().is_some_and(Self::is_runtime)
    }

    /// Whether the credentials were refused.
    pub fn is_authentication(&self) -> bool {
        match &*self.0.kind {
            ErrorKind::Handshake(HandshakeError::Auth { .. }) | ErrorKind::Credentials(_) => true,
            _ => self.cause().is_some_and(Self::is_authentication),
        }
    }

    /// Whether trying again may help: the network failed, the pool was cleared, or the server says so.
    pub fn is_retryable(&self) -> bool {
        match &*self.0.kind {
            ErrorKind::Command(error) => RETRYABLE_CODES.contains(&error.code) || self.has_label("RetryableWriteError"),
            ErrorKind::Write(_) => self.has_label("RetryableWriteError"),
            ErrorKind::BulkWrite(_) | ErrorKind::ClientBulkWrite(_) => match self.cause() {
                Some(cause) => cause.is_retryable(),
                None => self.has_label("RetryableWriteError"),
            },
            ErrorKind::Selection(_) | ErrorKind::Pool(PoolError::Cleared { .. }) => true,
            _ => self.is_network(),
        }
    }

    /// Whether the server may have carried out the operation, wholly or in part.
    pub fn maybe_executed(&self) -> bool {
        match (&*self.0.kind, self.0.phase) {
            _ if self.0.partly_done => true,
            _ if self.0.attempt.as_ref().is_some_and(Self::maybe_executed) => true,
            (ErrorKind::Write(_) | ErrorKind::BulkWrite(_) | ErrorKind::ClientBulkWrite(_), _) => true,
            (ErrorKind::Command(error), _) => error.code == MAX_TIME_EXPIRED || self.has_label("RetryableWriteError"),
            (_, Phase::Send | Phase::Receive | Phase::Decode) => true,
            _ => false,
        }
    }
}

/// The numbers with which servers refuse a document for a unique index.
const DUPLICATE_KEY: [i32; 4] = [11000, 11001, 12582, 16460];

/// The server's own `maxTimeMS` has passed.
const MAX_TIME_EXPIRED: i32 = 50;

/// Codes after which a read may be tried again (specification *Retryable Reads*).
const RETRYABLE_CODES: [i32; 13] = [6, 7, 89, 91, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436];

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
                    f.write_str(" instead of saying hello; if it demands TLS, say `tls=true`")?;
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

impl Failure for Error {
    fn class(&self) -> FailureClass {
        match (&*self.0.kind, self.0.phase) {
            (ErrorKind::Command(_) | ErrorKind::Write(_), _) => FailureClass::Server,
            (ErrorKind::Handshake(error), _) => error.class(),
            (ErrorKind::Pool(PoolError::Cleared { .. }), _) => FailureClass::PoolCleared,
            (ErrorKind::Timeout, _) => FailureClass::Timeout,
            (_, Phase::Select) => FailureClass::Selection,
            _ if self.is_network() => FailureClass::Network,
            (ErrorKind::BulkWrite(_) | ErrorKind::ClientBulkWrite(_), _) if self.cause().is_none() => {
                FailureClass::Server
            }
            _ => self.cause().map_or(FailureClass::Other, Self::class),
        }
    }

    fn code(&self) -> Option<i32> {
        match &*self.origin().0.kind {
            ErrorKind::Write(_) => None,
            // The numbers of single writes are not that of the whole.
            _ => match self.bulk() {
                Some(bulk) => bulk.error.and_then(Self::code),
                None => self.code(),
            },
        }
    }

    fn write_concern_code(&self) -> Option<i32> {
        match &*self.origin().0.kind {
            ErrorKind::Write(failure) => failure.write_concern_error.as_ref().map(|error| error.code),
            _ => self.bulk()?.write_concern_errors.last().map(|error| error.code),
        }
    }

    fn is_max_time_expired(&self) -> bool {
        let codes = [Failure::code(self), self.write_concern_code()];
        codes.contains(&Some(MAX_TIME_EXPIRED))
            || self.write_errors().iter().any(|error| error.code == MAX_TIME_EXPIRED)
    }

    fn has_label(&self, label: &str) -> bool {
        self.has_label(label)
    }

    fn add_label(&mut self, label: &'static str) {
        let inner = Arc::make_mut(&mut self.0);
        inner.added = inner.added | Labels::of_name(label);
    }
}

impl From<OperationError> for Error {
    fn from(error: OperationError) -> Self {
        match error {
            OperationError::Command(error) => Self::new(Phase::Reply, ErrorKind::Command(error)),
            OperationError::Write(failure) => Self::new(Phase::Reply, ErrorKind::Write(failure)),
            OperationError::InvalidArgument(reason) => Self::invalid(reason),
            error @ (OperationError::DocumentTooLarge { .. } | OperationError::Session(_)) => {
                Self::new(Phase::Prepare, ErrorKind::Operation(error))
            }
            error => Self::new(Phase::Decode, ErrorKind::Operation(error)),
        }
    }
}

impl From<ConnectionError> for Error {
    fn from(error: ConnectionError) -> Self {
        let phase = match &error {
            ConnectionError::Encode(_) | ConnectionError::TooLong { .. } | ConnectionError::Busy => Phase::Prepare,
            ConnectionError::CancelledMidWrite => Phase::Send,
            _ => Phase::Receive,
        };
        Self::new(phase, ErrorKind::Connection(error))
    }
}

impl From<UriError> for Error {
    fn from(error: UriError) -> Self {
        Self::new(Phase::Prepare, ErrorKind::Uri(error))
    }
}

impl From<DnsError> for Error {
    fn from(error: DnsError) -> Self {
        Self::new(Phase::Dns, ErrorKind::Dns(error))
    }
}

impl From<stator_wire::bson::BsonError> for Error {
    fn from(error: stator_wire::bson::BsonError) -> Self {
        Self::new(Phase::Decode, ErrorKind::MalformedBson(error))
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
