//! A run beside an older one.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use super::TaskReport;
use super::table::short;
use crate::Failure;
use crate::measure::{Sample, Spread};

/// An older run.
#[derive(Clone, Debug, Default)]
pub struct Old {
    /// By task and runner; the last line of a file holds if there are several.
    rows: HashMap<(String, String), Value>,
}

impl Old {
    /// Reads JSON lines.
    ///
    /// # Errors
    ///
    /// No such file, or lines that are not JSON.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        Self::parse(&std::fs::read_to_string(path)?)
    }

    fn parse(text: &str) -> Result<Self, Failure> {
        let mut rows = HashMap::new();
        for line in text.lines() {
            let row: Value = serde_json::from_str(line)?;
            let name = |field: &str| row[field].as_str().unwrap_or_default().to_owned();
            rows.insert((name("task"), name("runner")), row);
        }
        Ok(Self { rows })
    }
}

/// Differences smaller than this say nothing.
const NOISE: f64 = 0.1;

/// What has changed, a line for each runner that was there before. The ratios to the peer are the ones to trust: both of their sides
/// are of one run. `slower` and `faster` are said only of what is beyond a tenth and beyond the spread of both runs.
pub fn compare(report: &TaskReport, old: &Old) -> String {
    let mut out = String::new();
    for row in &report.rows {
        let Some(before) = old.rows.get(&(report.task.to_string(), row.runner.to_owned())) else { continue };
        let times = [
            ("us/op", "wall_us", Some(row.spread(Sample::wall_micros))),
            ("cpu us", "cpu_us", Some(row.spread(Sample::cpu_micros))),
            ("t/off", "wall_to_peer", report.ratio(row, row.peer, Sample::wall_micros)),
            ("c/off", "cpu_to_peer", report.ratio(row, row.peer, Sample::cpu_micros)),
        ];
        let _ = write!(out, "  {:<18}", row.runner);
        for (name, field, now) in times {
            if let (Some(then), Some(now)) = (spread(&before[field]), now) {
                let _ = write!(out, "  {name} {} -> {}{}", short(then.p50), short(now.p50), verdict(then, now));
            }
        }
        if let (Some(then), Some(now)) = (before["allocations"].as_f64(), row.footprint) {
            let _ = write!(out, "  allocs {} -> {}", short(then), short(now.allocations));
        }
        let _ = writeln!(out);
    }
    out
}

fn verdict(then: Spread, now: Spread) -> &'static str {
    let apart = (now.p50 - then.p50).abs() > NOISE * then.p50;
    match () {
        () if apart && now.p10 > then.p90 => " SLOWER",
        () if apart && now.p90 < then.p10 => " faster",
        () => "",
    }
}

fn spread(value: &Value) -> Option<Spread> {
    Some(Spread { p10: value["p10"].as_f64()?, p50: value["p50"].as_f64()?, p90: value["p90"].as_f64()? })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Row, lines};
    use super::{Old, TaskReport, compare};
    use crate::Task;
    use crate::measure::Sample;
    use crate::task::As;

    fn report(micros: u64) -> TaskReport {
        let time = Duration::from_micros(micros);
        let sample = Sample { operations: 1, wall: time, cpu: time, figures: Vec::new() };
        let row = Row { runner: "stator-ct", peer: "official-ct", samples: vec![sample], footprint: None };
        TaskReport { task: Task::RunCommand(As::Document), bytes: 13, rows: vec![row] }
    }

    #[test]
    fn what_is_written_is_read_and_judged() {
        let old = Old::parse(&lines(&report(100), &serde_json::Value::Null)).unwrap();
        assert_eq!(compare(&report(105), &old), "  stator-ct           us/op 100 -> 105  cpu us 100 -> 105\n");
        assert!(compare(&report(120), &old).contains("SLOWER"));
        assert!(compare(&report(80), &old).contains("faster"));
        assert_eq!(compare(&report(80), &Old::default()), "");
    }
}
