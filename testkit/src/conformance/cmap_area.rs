//! The `connection-monitoring-and-pooling` area: the files of `cmap-format`, played on the pool machine in virtual time.
//!
//! Connections are imaginary: a dial takes no time and succeeds. Files of style "integration" want a server with a fail
//! point. They are played here first, with what the fail point does to a dial (slow, or failing), and then by
//! [`Live`] with threads, sockets and that server.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use stator_proto::Instant;
use stator_proto::pool::{Action, CheckOut, ConnectionId, OnFailure, Pool, PoolError, Ticket};

use super::Report;
use super::cmap_judge::{judge, pool_options, tell, thrown, time};
use super::cmap_live::{Live, Verdict};

/// How long a `waitForEvent` without `timeout` waits.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// The thread that runs the operations without a `thread`.
const MAIN: &str = "main";

pub(super) fn cmap(area: &Path) -> Report {
    let mut report = Report::default();
    let dir = area.join("tests/cmap-format");
    let mut paths: Vec<_> = std::fs::read_dir(&dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let live = Live::default();
    for path in paths {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string());
        match text.and_then(|text| serde_json::from_str::<Value>(&text).map_err(|error| error.to_string())) {
            Ok(test) => {
                let case = test["description"].as_str().unwrap_or_default();
                match (run(&test), test["style"] == "integration") {
                    (Ok(()), true) => match live.run(&test) {
                        Verdict::Ran(outcome) => report.record(&file, case, outcome),
                        Verdict::Unfit(reason) => report.skip(&file, case, reason),
                    },
                    (outcome, _) => report.record(&file, case, outcome),
                }
            }
            Err(reason) => report.record(&file, "", Err(reason)),
        }
    }
    report
}

/// Runs one file: operations, then the error, then the events.
fn run(test: &Value) -> Result<(), String> {
    let mut play = Play::new(test);
    let mut thrown = None;
    for operation in test["operations"].as_array().into_iter().flatten() {
        thrown = play.operate(operation)?;
        if thrown.is_some() {
            break;
        }
    }
    judge(test, thrown, &play.events)
}

#[derive(Default)]
struct Thread {
    todo: VecDeque<Value>,
    /// The check-out under way: its ticket, its deadline, and the label that its connection will get.
    waiting: Option<(Ticket, Instant, Option<String>)>,
    thrown: Option<Value>,
}

struct Play {
    pool: Pool<&'static str>,
    now: Instant,
    wait_queue_timeout: Option<Duration>,
    dial_time: Duration,
    dial_fails: bool,
    dials: Vec<(Instant, ConnectionId)>,
    threads: BTreeMap<String, Thread>,
    labels: BTreeMap<String, ConnectionId>,
    events: Vec<Value>,
}

impl Play {
    fn new(test: &Value) -> Self {
        let (options, wait_queue_timeout) = pool_options(test);
        let fail_point = &test["failPoint"]["data"];
        let mut play = Self {
            pool: Pool::new(options),
            now: Instant::ORIGIN,
            wait_queue_timeout,
            dial_time: time(&fail_point["blockTimeMS"]).unwrap_or_default(),
            dial_fails: !fail_point["errorCode"].is_null(),
            dials: Vec::new(),
            threads: BTreeMap::new(),
            labels: BTreeMap::new(),
            events: Vec::new(),
        };
        play.threads.insert(MAIN.into(), Thread::default());
        play.settle();
        play
    }

    /// Does one operation of the main thread, or hands it to its thread; the error that the main thread throws, if any.
    fn operate(&mut self, operation: &Value) -> Result<Option<Value>, String> {
        if let Some(thread) = operation["thread"].as_str() {
            self.threads.entry(thread.to_owned()).or_default().todo.push_back(operation.clone());
            self.settle();
            return Ok(None);
        }
        let target = operation["target"].as_str().unwrap_or(MAIN).to_owned();
        match operation["name"].as_str().unwrap_or_default() {
            "start" => {
                self.threads.entry(target).or_default();
            }
            "wait" => {
                let until = self.now + Duration::from_millis(operation["ms"].as_u64().unwrap_or(0));
                while self.advance(until) {}
            }
            "waitForThread" => {
                self.until(Instant::FAR_FUTURE, |play| play.is_done(&target))?;
                return Ok(self.threads.get_mut(&target).and_then(|thread| thread.thrown.take()));
            }
            "waitForEvent" => {
                let patience = operation["timeout"].as_u64().map_or(PATIENCE, Duration::from_millis);
                let count = operation["count"].as_u64().unwrap_or(1) as usize;
                let enough = |play: &Self| {
                    play.events.iter().filter(|event| event["type"] == operation["event"]).count() >= count
                };
                self.until(self.now + patience, enough).map_err(|reason| format!("{operation}: {reason}"))?;
            }
            _ => {
                self.perform(MAIN, operation)?;
                self.settle();
                self.until(Instant::FAR_FUTURE, |play| play.is_done(MAIN))?;
                return Ok(self.threads.get_mut(MAIN).and_then(|thread| thread.thrown.take()));
            }
        }
        Ok(None)
    }

