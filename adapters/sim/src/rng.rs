//! A small seeded generator (SplitMix64): the only source of chance in a simulated world.

use core::ops::RangeInclusive;
use core::time::Duration;

/// A stream of pseudo-random numbers that is a function of its seed.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    /// The stream of `seed`; different `purpose`s of one seed give unrelated streams.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        Self(mix(seed ^ mix(purpose)))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number in `0..bound`; 0 if `bound` is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        // The high half of a 128-bit product: less than `bound`, so it fits.
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    pub(crate) fn duration(&mut self, range: &RangeInclusive<Duration>) -> Duration {
        let low = u64::try_from(range.start().as_nanos()).unwrap_or(u64::MAX);
        let high = u64::try_from(range.end().as_nanos()).unwrap_or(u64::MAX);
        let width = u128::from(high.saturating_sub(low)) + 1;
        Duration::from_nanos(low + ((u128::from(self.next()) * width) >> 64) as u64)
    }

    pub(crate) fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// The finalizer of SplitMix64: a bijection in which each input bit changes half of the output bits.
pub(crate) const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_splitmix64() {
        // The published reference values for the state 1234567.
        let mut rng = Rng(1_234_567);
        assert_eq!([rng.next(), rng.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn numbers_stay_in_their_ranges_and_reach_both_ends() {
        let mut rng = Rng::new(1, 2);
        let seen: std::collections::BTreeSet<_> = (0..200).map(|_| rng.below(3)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(rng.below(0), 0);
        let range = Duration::from_nanos(5)..=Duration::from_nanos(6);
        let seen: std::collections::BTreeSet<_> = (0..200).map(|_| rng.duration(&range).as_nanos()).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [5, 6]);
    }
}
