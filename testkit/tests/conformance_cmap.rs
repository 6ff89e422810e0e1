//! The specifications' data on connection pools: on the machine itself and in virtual time, and where the files want it,
//! on a server.

use stator_testkit::conformance::{AREAS, spec_dir};

#[test]
fn every_case_of_cmap_passes() {
    let area = "connection-monitoring-and-pooling";
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
    assert!(report.passed > 0, "no case was run");
    let mut of_pools = report.skipped.iter().filter(|skip| !skip.file.starts_with("tests/logging"));
    // What a server of another version was asked for is all that may be missing.
    assert!(of_pools.all(|skip| skip.reason.contains("for a server of version")), "{:#?}", report.skipped);
}
