//! The transaction of a session (specification *Transactions*).
//!
//! ```text
//!                  startTransaction            first command sent
//!   no transaction -----------------> starting --------------------> in progress
//!     ^    ^                            |   ^  \                       |  |  | any command
//!     |    |         refused: overload  |   +---\----------------------+  |  +--> in progress
//!     |    |                            |        \                        |
//!     |    |      (nothing is sent)     |commit   \abort           commit | | abort
//!     |    |                            v          v                      v v
//!     |    |                        committed    aborted        committed     aborted
//!     |    |                            |  ^ commit again            |           |
//!     |    |                            |  +--+                      |           |
//!     |    +--- another operation ------+-----+----------------------+-----------+
//!     +-------- (startTransaction: starting)
//! ```
//!
//! A call that the chart does not show is a [`SessionError`] and changes nothing. An operation that fails before it is
//! sent changes nothing either.

use core::time::Duration;

use stator_wire::bson::{Doc, DocBuf};

use super::{SessionError, TransactionOptions};
use crate::ServerAddress;
use crate::concern::{Acknowledgment, ReadConcern, WriteConcern};
use crate::read_preference::{ReadPreference, ReadPreferenceMode};
use crate::retry::Labels;

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TransactionState {
    /// There is none.
    #[default]
    None,
    /// It was started, but no command was sent yet.
    Starting,
    /// At least one command was sent.
    InProgress,
    /// It was committed, or that was tried.
    Committed,
    /// It was aborted, or that was tried.
    Aborted,
}

impl TransactionState {
    /// Whether operations of the session are part of a transaction.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Starting | Self::InProgress)
    }
}

/// What all commands of a transaction must go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pin {
    /// This router of a sharded cluster.
    Server(ServerAddress),
    /// The connection of its first command, which the host keeps beside the session: what stands behind a load balancer
    /// cannot be addressed.
    Connection,
}

/// The transaction of a session, from its start until the next operation after its end.
#[derive(Debug, Default)]
pub struct Transaction {
    state: TransactionState,
    options: TransactionOptions,
    pin: Option<Pin>,
    recovery_token: Option<DocBuf>,
    /// A command was sent, so the server has to be told of the end.
    used: bool,
    /// A commit has ended in another way than by an overloaded server's refusal: the next is to wait for a majority.
    majority: bool,
    abort_only: bool,
    /// Its commit or abort was dropped, so the server may have it still.
    forsaken: bool,
    /// The server has carried out a command of it.
    begun: bool,
    /// A command was given up before any was answered: it may begin the transaction whenever the server comes to it.
    late: bool,
}

/// How long a repeated commit waits for its majority unless told otherwise.
const RETRIED_COMMIT_TIMEOUT: Duration = Duration::from_secs(10);

impl Transaction {
    /// Where it stands.
    pub const fn state(&self) -> TransactionState {
        self.state
    }

    /// Whether operations of the session are part of it.
    pub const fn is_active(&self) -> bool {
        self.state.is_active()
    }

    /// Its options, those inherited included.
    pub const fn options(&self) -> &TransactionOptions {
        &self.options
    }

    /// What its commands must go to, if that matters. It outlives a commit, which may have to be repeated.
    pub const fn pin(&self) -> Option<&Pin> {
        self.pin.as_ref()
    }

