//! How an attempt failed, in the terms of the rules.

use alloc::boxed::Box;
use core::time::Duration;

use super::Labels;
use crate::connection::ConnectionError;
use crate::handshake::{AuthFailure, HandshakeError};
use crate::operation::{CommandError, OperationError};

/// What kind of failure ended an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureClass {
    /// No server could be selected.
    Selection,
    /// The pool was cleared while the operation waited for a connection.
    PoolCleared,
    /// The network failed: connecting, shaking hands, sending, receiving; `connectTimeoutMS` and `socketTimeoutMS` count.
    Network,
    /// The operation's own deadline has passed. Without `timeoutMS` an exchange has none, so there it counts as
    /// [`Network`](Self::Network).
    Timeout,
    /// A server has answered with an error, be it in the handshake.
    Server,
    /// Something else, found on this side before anything was sent.
    Other,
}

/// What a host's error tells the rules. Every method but the first has an answer for errors that know nothing of it.
///
/// ```
/// use stator_proto::connection::ConnectionError;
/// use stator_proto::operation::OperationError;
/// use stator_proto::retry::{Failure, FailureClass};
///
/// enum MyError {
///     Io(std::io::Error),
///     Connection(ConnectionError),
///     Operation(OperationError),
/// }
///
/// impl Failure for MyError {
///     fn class(&self) -> FailureClass {
///         match self {
///             Self::Io(_) => FailureClass::Network,
///             Self::Connection(error) => error.class(),
///             Self::Operation(error) => error.class(),
///         }
///     }
/// }
/// ```
pub trait Failure {
    /// What kind of failure it is.
    fn class(&self) -> FailureClass;

    /// The error's number, if a server has sent it: of the whole command, not of single writes.
    fn code(&self) -> Option<i32> {
        None
    }

    /// The number of its write concern error.
    fn write_concern_code(&self) -> Option<i32> {
        None
    }

    /// Whether the server has stopped the command, or a part of it, because its `maxTimeMS` was over.
    fn is_max_time_expired(&self) -> bool {
        [self.code(), self.write_concern_code()].contains(&Some(MAX_TIME_MS_EXPIRED))
    }

    /// Whether it carries a label.
    fn has_label(&self, label: &str) -> bool {
        let _ = label;
        false
    }

    /// Adds a label for the user to see. The rules know it already.
    fn add_label(&mut self, label: &'static str) {
        let _ = label;
    }

    /// `baseBackoffMS` of an overloaded server's answer.
    fn base_backoff(&self) -> Option<Duration> {
        None
    }
}

/// The error `MaxTimeMSExpired`.
const MAX_TIME_MS_EXPIRED: i32 = 50;

/// A failure in the terms of the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its kind.
    pub class: FailureClass,
    /// The number of the whole command's error.
    pub code: Option<i32>,
    /// The number of its write concern error.
    pub write_concern_code: Option<i32>,
    /// Its labels.
    pub labels: Labels,
    /// `baseBackoffMS`.
    pub base_backoff: Option<Duration>,
}

impl Fault {
    /// A failure of which only the kind is known.
    pub const fn new(class: FailureClass) -> Self {
        Self { class, code: None, write_concern_code: None, labels: Labels::NONE, base_backoff: None }
    }

    /// What `failure` says of itself.
    pub fn of(failure: &impl Failure) -> Self {
        Self {
            class: failure.class(),
            code: failure.code(),
            write_concern_code: failure.write_concern_code(),
            labels: Labels::find(|label| failure.has_label(label)),
            base_backoff: failure.base_backoff(),
        }
    }
}

impl Failure for OperationError {
    fn class(&self) -> FailureClass {
        match self {
            Self::Command(_) | Self::Write(_) => FailureClass::Server,
            _ => FailureClass::Other,
        }
    }

    fn code(&self) -> Option<i32> {
        match self {
            Self::Command(error) => Some(error.code),
            _ => None,
        }
    }

    fn write_concern_code(&self) -> Option<i32> {
        match self {
            Self::Command(error) => error.write_concern_code(),
            Self::Write(failure) => failure.write_concern_error.as_ref().map(|error| error.code),
            _ => None,
        }
    }

