//! The runner of the unified test format: what it must refuse, what must fail, and what must pass, on real servers.
#![cfg(unix)]

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError, TryLockError};

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

/// Runs an area's cases on servers that it has for itself, and the next one after it. An area mostly waits, so several run at a time,
/// but no more than so many, however many CPUs there are: each set has up to nine servers.
fn passes(name: &str, least: usize) {
    static DEPLOYMENTS: [Mutex<Option<Deployments>>; 3] = [const { Mutex::new(None) }; 3];
    let Some(dir) = area().map(|area| area.with_file_name(name)) else { return };
    let folders = UNIFIED.iter().find(|(known, _)| *known == name).expect("the area has unified tests").1;
    let free = DEPLOYMENTS.iter().find_map(|deployments| match deployments.try_lock() {
        Ok(free) => Some(free),
        Err(TryLockError::Poisoned(free)) => Some(free.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    });
    let mut own = free.unwrap_or_else(|| DEPLOYMENTS[0].lock().unwrap_or_else(PoisonError::into_inner));
    let deployments = own.get_or_insert_default();
    let mut report = Report::default();
    for folder in folders {
        run_unified(UnifiedRuntime::Tokio, deployments, &Settings::default(), &dir, folder, &mut report);
    }
    assert!(report.failed.is_empty(), "{:#?}", report.failed);
    // Older servers meet fewer requirements.
    if deployments.version().expect("there is a server").major >= 6 {
        assert!(report.passed >= least, "only {} of {least} passed", report.passed);
    }
}

macro_rules! areas {
    ($($test:ident $name:literal $least:literal)*) => {
        $(#[test]
        fn $test() {
            passes($name, $least);
        })*

        #[test]
        fn every_area_is_tested() {
            for (name, _) in UNIFIED {
                assert!([$($name),*].contains(name), "{name}");
            }
        }
    };
}

areas! {
    auth "auth" 0
    causal_consistency "causal-consistency" 15
    client_backpressure "client-backpressure" 50
    client_side_operations_timeout "client-side-operations-timeout" 300
    collection_management "collection-management" 6
    command_logging_and_monitoring "command-logging-and-monitoring" 90
    connection_monitoring_and_pooling "connection-monitoring-and-pooling" 4
    crud "crud" 500
    index_management "index-management" 0
    load_balancers "load-balancers" 0
    mongodb_handshake "mongodb-handshake" 2
    read_write_concern "read-write-concern" 14
    retryable_reads "retryable-reads" 250
    retryable_writes "retryable-writes" 95
    run_command "run-command" 15
    server_discovery_and_monitoring "server-discovery-and-monitoring" 40
    server_selection "server-selection" 4
    sessions "sessions" 30
    transactions "transactions" 120
    transactions_convenient_api "transactions-convenient-api" 20
    unified_test_format "unified-test-format" 100
    versioned_api "versioned-api" 100
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