    /// `recoveryToken`: lets another router find out what has become of the transaction.
    pub fn recovery_token(&self) -> Option<Doc<'_>> {
        self.recovery_token.as_ref().map(DocBuf::as_doc)
    }

    /// Whether it can only be aborted, because an operation was dropped.
    pub const fn is_abort_only(&self) -> bool {
        self.abort_only
    }

    pub(super) fn check_start(&self, options: &TransactionOptions) -> Result<(), SessionError> {
        if self.is_active() {
            return Err(SessionError::TransactionInProgress);
        }
        if options.write_concern.as_ref().is_some_and(|concern| !concern.is_acknowledged()) {
            return Err(SessionError::UnacknowledgedTransaction);
        }
        Ok(())
    }

    /// After [`check_start`](Self::check_start).
    pub(super) fn start(&mut self, options: TransactionOptions) {
        *self = Self { state: TransactionState::Starting, options, ..Self::default() };
    }

    /// Whether a command is to be sent.
    pub(super) fn commit(&mut self) -> Result<bool, SessionError> {
        match self.state {
            TransactionState::None => return Err(SessionError::NoTransaction),
            TransactionState::Aborted => return Err(SessionError::CommitAfterAbort),
            _ if self.abort_only => return Err(SessionError::AbortOnly),
            _ => self.state = TransactionState::Committed,
        }
        self.forsaken = false;
        Ok(self.used)
    }

    /// Whether a command is to be sent.
    pub(super) fn abort(&mut self) -> Result<bool, SessionError> {
        match self.state {
            TransactionState::None => return Err(SessionError::NoTransaction),
            TransactionState::Aborted => return Err(SessionError::AbortTwice),
            TransactionState::Committed => return Err(SessionError::AbortAfterCommit),
            TransactionState::Starting | TransactionState::InProgress => self.state = TransactionState::Aborted,
        }
        if !self.used {
            self.pin = None;
        }
        Ok(self.used)
    }

    /// An operation begins: one that is not part of a transaction ends what is left of the last one.
    pub(super) fn begin(&mut self, reads: bool) -> Result<(), SessionError> {
        match self.state {
            TransactionState::None => {}
            TransactionState::Committed | TransactionState::Aborted => self.reset(),
            _ if self.abort_only => return Err(SessionError::AbortOnly),
            _ if reads && !self.reads_from_primary() => return Err(SessionError::ReadPreference),
            _ => {}
        }
        Ok(())
    }

    /// Nothing is left of it.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    fn reads_from_primary(&self) -> bool {
        let preference: Option<&ReadPreference> = self.options.read_preference.as_ref();
        preference.is_none_or(|preference| preference.mode == ReadPreferenceMode::Primary)
    }

    /// `readConcern` of the first command.
    pub(crate) fn read_concern(&self) -> Option<&ReadConcern> {
        self.options.read_concern.as_ref()
    }

    /// `writeConcern` of `abortTransaction`, and of `commitTransaction` unless it is repeated.
    pub(crate) const fn write_concern(&self) -> Option<&WriteConcern> {
        self.options.write_concern.as_ref()
    }

    /// `writeConcern` of a repeated `commitTransaction`; `None` if the next is the first that counts.
    pub(crate) fn repeated_write_concern(&self) -> Option<WriteConcern> {
        self.majority.then(|| {
            let given = self.options.write_concern.as_ref();
            WriteConcern {
                w: Some(Acknowledgment::Majority),
                journal: given.and_then(|concern| concern.journal),
                w_timeout: given.and_then(|concern| concern.w_timeout).or(Some(RETRIED_COMMIT_TIMEOUT)),
            }
        })
    }

    /// Whether the next command is the first.
    pub(crate) const fn is_first(&self) -> bool {
        matches!(self.state, TransactionState::Starting)
    }

    /// A command of it is on its way.
    pub(crate) const fn handle_sent(&mut self) {
        if self.is_first() {
            self.state = TransactionState::InProgress;
        }
        self.used = true;
    }

    /// A server was selected for a command of it: the first one it is.
    pub(crate) fn handle_selected(&mut self, pin: Pin) {
        if self.is_active() && self.pin.is_none() {
            self.pin = Some(pin);
        }
    }

    /// A reply brought a recovery token.
    pub(crate) fn handle_recovery_token(&mut self, token: Doc<'_>) {
        if self.state != TransactionState::None {
            self.recovery_token = Some(token.into());
        }
    }

    /// A command of it failed and the error has these labels.
    pub(crate) fn handle_failed(&mut self, end: Option<TransactionEnd>, labels: Labels, retried: Retried) {
        let unpins = match end {
            Some(TransactionEnd::Abort) => true,
            Some(TransactionEnd::Commit) => {
                labels.contains(Labels::UNKNOWN_COMMIT_RESULT) || labels.contains(Labels::TRANSIENT_TRANSACTION)
            }
            None => labels.contains(Labels::TRANSIENT_TRANSACTION),
        };
        // What is sent again goes where the transaction is, unless it begins anew.
        if unpins && (end.is_some() || retried != Retried::Again) {
            self.pin = None;
        }
        if end == Some(TransactionEnd::Commit) && !labels.is_retryable_overload() {
            self.majority = true;
        }
        if end.is_none() && retried == Retried::FirstCommand {
            self.state = TransactionState::Starting;
            self.used = false;
        }
    }

    /// The command that ends it has succeeded.
    pub(crate) fn handle_ended(&mut self, end: TransactionEnd) {
        match end {
            TransactionEnd::Commit => self.majority = true,
            TransactionEnd::Abort => self.pin = None,
        }
    }

    /// Whether the server may have it open although nobody is at work on its end.
    pub(super) const fn is_left_open(&self) -> bool {
        self.state.is_active() || self.forsaken
    }

    /// Takes it out as one that can be aborted; what stays is an aborted one.
    pub(super) fn abandon(&mut self) -> Self {
        let mut left = core::mem::replace(self, Self { state: TransactionState::Aborted, ..Self::default() });
        if core::mem::take(&mut left.forsaken) {
            left.state = TransactionState::InProgress;
        }
        left
    }

    /// The command that ends it was dropped: nobody knows whether the server has seen it.
    pub(crate) const fn handle_end_dropped(&mut self) {
        self.forsaken = self.used;
    }

    /// A command of it was carried out.
    pub(crate) const fn handle_answered(&mut self) {
        self.begun = true;
    }

    /// A command was sent, and nobody waits for its reply any more.
    pub(crate) const fn handle_lost(&mut self) {
        if matches!(self.state, TransactionState::InProgress) {
            self.late |= !self.begun;
        }
    }

    /// The server did not know the transaction when it was aborted. Whether that is to be done again.
    pub(super) const fn handle_unknown(&mut self) -> bool {
        self.forsaken = self.late && matches!(self.state, TransactionState::Aborted);
        self.forsaken
    }

    /// An operation of it was dropped after some of its commands: nobody wants the half that was done.
    pub(crate) const fn handle_partly_dropped(&mut self) {
        if matches!(self.state, TransactionState::InProgress) {
            self.abort_only = true;
        }
    }

    /// An operation of it was dropped when it might have been sent.
    pub(super) fn handle_dropped(&mut self) {
        self.handle_lost();
        match self.state {
            TransactionState::InProgress => self.abort_only = true,
            // What aborts it in its stead goes to the same router; the connection is lost.
            TransactionState::Aborted if self.pin == Some(Pin::Connection) => self.pin = None,
            TransactionState::Aborted => {}
            TransactionState::Committed => self.majority = true,
            TransactionState::None | TransactionState::Starting => {}
        }
    }
}

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransactionEnd {
    /// `commitTransaction`.
    Commit,
    /// `abortTransaction`.
    Abort,
}

/// Whether a failed command is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retried {
    /// It is not.
    No,
    /// It is, and others were before it.
    Again,
    /// It is, and it is the first once more: an overloaded server has not even looked at it.
    FirstCommand,
}
