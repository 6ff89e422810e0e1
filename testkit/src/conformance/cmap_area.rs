//! The `connection-monitoring-and-pooling` area: the files of `cmap-format`, played on the pool machine in virtual time.
//!
//! Connections are imaginary: a dial takes no time and succeeds. Files of style "integration" want a server with a fail
//! point. What that does to a dial (slow, or failing) is played too, so these cases can fail here, but not pass: they
//! count as skipped until they meet their server.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use stator_proto::Instant;
use stator_proto::pool::{Action, CheckOut, ConnectionId, OnFailure, Pool, PoolError, PoolEvent, PoolOptions, Ticket};

use super::Report;

/// What events and errors give for `address`.
const ADDRESS: &str = "localhost:27017";
/// How long a `waitForEvent` without `timeout` waits.
const PATIENCE: Duration = Duration::from_secs(10);
/// The thread that runs the operations without a `thread`.
const MAIN: &str = "main";

pub(super) fn cmap(dir: &Path) -> Report {
    let mut report = Report::default();
    let dir = dir.join("tests/cmap-format");
    let mut paths: Vec<_> = std::fs::read_dir(&dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    for path in paths {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string());
        match text.and_then(|text| serde_json::from_str::<Value>(&text).map_err(|error| error.to_string())) {
            Ok(test) => {
                let case = test["description"].as_str().unwrap_or_default();
                match run(&test) {
                    Ok(()) if test["style"] == "integration" => {
                        report.skip(&file, case, "wants a server; passed with its fail point played in virtual time");
                    }
                    outcome => report.record(&file, case, outcome),
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
    match (&test["error"], thrown) {
        (Value::Null, Some(error)) => return Err(format!("threw {error}")),
        (Value::Null, None) => {}
        (_, None) => return Err("threw no error".into()),
        (expected, Some(error)) => matches(expected, &error)?,
    }
    let ignored = |event: &&Value| test["ignore"].as_array().into_iter().flatten().any(|name| *name == event["type"]);
    let actual: Vec<&Value> = play.events.iter().filter(|event| !ignored(event)).collect();
    for (index, expected) in test["events"].as_array().into_iter().flatten().enumerate() {
        let event = actual.get(index).ok_or_else(|| format!("event {index} is missing: {expected}"))?;
        matches(expected, event).map_err(|reason| format!("event {index}: {reason}"))?;
    }
    Ok(())
}

/// The specification's MATCH: `expected` is a subset of `actual`, and 42 stands for any value.
fn matches(expected: &Value, actual: &Value) -> Result<(), String> {
    let matched = match (expected, actual) {
        (Value::Object(fields), Value::Object(_)) => {
            return fields.iter().try_for_each(|(name, expected)| {
                matches(expected, &actual[name]).map_err(|reason| format!("{name}: {reason}"))
            });
        }
        _ if *expected == json!(42) || *expected == json!("42") => !actual.is_null(),
        _ => expected == actual,
    };
    matched.then_some(()).ok_or_else(|| format!("expected {expected}, got {actual}"))
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
        let given = &test["poolOptions"];
        let number = |name: &str| given[name].as_u64().and_then(|number| u32::try_from(number).ok());
        let millis = |value: &Value| value.as_u64().filter(|&millis| millis > 0).map(Duration::from_millis);
        let default = PoolOptions::default();
        let options = PoolOptions {
            max_pool_size: number("maxPoolSize").unwrap_or(default.max_pool_size),
            min_pool_size: number("minPoolSize").unwrap_or(default.min_pool_size),
            max_connecting: number("maxConnecting").unwrap_or(default.max_connecting),
            max_idle_time: millis(&given["maxIdleTimeMS"]),
            events: true,
            ..default
        };
        let fail_point = &test["failPoint"]["data"];
        let mut play = Self {
            pool: Pool::new(options),
            now: Instant::ORIGIN,
            wait_queue_timeout: millis(&given["waitQueueTimeoutMS"]),
            dial_time: millis(&fail_point["blockTimeMS"]).unwrap_or_default(),
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
                self.end_waiting(ticket, Some(thrown(&PoolError::TimedOut)));
            }
        }
        self.settle();
        !reached
    }
}

/// An error as the specification describes it.
fn thrown(error: &PoolError<&'static str>) -> Value {
    let kind = match error {
        PoolError::Cleared { .. } => "PoolClearedError",
        PoolError::Closed => "PoolClosedError",
        PoolError::TimedOut => "WaitQueueTimeoutError",
        _ => "Error",
    };
    json!({ "type": kind, "message": error.to_string(), "address": ADDRESS })
}

/// An event as the specification describes it.
fn tell(event: &PoolEvent<&'static str>) -> Value {
    let millis = |duration: &Duration| duration.as_millis() as u64;
    let mut told = match event {
        PoolEvent::PoolCreated { options } => {
            let idle = options.max_idle_time.map(|time| millis(&time));
            let (most, least) = (options.max_pool_size, options.min_pool_size);
            let options = json!({ "maxPoolSize": most, "minPoolSize": least, "maxIdleTimeMS": idle });
            json!({ "type": "ConnectionPoolCreated", "options": options })
        }
        PoolEvent::PoolReady => json!({ "type": "ConnectionPoolReady" }),
        PoolEvent::PoolCleared { interrupt_in_use, .. } => {
            json!({ "type": "ConnectionPoolCleared", "interruptInUseConnections": interrupt_in_use })
        }
        PoolEvent::PoolClosed => json!({ "type": "ConnectionPoolClosed" }),
        PoolEvent::ConnectionCreated { connection } => {
            json!({ "type": "ConnectionCreated", "connectionId": connection.number() })
        }
        PoolEvent::ConnectionReady { connection, duration } => {
            json!({ "type": "ConnectionReady", "connectionId": connection.number(), "duration": millis(duration) })
        }
        PoolEvent::ConnectionClosed { connection, reason, .. } => {
            json!({ "type": "ConnectionClosed", "connectionId": connection.number(), "reason": reason.as_str() })
        }
        PoolEvent::CheckOutStarted => json!({ "type": "ConnectionCheckOutStarted" }),
        PoolEvent::CheckOutFailed { error, duration } => {
            let reason = error.reason().as_str();
            json!({ "type": "ConnectionCheckOutFailed", "reason": reason, "duration": millis(duration) })
        }
        PoolEvent::CheckedOut { connection, duration } => {
            json!({ "type": "ConnectionCheckedOut", "connectionId": connection.number(), "duration": millis(duration) })
        }
        PoolEvent::CheckedIn { connection } => {
            json!({ "type": "ConnectionCheckedIn", "connectionId": connection.number() })
        }
    };
    told["address"] = json!(ADDRESS);
    told
}

#[cfg(test)]
#[path = "cmap_area_tests.rs"]
mod tests;
