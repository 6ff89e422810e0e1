//! The rules, as tables and the functions that read them.

use super::codes::{self, is_retryable_read, is_retryable_write};
use super::{FailureClass, Fault, Labels, RetryOptions};
use crate::hello::ServerKind;
use crate::operation::Traits;
use crate::session::TransactionEnd;

/// What an operation is to the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// A read that may be repeated.
    Read,
    /// A write that may be repeated under the same transaction number.
    Write,
    /// `commitTransaction` or `abortTransaction`.
    TransactionEnd(TransactionEnd),
    /// A read whose effect depends on how often it is done: `getMore`.
    OtherRead,
    /// A write whose effect depends on how often it is done, or that touches many documents.
    OtherWrite,
    /// A command of the user's, which may be either.
    Command,
}

/// Which options an operation of a class needs to be retried: to the left after a transient error, to the right after a
/// refusal by an overloaded server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Nothing,
    RetryReads,
    RetryWrites,
    Both,
    Impossible,
}

impl Class {
    /// The class of an operation with these traits.
    pub const fn of(traits: &Traits) -> Self {
        match (traits.session.transaction_end(), traits.retryable, traits.write_concern) {
            (Some(end), ..) => Self::TransactionEnd(end),
            (None, true, true) => Self::Write,
            (None, true, false) => Self::Read,
            (None, false, true) => Self::OtherWrite,
            (None, false, false) if traits.session.is_given() => Self::OtherRead,
            (None, false, false) => Self::Command,
        }
    }

    const fn needs(self) -> (Needs, Needs) {
        match self {
            Self::Read => (Needs::RetryReads, Needs::RetryReads),
            Self::Write => (Needs::RetryWrites, Needs::RetryWrites),
            Self::TransactionEnd(_) => (Needs::Nothing, Needs::Nothing),
            Self::OtherRead => (Needs::Impossible, Needs::RetryReads),
            Self::OtherWrite => (Needs::Impossible, Needs::RetryWrites),
            Self::Command => (Needs::Impossible, Needs::Both),
        }
    }
}

impl Needs {
    const fn are_met(self, options: &RetryOptions) -> bool {
        match self {
            Self::Nothing => true,
            Self::RetryReads => options.retry_reads,
            Self::RetryWrites => options.retry_writes,
            Self::Both => options.retry_reads && options.retry_writes,
            Self::Impossible => false,
        }
    }
}

/// How far an attempt had come when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// No connection was had.
    CheckOut,
    /// There was one, but nothing was written to it.
    Prepare,
    /// The command was sent, at least in part.
    Exchange,
}

/// Where and how an operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation {
    /// What the operation is.
    pub class: Class,
    /// How far the attempt had come.
    pub stage: Stage,
    /// The server's kind; unknown if none was reached.
    pub server: ServerKind,
    /// The server's `maxWireVersion`; 0 if none was reached.
    pub max_wire_version: i32,
    /// Whether the write has a transaction number, or may get one from the next server.
    pub numbered: bool,
    /// Whether the operation is part of a transaction; its end is not.
    pub in_transaction: bool,
}

/// Servers from this wire version on (4.4) say themselves which writes may be retried.
const WIRE_VERSION_4_4: i32 = 9;

/// The labels that the driver adds to an error.
pub fn added_labels(situation: &Situation, fault: &Fault, options: &RetryOptions) -> Labels {
    let mut added = Labels::NONE;
    if is_labelled_retryable_write(situation, fault, options) {
        added = added | Labels::RETRYABLE_WRITE;
    }
    let unreachable = matches!(
        fault.class,
        FailureClass::Selection | FailureClass::PoolCleared | FailureClass::Network | FailureClass::Timeout
    );
    let commit = situation.class == Class::TransactionEnd(TransactionEnd::Commit);
    let abort = situation.class == Class::TransactionEnd(TransactionEnd::Abort);
    if unreachable && (situation.in_transaction || abort) {
        added = added | Labels::TRANSIENT_TRANSACTION;
    }
    if commit && (unreachable || is_unknown_commit(fault, fault.labels | added)) {
        added = added | Labels::UNKNOWN_COMMIT_RESULT;
    }
    added.without(fault.labels)
}

/// Specification *Retryable Writes*, "RetryableWriteError Labels".
fn is_labelled_retryable_write(situation: &Situation, fault: &Fault, options: &RetryOptions) -> bool {
    let is_candidate = match situation.class {
        Class::Write => options.retry_writes && situation.numbered && !situation.in_transaction,
        Class::TransactionEnd(_) => true,
        _ => false,
    };
    is_candidate
        && match fault.class {
            FailureClass::Network | FailureClass::PoolCleared => true,
            FailureClass::Server if situation.max_wire_version < WIRE_VERSION_4_4 => {
                // A mongos reports what became of its own retries.
                let concern = fault.write_concern_code.filter(|_| situation.server != ServerKind::Mongos);
                fault.code.is_some_and(is_retryable_write) || concern.is_some_and(is_retryable_write)
            }
            _ => false,
        }
}

/// Whether a commit that a server answered with an error may have happened.
fn is_unknown_commit(fault: &Fault, labels: Labels) -> bool {
    const EXPIRED: [i32; 2] = [codes::MAX_TIME_MS_EXPIRED, codes::WRITE_CONCERN_TIMEOUT];
    const USELESS: [i32; 2] = [codes::UNKNOWN_REPL_WRITE_CONCERN, codes::UNSATISFIABLE_WRITE_CONCERN];
    fault.class == FailureClass::Server
        && (labels.contains(Labels::RETRYABLE_WRITE)
            || fault.code.is_some_and(|code| EXPIRED.contains(&code))
            || fault.write_concern_code.is_some_and(|code| !USELESS.contains(&code)))
}

/// Whether the operation may be sent once more after `fault`, whose labels are complete. Counting is for
/// [`Attempts`](super::Attempts).
pub fn is_retryable(situation: &Situation, fault: &Fault, options: &RetryOptions) -> bool {
    let (transient, overload) = situation.class.needs();
    (transient.are_met(options) && is_transient(situation, fault))
        || (overload.are_met(options) && fault.labels.is_retryable_overload())
}

fn is_transient(situation: &Situation, fault: &Fault) -> bool {
    if situation.in_transaction {
        return false;
    }
    match situation.class {
        Class::Read => match fault.class {
            FailureClass::Network | FailureClass::PoolCleared => true,
            FailureClass::Server => fault.code.is_some_and(is_retryable_read),
            _ => false,
        },
        Class::Write => situation.numbered && fault.labels.contains(Labels::RETRYABLE_WRITE),
        Class::TransactionEnd(_) => fault.labels.contains(Labels::RETRYABLE_WRITE),
        _ => false,
    }
}
