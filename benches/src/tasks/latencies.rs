//! Times of single operations.

use std::time::Duration;

/// The figures that are made of these times, in microseconds.
pub(crate) fn figures(mut times: Vec<Duration>) -> Vec<(String, f64)> {
    times.sort_unstable();
    let at = |percent: usize| {
        let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
        times.get(index).copied().unwrap_or_default().as_secs_f64() * 1e6
    };
    vec![("p50 us".into(), at(50)), ("p99 us".into(), at(99))]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::figures;

    #[test]
    fn the_slowest_of_a_hundred() {
        let times = (0..100).map(Duration::from_micros).collect();
        assert_eq!(figures(times), [("p50 us".into(), 50.0), ("p99 us".into(), 99.0)]);
        assert_eq!(figures(Vec::new())[1].1, 0.0);
    }
}
