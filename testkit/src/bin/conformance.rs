//! Runs the specifications' data and says what passed: `conformance [OPTION...] [AREA...]`; `--help` names the options.
//!
//! The exit status is 0 when nothing failed, 1 when something did, 2 when the arguments or the data are wrong.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lexopt::prelude::*;
use stator_testkit::conformance::files::{NO_RUNNER, skip_all};
use stator_testkit::conformance::{AREAS, Report, UNIFIED, UnifiedRuntime, run_unified, spec_dir};
use stator_testkit::server::Version;
use stator_testkit::unified::{Deployments, Settings};

const USAGE: &str = "\
usage: conformance [OPTION...] [AREA...]

  --spec-dir DIR    the folder of the specifications' data (default: STATOR_SPEC_DIR)
  --list-failures   print only failures, one per line: area, file, case and reason between tabs
  --runtime NAME    what the unified tests run on: tokio (default), smol, async-std or blocking
  --file TEXT       of the unified tests, run only files whose path contains this
  --case TEXT       of the unified tests, run only cases whose description contains this
  --trace           print what the unified tests do
  --server VERSION  the servers' release for the unified tests, such as 4.4 or 6.0.27 (default: STATOR_MONGOD_VERSION, else
                    whatever is found)
  --versions        run only the unified tests, on every release that can be fetched, and print a table: passed, failed and
                    skipped cases of each area; FAILED lists follow
  --unified FOLDER  run all files below AREA/FOLDER as unified tests, and nothing else
  AREA              run only these areas, by the names of their folders (default: all)

The data is the folder `source` of a clone of the repository mongodb/specifications on GitHub.";

/// With more skips than this for one reason, they are counted per file rather than listed.
const LONGEST_LIST: usize = 20;

struct Arguments {
    spec_dir: PathBuf,
    only_failures: bool,
    areas: Vec<String>,
    runtime: UnifiedRuntime,
    settings: Settings,
    /// The servers' release.
    server: Option<Version>,
    /// Whether to run the unified tests on all releases.
    versions: bool,
    /// Instead of the folders that are known to hold unified tests.
    folder: Option<String>,
}

fn main() -> ExitCode {
    let outcome = arguments().and_then(|arguments| match arguments {
        None => Ok(true),
        Some(arguments) => run(&arguments),
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(message) => {
            eprintln!("conformance: {message}");
            ExitCode::from(2)
        }
    }
}

/// `None` when the user only asked for help.
fn arguments() -> Result<Option<Arguments>, String> {
    let mut dir = None;
    let mut only_failures = false;
    let mut areas = Vec::new();
    let mut runtime = UnifiedRuntime::default();
    let mut settings = Settings::default();
    let mut folder = None;
    let mut server = None;
    let mut versions = false;
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        match argument {
            Long("spec-dir") => dir = Some(PathBuf::from(parser.value().map_err(|error| error.to_string())?)),
            Long("list-failures") => only_failures = true,
            Long("runtime") => {
                let name = text(&mut parser)?;
                runtime = UnifiedRuntime::from_name(&name).ok_or(format!("unknown runtime {name:?}\n{USAGE}"))?;
            }
            Long("file") => settings.file = Some(text(&mut parser)?),
            Long("case") => settings.case = Some(text(&mut parser)?),
            Long("trace") => settings.trace = true,
            Long("server") => {
                server = Some(text(&mut parser)?.parse::<Version>().map_err(|error| error.to_string())?);
            }
            Long("versions") => versions = true,
            Long("unified") => folder = Some(text(&mut parser)?),
            Short('h') | Long("help") => {
                println!("{USAGE}");
                return Ok(None);
            }
            Value(area) => areas.push(area.string().map_err(|error| error.to_string())?),
            other => return Err(format!("{}\n{USAGE}", other.unexpected())),
        }
    }
    let spec_dir = dir.or_else(spec_dir).ok_or(format!("no data: give --spec-dir or set STATOR_SPEC_DIR\n{USAGE}"))?;
    Ok(Some(Arguments { spec_dir, only_failures, areas, runtime, settings, server, versions, folder }))
}

fn text(parser: &mut lexopt::Parser) -> Result<String, String> {
    parser.value().and_then(|value| value.string()).map_err(|error| error.to_string())
}

/// Whether nothing failed.
fn run(arguments: &Arguments) -> Result<bool, String> {
    let known = areas(&arguments.spec_dir)?;
    if let Some(unknown) = arguments.areas.iter().find(|area| !known.contains(area)) {
        return Err(format!("unknown area {unknown:?}; known are: {}", known.join(", ")));
    }
    let chosen = if arguments.areas.is_empty() { &known } else { &arguments.areas };
    if arguments.versions {
        return Ok(print_versions(arguments, chosen) == 0);
    }
    let deployments = Deployments::new(arguments.server);
    let reports: Vec<(&str, Report)> =
        chosen.iter().map(|area| (area.as_str(), report(arguments, &deployments, area))).collect();
    let failed = if arguments.only_failures { print_failures(&reports) } else { print_all(&reports) };
    Ok(failed == 0)
}

/// The folders of the data, sorted.
fn areas(spec_dir: &Path) -> Result<Vec<String>, String> {
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", spec_dir.display());
    let mut areas = Vec::new();
    for entry in fs::read_dir(spec_dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if let Some(name) = path.file_name().and_then(|name| name.to_str())
            && path.is_dir()
        {
            areas.push(name.to_owned());
        }
    }
    areas.sort();
    Ok(areas)
}

