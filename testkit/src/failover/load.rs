//! Readers and writers that never rest, and what they saw.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bson::{Document, doc};
use stator_client::options::{Acknowledgment, Overrides, WriteConcern};
use stator_client::{Client, Error, ErrorKind, Runtime};

use super::outcome::Outcome;
use crate::server::ServerError;

/// What the tasks saw.
#[derive(Debug)]
pub(super) struct Load {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    stopped: bool,
    ended: usize,
    writes: u64,
    reads: u64,
    errors: BTreeMap<String, u64>,
    last_write: Instant,
    /// The longest time without a write since `begin_stall`.
    stall: Duration,
    longest: Duration,
    /// What was acknowledged: the numbers of each task's documents.
    acknowledged: Vec<(usize, i64)>,
    bank: Bank,
    /// Errors that no retry would have helped against, in words.
    final_errors: Vec<String>,
}

/// What the transfers came to. They are the numbers of each task's.
#[derive(Clone, Debug, Default)]
pub(super) struct Bank {
    /// Commits that were acknowledged.
    pub(super) committed: Vec<(usize, i64)>,
    /// Those of which the server has said that they are aborted.
    pub(super) aborted: Vec<(usize, i64)>,
    repeated: u64,
    pictures: u64,
    torn: u64,
    no_snapshot: u64,
}

