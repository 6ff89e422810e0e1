//! The folders of test files in the unified test format, on the runtime that the user chooses.

use std::path::Path;

use stator_async_std::AsyncStd;
use stator_blocking::Blocking;
use stator_client::BlockOn;
use stator_smol::Smol;
use stator_tokio::Tokio;

use super::Report;
use super::files::for_each_file;
use crate::unified::schema::TestFile;
use crate::unified::{Deployments, Settings, Verdict, run_folder};

/// The folders whose files are in the unified test format, by area.
pub const UNIFIED: &[(&str, &[&str])] = &[
    ("auth", &["tests/unified"]),
    ("causal-consistency", &["tests"]),
    ("client-backpressure", &["tests"]),
    ("client-side-operations-timeout", &["tests"]),
    ("collection-management", &["tests"]),
    ("command-logging-and-monitoring", &["tests/logging", "tests/monitoring"]),
    ("connection-monitoring-and-pooling", &["tests/logging"]),
    ("crud", &["tests/unified"]),
    ("index-management", &["tests"]),
    ("load-balancers", &["tests"]),
    ("mongodb-handshake", &["tests/unified"]),
    ("read-write-concern", &["tests/operation"]),
    ("retryable-reads", &["tests/unified"]),
    ("retryable-writes", &["tests/unified"]),
    ("run-command", &["tests/unified"]),
    ("server-discovery-and-monitoring", &["tests/unified"]),
    ("server-selection", &["tests/logging"]),
    ("sessions", &["tests"]),
    ("transactions", &["tests/unified"]),
    ("transactions-convenient-api", &["tests/unified"]),
    ("unified-test-format", &["tests/valid-pass", VALID_FAIL]),
    (VERSIONED_API, &["tests"]),
];

/// The area that is run on servers with `requireApiVersion`, too.
const VERSIONED_API: &str = "versioned-api";

/// The folder of files that test the runner: their cases must fail.
const VALID_FAIL: &str = "tests/valid-fail";

/// The files that a runner must not take for test files.
pub(super) fn unified_test_format(area: &Path) -> Report {
    let mut report = Report::default();
    for_each_file(area, "tests/invalid", &mut report, |report, name, text| {
        let refused = TestFile::parse(text).map_or(Ok(()), |_| Err("it keeps to the schema, and should not".into()));
        report.record(name, "", refused);
    });
    report
}

/// The runtime on which the unified tests run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum UnifiedRuntime {
    /// tokio, with several threads.
    #[default]
    Tokio,
    /// smol.
    Smol,
    /// async-std.
    AsyncStd,
    /// Plain threads.
    Blocking,
}

impl UnifiedRuntime {
    /// By its name: `tokio`, `smol`, `async-std` or `blocking`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "tokio" => Some(Self::Tokio),
            "smol" => Some(Self::Smol),
            "async-std" => Some(Self::AsyncStd),
            "blocking" => Some(Self::Blocking),
            _ => None,
        }
    }
}

/// Runs the files of one folder below an area's folder.
///
/// # Panics
///
/// When tokio cannot start its threads.
pub fn run_unified(
    runtime: UnifiedRuntime,
    deployments: &Deployments,
    settings: &Settings,
    area: &Path,
    folder: &str,
    report: &mut Report,
) {
    let again = area.ends_with(VERSIONED_API) && !settings.require_api_version;
    let mut settings = settings.clone();
    if again {
        // All of it once more, where declaring a version is an obligation.
        let settings = Settings { require_api_version: true, ..settings.clone() };
        run_unified(runtime, deployments, &settings, area, folder, report);
    }
    if folder == VALID_FAIL {
        settings.verdict = Verdict::Fail;
    }
    let settings = &settings;
    match runtime {
        UnifiedRuntime::Tokio => {
            let mut threads = tokio::runtime::Builder::new_multi_thread();
            let threads = threads.worker_threads(2).enable_all().build().expect("tokio starts its threads");
            threads.block_on(run_folder(&Tokio, deployments, settings, area, folder, report));
        }
        UnifiedRuntime::Smol => smol::block_on(run_folder(&Smol, deployments, settings, area, folder, report)),
        UnifiedRuntime::AsyncStd => {
            async_std::task::block_on(run_folder(&AsyncStd, deployments, settings, area, folder, report));
        }
        UnifiedRuntime::Blocking => {
            Blocking.block_on(run_folder(&Blocking, deployments, settings, area, folder, report));
        }
    }
}
