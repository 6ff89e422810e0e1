//! A host of the pool machine as a program with plain threads would have it: one lock, one condition variable, a thread
//! for each dial. Whoever waits keeps the pool's timer.

use std::collections::HashMap;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use stator_proto::Instant;
use stator_proto::handshake::ClientMetadata;
use stator_proto::pool::{Action, CheckOut, ConnectionId, OnFailure, Pool, PoolError, Ticket};
use stator_wire::bson::DocBuf;

use super::super::cmap_area::PATIENCE;
use super::super::cmap_judge::{pool_options, tell, thrown};
use super::stream::{LIMIT, shake_hands};

type Answer = Result<ConnectionId, PoolError<String>>;
/// The error that an operation throws, if any; `Err` is a defect of the file.
type Thrown = Result<Option<Value>, String>;

/// One file being played.
pub(super) struct Play {
    host: Arc<Host>,
    threads: HashMap<String, Worker>,
}

/// A thread of the file: it ends when its work has, or with the first error.
struct Worker {
    work: Sender<Value>,
    handle: JoinHandle<Thrown>,
}

struct Host {
    state: Mutex<State>,
    changed: Condvar,
    start: std::time::Instant,
    address: SocketAddr,
    metadata: DocBuf,
    wait_queue_timeout: Option<Duration>,
}

struct State {
    pool: Pool<String>,
    events: Vec<Value>,
    /// Of dials under way too.
    sockets: HashMap<ConnectionId, TcpStream>,
    answers: HashMap<Ticket, Answer>,
    labels: HashMap<String, ConnectionId>,
    dials: Vec<JoinHandle<()>>,
}

impl Play {
    pub(super) fn new(test: &Value, address: SocketAddr) -> Self {
        let (options, wait_queue_timeout) = pool_options(test);
        let application = test["poolOptions"]["appName"].as_str().map(str::to_owned);
        let state = State {
            pool: Pool::new(options),
            events: Vec::new(),
            sockets: HashMap::new(),
            answers: HashMap::new(),
            labels: HashMap::new(),
            dials: Vec::new(),
        };
        let host = Host {
            state: Mutex::new(state),
            changed: Condvar::new(),
            start: std::time::Instant::now(),
            address,
            metadata: ClientMetadata { application, ..ClientMetadata::default() }.to_doc(),
            wait_queue_timeout,
        };
        Self { host: Arc::new(host), threads: HashMap::new() }
    }

    /// Does the operations, in the main thread or in theirs, up to the first error of the main thread.
    pub(super) fn operate<'a>(&mut self, operations: impl Iterator<Item = &'a Value>) -> Thrown {
        for operation in operations {
            if let Some(thread) = operation["thread"].as_str() {
                let worker = self.threads.get(thread).ok_or_else(|| format!("no thread {thread}"))?;
                // A thread that has ended with an error does no more; whoever waits for it learns why.
                let _ = worker.work.send(operation.clone());
                continue;
            }
            let target = operation["target"].as_str().unwrap_or_default();
            let thrown = match operation["name"].as_str() {
                Some("start") => {
                    let (work, todo) = channel();
                    let host = Arc::clone(&self.host);
                    let handle = std::thread::spawn(move || host.work(&todo));
                    self.threads.insert(target.to_owned(), Worker { work, handle });
                    None
                }
                Some("waitForThread") => {
                    let worker = self.threads.remove(target).ok_or_else(|| format!("no thread {target}"))?;
                    worker.join()?
                }
                _ => self.host.operate(operation)?,
            };
            if thrown.is_some() {
                return Ok(thrown);
            }
        }
        Ok(None)
    }

    /// Ends everything that is still under way; the events until then.
    pub(super) fn end(self) -> Vec<Value> {
        let events = std::mem::take(&mut self.host.lock().events);
        self.host.input(|pool, now| pool.close(now));
        for worker in self.threads.into_values() {
            // The file did not ask how it went.
            let _ = worker.join();
        }
        let dials = std::mem::take(&mut self.host.lock().dials);
        for dial in dials {
            let _ = dial.join();
        }
        events
    }
}

impl Worker {
    fn join(self) -> Thrown {
        drop(self.work);
        self.handle.join().map_err(|_| String::from("the thread panicked"))?
    }
}

impl Host {
    fn work(self: Arc<Self>, todo: &Receiver<Value>) -> Thrown {
        for operation in todo {
            let thrown = self.operate(&operation)?;
            if thrown.is_some() {
                return Ok(thrown);
            }
        }
        Ok(None)
    }

