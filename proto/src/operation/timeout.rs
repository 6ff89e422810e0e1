//! What the timeout of an operation means for the cursor that it opens, and for the server
//! (specification *Client Side Operations Timeout*).

use core::time::Duration;

use super::{OperationError, Settings};
use crate::Instant;

/// `timeoutMode`: what the timeout of an operation that opens a cursor counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum TimeoutMode {
    /// For all there is: the operation and all batches of its cursor, together. The server is told, too. The default of
    /// cursors that end.
    #[default]
    CursorLifetime,
    /// Anew for each step: the operation, then every `next`. What tailable cursors do.
    Iteration,
}

/// What a command's `maxTimeMS` is. `timeoutMS` replaces the time that the user gives for the server alone, even when
/// it is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxTime {
    /// What is left of `timeoutMS`; without one, the time given.
    Deadline(Option<Duration>),
    /// Nothing if there is a `timeoutMS` (it would end a cursor that is to live on); without one, the time given.
    Unbounded(Option<Duration>),
    /// How long the server may wait for documents: the time given, but not more than is left of `timeoutMS`.
    Await(Option<Duration>),
}

impl MaxTime {
    /// The time for the first command of a cursor that ends, of which `given` is the user's time for the server.
    pub(crate) fn opening(mode: Option<TimeoutMode>, given: Option<Duration>) -> Self {
        match mode.unwrap_or_default() {
            TimeoutMode::CursorLifetime => Self::Deadline(given),
            TimeoutMode::Iteration => Self::Unbounded(given),
        }
    }
}

/// Checks what the user said of a cursor's times. `timeout` is `timeoutMS`, of which zero is no limit.
pub(crate) fn check_cursor(
    mode: Option<TimeoutMode>,
    is_tailable: bool,
    max_await_time: Option<Duration>,
    timeout: Option<Duration>,
) -> Result<(), OperationError> {
    if is_tailable && mode == Some(TimeoutMode::CursorLifetime) {
        let reason = "a timeout cannot count for the whole life of a tailable cursor: it has no end";
        return Err(OperationError::InvalidArgument(reason));
    }
    if mode.is_some() && timeout.is_none() {
        return Err(OperationError::InvalidArgument("a timeout mode needs a timeout"));
    }
    if let (Some(wait), Some(timeout)) = (max_await_time, timeout)
        && !timeout.is_zero()
        && wait >= timeout
    {
        return Err(OperationError::InvalidArgument("the time to wait for documents must be shorter than the timeout"));
    }
    Ok(())
}

impl Settings {
    /// When an operation that begins now is due, if it has a timeout; [`Instant::FAR_FUTURE`] is no limit by choice.
    pub fn due(&self, now: Instant) -> Option<Instant> {
        self.deadline.or_else(|| Some(due(now, self.timeout?)))
    }
}

/// When the time is up that begins now; zero is no limit.
pub(crate) fn due(now: Instant, timeout: Duration) -> Instant {
    if timeout.is_zero() { Instant::FAR_FUTURE } else { now + timeout }
}
