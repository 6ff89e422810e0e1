//! The table of one task, and the same as JSON lines.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::measure::{Sample, Spread};
use crate::{Data, Task};

/// The samples of one runner, one for each round.
#[derive(Clone, Debug)]
pub struct Row {
    /// The runner's name.
    pub runner: &'static str,
    /// The name of the runner that it is compared with.
    pub peer: &'static str,
    /// One for each round.
    pub samples: Vec<Sample>,
}

/// What was measured of one task. The samples of one round were taken next to each other.
#[derive(Clone, Debug)]
pub struct TaskReport {
    /// The task.
    pub task: Task,
    /// One for each runner.
    pub rows: Vec<Row>,
}

impl TaskReport {
    /// How much more CPU a row takes than the runner of that name: the spread of the rounds' own ratios, so that what disturbs a
    /// whole round disturbs both.
    pub fn ratio(&self, row: &Row, to: &str) -> Option<Spread> {
        let base = self.rows.iter().find(|row| row.runner == to)?;
        let pairs = row.samples.iter().zip(&base.samples);
        Some(Spread::of(pairs.map(|(mine, other)| mine.cpu_micros() / other.cpu_micros().max(1e-9))))
    }

    /// A table for people.
    pub fn table(&self, data: &Data) -> String {
        let mut out = String::new();
        let (task, bytes) = (self.task.name(), self.task.bytes(data));
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{task:<19} {:>9} {:>19} {:>7}  {:>8} {:>15} {:>8} {:>9}",
            "ops/s", "p10..p90", "MB/s", "cpu us", "p10..p90", "x floor", "x official"
        );
        for row in &self.rows {
            let rate = Spread::of(row.samples.iter().map(Sample::rate));
            let cpu = Spread::of(row.samples.iter().map(Sample::cpu_micros));
            let ratio = |to| self.ratio(row, to).map_or("-".into(), |ratio| format!("{:.2}", ratio.p50));
            let _ = writeln!(
                out,
                "  {:<17} {:>9.0} {:>19} {:>7.1}  {:>8.2} {:>15} {:>8} {:>9}",
                row.runner,
                rate.p50,
                format!("{:.0}..{:.0}", rate.p10, rate.p90),
                rate.p50 * bytes as f64 / 1e6,
                cpu.p50,
                format!("{:.2}..{:.2}", cpu.p10, cpu.p90),
                ratio("floor"),
                ratio(row.peer),
            );
        }
        out
    }

    /// One line of JSON for each runner. `common` says of which run.
    pub fn json_lines(&self, data: &Data, common: &Value) -> String {
        let mut out = String::new();
        for row in &self.rows {
            let rate = Spread::of(row.samples.iter().map(Sample::rate));
            let cpu = Spread::of(row.samples.iter().map(Sample::cpu_micros));
            let line = json!({
                "task": self.task.name(),
                "runner": row.runner,
                "rounds": row.samples.len(),
                "operations": row.samples.iter().map(|sample| sample.operations).sum::<u64>(),
                "bytes_per_operation": self.task.bytes(data),
                "operations_per_second": spread(rate),
                "cpu_microseconds_per_operation": spread(cpu),
                "cpu_ratio_to_floor": self.ratio(row, "floor").map(spread),
                "cpu_ratio_to_official": self.ratio(row, row.peer).map(spread),
                "run": common,
            });
            let _ = writeln!(out, "{line}");
        }
        out
    }
}

fn spread(spread: Spread) -> Value {
    json!({ "p10": spread.p10, "p50": spread.p50, "p90": spread.p90 })
}
