//! `withTransaction` on virtual time.

use alloc::vec::Vec;
use core::time::Duration;

use super::super::TransactionStep::{Abort, Begin, Commit, Done, Run};
use super::super::*;
use crate::Instant;
use crate::retry::{Failure, FailureClass, label};

#[derive(Clone, Copy, Debug, PartialEq)]
struct Failed(&'static str, i32);

impl Failure for Failed {
    fn class(&self) -> FailureClass {
        FailureClass::Server
    }

    fn code(&self) -> Option<i32> {
        Some(self.1).filter(|_| self.1 != CONCERN)
    }

    fn write_concern_code(&self) -> Option<i32> {
        Some(50).filter(|_| self.1 == CONCERN)
    }

    fn has_label(&self, label: &str) -> bool {
        self.0 == label
    }
}

/// Stands for `MaxTimeMSExpired` in the write concern error.
const CONCERN: i32 = -1;
const TRANSIENT: Result<(), Failed> = Err(Failed(label::TRANSIENT_TRANSACTION, 0));
const UNKNOWN: Result<(), Failed> = Err(Failed(label::UNKNOWN_COMMIT_RESULT, 0));
const FATAL: Result<(), Failed> = Err(Failed("", 2));

/// Runs with these results of callbacks and commits; the callback leaves the transaction in `state`. Each takes `cost`.
struct World {
    timeout: Option<Duration>,
    random: u64,
    state: TransactionState,
    cost: Duration,
    runs: Vec<Result<(), Failed>>,
    commits: Vec<Result<(), Failed>>,
    steps: Vec<TransactionStep>,
    sleeps: Vec<Duration>,
}

impl World {
    fn new(runs: &[Result<(), Failed>], commits: &[Result<(), Failed>]) -> Self {
        Self {
            timeout: None,
            random: 5,
            state: TransactionState::InProgress,
            cost: Duration::ZERO,
            runs: runs.to_vec(),
            commits: commits.to_vec(),
            steps: Vec::new(),
            sleeps: Vec::new(),
        }
    }

    /// What is not given succeeds.
    fn run(&mut self) -> Outcome<Failed> {
        let mut now = Instant::from_millis(77);
        let mut machine = WithTransaction::new(now, self.timeout, self.random);
        let (mut runs, mut commits) = (self.runs.iter().copied(), self.commits.iter().copied());
        loop {
            let step = machine.poll_step();
            match step {
                Begin => machine.handle_begun(now, Ok(())),
                Run => {
                    now = now + self.cost;
                    machine.handle_ran(now, runs.next().unwrap_or(Ok(())), self.state);
                }
                Commit => {
                    now = now + self.cost;
                    machine.handle_committed(now, commits.next().unwrap_or(Ok(())));
                }
                Abort => machine.handle_aborted(now),
                TransactionStep::Sleep(until) => {
                    assert_eq!(machine.poll_timeout(), Some(until));
                    self.sleeps.push(until - now);
                    now = until;
                    machine.handle_timeout(now);
                    continue;
                }
                Done => break,
            }
            self.steps.push(step);
        }
        machine.finish().unwrap()
    }
}

#[test]
fn it_begins_runs_and_commits() {
    let mut world = World::new(&[], &[]);
    assert_eq!(world.run(), Outcome::Done);
    assert_eq!(world.steps, [Begin, Run, Commit]);
}

#[test]
fn a_callback_may_end_the_transaction_itself() {
    for state in [TransactionState::None, TransactionState::Committed, TransactionState::Aborted] {
        let mut world = World { state, ..World::new(&[], &[]) };
        assert_eq!(world.run(), Outcome::Done);
        assert_eq!(world.steps, [Begin, Run]);
        let mut world = World { state, ..World::new(&[UNKNOWN], &[]) };
        assert_eq!(world.run(), Outcome::Failed(UNKNOWN.unwrap_err()));
        assert_eq!(world.steps, [Begin, Run]);
    }
}

#[test]
fn a_transient_error_repeats_the_whole() {
    let mut world = World::new(&[TRANSIENT], &[TRANSIENT]);
    assert_eq!(world.run(), Outcome::Done);
    assert_eq!(world.steps, [Begin, Run, Abort, Begin, Run, Commit, Begin, Run, Commit]);
    assert_eq!(world.sleeps.len(), 2);
}

#[test]
fn an_unknown_result_repeats_the_commit() {
    let mut world = World::new(&[], &[UNKNOWN, UNKNOWN]);
    assert_eq!(world.run(), Outcome::Done);
    assert_eq!(world.steps, [Begin, Run, Commit, Commit, Commit]);
    assert!(world.sleeps.is_empty());
    for code in [50, CONCERN] {
        let expired = Failed(label::UNKNOWN_COMMIT_RESULT, code);
        let mut world = World::new(&[], &[Err(expired)]);
        assert_eq!(world.run(), Outcome::Failed(expired), "{code}");
    }
}

#[test]
fn any_other_error_ends_it() {
    let mut world = World::new(&[FATAL], &[]);
    assert_eq!(world.run(), Outcome::Failed(FATAL.unwrap_err()));
    assert_eq!(world.steps, [Begin, Run, Abort]);
    let mut world = World::new(&[], &[FATAL]);
    assert_eq!(world.run(), Outcome::Failed(FATAL.unwrap_err()));
    assert_eq!(world.steps, [Begin, Run, Commit]);
    let mut machine = WithTransaction::new(Instant::ORIGIN, None, 0);
    machine.handle_begun(Instant::ORIGIN, FATAL);
    assert_eq!(machine.finish(), Some(Outcome::Failed(FATAL.unwrap_err())));
}

#[test]
fn its_time_is_120_seconds_or_what_is_given() {
    for (timeout, limit) in [(None, 120), (Some(Duration::from_secs(4)), 4)] {
        for cost in [Duration::from_millis(700), Duration::from_secs(limit), Duration::from_secs(500)] {
            let failing: [Result<(), Failed>; 300] = [TRANSIENT; 300];
            let mut world = World { timeout, cost, ..World::new(&failing, &[]) };
            assert_eq!(world.run(), Outcome::TimedOut(TRANSIENT.unwrap_err()));
            let spent = cost * u32::try_from(world.sleeps.len()).unwrap() + world.sleeps.iter().sum::<Duration>();
            assert!(spent < Duration::from_secs(limit));
            let mut world = World { timeout, cost, ..World::new(&[], &[UNKNOWN; 300]) };
            assert_eq!(world.run(), Outcome::TimedOut(UNKNOWN.unwrap_err()));
            let mut world = World { timeout, cost, ..World::new(&[FATAL], &[]) };
            assert_eq!(world.run(), Outcome::Failed(FATAL.unwrap_err()), "an error of its own is no timeout");
        }
    }
    // Zero is no limit.
    let cost = Duration::from_secs(1000);
    let mut world = World { timeout: Some(Duration::ZERO), cost, ..World::new(&[TRANSIENT; 20], &[UNKNOWN; 20]) };
    assert_eq!(world.run(), Outcome::Done);
}

#[test]
fn only_a_timeout_that_is_given_binds_the_operations() {
    let deadline = |timeout| WithTransaction::<Failed>::new(Instant::ORIGIN, timeout, 0).deadline();
    assert_eq!(deadline(None), None);
    assert_eq!(deadline(Some(Duration::from_millis(9))), Some(Instant::from_millis(9)));
    assert_eq!(deadline(Some(Duration::ZERO)), Some(Instant::FAR_FUTURE));
}

#[test]
fn the_backoff_grows_by_half_up_to_500_ms() {
    let mut longest = [Duration::ZERO; 14];
    for random in 0..500 {
        let mut world = World { random, ..World::new(&[TRANSIENT; 14], &[]) };
        assert_eq!(world.run(), Outcome::Done);
        for (longest, sleep) in longest.iter_mut().zip(world.sleeps) {
            *longest = (*longest).max(sleep);
        }
    }
    let mut limit = 5.0;
    for longest in longest {
        limit = f64::min(limit * 1.5, 500.0);
        let found = longest.as_secs_f64() * 1000.0;
        assert!(found <= limit && found > limit * 0.9, "{found} of {limit}");
    }
}

#[test]
fn calls_in_an_odd_order_change_nothing() {
    let mut machine = WithTransaction::<Failed>::new(Instant::ORIGIN, None, 0);
    let now = Instant::from_millis(1);
    machine.handle_committed(now, FATAL);
    machine.handle_aborted(now);
    machine.handle_ran(now, FATAL, TransactionState::None);
    machine.handle_timeout(now);
    assert_eq!((machine.poll_step(), machine.attempts()), (Begin, 0));
    machine.handle_begun(now, Ok(()));
    machine.handle_begun(now, FATAL);
    assert_eq!((machine.poll_step(), machine.attempts()), (Run, 1));
}
