//! What people ask of an error.

use std::sync::Arc;

use stator_proto::ServerAddress;
use stator_proto::connection::ConnectionError;
use stator_proto::handshake::HandshakeError;
use stator_proto::operation::WriteError;
use stator_proto::pool::PoolError;
use stator_proto::retry::{Failure as _, Labels};

use super::{Error, ErrorKind, Phase};
use crate::dns::DnsFailure;
use crate::tls::TlsError;

impl Error {
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
    pub(super) fn origin(&self) -> &Self {
        self.cause().or(self.0.attempt.as_ref()).map_or(self, Self::origin)
    }

    /// The error behind a failed check-out, or behind the end of a bulk write.
    pub(super) fn cause(&self) -> Option<&Self> {
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
pub(super) const DUPLICATE_KEY: [i32; 4] = [11000, 11001, 12582, 16460];

/// The server's own `maxTimeMS` has passed.
pub(super) const MAX_TIME_EXPIRED: i32 = 50;

/// Codes after which a read may be tried again (specification *Retryable Reads*).
const RETRYABLE_CODES: [i32; 13] = [6, 7, 89, 91, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436];
