//! The adapter suite in the simulated world: where reads and writes return `Pending`, and where they block like a thread's
//! (rule R4). Nothing here needs a server, a socket or time.

use stator_sim::Sim;
use stator_sim::server::FakeServer;
use stator_testkit::suite::{Context, Report, Server, TESTS, run};

fn run_in(sim: &Sim) -> Report {
    let _server = FakeServer::start(sim, "10.0.0.1:27017".parse().unwrap());
    let handle = sim.clone();
    let server = Server { version: (5, 0), mongod: false, rights: true };
    sim.run(async move { run(&Context::new(handle, "mongodb://10.0.0.1/", server, "suite")).await })
        .unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn where_io_waits() {
    for seed in 0..5 {
        let report = run_in(&Sim::new(seed));
        assert!(report.ran > TESTS.len() / 3, "{report:?}");
    }
}

#[test]
fn where_io_blocks() {
    for seed in 0..5 {
        let report = run_in(&Sim::blocking(seed));
        assert!(report.ran > TESTS.len() / 3, "{report:?}");
    }
}

#[test]
fn a_history_is_a_function_of_its_seed() {
    let [first, other, again] = [1, 2, 1].map(|seed| {
        let sim = Sim::new(seed);
        run_in(&sim);
        sim.fingerprint()
    });
    assert_eq!(first, again);
    assert_ne!(first, other);
}