fn report(arguments: &Arguments, deployments: &Deployments, area: &str) -> Report {
    let dir = arguments.spec_dir.join(area);
    let mut report = Report::default();
    if arguments.folder.is_none() {
        let unified = UNIFIED.iter().any(|(name, _)| *name == area);
        match AREAS.iter().find(|(name, _)| *name == area) {
            Some((_, runner)) => report = runner(&dir),
            None if !unified => skip_all(&dir, "", NO_RUNNER, &mut report),
            None => {}
        }
    }
    unified(arguments, deployments, area, &mut report);
    report
}

/// Runs an area's unified tests.
fn unified(arguments: &Arguments, deployments: &Deployments, area: &str, report: &mut Report) {
    let dir = arguments.spec_dir.join(area);
    let known: &[&str] = UNIFIED.iter().find(|(name, _)| *name == area).map_or(&[], |(_, folders)| folders);
    let asked = arguments.folder.as_deref();
    for folder in if asked.is_some() { asked.as_slice() } else { known } {
        run_unified(arguments.runtime, deployments, &arguments.settings, &dir, folder, report);
    }
}

/// The releases that the testkit can fetch.
const RELEASES: [Version; 5] = [
    Version::release(4, 2, 6),
    Version::release(4, 4, 2),
    Version::release(5, 0, 4),
    Version::release(6, 0, 5),
    Version::release(6, 0, 27),
];

/// Runs the unified tests on all releases and prints the table and the failures; returns the number of failures.
fn print_versions(arguments: &Arguments, chosen: &[String]) -> usize {
    let areas: Vec<&str> = UNIFIED.iter().map(|(name, _)| *name).filter(|name| is_among(chosen, name)).collect();
    let mut all: Vec<Vec<Report>> = Vec::new();
    for release in RELEASES {
        let deployments = Deployments::new(Some(release));
        let run = |area: &&str| {
            let mut report = Report::default();
            unified(arguments, &deployments, area, &mut report);
            // It takes a while.
            let Report { passed, failed, skipped } = &report;
            eprintln!("MongoDB {release}, {area}: {}", counts(*passed, failed.len(), skipped.len()));
            report
        };
        all.push(areas.iter().map(run).collect());
    }
    println!("passed / failed / skipped\n");
    let heads: String = RELEASES.iter().map(|release| format!(" {:>16} |", release.to_string())).collect();
    println!("| {:<34} |{heads}", "area");
    println!("|{:-<36}|{}", "", format!("{:->17}:|", "").repeat(RELEASES.len()));
    let cell = |(passed, failed, skipped): (usize, usize, usize)| {
        format!(" {:>16} |", format!("{passed} / {failed} / {skipped}"))
    };
    let of = |report: &Report| (report.passed, report.failed.len(), report.skipped.len());
    for (index, area) in areas.iter().enumerate() {
        let cells: String = all.iter().map(|reports| cell(of(&reports[index]))).collect();
        println!("| {area:<34} |{cells}");
    }
    let sum = |reports: &Vec<Report>| reports.iter().map(of).fold((0, 0, 0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2));
    let cells: String = all.iter().map(|reports| cell(sum(reports))).collect();
    println!("| {:<34} |{cells}", "all");
    for (release, reports) in RELEASES.iter().zip(&all) {
        for (area, report) in areas.iter().zip(reports) {
            for failure in &report.failed {
                println!(
                    "\nFAILED on {release}: {area}/{}\n  case: {}\n  {}",
                    failure.file, failure.case, failure.reason
                );
            }
        }
    }
    all.iter().map(|reports| sum(reports).1).sum()
}

fn is_among(chosen: &[String], name: &str) -> bool {
    chosen.iter().any(|area| area == name)
}

/// Prints failures only; returns their number.
fn print_failures(reports: &[(&str, Report)]) -> usize {
    for (area, report) in reports {
        for failure in &report.failed {
            println!("{area}\t{}\t{}\t{}", failure.file, failure.case, failure.reason);
        }
    }
    reports.iter().map(|(_, report)| report.failed.len()).sum()
}

/// Prints areas, failures, skips and the sum; returns the number of failures.
fn print_all(reports: &[(&str, Report)]) -> usize {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (area, report) in reports {
        println!("{area}: {}", counts(report.passed, report.failed.len(), report.skipped.len()));
        passed += report.passed;
        failed += report.failed.len();
        skipped += report.skipped.len();
    }
    for (area, report) in reports {
        for failure in &report.failed {
            println!("\nFAILED {area}/{}\n  case: {}\n  {}", failure.file, failure.case, failure.reason);
        }
    }
    print_skips(reports);
    println!("\n{}", counts(passed, failed, skipped));
    failed
}

fn print_skips(reports: &[(&str, Report)]) {
    let mut by_reason: BTreeMap<&str, BTreeMap<String, Vec<&str>>> = BTreeMap::new();
    for (area, report) in reports {
        for skip in &report.skipped {
            let files = by_reason.entry(&skip.reason).or_default();
            files.entry(format!("{area}/{}", skip.file)).or_default().push(&skip.case);
        }
    }
    for (reason, files) in by_reason {
        let total: usize = files.values().map(Vec::len).sum();
        println!("\nskipped {total}: {reason}");
        for (file, cases) in files {
            println!("  {file}: {}", cases.len());
            if total <= LONGEST_LIST {
                cases.iter().for_each(|case| println!("    {case}"));
            }
        }
    }
}

fn counts(passed: usize, failed: usize, skipped: usize) -> String {
    format!("{passed} passed, {failed} failed, {skipped} skipped")
}
