//! What cannot be done with a session.

use core::fmt;

/// A call that the state of a session, or what its deployment can, does not allow. The session is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionError {
    /// The session has ended.
    Ended,
    /// An operation of the session is still running.
    InUse,
    /// The session belongs to another client.
    ForeignClient,
    /// The deployment has no sessions.
    Unsupported,
    /// An unacknowledged write in an explicit session.
    UnacknowledgedWrite,
    /// A snapshot session with causal consistency.
    SnapshotWithCausalConsistency,
    /// A snapshot time for a session that is no snapshot session.
    SnapshotTimeWithoutSnapshot,
    /// A snapshot session on a server before 5.0.
    SnapshotUnsupported,
    /// A transaction in a snapshot session.
    SnapshotTransaction,
    /// `startTransaction` while a transaction is open.
    TransactionInProgress,
    /// `commitTransaction` or `abortTransaction` without a transaction.
    NoTransaction,
    /// `commitTransaction` after `abortTransaction`.
    CommitAfterAbort,
    /// `abortTransaction` after `commitTransaction`.
    AbortAfterCommit,
    /// `abortTransaction` after `abortTransaction`.
    AbortTwice,
    /// A transaction whose write concern is unacknowledged.
    UnacknowledgedTransaction,
    /// A read in a transaction whose read preference is not primary.
    ReadPreference,
    /// A read concern for one operation of a transaction.
    ReadConcernInTransaction,
    /// A write concern for one operation of a transaction.
    WriteConcernInTransaction,
    /// A timeout for one operation of a session that has its own, within `withTransaction`.
    TimeoutInTransaction,
    /// Another operation than `abortTransaction` after one whose future was dropped: nobody knows what it has done.
    AbortOnly,
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ended => "the session has ended",
            Self::InUse => "another operation of the session is still running",
            Self::ForeignClient => "the session belongs to another client",
            Self::Unsupported => "sessions are not supported by the deployment",
            Self::UnacknowledgedWrite => "an unacknowledged write cannot be part of an explicit session",
            Self::SnapshotWithCausalConsistency => "a snapshot session cannot be causally consistent as well",
            Self::SnapshotTimeWithoutSnapshot => "a snapshot time needs a snapshot session",
            Self::SnapshotUnsupported => "Snapshot reads require MongoDB 5.0 or later",
            Self::SnapshotTransaction => "Transactions are not supported in snapshot sessions",
            Self::TransactionInProgress => "Transaction already in progress",
            Self::NoTransaction => "No transaction started",
            Self::CommitAfterAbort => "Cannot call commitTransaction after calling abortTransaction",
            Self::AbortAfterCommit => "Cannot call abortTransaction after calling commitTransaction",
            Self::AbortTwice => "Cannot call abortTransaction twice",
            Self::UnacknowledgedTransaction => "transactions do not support unacknowledged write concerns",
            Self::ReadPreference => "read preference in a transaction must be primary",
            Self::ReadConcernInTransaction => "Cannot set read concern after starting a transaction",
            Self::WriteConcernInTransaction => "Cannot set write concern after starting a transaction",
            Self::TimeoutInTransaction => "an operation of `withTransaction` cannot have a timeout of its own",
            Self::AbortOnly => "an operation of this transaction was dropped: it can only be aborted",
        })
    }
}

impl core::error::Error for SessionError {}
