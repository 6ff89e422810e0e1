//! Timers in order of their instant, then of their arming.

use std::collections::BTreeMap;

use stator_proto::Instant;

use super::tasks::Waiter;
use crate::net::PipeId;

/// Names one armed timer, so that it can be disarmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TimerId(Instant, u64);

/// What happens when a timer is due.
#[derive(Debug)]
pub(crate) enum Fire {
    /// Somebody waited for this instant.
    Rouse(Waiter),
    /// Something arrives at the far end of a pipe, or a close is noticed at the near one.
    Pipe(PipeId),
}

#[derive(Debug, Default)]
pub(crate) struct Timers {
    armed: BTreeMap<TimerId, Fire>,
    next: u64,
}

impl Timers {
    pub(crate) fn arm(&mut self, at: Instant, fire: Fire) -> TimerId {
        let id = TimerId(at, self.next);
        self.next += 1;
        self.armed.insert(id, fire);
        id
    }

    /// Harmless for a timer that has fired. The waiter is handed back, because dropping a waker may run code.
    pub(crate) fn disarm(&mut self, id: TimerId) -> Option<Fire> {
        self.armed.remove(&id)
    }

    pub(crate) fn earliest(&self) -> Option<Instant> {
        self.armed.first_key_value().map(|(id, _)| id.0)
    }

    /// The next timer that is due at `now`.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Fire> {
        let entry = self.armed.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    pub(crate) fn len(&self) -> usize {
        self.armed.len()
    }
}
