//! The specifications' data on server discovery, on the machines themselves.

use stator_testkit::conformance::{AREAS, spec_dir};

#[test]
fn every_offline_case_of_sdam_passes() {
    let area = "server-discovery-and-monitoring";
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
}