impl Load {
    pub(super) fn new() -> Self {
        let state = State {
            stopped: false,
            ended: 0,
            writes: 0,
            reads: 0,
            errors: BTreeMap::new(),
            last_write: Instant::now(),
            stall: Duration::ZERO,
            longest: Duration::ZERO,
            acknowledged: Vec::new(),
            bank: Bank::default(),
            final_errors: Vec::new(),
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wrote(&self, task: usize, number: i64) {
        let mut state = self.lock();
        let now = Instant::now();
        let pause = now - state.last_write;
        state.stall = state.stall.max(pause);
        state.longest = state.longest.max(pause);
        state.last_write = now;
        state.writes += 1;
        state.acknowledged.push((task, number));
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn failed(&self, what: &str, error: &Error) {
        let mut state = self.lock();
        *state.errors.entry(format!("{what}: {}", class(error))).or_default() += 1;
        if !may_be_tried_again(error) {
            state.final_errors.push(format!("{what}: {error}"));
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// A transfer was committed.
    pub(super) fn committed(&self, task: usize, number: i64) {
        self.lock().bank.committed.push((task, number));
    }

    /// A transfer was aborted by the server.
    pub(super) fn aborted(&self, task: usize, number: i64) {
        self.lock().bank.aborted.push((task, number));
    }

    /// So many attempts of a callback were in vain.
    pub(super) fn repeated(&self, attempts: u64) {
        self.lock().bank.repeated += attempts;
    }

    /// All accounts were read, and the sum was right or it was not.
    pub(super) fn seen(&self, whole: bool) {
        let mut state = self.lock();
        state.bank.pictures += 1;
        state.bank.torn += u64::from(!whole);
    }

    /// A member did not have the point in time of a snapshot session.
    pub(super) fn no_snapshot(&self) {
        self.lock().bank.no_snapshot += 1;
    }

    pub(super) fn bank(&self) -> Bank {
        self.lock().bank.clone()
    }

    fn wait_until<T>(
        &self,
        what: &str,
        deadline: Instant,
        done: impl Fn(&State) -> Option<T>,
    ) -> Result<T, ServerError> {
        let began = Instant::now();
        let mut state = self.lock();
        loop {
            if let Some(value) = done(&state) {
                return Ok(value);
            }
            let now = Instant::now();
            if now >= deadline {
                let log = format!("errors so far: {:?}", state.errors);
                return Err(ServerError::Timeout { waiting_for: what.into(), after: now - began, log });
            }
            state = self.changed.wait_timeout(state, deadline - now).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for so many writes more.
    pub(super) fn wait_for_writes(&self, count: u64, deadline: Instant) -> Result<(), ServerError> {
        let wanted = self.lock().writes + count;
        self.wait_until("a write", deadline, |state| (state.writes >= wanted).then_some(()))
    }

    /// Waits for a write after that moment; returns when it came.
    pub(super) fn wait_for_write_after(&self, moment: Instant, deadline: Instant) -> Result<Instant, ServerError> {
        self.wait_until("the first write", deadline, |state| (state.last_write > moment).then_some(state.last_write))
    }

    pub(super) fn wait_for_end(&self, tasks: usize) -> Result<(), ServerError> {
        let deadline = Instant::now() + Duration::from_secs(60);
        self.wait_until("the tasks to end", deadline, |state| (state.ended == tasks).then_some(()))
    }

    pub(super) fn begin_stall(&self) {
        self.lock().stall = Duration::ZERO;
    }

    pub(super) fn end_stall(&self) -> Duration {
        self.lock().stall
    }

    /// Lets the load go on for a while.
    pub(super) fn watch(&self, time: Duration) {
        let until = Instant::now() + time;
        let _ = self.wait_until("", until, |_| None::<()>);
    }

    pub(super) fn stop(&self) {
        self.lock().stopped = true;
    }

    fn end(&self) {
        self.lock().ended += 1;
        self.changed.notify_all();
    }

    /// The documents that were acknowledged: task and number.
    pub(super) fn acknowledged(&self) -> Vec<(usize, i64)> {
        self.lock().acknowledged.clone()
    }

    pub(super) fn fill(&self, outcome: &mut Outcome) {
        let state = self.lock();
        outcome.writes = state.writes;
        outcome.reads = state.reads;
        outcome.errors = state.errors.clone();
        outcome.longest_stall = state.longest;
        outcome.final_errors = state.final_errors.clone();
        outcome.committed = state.bank.committed.len() as u64;
        outcome.aborted = state.bank.aborted.len() as u64 + state.bank.repeated;
        outcome.pictures = state.bank.pictures;
        outcome.torn = state.bank.torn;
        outcome.no_snapshot = state.bank.no_snapshot;
    }
}

/// The database and collection that are written to.
pub(super) const NAMESPACE: (&str, &str) = ("failover", "documents");

/// Ends with its task, however that ends.
pub(super) struct Ends(pub(super) Arc<Load>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.end();
    }
}

pub(super) async fn write<R: Runtime>(client: Client<R>, load: Arc<Load>, task: usize) {
    let _ends = Ends(Arc::clone(&load));
    let majority = WriteConcern { w: Some(Acknowledgment::Majority), ..WriteConcern::default() };
    let overrides = Overrides { write_concern: Some(majority), ..Overrides::default() };
    let collection = client.database(NAMESPACE.0).collection_with::<Document>(NAMESPACE.1, &overrides);
    let mut number = 0_i64;
    while !load.is_stopped() {
        number += 1;
        match collection.insert_one(doc! { "task": task as i64, "number": number }).await {
            Ok(_) => load.wrote(task, number),
            Err(error) => load.failed("write", &error),
        }
    }
}

pub(super) async fn read<R: Runtime>(client: Client<R>, load: Arc<Load>) {
    let _ends = Ends(Arc::clone(&load));
    let collection = client.database(NAMESPACE.0).collection::<Document>(NAMESPACE.1);
    while !load.is_stopped() {
        match collection.find_one(doc! {}).await {
            Ok(_) => load.lock().reads += 1,
            Err(error) => load.failed("read", &error),
        }
    }
}

/// Whether the specifications call the error one that trying again may help against.
fn may_be_tried_again(error: &Error) -> bool {
    const LABELS: [&str; 2] = ["TransientTransactionError", "UnknownTransactionCommitResult"];
    error.is_retryable() || LABELS.iter().any(|label| error.has_label(label))
}

/// An error's class, as the table shows it.
fn class(error: &Error) -> String {
    let phase = error.phase().as_str();
    match error.kind() {
        ErrorKind::Selection(_) => "no server in time".into(),
        ErrorKind::Pool(stator_proto::pool::PoolError::Cleared { .. }) => "pool cleared".into(),
        _ if error.is_timeout() => format!("timed out in phase {phase}"),
        _ if error.is_network() => format!("network, phase {phase}"),
        ErrorKind::Write(failure) => match &failure.write_concern_error {
            Some(concern) => format!("write concern, code {} {}", concern.code, concern.code_name),
            None => format!("write, code {:?}", error.code()),
        },
        ErrorKind::Command(command) => format!("code {} {}", command.code, command.code_name),
        _ => format!("other: {error}"),
    }
}
