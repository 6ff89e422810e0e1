//! One session of the user's, or one of the driver's own.

use stator_wire::bson::{Doc, Timestamp};

use super::{
    AbortTransaction, ClusterTime, CommitTransaction, ServerSession, SessionError, SessionId, SessionOptions,
    Transaction, TransactionOptions, TransactionState,
};
use crate::Instant;
use crate::operation::{SessionUse, Settings};
use crate::read_preference::ReadPreferenceMode;

/// The state of one explicit session (`ClientSession`): what its operations say and what they have learnt.
///
/// A host keeps it in a box, moves it into the [`Exec`](crate::operation::Exec) of each operation and takes it out
/// again when that is done: so a session never has two operations at once.
///
/// ```
/// use stator_proto::Instant;
/// use stator_proto::session::{ServerSession, Session, SessionOptions, TransactionOptions, TransactionState};
///
/// let server_session = ServerSession::new(Instant::ORIGIN, [7; 16]); // from the pool, in earnest
/// let mut session = Session::new(SessionOptions::default(), server_session)?;
/// session.start_transaction(&TransactionOptions::default(), &TransactionOptions::default())?;
/// assert_eq!(session.transaction().state(), TransactionState::Starting);
/// // No operation was part of it, so there is nothing to tell the server.
/// assert!(session.commit_transaction()?.is_none());
/// assert_eq!(session.transaction().state(), TransactionState::Committed);
/// # Ok::<(), stator_proto::session::SessionError>(())
/// ```
#[derive(Debug)]
pub struct Session {
    options: SessionOptions,
    /// `None` once the session has ended.
    server: Option<ServerSession>,
    id: SessionId,
    cluster_time: Option<ClusterTime>,
    operation_time: Option<Timestamp>,
    snapshot_time: Option<Timestamp>,
    transaction: Transaction,
    deadline: Option<Instant>,
}

impl Session {
    /// An explicit session that uses `server` until it ends.
    ///
    /// # Errors
    ///
    /// Those of [`SessionOptions::validate`]; ask it first, lest the server session be lost.
    pub fn new(options: SessionOptions, server: ServerSession) -> Result<Self, SessionError> {
        options.validate()?;
        Ok(Self {
            id: server.id(),
            server: Some(server),
            cluster_time: None,
            operation_time: None,
            snapshot_time: options.snapshot_time,
            transaction: Transaction::default(),
            deadline: None,
            options,
        })
    }

    /// The options that it was started with.
    pub const fn options(&self) -> &SessionOptions {
        &self.options
    }

    /// The id of its server session, `lsid`.
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// The latest cluster time that the session has seen or was told.
    pub const fn cluster_time(&self) -> Option<&ClusterTime> {
        self.cluster_time.as_ref()
    }

    /// When its last operation took place, as the server has said.
    pub const fn operation_time(&self) -> Option<Timestamp> {
        self.operation_time
    }

    /// The point in time that its reads see, in a snapshot session that knows it.
    pub const fn snapshot_time(&self) -> Option<Timestamp> {
        self.snapshot_time
    }

    /// Its transaction.
    pub const fn transaction(&self) -> &Transaction {
        &self.transaction
    }

    /// Whether operations are part of a transaction.
    pub const fn in_transaction(&self) -> bool {
        self.transaction.is_active()
    }

    /// Whether its server session will be dropped in the end: a command failed with a network error.
    pub fn is_dirty(&self) -> bool {
        self.server.as_ref().is_some_and(ServerSession::is_dirty)
    }

    /// Whether it has ended.
    pub const fn is_ended(&self) -> bool {
        self.server.is_none()
    }

    /// `advanceClusterTime`: takes over a cluster time of another session if it is later. The client's is left alone.
    pub fn advance_cluster_time(&mut self, time: &ClusterTime) {
        ClusterTime::advance(&mut self.cluster_time, time);
    }

    /// `advanceOperationTime`: takes over an operation time of another session if it is later.
    pub fn advance_operation_time(&mut self, time: Timestamp) {
        self.operation_time = self.operation_time.max(Some(time));
    }

    /// Until when all operations of the session are due, while `withTransaction` runs with a timeout; it replaces theirs.
    pub const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Sets or clears [`deadline`](Self::deadline).
    pub const fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    /// Checks the options that a user has given to one operation of the session, before what it inherits is added.
    ///
    /// # Errors
    ///
    /// In a transaction the concerns are the transaction's and reads go to the primary, and in `withTransaction` the timeout is that of the whole.
    pub const fn check_options(&self, given: &Settings) -> Result<(), SessionError> {
        if self.in_transaction() && given.read_concern.is_some() {
            return Err(SessionError::ReadConcernInTransaction);
        }
        if self.in_transaction() && given.write_concern.is_some() {
            return Err(SessionError::WriteConcernInTransaction);
        }
        let elsewhere = match &given.read_preference {
            Some(preference) => !matches!(preference.mode, ReadPreferenceMode::Primary),
            None => false,
        };
        if self.in_transaction() && elsewhere {
            return Err(SessionError::ReadPreference);
        }
        if self.deadline.is_some() && given.timeout.is_some() {
            return Err(SessionError::TimeoutInTransaction);
        }
        Ok(())
    }

