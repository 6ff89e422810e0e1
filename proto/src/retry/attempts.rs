//! Counting attempts, and the wait between two.

use core::time::Duration;

use super::{Jitter, Labels, RetryOptions};
use crate::Instant;

/// How often an operation was retried and how often it may be.
#[derive(Clone, Copy, Debug)]
pub struct Attempts {
    retries: u32,
    overloaded: bool,
    jitter: Jitter,
}

/// What to do about a failure that may be retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Try again now.
    Retry,
    /// Try again then.
    RetryAt(Instant),
    /// There were enough attempts, or there would be no time for another.
    Enough,
    /// The deadline has passed.
    Expired,
}

/// `BASE_BACKOFF`.
const BASE_BACKOFF: Duration = Duration::from_millis(100);
/// `MAX_BACKOFF`.
const MAX_BACKOFF: Duration = Duration::from_secs(10);

impl Attempts {
    /// No attempt has failed. `random`: unpredictable bits, from which the jitter of all backoffs is made.
    pub const fn new(random: u64) -> Self {
        Self { retries: 0, overloaded: false, jitter: Jitter::new(random) }
    }

    /// How many retries there were.
    pub const fn retries(&self) -> u32 {
        self.retries
    }

    /// Counts from zero again: the next command of the same operation.
    pub const fn restart(&mut self) {
        self.retries = 0;
        self.overloaded = false;
    }

    /// An attempt failed with an error that may be retried and has these labels. `deadline` is that of `timeoutMS`,
    /// without which there is but one retry; zero `timeoutMS` is [`Instant::FAR_FUTURE`].
    pub fn decide(
        &mut self,
        now: Instant,
        deadline: Option<Instant>,
        labels: Labels,
        base_backoff: Option<Duration>,
        options: &RetryOptions,
    ) -> Decision {
        self.retries = self.retries.saturating_add(1);
        let is_overload = labels.contains(Labels::SYSTEM_OVERLOADED);
        self.overloaded |= is_overload;
        let allowed = match deadline {
            _ if self.overloaded => options.max_adaptive_retries,
            Some(_) => u32::MAX,
            None => 1,
        };
        if deadline.is_some_and(|deadline| deadline <= now) {
            return Decision::Expired;
        }
        if self.retries > allowed {
            return Decision::Enough;
        }
        if !is_overload {
            return Decision::Retry;
        }
        let at = now + self.backoff(base_backoff.unwrap_or(BASE_BACKOFF));
        if deadline.is_some_and(|deadline| deadline < at) { Decision::Enough } else { Decision::RetryAt(at) }
    }

    fn backoff(&mut self, base: Duration) -> Duration {
        let factor = 1u32.checked_shl(self.retries).unwrap_or(u32::MAX);
        self.jitter.of(base.saturating_mul(factor).min(MAX_BACKOFF))
    }
}
