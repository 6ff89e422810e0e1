//! The specifications' data on selecting servers, with bits that are the same in each run.

use stator_testkit::conformance::{AREAS, spec_dir};

fn every_case_passes(area: &str, at_least: usize) {
    let Some(dir) = spec_dir() else {
        eprintln!(
            "skipped: no specification data. Clone https://github.com/mongodb/specifications and set STATOR_SPEC_DIR to \
             its folder `source`."
        );
        return;
    };
    let runner = AREAS.iter().find(|(name, _)| *name == area).expect("the area has a runner").1;
    let report = runner(&dir.join(area));
    assert!(report.failed.is_empty(), "{:#?}", report.failed);
    assert!(report.passed >= at_least, "only {} cases were run", report.passed);
}

#[test]
fn every_case_of_server_selection_passes() {
    every_case_passes("server-selection", 80);
}

#[test]
fn every_case_of_max_staleness_passes() {
    every_case_passes("max-staleness", 24);
}
