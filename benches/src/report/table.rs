//! A table for people.

use std::fmt::Write as _;

use super::{Row, TaskReport};
use crate::measure::{Sample, Spread};

/// The table of one task: medians, with the spread of the rounds behind the times.
pub fn table(report: &TaskReport) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "{:<25} {:>10} {:>19} {:>9} {:>7} {:>10} {:>19} {:>8} {:>6} {:>6} {:>6} {:>6} {:>6}",
        report.task.to_string(),
        "us/op",
        "p10..p90",
        "ops/s",
        "MB/s",
        "cpu us",
        "p10..p90",
        "allocs",
        "peak M",
        "t/off",
        "c/off",
        "t/flo",
        "c/flo"
    );
    let figures = report.rows.iter().map(Row::figures).find(|figures| !figures.is_empty()).unwrap_or_default();
    for (name, _) in &figures {
        let _ = write!(out, " {name:>12}");
    }
    let _ = writeln!(out);
    for row in &report.rows {
        line(report, row, &figures, &mut out);
    }
    out
}

fn line(report: &TaskReport, row: &Row, figures: &[(String, Spread)], out: &mut String) {
    let (wall, cpu) = (row.spread(Sample::wall_micros), row.spread(Sample::cpu_micros));
    let rate = row.spread(Sample::rate).p50;
    let timed = wall.p50 > 0.0;
    let or_dash = |known: bool, text: String| if known { text } else { "-".into() };
    let ratio =
        |to, of: fn(&Sample) -> f64| report.ratio(row, to, of).map_or("-".into(), |ratio| format!("{:.2}", ratio.p50));
    let held = |of: fn(&super::Footprint) -> f64| row.footprint.as_ref().map_or("-".into(), |held| short(of(held)));
    let _ = write!(
        out,
        "  {:<23} {:>10} {:>19} {:>9} {:>7} {:>10} {:>19} {:>8} {:>6} {:>6} {:>6} {:>6} {:>6}",
        row.runner,
        or_dash(timed, short(wall.p50)),
        or_dash(timed, format!("{}..{}", short(wall.p10), short(wall.p90))),
        or_dash(timed, format!("{rate:.0}")),
        or_dash(report.bytes > 0, format!("{:.1}", rate * report.bytes as f64 / 1e6)),
        or_dash(timed, short(cpu.p50)),
        or_dash(timed, format!("{}..{}", short(cpu.p10), short(cpu.p90))),
        held(|held| held.allocations),
        held(|held| held.peak_kib / 1024.0),
        ratio(row.peer, Sample::wall_micros),
        ratio(row.peer, Sample::cpu_micros),
        ratio(row.floor, Sample::wall_micros),
        ratio(row.floor, Sample::cpu_micros),
    );
    for (name, _) in figures {
        let values: Vec<f64> = row.samples.iter().filter_map(|sample| sample.figure(name)).collect();
        let value = or_dash(!values.is_empty(), short(Spread::of(values).p50));
        let _ = write!(out, " {value:>12}");
    }
    let _ = writeln!(out);
}

/// Three digits or so.
pub(super) fn short(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
