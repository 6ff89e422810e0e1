//! Errors as the machines see them, and what becomes of the machines' errors.

use std::sync::Arc;

use stator_proto::connection::ConnectionError;
use stator_proto::operation::OperationError;
use stator_proto::pool::PoolError;
use stator_proto::retry::{Failure, FailureClass, Labels};
use stator_proto::uri::UriError;

use super::questions::MAX_TIME_EXPIRED;
use super::{Error, ErrorKind, Phase};
use crate::dns::DnsError;

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
