//! Fractions at random, from a seed: the generator SplitMix64.

use core::time::Duration;

/// Where the jitter of one operation's backoffs comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jitter(u64);

impl Jitter {
    /// `random`: unpredictable bits.
    pub(crate) const fn new(random: u64) -> Self {
        Self(random)
    }

    /// `time` times the next fraction, which is from 0 to 1. `time` is at most a day.
    pub(crate) fn of(&mut self, time: Duration) -> Duration {
        let nanos = time.as_nanos().saturating_mul(u128::from(self.next())) >> 64;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}
