//! What a run showed, as numbers and as a table.

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::time::Duration;

use super::Fault;

/// What a run showed.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Writes that were acknowledged.
    pub writes: u64,
    /// Reads that succeeded.
    pub reads: u64,
    /// Operations that failed, by the class of their error.
    pub errors: BTreeMap<String, u64>,
    /// The longest time without any acknowledged write.
    pub longest_stall: Duration,
    /// One for each fault.
    pub recoveries: Vec<Recovery>,
    /// Connections in use, owing or being dialled after everybody had stopped.
    pub leaked: u32,
    /// Pools that were cleared while all was well.
    pub cleared_without_cause: u32,
    /// Documents that were acknowledged and are not there at the end.
    pub lost: usize,
    /// Documents that are there more than once although each was inserted once.
    pub duplicated: usize,
}

/// How one fault was survived.
#[derive(Clone, Copy, Debug)]
pub struct Recovery {
    /// Which.
    pub fault: Fault,
    /// The longest time without any acknowledged write.
    pub stall: Duration,
    /// From the fault until another primary was seen.
    pub election: Duration,
    /// From there to the first acknowledged write.
    pub first_write: Duration,
}

/// A table of several runs, each under its name.
pub fn table(runs: &[(&str, Outcome)]) -> String {
    let mut out = String::new();
    let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
    for (name, outcome) in runs {
        let failed: u64 = outcome.errors.values().sum();
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{name}: {} writes, {} reads, {failed} errors; longest stall {}; leaked connections {}; pools cleared without \
             cause {}; acknowledged writes lost {}, documents duplicated {}",
            outcome.writes,
            outcome.reads,
            seconds(outcome.longest_stall),
            outcome.leaked,
            outcome.cleared_without_cause,
            outcome.lost,
            outcome.duplicated
        );
        let _ = writeln!(out, "  {:<12} {:>10} {:>10} {:>22}", "fault", "stall", "election", "election to 1st write");
        for Recovery { fault, stall, election, first_write } in &outcome.recoveries {
            let times = [*stall, *election, *first_write].map(seconds);
            let _ = writeln!(out, "  {:<12} {:>10} {:>10} {:>22}", fault.as_str(), times[0], times[1], times[2]);
        }
        for (class, count) in &outcome.errors {
            let _ = writeln!(out, "  {count:>6} x {class}");
        }
    }
    out
}

impl Outcome {
    /// The classes of errors that no fault explains.
    pub fn unexpected(&self) -> impl Iterator<Item = &str> {
        /// What a primary that dies, steps down or freezes may cause: interrupted and refused commands, and connections that
        /// end or cannot be made.
        const EXPECTED: [&str; 12] = [
            "network, ",
            "pool cleared",
            "timed out in phase",
            "no server in time",
            "code 10107 ",
            "code 11600 ",
            "code 11602 ",
            "code 189 ",
            "code 91 ",
            "code 13435 ",
            "code 13436 ",
            "write concern, code ",
        ];
        let expected = |class: &str| {
            EXPECTED.iter().any(|known| class.split_once(": ").is_some_and(|(_, class)| class.starts_with(known)))
        };
        self.errors.keys().map(String::as_str).filter(move |class| !expected(class))
    }
}
