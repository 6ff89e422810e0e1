//! A MongoDB server for simulated worlds: [`FakeServer`] serves an [`Engine`] over memory streams, and a script may
//! answer in its place with whatever a hostile or broken server would say.
//!
//! ```
//! use bson::doc;
//! use stator_sim::Sim;
//! use stator_sim::server::{FakeServer, Reply};
//!
//! let sim = Sim::new(1);
//! let server = FakeServer::start(&sim, "10.0.0.1:27017".parse().unwrap());
//! server.script(|request| match request.name() {
//!     "ping" => Reply::Doc(doc! { "ok": 0.0, "code": 91, "codeName": "ShutdownInProgress" }),
//!     _ => Reply::Engine,
//! });
//! // ... drive a client with sim.run ...
//! assert_eq!(server.commands().len(), 0);
//! ```

mod conversation;
pub mod engine;
mod frames;
mod request;

use core::fmt;
use core::task::Waker;
use core::time::Duration;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bson::Document;
use stator_client::runtime::Endpoint;

use crate::world::Sim;
pub use engine::{Config, Engine};
pub use frames::reply_frame;
pub use request::Request;

/// What a script answers with.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reply {
    /// What the engine says.
    Engine,
    /// This document; the engine does not see the command.
    Doc(Document),
    /// Another reply, later. (The engine runs the command after the delay.)
    After(Duration, Box<Self>),
    /// These bytes, which may be anything. [`reply_frame`] makes proper ones.
    Bytes(Vec<u8>),
    /// The engine runs the command, then the connection is closed without a reply.
    RunAndClose,
    /// The connection is closed without a reply; the engine does not see the command.
    Close,
    /// Nothing; the connection stays open, the engine does not see the command.
    Nothing,
    /// The first half of the engine's reply; then the connection is closed, or stays open and silent.
    Half {
        /// Whether the connection is closed.
        close: bool,
    },
}

type Script = Box<dyn FnMut(&Request) -> Reply + Send>;

/// A server at an address of a simulated world. Clones are handles to the same server.
#[derive(Clone)]
pub struct FakeServer {
    sim: Sim,
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Apart from the state, because the script may ask the server.
    script: Mutex<Option<Script>>,
}

struct State {
    engine: Engine,
    commands: Vec<Request>,
    delays: Vec<(String, Duration)>,
    connections: usize,
    accepted: u64,
    /// Awaited hellos, to be woken when the topology version moves on.
    waiting: Vec<Waker>,
}

impl FakeServer {
    /// Starts a standalone server.
    pub fn start(sim: &Sim, at: SocketAddr) -> Self {
        Self::start_with(sim, at, Config { me: at.to_string(), ..Config::default() })
    }

    /// Starts a server with this configuration.
    pub fn start_with(sim: &Sim, at: SocketAddr, config: Config) -> Self {
        let state = State {
            engine: Engine::new(config),
            commands: Vec::new(),
            delays: Vec::new(),
            connections: 0,
            accepted: 0,
            waiting: Vec::new(),
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), script: Mutex::new(None) });
        let server = Self { sim: sim.clone(), address: at, shared };
        server.listen_at(Endpoint::Tcp(at));
        server
    }

    /// Serves the same data at another endpoint too.
    pub fn listen_at(&self, at: Endpoint) {
        let shared = self.shared.clone();
        self.sim.listen_at(at, move |stream| conversation::serve(shared.clone(), stream));
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks `script` for each command's reply from now on. Fail points and delays apply to [`Reply::Engine`] only.
    pub fn script(&self, script: impl FnMut(&Request) -> Reply + Send + 'static) {
        let old = lock(&self.shared.script).replace(Box::new(script));
        drop(old);
    }

    /// Gives all replies back to the engine.
    pub fn clear_script(&self) {
        let old = lock(&self.shared.script).take();
        drop(old);
    }

    /// Delays the engine's replies to commands of this name; zero ends it.
    pub fn set_delay(&self, command: &str, delay: Duration) {
        let mut state = lock(&self.shared.state);
        state.delays.retain(|(name, _)| name != command);
        state.delays.push((command.to_owned(), delay));
    }

    /// Works with the engine: fill collections, add users, change the configuration.
    pub fn engine<T>(&self, access: impl FnOnce(&mut Engine) -> T) -> T {
        let mut state = lock(&self.shared.state);
        let before = state.engine.topology_counter();
        let result = access(&mut state.engine);
        let waiting =
            if state.engine.topology_counter() == before { Vec::new() } else { core::mem::take(&mut state.waiting) };
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        result
    }

    /// All commands received, handshakes included, oldest first.
    pub fn commands(&self) -> Vec<Request> {
        lock(&self.shared.state).commands.clone()
    }

    /// The names of the commands received, without the handshake's and the monitors' (hello, SASL).
    pub fn command_names(&self) -> Vec<String> {
        let state = lock(&self.shared.state);
        let names = state.commands.iter().map(Request::name);
        names.filter(|name| !HANDSHAKE.contains(name)).map(str::to_owned).collect()
    }

    /// Forgets the commands received so far.
    pub fn clear_commands(&self) {
        lock(&self.shared.state).commands.clear();
    }

    /// How many connections are open now, as the server sees it.
    pub fn connections(&self) -> usize {
        lock(&self.shared.state).connections
    }

    /// How many connections were ever accepted.
    pub fn connections_accepted(&self) -> u64 {
        lock(&self.shared.state).accepted
    }

    /// How many cursors are open.
    pub fn open_cursors(&self) -> usize {
        lock(&self.shared.state).engine.open_cursors()
    }
}

impl fmt::Debug for FakeServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeServer").field("address", &self.address).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic of a script or a test leaves nothing half done here.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const HANDSHAKE: [&str; 5] = ["hello", "isMaster", "ismaster", "saslStart", "saslContinue"];

#[cfg(test)]
mod handshake_tests;
#[cfg(test)]
mod tests;
