//! A chart: CPU time for each operation, the official driver's being one.

use std::fmt::Write as _;

use super::{Row, TaskReport};
use crate::measure::Sample;

const LEFT: f64 = 190.0;
const WIDTH: f64 = 860.0;
const BAR: f64 = 11.0;
const GAP: f64 = 14.0;
const TOP: f64 = 74.0;
/// The bar's length for a ratio of one.
const ONE: f64 = 400.0;
/// What is longer is cut off, and says so.
const MOST: f64 = 1.45;

/// Whom it shows, and in which colours.
const SHOWN: [(&str, &str); 6] = [
    ("floor", "#b8b8b8"),
    ("stator-ct", "#0b6e4f"),
    ("stator-mt", "#35a37c"),
    ("stator-blocking", "#8fd0b5"),
    ("stator", "#0b6e4f"),
    ("official2", "#d9a441"),
];

/// An SVG of all tasks that have a ratio. `caption` says how it was measured.
pub fn chart(reports: &[TaskReport], caption: &str) -> String {
    let mut body = String::new();
    let mut y = TOP;
    for report in reports {
        let bars: Vec<_> = report.rows.iter().filter_map(|row| bar(report, row)).collect();
        if bars.iter().all(|(name, ..)| *name == "floor") {
            continue;
        }
        let middle = y + bars.len() as f64 * BAR / 2.0 + 4.0;
        let _ =
            writeln!(body, r#"<text x="{:.0}" y="{middle:.0}" text-anchor="end">{}</text>"#, LEFT - 10.0, report.task);
        for (name, colour, ratio) in bars {
            let length = ratio.min(MOST) * ONE;
            let _ = writeln!(
                body,
                r#"<rect x="{LEFT}" y="{y:.0}" width="{length:.1}" height="{:.0}" fill="{colour}"><title>{name} {ratio:.2}</title></rect>
<text class="n" x="{:.1}" y="{:.0}">{ratio:.2}{}</text>"#,
                BAR - 1.0,
                LEFT + length + 4.0,
                y + BAR - 2.0,
                if ratio > MOST { " (cut off)" } else { "" }
            );
            y += BAR;
        }
        y += GAP;
    }
    let one = LEFT + ONE;
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0}" font-family="sans-serif" font-size="12" fill="#222">
<style>.n {{ font-size: 9px; fill: #555 }}</style>
<rect width="100%" height="100%" fill="#fff"/>
<text x="{LEFT}" y="20" font-size="15" font-weight="bold">Client CPU time per operation; the official driver is 1, less is better</text>
<text x="{LEFT}" y="38" class="n">{caption}</text>
{legend}<line x1="{one}" y1="{line:.0}" x2="{one}" y2="{y:.0}" stroke="#c0392b" stroke-dasharray="4 3"/>
{body}</svg>
"##,
        height = y + 6.0,
        legend = legend(reports),
        line = TOP - 4.0,
    )
}

fn bar(report: &TaskReport, row: &Row) -> Option<(&'static str, &'static str, f64)> {
    let (name, colour) = SHOWN.into_iter().find(|(name, _)| *name == row.runner)?;
    Some((name, colour, report.ratio(row, row.peer, Sample::cpu_micros)?.p50))
}

fn legend(reports: &[TaskReport]) -> String {
    let mut out = String::new();
    let mut x = LEFT;
    for (name, colour) in SHOWN {
        // What encodes BSON is of one colour with a driver that is there.
        let there = reports.iter().any(|report| report.rows.iter().any(|row| row.runner == name));
        if there && (name != "stator" || !out.contains("stator-ct")) {
            let _ = writeln!(
                out,
                r#"<rect x="{x}" y="48" width="10" height="10" fill="{colour}"/><text x="{}" y="57">{name}</text>"#,
                x + 14.0
            );
            x += 30.0 + name.len() as f64 * 6.5;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Row, TaskReport};
    use super::chart;
    use crate::Task;
    use crate::measure::Sample;
    use crate::task::As;

    #[test]
    fn a_bar_is_as_long_as_its_ratio() {
        let row = |runner, micros| {
            let time = Duration::from_micros(micros);
            let sample = Sample { operations: 1, wall: time, cpu: time, figures: Vec::new() };
            Row { runner, peer: "official-ct", floor: "floor", samples: vec![sample], footprint: None }
        };
        let rows = vec![row("stator-ct", 50), row("official-ct", 100)];
        let svg = chart(&[TaskReport { task: Task::RunCommand(As::Document), bytes: 13, rows }], "a test");
        assert!(svg.contains(r#"width="200.0""#), "{svg}");
        assert!(svg.contains(">0.50</text>") && svg.contains(">run-command</text>"));
    }
}
