//! `withTransaction` (specification *Convenient API for Transactions*).
//!
//! ```text
//!           begun            ran                committed
//!   begin --------> run ----------------> commit ---------> done
//!     ^              |  \                 |  ^  | |
//!     |       failed |   \ already ended  |  +--+ | failed
//!     |              v    +--> done       | unknown, in time
//!     |            abort                  |       |
//!     |              | transient,         | transient, in time
//!     |              v in time            |       |
//!     +----------- sleep <----------------+       +--> done (failed, or timed out)
//! ```

use core::time::Duration;

use super::TransactionState;
use crate::Instant;
use crate::retry::{Failure, Jitter, label};

/// What `withTransaction` wants done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionStep {
    /// `startTransaction`, then [`WithTransaction::handle_begun`].
    Begin,
    /// The user's callback, then [`WithTransaction::handle_ran`].
    Run,
    /// `commitTransaction`, then [`WithTransaction::handle_committed`].
    Commit,
    /// `abortTransaction` under a fresh timeout, then [`WithTransaction::handle_aborted`].
    Abort,
    /// Wait until then, then [`WithTransaction::handle_timeout`].
    Sleep(Instant),
    /// Nothing: take the outcome with [`WithTransaction::finish`].
    Done,
}

/// How `withTransaction` ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<E> {
    /// The callback has succeeded, and the transaction is committed unless the callback has ended it otherwise.
    Done,
    /// This is what went wrong.
    Failed(E),
    /// There is no time left for another attempt after this error. The user gets a timeout error with its labels that
    /// names it as the cause, unless it is one itself.
    TimedOut(E),
}

/// The loop of `withTransaction`: it calls nothing, but says what to call. The host keeps what the callback returns.
///
/// ```
/// use stator_proto::Instant;
/// use stator_proto::operation::OperationError;
/// use stator_proto::session::{Outcome, TransactionState, TransactionStep, WithTransaction};
///
/// let now = Instant::ORIGIN; // the host's clock, in earnest
/// let random = 4; // 64 unpredictable bits, in earnest
/// let mut all = WithTransaction::<OperationError>::new(now, None, random);
/// loop {
///     match all.poll_step() {
///         TransactionStep::Begin => all.handle_begun(now, Ok(())),
///         TransactionStep::Run => all.handle_ran(now, Ok(()), TransactionState::InProgress),
///         TransactionStep::Commit => all.handle_committed(now, Ok(())),
///         TransactionStep::Abort => all.handle_aborted(now),
///         TransactionStep::Sleep(until) => all.handle_timeout(until),
///         TransactionStep::Done => break,
///     }
/// }
/// assert_eq!(all.finish(), Some(Outcome::Done));
/// ```
#[derive(Debug)]
pub struct WithTransaction<E> {
    limit: Instant,
    has_timeout: bool,
    jitter: Jitter,
    /// Transactions that have begun.
    attempts: i32,
    state: State<E>,
}

#[derive(Debug)]
enum State<E> {
    Begin,
    Run,
    Commit,
    Abort(E),
    Sleep {
        until: Instant,
    },
    Done(Outcome<E>),
    /// The outcome was taken, or an error is being moved.
    Gone,
}

/// How long it goes on trying without `timeoutMS`.
const LIMIT: Duration = Duration::from_secs(120);
/// `BACKOFF_INITIAL`.
const BACKOFF_INITIAL: Duration = Duration::from_millis(5);
/// `BACKOFF_MAX`.
const BACKOFF_MAX: Duration = Duration::from_millis(500);
/// From this attempt on the backoff is the greatest: 5 ms * 1.5^12 > 500 ms.
const BACKOFF_MAX_FROM: i32 = 12;

impl<E: Failure> WithTransaction<E> {
    /// Begins. `timeout` is `timeoutMS`, of which zero is no limit; `None` is the specification's limit of 120 seconds
    /// for retries. `random`: unpredictable bits, from which the jitter of all backoffs is made.
    pub fn new(now: Instant, timeout: Option<Duration>, random: u64) -> Self {
        let limit = match timeout {
            Some(Duration::ZERO) => Instant::FAR_FUTURE,
            Some(timeout) => now + timeout,
            None => now + LIMIT,
        };
        let has_timeout = timeout.is_some();
        Self { limit, has_timeout, jitter: Jitter::new(random), attempts: 0, state: State::Begin }
    }