    /// `startTransaction`. What `options` leaves open is taken from the session's defaults, then from `inherited`, the
    /// client's. Whatever connection the last transaction was pinned to may go.
    ///
    /// # Errors
    ///
    /// A transaction is open, the session is a snapshot session or has ended, or the write concern is unacknowledged.
    pub fn start_transaction(
        &mut self,
        options: &TransactionOptions,
        inherited: &TransactionOptions,
    ) -> Result<(), SessionError> {
        let mut options = options.or(&self.options.default_transaction_options);
        options.timeout = options.timeout.or(self.options.default_timeout);
        let options = options.or(inherited);
        if self.options.snapshot {
            return Err(SessionError::SnapshotTransaction);
        }
        self.transaction.check_start(&options)?;
        self.server.as_mut().ok_or(SessionError::Ended)?.next_txn_number();
        self.transaction.start(options);
        Ok(())
    }

    /// `commitTransaction`. The command is to be run with this session; `None` if there is nothing to tell the server.
    /// May be called again, which repeats it.
    ///
    /// # Errors
    ///
    /// There is no transaction, or it was aborted, or can only be aborted.
    pub fn commit_transaction(&mut self) -> Result<Option<CommitTransaction>, SessionError> {
        self.check_alive()?;
        let max_time = self.transaction.options().max_commit_time;
        Ok(self.transaction.commit()?.then_some(CommitTransaction { max_time }))
    }

    /// `abortTransaction`. The command is to be run with this session, and its error to be ignored; `None` if there is
    /// nothing to tell the server.
    ///
    /// # Errors
    ///
    /// There is no transaction, or it was committed or aborted.
    pub fn abort_transaction(&mut self) -> Result<Option<AbortTransaction>, SessionError> {
        self.check_alive()?;
        Ok(self.transaction.abort()?.then_some(AbortTransaction))
    }

    /// `endSession`, after a transaction in progress was aborted: the server session, to be given back; `None` if the
    /// session has ended before.
    pub fn end(&mut self) -> Option<ServerSession> {
        self.transaction.reset();
        self.server.take()
    }

    /// Nobody will end the open transaction, or its end was dropped and nobody will repeat it: it is aborted as far as this session is concerned. What is returned serves for
    /// telling the server ([`abort_transaction`](Self::abort_transaction)) while this session goes on; `None` if there is nothing
    /// to tell. It holds a copy of the server session, which is not to be given back to the pool.
    pub fn abandon_transaction(&mut self) -> Option<Self> {
        if !self.transaction.is_left_open() {
            return None;
        }
        let server = self.server.as_ref().map(ServerSession::twin);
        let fork = Self {
            options: self.options.clone(),
            server,
            id: self.id,
            cluster_time: self.cluster_time.clone(),
            operation_time: self.operation_time,
            snapshot_time: None,
            transaction: self.transaction.abandon(),
            deadline: None,
        };
        (fork.transaction.state() == TransactionState::InProgress).then_some(fork)
    }

    /// The server did not know the transaction when it was aborted (`NoSuchTransaction`). If a command that may begin it was
    /// given up, and so may come to the server after the abort, this is as
    /// [`abandon_transaction`](Self::abandon_transaction): the abort is to be repeated a little later. Otherwise `None`.
    pub fn handle_unknown_transaction(&mut self) -> Option<Self> {
        if self.transaction.handle_unknown() { self.abandon_transaction() } else { None }
    }

    /// An operation was dropped when its command might have been sent, and its reply was not read.
    pub fn handle_dropped(&mut self) {
        if let Some(server) = &mut self.server {
            server.mark_dirty();
        }
        self.transaction.handle_dropped();
    }

    const fn check_alive(&self) -> Result<(), SessionError> {
        if self.is_ended() { Err(SessionError::Ended) } else { Ok(()) }
    }

    /// An operation begins.
    pub(crate) fn begin(&mut self, usage: SessionUse, reads: bool, acknowledged: bool) -> Result<(), SessionError> {
        self.check_alive()?;
        if !acknowledged && !self.in_transaction() {
            return Err(SessionError::UnacknowledgedWrite);
        }
        if usage.transaction_end().is_none() { self.transaction.begin(reads) } else { Ok(()) }
    }

    pub(crate) const fn server(&self) -> Option<&ServerSession> {
        self.server.as_ref()
    }

    pub(crate) const fn server_mut(&mut self) -> Option<&mut ServerSession> {
        self.server.as_mut()
    }

    pub(crate) const fn transaction_mut(&mut self) -> &mut Transaction {
        &mut self.transaction
    }

    /// A reply was read: its `$clusterTime`, ...
    pub(crate) fn handle_cluster_time(&mut self, time: Doc<'_>) {
        if let Some(later) = ClusterTime::later(time, self.cluster_time.as_ref()) {
            self.cluster_time = Some(later);
        }
    }

    /// ... its `operationTime`, ...
    pub(crate) fn handle_operation_time(&mut self, time: Timestamp) {
        self.advance_operation_time(time);
    }

    /// ... and its `atClusterTime`, of which the first counts.
    pub(crate) fn handle_snapshot_time(&mut self, time: Timestamp) {
        if self.options.snapshot {
            self.snapshot_time.get_or_insert(time);
        }
    }
}
