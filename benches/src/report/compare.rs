//! A run beside an older one.

use std::collections::HashMap;
use std::fmt::Write as _;

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
    /// Reads JSON lines; those of runs of another kind than `run` (other CPUs, other data, another server) are left out.
    ///
    /// # Errors
    ///
    /// Lines that are not JSON, or none of a run of this kind.
    pub fn parse(text: &str, run: &Value) -> Result<Self, Failure> {
        let mut rows = HashMap::new();
        for line in text.lines() {
            let row: Value = serde_json::from_str(line)?;
            let name = |field: &str| row[field].as_str().unwrap_or_default().to_owned();
            if row["run"] == *run {
                rows.insert((name("task"), name("runner")), row);
            }
        }
        match rows.is_empty() {
            true => {
                Err("nothing to compare with: the older run had other CPUs, other data, other slots or another server"
                    .into())
            }
            false => Ok(Self { rows }),
        }
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
        let is_timed = times[0].2.is_some_and(|wall| wall.p50 > 0.0);
        let _ = write!(out, "  {:<18}", row.runner);
        for (name, field, now) in times.into_iter().filter(|_| is_timed) {
            if let (Some(then), Some(now)) = (spread(&before[field]), now) {
                let _ = write!(out, "  {name} {} -> {}{}", short(then.p50), short(now.p50), verdict(then, now));
            }
        }
        for (name, now) in row.figures() {
            if let Some(then) = spread(&before["figures"][&name]) {
                let _ = write!(out, "  {name} {} -> {}{}", short(then.p50), short(now.p50), verdict(then, now));
            }
        }
        if let Some(held) = row.footprint {
            let now = [("allocations", held.allocations), ("allocated_bytes", held.bytes), ("peak_kib", held.peak_kib)];
            for (name, now) in now {
                if let Some(then) = before[name].as_f64() {
                    let _ = write!(out, "  {name} {} -> {}", short(then), short(now));
                }
            }
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
        let row =
            Row { runner: "stator-ct", peer: "official-ct", floor: "floor", samples: vec![sample], footprint: None };
        TaskReport { task: Task::RunCommand(As::Document), bytes: 13, rows: vec![row] }
    }

    #[test]
    fn what_is_written_is_read_and_judged() {
        let run = serde_json::json!({ "one_cpu": true });
        let text = lines(&report(100), &run);
        let old = Old::parse(&text, &run).unwrap();
        assert_eq!(compare(&report(105), &old), "  stator-ct           us/op 100 -> 105  cpu us 100 -> 105\n");
        assert!(compare(&report(120), &old).contains("SLOWER"));
        assert!(compare(&report(80), &old).contains("faster"));
        assert_eq!(compare(&report(80), &Old::default()), "");
        assert!(Old::parse(&text, &serde_json::json!({ "one_cpu": false })).is_err(), "a run of another kind");
    }
}