    /// Until when all operations of the session are due, for [`Session::set_deadline`](super::Session::set_deadline);
    /// `None` without
    /// `timeoutMS`.
    pub fn deadline(&self) -> Option<Instant> {
        self.has_timeout.then_some(self.limit)
    }

    /// How many transactions have begun.
    pub const fn attempts(&self) -> i32 {
        self.attempts
    }

    /// What is wanted next.
    pub const fn poll_step(&self) -> TransactionStep {
        match &self.state {
            State::Begin => TransactionStep::Begin,
            State::Run => TransactionStep::Run,
            State::Commit => TransactionStep::Commit,
            State::Abort(_) => TransactionStep::Abort,
            State::Sleep { until } => TransactionStep::Sleep(*until),
            State::Done(_) | State::Gone => TransactionStep::Done,
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub const fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Sleep { until } => Some(*until),
            _ => None,
        }
    }

    /// `startTransaction` has returned.
    pub fn handle_begun(&mut self, _now: Instant, outcome: Result<(), E>) {
        if !matches!(self.state, State::Begin) {
            return;
        }
        self.attempts = self.attempts.saturating_add(1);
        self.state = match outcome {
            Ok(()) => State::Run,
            Err(error) => State::Done(Outcome::Failed(error)),
        };
    }

    /// The callback has returned and left the session's transaction in `state`.
    pub fn handle_ran(&mut self, now: Instant, outcome: Result<(), E>, state: TransactionState) {
        if !matches!(self.state, State::Run) {
            return;
        }
        match outcome {
            Ok(()) if state.is_active() => self.state = State::Commit,
            Ok(()) => self.state = State::Done(Outcome::Done),
            Err(error) if state.is_active() => self.state = State::Abort(error),
            Err(error) => self.fail(now, error),
        }
    }

    /// `abortTransaction` has returned, whatever it was.
    pub fn handle_aborted(&mut self, now: Instant) {
        match core::mem::replace(&mut self.state, State::Gone) {
            State::Abort(error) => self.fail(now, error),
            other => self.state = other,
        }
    }

    /// `commitTransaction` has returned.
    pub fn handle_committed(&mut self, now: Instant, outcome: Result<(), E>) {
        if !matches!(self.state, State::Commit) {
            return;
        }
        match outcome {
            Ok(()) => self.state = State::Done(Outcome::Done),
            Err(error) if error.has_label(label::UNKNOWN_COMMIT_RESULT) && !error.is_max_time_expired() => {
                if self.limit <= now {
                    self.state = State::Done(Outcome::TimedOut(error));
                }
            }
            Err(error) => self.fail(now, error),
        }
    }

    /// The wait is over, or not yet.
    pub fn handle_timeout(&mut self, now: Instant) {
        if matches!(self.state, State::Sleep { until } if until <= now) {
            self.state = State::Begin;
        }
    }

    /// The outcome; `None` while [`poll_step`](Self::poll_step) is not [`TransactionStep::Done`].
    pub fn finish(self) -> Option<Outcome<E>> {
        match self.state {
            State::Done(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// The whole transaction failed.
    fn fail(&mut self, now: Instant, error: E) {
        if !error.has_label(label::TRANSIENT_TRANSACTION) {
            self.state = State::Done(Outcome::Failed(error));
            return;
        }
        let until = now + self.backoff();
        self.state = if until >= self.limit { State::Done(Outcome::TimedOut(error)) } else { State::Sleep { until } };
    }

    /// `jitter * min(BACKOFF_INITIAL * 1.5 ^ attempts, BACKOFF_MAX)`.
    fn backoff(&mut self) -> Duration {
        let mut backoff = BACKOFF_MAX;
        if self.attempts < BACKOFF_MAX_FROM {
            backoff = (0..self.attempts).fold(BACKOFF_INITIAL, |backoff, _| backoff * 3 / 2).min(BACKOFF_MAX);
        }
        self.jitter.of(backoff)
    }
}
