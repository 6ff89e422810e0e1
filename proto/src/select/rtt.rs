//! How long one server takes to answer (section "Round Trip Times and the Latency Window").

use core::time::Duration;

use crate::topology::RoundTripTime;

/// How many samples the minimum is taken of.
const RECENT: usize = 10;

/// The round trip times of one server's `hello`: their exponentially weighted moving average, and the least of the
/// last ten, which Client-Side Operations Timeout takes for the least time that a command needs.
///
/// ```
/// use core::time::Duration;
/// use stator_proto::select::RttTracker;
///
/// let millis = Duration::from_millis;
/// let mut tracker = RttTracker::new();
/// tracker.add(millis(10));
/// assert_eq!(tracker.get().average, Some(millis(10)));
/// assert_eq!(tracker.get().minimum, Duration::ZERO); // too few to tell
/// tracker.add(millis(20));
/// assert_eq!(tracker.get().average, Some(millis(12)));
/// assert_eq!(tracker.get().minimum, millis(10));
/// tracker.reset();
/// assert_eq!(tracker.get().average, None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RttTracker {
    average: Option<Duration>,
    /// The last samples; the oldest is overwritten.
    recent: [Duration; RECENT],
    /// How many there are, up to [`RECENT`].
    count: u8,
    /// Where the next one goes.
    next: u8,
}

impl RttTracker {
    /// Without a sample.
    pub const fn new() -> Self {
        Self { average: None, recent: [Duration::ZERO; RECENT], count: 0, next: 0 }
    }

    /// Without a sample, but with an average from before.
    pub const fn with_average(average: Duration) -> Self {
        Self { average: Some(average), ..Self::new() }
    }

    /// Takes one more sample in. The newest has a weight of 0.2 in the average.
    pub fn add(&mut self, sample: Duration) {
        self.average = Some(self.average.map_or(sample, |average| weigh(average, sample)));
        if let Some(slot) = self.recent.get_mut(usize::from(self.next)) {
            *slot = sample;
        }
        self.next = (self.next + 1) % RECENT as u8;
        self.count = (self.count + 1).min(RECENT as u8);
    }

    /// The server has become unavailable: forgets everything.
    pub fn reset(&mut self) {
        *self = Self::new();
    }

    /// The average, and the least of the last ten samples; zero while there are fewer than two.
    pub fn get(&self) -> RoundTripTime {
        let minimum = match self.count {
            0 | 1 => None,
            count => self.recent.iter().take(usize::from(count)).min().copied(),
        };
        RoundTripTime { average: self.average, minimum: minimum.unwrap_or_default() }
    }
}

/// `0.2 * sample + 0.8 * average`, to the nanosecond and without overflow.
fn weigh(average: Duration, sample: Duration) -> Duration {
    if sample >= average { average.saturating_add((sample - average) / 5) } else { average - (average - sample) / 5 }
}
