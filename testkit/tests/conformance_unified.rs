//! The runner of the unified test format: what it must refuse, what must fail, and what must pass, on real servers.
#![cfg(unix)]

use std::path::PathBuf;

use stator_testkit::conformance::{AREAS, Report, UNIFIED, UnifiedRuntime, run_unified, spec_dir};
use stator_testkit::unified::{Deployments, Settings};

const AREA: &str = "unified-test-format";

/// The area's folder; `None` where there is no data.
fn area() -> Option<PathBuf> {
    let dir = spec_dir();
    if dir.is_none() {
        eprintln!(
            "skipped: no specification data. Clone https://github.com/mongodb/specifications and set STATOR_SPEC_DIR to \
             its folder `source`."
        );
    }
    dir.map(|dir| dir.join(AREA))
}

fn run(runtime: UnifiedRuntime, deployments: &Deployments, folder: &str) -> Option<Report> {
    let mut report = Report::default();
    run_unified(runtime, deployments, &Settings::default(), &area()?, folder, &mut report);
    Some(report)
}

#[test]
fn what_keeps_not_to_the_schema_is_refused() {
    let Some(area) = area() else { return };
    let runner = AREAS.iter().find(|(name, _)| *name == AREA).expect("the area has a runner").1;
    let report = runner(&area);
    assert!(report.failed.is_empty(), "{:#?}", report.failed);
    assert!(report.passed > 200, "{}", report.passed);
}

#[test]
fn what_must_fail_fails() {
    let deployments = Deployments::new(None);
    for runtime in [UnifiedRuntime::Tokio, UnifiedRuntime::Blocking] {
        let Some(report) = run(runtime, &deployments, "tests/valid-fail") else { return };
        assert!(report.failed.is_empty(), "{:#?}", report.failed);
        assert!(report.passed > 40, "{}", report.passed);
    }
}

#[test]
fn every_folder_is_there() {
    let Some(area) = area() else { return };
    for (name, folders) in UNIFIED {
        for folder in *folders {
            let folder = area.with_file_name(name).join(folder);
            assert!(folder.is_dir(), "{}", folder.display());
        }
    }
}