    /// Does one operation in the thread that calls.
    fn operate(self: &Arc<Self>, operation: &Value) -> Thrown {
        let after = |millis: &Value| millis.as_u64().map(|millis| self.now() + Duration::from_millis(millis));
        match operation["name"].as_str().unwrap_or_default() {
            "ready" => self.input(|pool, now| pool.ready(now)),
            "clear" => {
                let interrupt = operation["interruptInUseConnections"] == true;
                self.input(|pool, now| pool.clear(now, "cleared".into(), interrupt, None));
            }
            "close" => self.input(|pool, now| pool.close(now)),
            "checkIn" => {
                let label = operation["connection"].as_str().unwrap_or_default();
                let connection = self.lock().labels.get(label).copied();
                let connection = connection.ok_or_else(|| format!("no connection {label}"))?;
                self.input(|pool, now| pool.check_in(now, connection)).map_err(|error| error.to_string())?;
            }
            "checkOut" => match self.check_out() {
                Err(error) => return Ok(Some(thrown(&error))),
                Ok(connection) => {
                    let label = operation["label"].as_str().map(str::to_owned);
                    self.lock().labels.extend(label.map(|label| (label, connection)));
                }
            },
            "wait" => {
                let until = after(&operation["ms"]).ok_or("no ms")?;
                self.wait(until, |_| None::<()>);
            }
            "waitForEvent" => {
                let until = after(&operation["timeout"]).unwrap_or(self.now() + PATIENCE);
                let count = operation["count"].as_u64().unwrap_or(1) as usize;
                let enough = |state: &mut State| {
                    let seen = state.events.iter().filter(|event| event["type"] == operation["event"]).count();
                    (seen >= count).then_some(())
                };
                self.wait(until, enough).ok_or_else(|| format!("{operation}: waited in vain"))?;
            }
            other => return Err(format!("unknown operation {other}")),
        }
        Ok(None)
    }

    fn check_out(self: &Arc<Self>) -> Answer {
        let deadline = self.now() + self.wait_queue_timeout.unwrap_or(PATIENCE);
        let ticket = match self.input(|pool, now| pool.check_out(now, deadline)) {
            CheckOut::Granted { connection, .. } => return Ok(connection),
            CheckOut::Refused(error) => return Err(error),
            CheckOut::Wait(ticket) => ticket,
        };
        let answered = move |state: &mut State| state.answers.remove(&ticket);
        if let Some(answer) = self.wait(deadline, answered) {
            return answer;
        }
        // Every drain empties the actions, so a ticket that the pool has ended has its answer.
        let _ = self.input(|pool, now| pool.cancel(now, ticket));
        self.lock().answers.remove(&ticket).unwrap_or(Err(PoolError::TimedOut))
    }

    /// Tells the pool something, and does what follows.
    fn input<T>(self: &Arc<Self>, input: impl FnOnce(&mut Pool<String>, Instant) -> T) -> T {
        let mut state = self.lock();
        let output = input(&mut state.pool, self.now());
        self.drain(&mut state);
        output
    }

    /// Waits until `done` has something, or `until`; `None` is the latter.
    fn wait<T>(self: &Arc<Self>, until: Instant, done: impl Fn(&mut State) -> Option<T>) -> Option<T> {
        let mut state = self.lock();
        loop {
            let now = self.now();
            state.pool.handle_timeout(now);
            self.drain(&mut state);
            let found = done(&mut state);
            if found.is_some() || now >= until {
                return found;
            }
            let wake = state.pool.poll_timeout().map_or(until, |at| at.min(until));
            let waited = self.changed.wait_timeout(state, wake.duration_since(now));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn drain(self: &Arc<Self>, state: &mut State) {
        let mut changed = false;
        loop {
            if let Some(event) = state.pool.poll_event() {
                state.events.push(tell(&event));
            } else if let Some(action) = state.pool.poll_action() {
                self.act(state, action);
            } else {
                break;
            }
            changed = true;
        }
        if changed {
            self.changed.notify_all();
        }
    }

    fn act(self: &Arc<Self>, state: &mut State, action: Action<String>) {
        match action {
            Action::Dial { connection, .. } => {
                let host = Arc::clone(self);
                state.dials.push(std::thread::spawn(move || host.dial(connection)));
            }
            Action::Grant { ticket, connection, .. } => {
                state.answers.insert(ticket, Ok(connection));
            }
            Action::Refuse { ticket, error } => {
                state.answers.insert(ticket, Err(error));
            }
            Action::Close { connection, .. } => {
                if let Some(socket) = state.sockets.remove(&connection) {
                    // It may be closed already.
                    let _ = socket.shutdown(Shutdown::Both);
                }
            }
            Action::Interrupt { connection } => {
                if let Some(socket) = state.sockets.get(&connection) {
                    let _ = socket.shutdown(Shutdown::Both);
                }
            }
            // Nothing is ever owed here.
            Action::Drain { .. } => {}
        }
    }

    /// The whole life of a dial's thread.
    fn dial(self: Arc<Self>, connection: ConnectionId) {
        let outcome = self.connect(connection);
        // A dial that the pool has given up is refused, and its socket is closed already.
        let _ = match outcome {
            Ok(()) => self.input(|pool, now| pool.handle_established(now, connection, None)),
            Err(cause) => {
                self.lock().sockets.remove(&connection);
                self.input(|pool, now| pool.handle_dial_failed(now, connection, cause, OnFailure::Clear))
            }
        };
    }

    fn connect(&self, connection: ConnectionId) -> Result<(), String> {
        let failed = |error: std::io::Error| error.to_string();
        let stream = TcpStream::connect_timeout(&self.address, LIMIT).map_err(failed)?;
        stream.set_read_timeout(Some(LIMIT)).map_err(failed)?;
        stream.set_write_timeout(Some(LIMIT)).map_err(failed)?;
        let closer = stream.try_clone().map_err(failed)?;
        {
            let mut state = self.lock();
            if !state.pool.is_pending(connection) {
                return Err("given up".into());
            }
            state.sockets.insert(connection, closer);
        }
        shake_hands(&stream, self.metadata.clone())
    }

    fn now(&self) -> Instant {
        Instant::ORIGIN + self.start.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "host_tests.rs"]
mod tests;
