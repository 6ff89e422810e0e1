//! What was measured, as a table, as JSON lines, as a chart, and beside an older run.

use crate::Task;
use crate::measure::{Sample, Spread};

mod chart;
mod compare;
mod lines;
mod table;

pub use chart::chart;
pub use compare::{Old, compare};
pub use lines::lines;
pub use table::table;

/// The samples of one runner, one for each round.
#[derive(Clone, Debug)]
pub struct Row {
    /// The runner's name.
    pub runner: &'static str,
    /// The name of the runner that it is compared with.
    pub peer: &'static str,
    /// The name of the floor that it is compared with.
    pub floor: &'static str,
    /// One for each round.
    pub samples: Vec<Sample>,
    /// The heap, where it could be counted.
    pub footprint: Option<Footprint>,
}

/// What the `footprint` program saw, in a process of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Footprint {
    /// Allocations and reallocations for each operation.
    pub allocations: f64,
    /// Bytes that were allocated for each operation.
    pub bytes: f64,
    /// The most memory that the process held at a time beyond the documents, in KiB.
    pub peak_kib: f64,
}

/// What was measured of one task. The samples of one round were taken next to each other.
#[derive(Clone, Debug)]
pub struct TaskReport {
    /// The task.
    pub task: Task,
    /// The document's bytes that one operation moves.
    pub bytes: usize,
    /// One for each runner.
    pub rows: Vec<Row>,
}

impl TaskReport {
    /// How much more a row takes than the runner of that name: the spread of the rounds' own ratios, so that what disturbs a
    /// whole round disturbs both.
    pub fn ratio(&self, row: &Row, to: &str, of: impl Fn(&Sample) -> f64) -> Option<Spread> {
        let base = self.rows.iter().find(|row| row.runner == to)?;
        let pairs = || row.samples.iter().zip(&base.samples).map(|(mine, other)| (of(mine), of(other)));
        let told = pairs().any(|(mine, other)| mine > 0.0 && other > 0.0);
        told.then(|| Spread::of(pairs().map(|(mine, other)| mine / other.max(1e-9))))
    }
}

impl Row {
    /// The spread of something over the rounds.
    pub fn spread(&self, of: impl Fn(&Sample) -> f64) -> Spread {
        Spread::of(self.samples.iter().map(of))
    }

    /// The spread of each of the task's own figures, by name.
    pub fn figures(&self) -> Vec<(String, Spread)> {
        let names = self.samples.first().map_or(&[][..], |sample| &sample.figures);
        let spread = |name: &str| Spread::of(self.samples.iter().filter_map(|sample| sample.figure(name)));
        names.iter().map(|(name, _)| (name.clone(), spread(name))).collect()
    }
}