    /// Does one operation on the pool, in the name of a thread.
    fn perform(&mut self, name: &str, operation: &Value) -> Result<(), String> {
        let now = self.now;
        match operation["name"].as_str().unwrap_or_default() {
            "ready" => self.pool.ready(now),
            "clear" => self.pool.clear(now, "cleared", operation["interruptInUseConnections"] == true, None),
            "close" => self.pool.close(now),
            "checkIn" => {
                let label = operation["connection"].as_str().unwrap_or_default();
                let connection = self.labels.get(label).ok_or_else(|| format!("no connection {label}"))?;
                self.pool.check_in(now, *connection).map_err(|error| error.to_string())?;
            }
            "checkOut" => {
                let deadline = self.wait_queue_timeout.map_or(Instant::FAR_FUTURE, |timeout| now + timeout);
                let label = operation["label"].as_str().map(str::to_owned);
                match self.pool.check_out(now, deadline) {
                    CheckOut::Granted { connection, .. } => {
                        self.labels.extend(label.map(|label| (label, connection)));
                    }
                    CheckOut::Wait(ticket) => {
                        self.threads.entry(name.to_owned()).or_default().waiting = Some((ticket, deadline, label));
                    }
                    CheckOut::Refused(error) => {
                        self.threads.entry(name.to_owned()).or_default().thrown = Some(thrown(&error));
                    }
                }
            }
            other => return Err(format!("unknown operation {other}")),
        }
        Ok(())
    }

    /// Lets everything happen that can happen without time passing.
    fn settle(&mut self) {
        loop {
            self.events.extend(std::iter::from_fn(|| self.pool.poll_event()).map(|event| tell(&event)));
            if let Some(action) = self.pool.poll_action() {
                self.act(action);
            } else if let Some(index) = self.dials.iter().position(|&(at, _)| at <= self.now) {
                let (_, connection) = self.dials.remove(index);
                // A dial that the pool has given up answers with an error, and there is no socket to close.
                let _ = match self.dial_fails {
                    false => self.pool.handle_established(self.now, connection, None),
                    true => self.pool.handle_dial_failed(self.now, connection, "dial failed", OnFailure::Clear),
                };
            } else if let Some((name, operation)) = self.next_of_threads() {
                if let Err(reason) = self.perform(&name, &operation) {
                    self.threads.entry(name).or_default().thrown = Some(json!({ "message": reason }));
                }
            } else {
                return;
            }
        }
    }

    fn act(&mut self, action: Action<&'static str>) {
        match action {
            Action::Dial { connection, .. } => self.dials.push((self.now + self.dial_time, connection)),
            Action::Close { connection, .. } => self.dials.retain(|&(_, dial)| dial != connection),
            Action::Grant { ticket, connection, .. } => {
                let label = self.end_waiting(ticket, None);
                self.labels.extend(label.map(|label| (label, connection)));
            }
            Action::Refuse { ticket, error } => {
                self.end_waiting(ticket, Some(thrown(&error)));
            }
            // Nothing runs on these connections.
            Action::Interrupt { .. } | Action::Drain { .. } => {}
        }
    }

    fn end_waiting(&mut self, ticket: Ticket, error: Option<Value>) -> Option<String> {
        let of_ticket = |thread: &&mut Thread| thread.waiting.as_ref().is_some_and(|(whose, ..)| *whose == ticket);
        let thread = self.threads.values_mut().find(of_ticket)?;
        thread.thrown = error;
        thread.waiting.take()?.2
    }

    fn next_of_threads(&mut self) -> Option<(String, Value)> {
        let free = |thread: &Thread| thread.waiting.is_none() && thread.thrown.is_none();
        let mut free = self.threads.iter_mut().filter(|(_, thread)| free(thread));
        free.find_map(|(name, thread)| Some((name.clone(), thread.todo.pop_front()?)))
    }

    fn is_done(&self, name: &str) -> bool {
        self.threads
            .get(name)
            .is_none_or(|thread| thread.waiting.is_none() && (thread.todo.is_empty() || thread.thrown.is_some()))
    }

    fn until(&mut self, limit: Instant, done: impl Fn(&Self) -> bool) -> Result<(), String> {
        while !done(self) {
            if !self.advance(limit) {
                return Err("waited in vain".into());
            }
        }
        Ok(())
    }

    /// Moves to the next point in time at which something happens, to `limit` at most; `false` if that is reached, or
    /// nothing will ever happen.
    fn advance(&mut self, limit: Instant) -> bool {
        let deadlines = self.threads.values().filter_map(|thread| Some(thread.waiting.as_ref()?.1));
        let dials = self.dials.iter().map(|&(at, _)| at);
        let next = deadlines.chain(dials).chain(self.pool.poll_timeout()).min().unwrap_or(Instant::FAR_FUTURE);
        let reached = next > limit || next.is_far_future();
        self.now = if reached && limit.is_far_future() { self.now } else { next.min(limit) };
        self.pool.handle_timeout(self.now);
        let late =
            |thread: &Thread| thread.waiting.as_ref().filter(|waiting| waiting.1 <= self.now).map(|waiting| waiting.0);
        for ticket in self.threads.values().filter_map(late).collect::<Vec<_>>() {
            if self.pool.cancel(self.now, ticket) {
                self.end_waiting(ticket, Some(thrown(&PoolError::<&str>::TimedOut)));
            }
        }
        self.settle();
        !reached
    }
}

#[cfg(test)]
#[path = "cmap_area_tests.rs"]
mod tests;
