//! What users ask of sessions and transactions.

use core::time::Duration;

use stator_wire::bson::Timestamp;

use super::SessionError;
use crate::concern::{ReadConcern, WriteConcern};
use crate::read_preference::ReadPreference;

/// Options of one transaction. What is `None` is inherited: from the session's defaults, then from the client.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransactionOptions {
    /// `readConcern` of the transaction's first command.
    pub read_concern: Option<ReadConcern>,
    /// `writeConcern` of `commitTransaction` and `abortTransaction`.
    pub write_concern: Option<WriteConcern>,
    /// The read preference of all reads; must be primary for there to be any.
    pub read_preference: Option<ReadPreference>,
    /// `maxCommitTimeMS`: the time for one `commitTransaction` on the server. Deprecated in favour of `timeoutMS`.
    pub max_commit_time: Option<Duration>,
    /// `timeoutMS` of `commitTransaction`, `abortTransaction` and the whole of `withTransaction`.
    pub timeout: Option<Duration>,
}

impl TransactionOptions {
    /// `self`, with what it leaves open taken from `parent`.
    pub fn or(&self, parent: &Self) -> Self {
        Self {
            read_concern: self.read_concern.clone().or_else(|| parent.read_concern.clone()),
            write_concern: self.write_concern.clone().or_else(|| parent.write_concern.clone()),
            read_preference: self.read_preference.clone().or_else(|| parent.read_preference.clone()),
            max_commit_time: self.max_commit_time.or(parent.max_commit_time),
            timeout: self.timeout.or(parent.timeout),
        }
    }
}

/// Options of an explicit session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionOptions {
    /// Whether each operation sees what those before it have done (specification *Causal Consistency*); `None` is yes,
    /// but no in a snapshot session.
    pub causal_consistency: Option<bool>,
    /// Whether all reads see the data of one point in time (specification *Snapshot Reads*).
    pub snapshot: bool,
    /// That point in time; `None` lets the first read choose it.
    pub snapshot_time: Option<Timestamp>,
    /// What transactions of the session inherit.
    pub default_transaction_options: TransactionOptions,
    /// `defaultTimeoutMS`: the `timeoutMS` of `commitTransaction`, `abortTransaction`, `withTransaction` and ending the
    /// session.
    pub default_timeout: Option<Duration>,
}

impl SessionOptions {
    /// Whether the session is causally consistent.
    pub fn is_causally_consistent(&self) -> bool {
        self.causal_consistency.unwrap_or(!self.snapshot)
    }

    /// Finds options that contradict each other.
    ///
    /// # Errors
    ///
    /// [`SessionError::SnapshotWithCausalConsistency`], [`SessionError::SnapshotTimeWithoutSnapshot`].
    pub fn validate(&self) -> Result<(), SessionError> {
        if self.snapshot && self.causal_consistency == Some(true) {
            return Err(SessionError::SnapshotWithCausalConsistency);
        }
        if self.snapshot_time.is_some() && !self.snapshot {
            return Err(SessionError::SnapshotTimeWithoutSnapshot);
        }
        Ok(())
    }
}
