//! Clocks, samples and what is said of them.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::runner::Done;
use crate::{Failure, Runner, Task};

/// One slot: some operations of one runner, and what they took.
#[derive(Clone, Debug)]
pub struct Sample {
    /// How many operations.
    pub operations: u64,
    /// Wall time.
    pub wall: Duration,
    /// User and system time of the client's process. The server is another process.
    pub cpu: Duration,
    /// What else the task tells, by name; the same names in each sample of a task.
    pub figures: Vec<(String, f64)>,
}

impl Sample {
    /// Lets `runner` do `count` operations.
    pub fn take(runner: &mut dyn Runner, task: Task, count: u64) -> Result<Self, Failure> {
        let watch = Stopwatch::start();
        let done = runner.run(task, count)?;
        let (wall, cpu) = done.took.unwrap_or_else(|| watch.read());
        Ok(Self { operations: done.operations, wall, cpu, figures: done.figures })
    }

    /// Operations per second of wall time.
    pub fn rate(&self) -> f64 {
        self.operations as f64 / self.wall.as_secs_f64().max(1e-9)
    }

    /// Microseconds of wall time per operation.
    pub fn wall_micros(&self) -> f64 {
        self.wall.as_secs_f64() * 1e6 / self.operations.max(1) as f64
    }

    /// Microseconds of CPU time per operation.
    pub fn cpu_micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.operations.max(1) as f64
    }

    /// The figure of this name.
    pub fn figure(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }
}

/// Wall time and CPU time from one moment on.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    wall: Instant,
    cpu: Duration,
}

impl Stopwatch {
    /// Starts both clocks.
    pub fn start() -> Self {
        Self { wall: Instant::now(), cpu: cpu_time() }
    }

    /// Wall time and CPU time so far.
    pub fn read(&self) -> (Duration, Duration) {
        (self.wall.elapsed(), cpu_time().saturating_sub(self.cpu))
    }

    /// What was done since it was started, by this clock instead of the caller's.
    pub fn done(&self, operations: u64, figures: Vec<(String, f64)>) -> Done {
        Done { operations, took: Some(self.read()), figures }
    }
}

/// How many operations fill a slot of this length. Warms the runner up on the way.
pub fn calibrate(runner: &mut dyn Runner, task: Task, slot: Duration) -> Result<u64, Failure> {
    if task.is_once() {
        return Ok(1);
    }
    let mut count = 1;
    loop {
        let sample = Sample::take(runner, task, count)?;
        if sample.wall * 4 >= slot {
            let share = slot.as_secs_f64() / sample.wall.as_secs_f64().max(1e-9);
            return Ok(((sample.operations as f64 * share) as u64).max(1));
        }
        count = sample.operations.max(count) * 2;
    }
}

/// The CPU time, user and system, of this process so far.
pub fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The median of a number of measurements, and the tenth part at either side.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// A tenth is less.
    pub p10: f64,
    /// The median.
    pub p50: f64,
    /// A tenth is more.
    pub p90: f64,
}

impl Spread {
    /// Of these values; zeros of none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = share * values.len().saturating_sub(1) as f64;
            let (low, high) = (place.floor() as usize, place.ceil() as usize);
            match (values.get(low), values.get(high)) {
                (Some(a), Some(b)) => a + (b - a) * place.fract(),
                _ => 0.0,
            }
        };
        Self { p10: at(0.1), p50: at(0.5), p90: at(0.9) }
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn quantiles_lie_between_the_values() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Spread { p10: 1.2, p50: 2.0, p90: 2.8 });
        assert_eq!(Spread::of([7.0]), Spread { p10: 7.0, p50: 7.0, p90: 7.0 });
        assert_eq!(Spread::of([]), Spread::default());
    }
}
