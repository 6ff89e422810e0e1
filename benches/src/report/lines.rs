//! JSON lines for programs.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::TaskReport;
use crate::measure::{Sample, Spread};

/// One line for each runner. `run` says of which run.
pub fn lines(report: &TaskReport, run: &Value) -> String {
    let mut out = String::new();
    for row in &report.rows {
        let figures: Map<String, Value> =
            row.figures().into_iter().map(|(name, value)| (name, spread(value))).collect();
        let line = json!({
            "task": report.task.to_string(),
            "runner": row.runner,
            "peer": row.peer,
            "rounds": row.samples.len(),
            "operations": row.samples.iter().map(|sample| sample.operations).sum::<u64>(),
            "bytes_per_operation": report.bytes,
            "wall_us": spread(row.spread(Sample::wall_micros)),
            "cpu_us": spread(row.spread(Sample::cpu_micros)),
            "wall_to_peer": report.ratio(row, row.peer, Sample::wall_micros).map(spread),
            "cpu_to_peer": report.ratio(row, row.peer, Sample::cpu_micros).map(spread),
            "floor": row.floor,
            "wall_to_floor": report.ratio(row, row.floor, Sample::wall_micros).map(spread),
            "cpu_to_floor": report.ratio(row, row.floor, Sample::cpu_micros).map(spread),
            "allocations": row.footprint.map(|held| held.allocations),
            "allocated_bytes": row.footprint.map(|held| held.bytes),
            "peak_kib": row.footprint.map(|held| held.peak_kib),
            "figures": figures,
            "run": run,
        });
        let _ = writeln!(out, "{line}");
    }
    out
}

fn spread(spread: Spread) -> Value {
    json!({ "p10": spread.p10, "p50": spread.p50, "p90": spread.p90 })
}
