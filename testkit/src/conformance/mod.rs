//! Runs the data of the public driver specifications against Stator.
//!
//! Each area is a function from the area's folder to a [`Report`].

use std::path::{Path, PathBuf};

mod bson_areas;
mod cmap_area;
mod cmap_judge;
#[cfg_attr(not(unix), path = "cmap_live/elsewhere.rs")]
mod cmap_live;
pub mod files;
mod sdam_area;
mod sdam_events;
mod selection_area;
pub mod srv_area;
mod srv_deployment;
#[cfg(all(unix, feature = "runtimes"))]
mod unified_areas;
mod uri_areas;

#[cfg(all(unix, feature = "runtimes"))]
pub use unified_areas::{UNIFIED, UnifiedRuntime, run_unified};

/// What one area's files showed.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Cases that passed.
    pub passed: usize,
    /// Cases that failed, each with its reason.
    pub failed: Vec<Outcome>,
    /// Cases that were not run, each with its reason.
    pub skipped: Vec<Outcome>,
}

/// One case that did not pass.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The file, relative to the area's folder.
    pub file: String,
    /// The case's description.
    pub case: String,
    /// Why it failed or was skipped.
    pub reason: String,
}

impl Report {
    /// Counts one case: `Ok` passed, `Err` failed with its reason.
    pub fn record(&mut self, file: &str, case: &str, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => self.passed += 1,
            Err(reason) => self.failed.push(Outcome { file: file.into(), case: case.into(), reason }),
        }
    }

    /// Counts one case as skipped.
    pub fn skip(&mut self, file: &str, case: &str, reason: impl Into<String>) {
        self.skipped.push(Outcome { file: file.into(), case: case.into(), reason: reason.into() });
    }
}

/// Runs the files below one area's folder.
pub type Runner = fn(&Path) -> Report;

/// The areas that have a runner, by the name of their folder.
pub const AREAS: &[(&str, Runner)] = &[
    ("auth", uri_areas::auth),
    ("bson-binary-vector", bson_areas::binary_vector),
    ("bson-corpus", bson_areas::corpus),
    ("connection-monitoring-and-pooling", cmap_area::cmap),
    ("connection-string", uri_areas::connection_string),
    ("initial-dns-seedlist-discovery", srv_area::srv),
    ("max-staleness", selection_area::max_staleness),
    ("read-write-concern", uri_areas::read_write_concern),
    ("server-discovery-and-monitoring", sdam_area::sdam),
    ("server-selection", selection_area::server_selection),
    #[cfg(all(unix, feature = "runtimes"))]
    ("unified-test-format", unified_areas::unified_test_format),
    ("uri-options", uri_areas::uri_options),
];

/// The folder of the specifications' data: `STATOR_SPEC_DIR`, or `../shared/spec` beside the project; `None` if neither is there.
pub fn spec_dir() -> Option<PathBuf> {
    let dir = match std::env::var_os("STATOR_SPEC_DIR") {
        Some(dir) => PathBuf::from(dir),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/spec"),
    };
    dir.is_dir().then_some(dir)
}
