//! What a run showed, as numbers and as a table.

use core::fmt::{self, Write as _};
use std::collections::BTreeMap;
use std::time::Duration;

use super::{Clear, Fault, Regime};

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
    /// Pools that were cleared, when and why.
    pub clears: Vec<Clear>,
    /// How the members' states changed, from their logs, if a pool was cleared while all was well.
    pub transitions: Vec<String>,
    /// Errors that are not of a class which may be tried again, in words.
    pub final_errors: Vec<String>,
    /// The most commands that were sent for one operation.
    pub most_tries: u32,
    /// The operations that had more than two.
    pub tried_often: Vec<String>,
    /// Documents, and transfers that were committed, that were acknowledged and are not there at the end.
    pub lost: usize,
    /// Documents that are there more than once although each was inserted once.
    pub duplicated: usize,
    /// Transfers that were committed.
    pub committed: u64,
    /// Transfers, and attempts of callbacks, that ended in an abort.
    pub aborted: u64,
    /// How often all accounts were read in a snapshot session or in a transaction.
    pub pictures: u64,
    /// ... and how often the sum was wrong, or the same snapshot looked different.
    pub torn: u64,
    /// ... and how often a member had not got the point in time of a snapshot.
    pub no_snapshot: u64,
    /// 1 if the transfers that are there do not explain the balances.
    pub partial: usize,
    /// Transfers that are there although their user was told that they were aborted.
    pub risen: usize,
}

impl Outcome {
    /// Pools that were cleared while all was well.
    pub fn cleared_without_cause(&self) -> usize {
        self.clears.iter().filter(|clear| clear.calm).count()
    }

    /// Operations that failed.
    pub fn failed(&self) -> u64 {
        self.errors.values().sum()
    }

    /// What must not be, in words. `regime`: what was promised.
    pub fn faults(&self, regime: Regime) -> Vec<String> {
        let counts = [
            ("connections leaked", self.leaked as usize),
            ("pools cleared without cause", self.cleared_without_cause()),
            ("acknowledged writes lost", self.lost),
            ("documents duplicated", self.duplicated),
            ("wrong sums read", self.torn as usize),
            ("balances that transfers do not explain", self.partial),
            ("aborted transfers that were committed", self.risen),
        ];
        let mut out: Vec<_> =
            counts.iter().filter(|(_, count)| *count > 0).map(|(what, count)| format!("{count} {what}")).collect();
        match regime {
            Regime::Timeout if self.failed() > 0 => out.push(format!("{} errors reached the user", self.failed())),
            Regime::Timeout => {}
            Regime::Defaults => {
                if !self.final_errors.is_empty() {
                    out.push(format!("{} errors are not of a retryable class", self.final_errors.len()));
                }
                if self.most_tries > 2 {
                    out.push(format!("an operation was tried {} times", self.most_tries));
                }
            }
        }
        out.extend(self.unexpected().map(|class| format!("unexpected: {class}")));
        out
    }
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
    /// From the election until a connection that is not the driver's got its first majority write from the new primary.
    pub majority: Option<Duration>,
    /// From the election until no member had the former primary as its sync source any more.
    pub left: Option<Duration>,
}

/// A table of several runs, each under its name.
pub fn table(runs: &[(&str, Outcome)]) -> String {
    let mut out = String::new();
    for (name, outcome) in runs {
        // Writing to a string cannot fail.
        let _ = write(&mut out, name, outcome);
    }
    out
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

fn write(out: &mut String, name: &str, outcome: &Outcome) -> fmt::Result {
    let Outcome { writes, reads, leaked, lost, duplicated, most_tries, committed, aborted, .. } = outcome;
    let Outcome { pictures, torn, no_snapshot, partial, risen, .. } = outcome;
    let (failed, stall, cleared) = (outcome.failed(), seconds(outcome.longest_stall), outcome.cleared_without_cause());
    writeln!(
        out,
        "{name}: {writes} writes, {reads} reads, {failed} errors; longest stall {stall}; most tries of one operation \
         {most_tries}; leaked connections {leaked}; pools cleared {}, without cause {cleared}; acknowledged writes lost \
         {lost}, documents duplicated {duplicated}",
        outcome.clears.len()
    )?;
    writeln!(
        out,
        "  transfers committed {committed}, aborted {aborted}, aborted but there {risen}, unexplained balances {partial}; \
         sums read {pictures}, wrong {torn}, snapshots a member had not got {no_snapshot}"
    )?;
    let heads = ["fault", "stall", "election", "to 1st write", "to majority", "sync source left"];
    let [fault, rest @ ..] = heads;
    write!(out, "  {fault:<12}")?;
    rest.iter().try_for_each(|head| write!(out, " {head:>16}"))?;
    writeln!(out)?;
    for Recovery { fault, stall, election, first_write, majority, left } in &outcome.recoveries {
        write!(out, "  {:<12}", fault.as_str())?;
        for time in [Some(*stall), Some(*election), Some(*first_write), *majority, *left] {
            write!(out, " {:>16}", time.map_or_else(|| "-".into(), seconds))?;
        }
        writeln!(out)?;
    }
    for (class, count) in &outcome.errors {
        writeln!(out, "  {count:>6} x {class}")?;
    }
    for error in outcome.final_errors.iter().take(10) {
        writeln!(out, "  not retryable: {error}")?;
    }
    for tries in outcome.tried_often.iter().take(5) {
        writeln!(out, "  {tries}")?;
    }
    for clear in outcome.clears.iter().filter(|clear| clear.calm) {
        writeln!(out, "  cleared without cause at {clear}")?;
    }
    outcome.transitions.iter().try_for_each(|line| writeln!(out, "    {line}"))
}

impl Outcome {
    /// The classes of errors that no fault explains.
    pub fn unexpected(&self) -> impl Iterator<Item = &str> {
        /// What a primary that dies, steps down or freezes may cause: interrupted and refused commands, and connections that
        /// end or cannot be made.
        const EXPECTED: [&str; 13] = [
            "network, ",
            "pool cleared",
            "timed out in phase",
            "no server in time",
            // Transactions that an election has ended.
            "code 251 ",
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
