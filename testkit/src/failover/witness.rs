//! What listeners heard: pools that were cleared, when and why, and how often each operation was tried.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use stator_client::event::{CommandEvent, Event, Listener, PoolEventKind, TopologyEvent};

/// Hears all events of a client.
#[derive(Debug)]
pub(super) struct Witness {
    began: Instant,
    heard: Mutex<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    /// The part of the run that is being played, and whether all is well in it.
    window: (String, bool),
    /// The last failure of each server.
    failures: HashMap<String, (Duration, String)>,
    clears: Vec<Clear>,
    /// How often the command of each operation that is under way was sent.
    tries: HashMap<i64, u32>,
    most_tries: u32,
    /// What became of commands that were not answered well, by their operations.
    fates: HashMap<i64, Vec<String>>,
}

/// A pool that was cleared.
#[derive(Clone, Debug)]
pub struct Clear {
    /// When, from the start of the run.
    pub at: Duration,
    /// Whose pool.
    pub server: String,
    /// In which part of the run.
    pub window: String,
    /// Whether nothing had been done to the set in that part.
    pub calm: bool,
    /// The last failure of that server before it, and when that was.
    pub cause: Option<(Duration, String)>,
}

impl fmt::Display for Clear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, server, window, cause, .. } = self;
        write!(f, "{:.3} s, {window}: {server}; ", at.as_secs_f64())?;
        match cause {
            Some((when, what)) => write!(f, "{:.3} s before: {what}", at.saturating_sub(*when).as_secs_f64()),
            None => f.write_str("no failure was heard of"),
        }
    }
}

impl Witness {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { began: Instant::now(), heard: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn listener(self: &Arc<Self>) -> Listener {
        let witness = Arc::clone(self);
        Listener::new(move |event| witness.hear(event))
    }

    /// What follows belongs to this part of the run.
    pub(super) fn enter(&self, window: impl Into<String>, calm: bool) {
        self.lock().window = (window.into(), calm);
    }

    fn hear(&self, event: &Event) {
        let at = self.began.elapsed();
        match event {
            Event::Pool(event) => match &event.kind {
                PoolEventKind::PoolCleared { .. } => {
                    let mut heard = self.lock();
                    let server = event.address.to_string();
                    let cause = heard.failures.get(&server).cloned();
                    let (window, calm) = heard.window.clone();
                    heard.clears.push(Clear { at, server, window, calm, cause });
                }
                PoolEventKind::ConnectionClosed { error: Some(error), .. } => {
                    self.note(at, event.address.to_string(), format!("a connection was closed: {error}"));
                }
                PoolEventKind::ConnectionCheckOutFailed { error, .. } => {
                    self.note(at, event.address.to_string(), format!("a check-out failed: {error}"));
                }
                _ => {}
            },
            Event::Topology(TopologyEvent::ServerHeartbeatFailed { info, failure, .. }) => {
                self.note(at, info.address.to_string(), format!("a heartbeat failed: {failure}"));
            }
            Event::Command(CommandEvent::Started { info, .. }) => {
                let mut heard = self.lock();
                let tries = heard.tries.entry(info.operation_id).or_default();
                *tries += 1;
                let tries = *tries;
                heard.most_tries = heard.most_tries.max(tries);
            }
            Event::Command(CommandEvent::Failed { info, failure, .. }) => {
                let what = format!("{} failed: {failure}", info.command_name);
                self.lock().fates.entry(info.operation_id).or_default().push(what.clone());
                self.note(at, info.connection.address.to_string(), what);
            }
            _ => {}
        }
    }

    fn note(&self, at: Duration, server: String, what: String) {
        self.lock().failures.insert(server, (at, what));
    }

    pub(super) fn clears(&self) -> Vec<Clear> {
        self.lock().clears.clone()
    }

    pub(super) fn most_tries(&self) -> u32 {
        self.lock().most_tries
    }

    /// The operations that had more than two tries: what became of these.
    pub(super) fn tried_often(&self) -> Vec<String> {
        let heard = self.lock();
        let often = heard.tries.iter().filter(|(_, tries)| **tries > 2);
        let fates = |id| heard.fates.get(id).map_or_else(String::new, |fates| fates.join("; "));
        often.map(|(id, tries)| format!("{tries} tries: {}", fates(id))).collect()
    }
}
