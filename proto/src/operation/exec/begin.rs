//! What an operation is begun with.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use super::{Attempt, Exec, Operation, OperationError, Reached, SessionSlot, State};
use crate::Instant;
use crate::connection::ConnectionError;
use crate::operation::{SessionUse, Settings};
use crate::retry::{Attempts, Failure, RetryOptions};
use crate::session::{ServerSession, Session};
use crate::uri::ServerApi;

impl<O: Operation, E: From<OperationError> + From<ConnectionError> + Failure> Exec<O, E> {
    /// Begins an operation without a session and without retries: its deadline is `settings.deadline`, or `settings.timeout` from
    /// now. A write with a write concern that cannot be ([`WriteConcern::validate`](crate::concern::WriteConcern::validate)), and options that contradict the timeout,
    /// are done at once, with an error.
    pub fn new(now: Instant, operation: O, settings: impl Into<Arc<Settings>>, server_api: Option<ServerApi>) -> Self {
        let settings = settings.into();
        let due = settings.due(now);
        let timeout = settings.timeout.or(due.map(|_| Duration::ZERO));
        let state = match check(&operation, &settings, timeout) {
            Ok(()) => State::CheckOut,
            Err(error) => State::Done(Err(error.into())),
        };
        Self {
            traits: operation.traits(),
            has_timeout: due.is_some(),
            operation,
            settings,
            server_api,
            deadline: due.unwrap_or(Instant::FAR_FUTURE),
            operation_id: 0,
            partly_done: false,
            reached: Reached::default(),
            session: SessionSlot::None,
            learnt: None,
            retry: RetryOptions::NONE,
            attempts: Attempts::new(0),
            attempt: Attempt::default(),
            txn_number: None,
            is_transient_retry: false,
            avoid: Vec::new(),
            tidying: false,
            previous: None,
            state,
        }
    }

    /// Retries as `options` allow. `random`: unpredictable bits, from which the jitter of backoffs is made.
    #[must_use]
    pub fn with_retries(mut self, options: RetryOptions, random: u64) -> Self {
        self.retry = options;
        self.attempts = Attempts::new(random);
        self
    }

    /// The number that monitoring knows the operation by, the same for all of its attempts and batches.
    #[must_use]
    pub const fn with_operation_id(mut self, id: i64) -> Self {
        self.operation_id = id;
        self
    }

    /// Runs the operation in an explicit session. If the session does not allow it, the operation is done at once, with
    /// an error.
    #[must_use]
    pub fn with_session(mut self, mut session: Box<Session>) -> Self {
        let traits = self.traits;
        let reads = traits.read_preference && !traits.write_concern;
        let acknowledged = !traits.write_concern || self.is_acknowledged();
        if let Err(error) = session.begin(traits.session, reads, acknowledged) {
            self.state = State::Done(Err(OperationError::Session(error).into()));
        }
        if let Some(deadline) = session.deadline()
            && traits.session != SessionUse::Abort
        {
            self.deadline = deadline;
            self.has_timeout = true;
        }
        self.session = SessionSlot::Explicit(session);
        self
    }

    /// Goes on with the implicit session that the operation's cursor came from.
    #[must_use]
    pub fn with_implicit_session(mut self, session: ServerSession) -> Self {
        self.session = SessionSlot::Implicit(session);
        self
    }
}

/// Checks what can be checked before a server is selected.
fn check(operation: &impl Operation, settings: &Settings, timeout: Option<Duration>) -> Result<(), OperationError> {
    let concern = settings.write_concern.as_ref().filter(|_| operation.traits().write_concern);
    if concern.is_some_and(|concern| concern.validate().is_err()) {
        return Err(OperationError::InvalidArgument(INVALID_WRITE_CONCERN));
    }
    operation.check_timeout(timeout)
}

const INVALID_WRITE_CONCERN: &str =
    "the write concern contradicts itself (`w: 0` with a journal) or has a number out of range";