    fn is_max_time_expired(&self) -> bool {
        let codes = [self.code(), self.write_concern_code()];
        let writes = match self {
            Self::Write(failure) => &*failure.write_errors,
            _ => &[],
        };
        codes.contains(&Some(MAX_TIME_MS_EXPIRED)) || writes.iter().any(|error| error.code == MAX_TIME_MS_EXPIRED)
    }

    fn has_label(&self, label: &str) -> bool {
        let labels = match self {
            Self::Command(error) => &error.labels,
            Self::Write(failure) => &failure.labels,
            _ => return false,
        };
        labels.iter().any(|known| known == label)
    }

    fn add_label(&mut self, label: &'static str) {
        match self {
            Self::Command(error) => error.labels.push(label.into()),
            Self::Write(failure) => failure.labels.push(label.into()),
            _ => {}
        }
    }

    fn base_backoff(&self) -> Option<Duration> {
        match self {
            Self::Command(error) => error.base_backoff(),
            _ => None,
        }
    }
}

impl CommandError {
    /// The number in the reply's `writeConcernError`.
    fn write_concern_code(&self) -> Option<i32> {
        let error = self.reply.as_doc().get_doc("writeConcernError").ok()??;
        i32::try_from(error.get_number_i64("code").ok()??).ok()
    }

    /// `baseBackoffMS`, if it is positive.
    fn base_backoff(&self) -> Option<Duration> {
        let millis = self.reply.as_doc().get_number_i64("baseBackoffMS").ok()??;
        u64::try_from(millis).ok().filter(|&millis| millis > 0).map(Duration::from_millis)
    }
}

impl Failure for ConnectionError {
    fn class(&self) -> FailureClass {
        match self {
            Self::Busy | Self::Encode(_) | Self::TooLong { .. } => FailureClass::Other,
            _ => FailureClass::Network,
        }
    }
}

/// A server may refuse a handshake for the same reasons as a command.
impl Failure for HandshakeError {
    fn class(&self) -> FailureClass {
        match self {
            Self::Connection(error) => error.class(),
            Self::Hello(error) | Self::Auth { cause: AuthFailure::Reply(error), .. } => error.class(),
            Self::Auth { cause: AuthFailure::Refused(_), .. } => FailureClass::Server,
            _ => FailureClass::Other,
        }
    }

    fn code(&self) -> Option<i32> {
        match self {
            Self::Hello(error) | Self::Auth { cause: AuthFailure::Reply(error), .. } => error.code(),
            Self::Auth { cause: AuthFailure::Refused(error), .. } => Some(error.code),
            _ => None,
        }
    }

    fn has_label(&self, label: &str) -> bool {
        match self {
            Self::Hello(error) | Self::Auth { cause: AuthFailure::Reply(error), .. } => error.has_label(label),
            Self::Auth { cause: AuthFailure::Refused(error), .. } => error.labels.iter().any(|known| known == label),
            _ => false,
        }
    }
}

/// For hosts that have no error type of their own. What is not an error of this crate is of an unknown kind, and never
/// retried.
impl Failure for Box<dyn core::error::Error> {
    fn class(&self) -> FailureClass {
        match (self.downcast_ref::<OperationError>(), self.downcast_ref::<ConnectionError>()) {
            (Some(error), _) => error.class(),
            (None, Some(error)) => error.class(),
            (None, None) => FailureClass::Other,
        }
    }

    fn code(&self) -> Option<i32> {
        self.downcast_ref::<OperationError>()?.code()
    }

    fn write_concern_code(&self) -> Option<i32> {
        self.downcast_ref::<OperationError>()?.write_concern_code()
    }

    fn is_max_time_expired(&self) -> bool {
        self.downcast_ref().is_some_and(OperationError::is_max_time_expired)
    }

    fn has_label(&self, label: &str) -> bool {
        self.downcast_ref::<OperationError>().is_some_and(|error| error.has_label(label))
    }

    fn add_label(&mut self, label: &'static str) {
        if let Some(error) = self.downcast_mut::<OperationError>() {
            error.add_label(label);
        }
    }

    fn base_backoff(&self) -> Option<Duration> {
        self.downcast_ref::<OperationError>()?.base_backoff()
    }
}
