//! What one client entity has told: events and log messages.

use std::sync::Mutex;
use std::time::Duration;

use stator_client::Runtime;

use super::matching::{Logged, Lookup, Observed, match_event};
use super::schema::{ClientEntity, Component, EventKind, EventType, ExpectedEvent, LogFilter};
use super::signal::{Signal, lock};
use super::stop::{Outcome, Stop};

/// Commands whose events are recorded only on demand (specification *Command Logging and Monitoring*, section "Security").
const SENSITIVE: &[&str] = &[
    "authenticate",
    "saslStart",
    "saslContinue",
    "getnonce",
    "createUser",
    "updateUser",
    "copydbgetnonce",
    "copydbsaslstart",
    "copydb",
];
/// Commands that are sensitive when they are redacted.
const HELLO: &[&str] = &["hello", "ismaster", "isMaster"];
/// What the runner itself sends on a client entity.
const FAIL_POINT: &str = "configureFailPoint";

/// Records what a client tells, as far as its entity asks for it.
#[derive(Debug)]
pub(super) struct Recorder {
    kinds: Vec<EventKind>,
    ignored_commands: Vec<String>,
    sensitive: bool,
    logs: Option<LogFilter>,
    /// The client's name, if what it tells is to be printed.
    trace: Option<String>,
    state: Mutex<State>,
    /// Told after every event, recorded or not.
    pub(super) changed: Signal,
}

#[derive(Debug, Default)]
struct State {
    events: Vec<Observed>,
    logs: Vec<Logged>,
    /// Connections that are checked out now.
    checked_out: i64,
    /// Nothing of pools and topologies is recorded before the pools are filled (`awaitMinPoolSizeMS`).
    warming_up: bool,
    stopped: bool,
}

impl Recorder {
    pub(super) fn new(entity: &ClientEntity, trace: bool) -> Self {
        Self {
            kinds: entity.observe_events.as_deref().map(<[_]>::to_vec).unwrap_or_default(),
            ignored_commands: entity.ignore_command_monitoring_events.as_deref().map(<[_]>::to_vec).unwrap_or_default(),
            sensitive: entity.observe_sensitive_commands == Some(true),
            logs: entity.observe_log_messages.clone(),
            trace: trace.then(|| entity.id.clone()),
            state: Mutex::new(State { warming_up: entity.await_min_pool_size_ms.is_some(), ..State::default() }),
            changed: Signal::default(),
        }
    }

    /// Takes an event.
    pub(super) fn event(&self, event: Observed) {
        if let Some(client) = &self.trace {
            eprintln!("      {client}: {event}");
        }
        let mut state = lock(&self.state);
        match event.kind {
            EventKind::ConnectionCheckedOutEvent => state.checked_out += 1,
            EventKind::ConnectionCheckedInEvent => state.checked_out -= 1,
            _ => {}
        }
        let early = state.warming_up && event.kind.event_type() != EventType::Command;
        if !state.stopped && !early && self.kinds.contains(&event.kind) && !self.is_ignored(&event) {
            state.events.push(event);
        }
        drop(state);
        self.changed.notify();
    }

    fn is_ignored(&self, event: &Observed) -> bool {
        let Some(name) = event.command_name.as_deref().filter(|_| event.kind.event_type() == EventType::Command) else {
            return false;
        };
        let redacted = || {
            let document = event.command.as_ref().or(event.reply.as_ref());
            document.is_none_or(bson::Document::is_empty)
        };
        let sensitive =
            SENSITIVE.iter().any(|known| known.eq_ignore_ascii_case(name)) || (HELLO.contains(&name) && redacted());
        name == FAIL_POINT
            || self.ignored_commands.iter().any(|ignored| ignored == name)
            || sensitive && !self.sensitive
    }

    /// Takes a log message.
    pub(super) fn log(&self, message: Logged) {
        let Some(filter) = &self.logs else { return };
        let least = match message.component {
            Component::Command => filter.command,
            Component::Topology => filter.topology,
            Component::ServerSelection => filter.server_selection,
            Component::Connection => filter.connection,
        };
        // What matters less comes later in the order.
        if least.is_none_or(|least| message.level > least) {
            return;
        }
        let mut state = lock(&self.state);
        let early = state.warming_up && message.component != Component::Command;
        if !state.stopped && !early {
            state.logs.push(message);
        }
        drop(state);
        self.changed.notify();
    }

    /// The pools are filled: everything counts from now on.
    pub(super) fn warmed_up(&self) {
        lock(&self.state).warming_up = false;
    }

    /// Nothing is recorded any more.
    pub(super) fn stop(&self) {
        lock(&self.state).stopped = true;
    }

    /// All events of one stream so far.
    pub(super) fn events(&self, of: EventType) -> Vec<Observed> {
        lock(&self.state).events.iter().filter(|event| event.kind.event_type() == of).cloned().collect()
    }

    /// All log messages so far.
    pub(super) fn logs(&self) -> Vec<Logged> {
        lock(&self.state).logs.clone()
    }

    /// How many connections are checked out.
    pub(super) fn checked_out(&self) -> i64 {
        lock(&self.state).checked_out
    }

    /// How many events so far are as expected.
    pub(super) fn count(&self, expected: &ExpectedEvent, lookup: &dyn Lookup) -> usize {
        let events = lock(&self.state).events.clone();
        events.iter().filter(|event| match_event(expected, event, lookup).is_ok()).count()
    }

    /// The kinds of the last events, for an error.
    fn kinds_so_far(&self) -> String {
        const SHOWN: usize = 12;
        let events = &lock(&self.state).events;
        let last = events.iter().skip(events.len().saturating_sub(SHOWN)).map(|event| format!("{:?}", event.kind));
        format!("of {} events the last are {}", events.len(), last.collect::<Vec<_>>().join(", "))
    }

    /// Waits until so many events are as expected.
    pub(super) async fn wait<R: Runtime>(
        &self,
        runtime: &R,
        limit: Duration,
        expected: &ExpectedEvent,
        count: usize,
        lookup: &dyn Lookup,
    ) -> Outcome {
        let deadline = runtime.now() + limit;
        let enough = || (self.count(expected, lookup) >= count).then_some(());
        match self.changed.until(runtime, deadline, enough).await {
            Some(()) => Ok(()),
            None => {
                let found = self.count(expected, lookup);
                Err(Stop::fail(format!(
                    "waited in vain for {count} x {expected}: {found} came; {}",
                    self.kinds_so_far()
                )))
            }
        }
    }
}
