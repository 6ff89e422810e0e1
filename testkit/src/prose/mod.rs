//! What the prose tests of the specifications have in common: a shared replica set, a record of a client's events, and the
//! server's fail point.

mod actions;

pub use actions::{Action, all, others, reads, writes};

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bson::{Bson, Document, doc};
use stator_client::event::{CommandEvent, CommandInfo, Event, Listener, PoolEvent};
use stator_client::{Client, ClientOptions, Runtime};

use crate::server::{Admin, AdminError, Mongod, MongodOptions, ReplicaSet, unique_db};

/// The time limit of one administrative step, and of waiting.
const LIMIT: Duration = Duration::from_secs(30);

/// The replica set of three that all tests of this process share. It keeps its primary: nobody may end or freeze a member.
///
/// # Panics
///
/// When it cannot be started.
pub fn set() -> &'static ReplicaSet {
    static SET: OnceLock<ReplicaSet> = OnceLock::new();
    SET.get_or_init(|| ReplicaSet::start(3, MongodOptions::new()).unwrap_or_else(|error| panic!("{error}")))
}

/// The primary of the [shared set](set).
///
/// # Panics
///
/// When there is none.
pub fn primary() -> &'static Mongod {
    set().primary().unwrap_or_else(|error| panic!("{error}"))
}

/// The standalone server that all tests of this process share.
///
/// # Panics
///
/// When it cannot be started.
pub fn standalone() -> &'static Mongod {
    Mongod::shared().unwrap_or_else(|error| panic!("{error}"))
}

/// A connection string with further options.
pub fn with_options(uri: &str, options: &str) -> String {
    match options {
        "" => uri.to_owned(),
        _ => format!("{uri}{}{options}", if uri.contains('?') { '&' } else { '?' }),
    }
}

/// Everything that clients have told, in the order in which it came. Clones share the record.
#[derive(Clone, Debug, Default)]
pub struct Record(Arc<Mutex<Vec<Event>>>);

impl Record {
    /// An empty record.
    pub fn new() -> Self {
        Self::default()
    }

    /// A listener that writes into the record.
    pub fn listener(&self) -> Listener {
        let record = self.clone();
        Listener::new(move |event| record.lock().push(event.clone()))
    }

    /// A client for `uri`, which must leave nothing to warn of, that is recorded.
    ///
    /// # Panics
    ///
    /// When the connection string is no good.
    pub fn client<R: Runtime>(&self, runtime: R, uri: &str) -> Client<R> {
        self.client_with(runtime, uri, None)
    }

    /// As [`client`](Self::client), with a listener that is told after the record.
    ///
    /// # Panics
    ///
    /// When the connection string is no good.
    pub fn client_with<R: Runtime>(&self, runtime: R, uri: &str, then: impl Into<Option<Listener>>) -> Client<R> {
        let mut options = ClientOptions::parse(uri).unwrap_or_else(|error| panic!("{uri}: {error}"));
        options.listeners.push(self.listener());
        options.listeners.extend(then.into());
        let client = Client::with_runtime(runtime, options).unwrap_or_else(|error| panic!("{uri}: {error}"));
        assert!(client.warnings().is_empty(), "{uri}: {:?}", client.warnings());
        client
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Event>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Everything so far.
    pub fn events(&self) -> Vec<Event> {
        self.lock().clone()
    }

    /// The events of commands named `name`; of all commands if it is empty.
    pub fn commands(&self, name: &str) -> Vec<CommandEvent> {
        let wanted = |event: &Event| match event {
            Event::Command(event) if name.is_empty() || event.info().command_name == name => Some(event.clone()),
            _ => None,
        };
        self.lock().iter().filter_map(wanted).collect()
    }

    /// The commands named `name` that were started.
    pub fn started(&self, name: &str) -> Vec<Document> {
        let command = |event: CommandEvent| match event {
            CommandEvent::Started { command, .. } => command.to_document().ok(),
            _ => None,
        };
        self.commands(name).into_iter().filter_map(command).collect()
    }

    /// The last command named `name` that was started.
    ///
    /// # Panics
    ///
    /// When there was none.
    pub fn last(&self, name: &str) -> Document {
        self.started(name).pop().unwrap_or_else(|| panic!("no {name} was sent"))
    }

    /// The replies to commands named `name`.
    pub fn replies(&self, name: &str) -> Vec<Document> {
        let reply = |event: CommandEvent| match event {
            CommandEvent::Succeeded { reply, .. } => reply.to_document().ok(),
            _ => None,
        };
        self.commands(name).into_iter().filter_map(reply).collect()
    }

    /// How commands named `name` have ended, in order: what they were, and whether they have succeeded.
    pub fn outcomes(&self, name: &str) -> Vec<(Arc<CommandInfo>, bool)> {
        let outcome = |event: CommandEvent| match event {
            CommandEvent::Succeeded { info, .. } => Some((info, true)),
            CommandEvent::Failed { info, .. } => Some((info, false)),
            _ => None,
        };
        self.commands(name).into_iter().filter_map(outcome).collect()
    }

    /// The events of connection pools.
    pub fn pools(&self) -> Vec<PoolEvent> {
        let pool = |event: &Event| match event {
            Event::Pool(event) => Some(event.clone()),
            _ => None,
        };
        self.lock().iter().filter_map(pool).collect()
    }
}

/// The fail point `failCommand` of one server, while no other test of this process sets it. It befalls no client but those for its
/// own [`uri`](Self::uri), and is off when this is dropped.
#[derive(Debug)]
pub struct FailPoint {
    server: SocketAddr,
    uri: String,
    app_name: String,
    _alone: MutexGuard<'static, ()>,
}

impl FailPoint {
    /// That of the [shared set](set)'s primary; waits until nobody else in this process has it.
    pub fn of_primary() -> Self {
        Self::take(primary(), &set().uri())
    }

    /// That of the [shared standalone server](standalone); waits until nobody else in this process has it.
    pub fn of_standalone() -> Self {
        Self::take(standalone(), &standalone().uri())
    }

    fn take(server: &Mongod, uri: &str) -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let app_name = unique_db("prose");
        let uri = with_options(uri, &format!("appName={app_name}"));
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        Self { server: server.address(), uri, app_name, _alone: alone }
    }

    /// A connection string for its deployment, with further options.
    pub fn uri(&self, options: &str) -> String {
        with_options(&self.uri, options)
    }

    /// Switches it on. `mode` is `alwaysOn`, `{times: n}` or the like; `data` names the commands and what befalls them.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    pub fn set(&self, mode: impl Into<Bson>, data: Document) {
        self.later(mode, data)();
    }

    /// What switches it to something else, from wherever it is called: in a listener, for one.
    pub fn later(&self, mode: impl Into<Bson>, data: Document) -> impl Fn() + Send + Sync + 'static {
        let server = self.server;
        let mut data = data;
        data.insert("appName", &self.app_name);
        let command = doc! { "configureFailPoint": "failCommand", "mode": mode, "data": data };
        move || configure(server, &command).unwrap_or_else(|error| panic!("{command} on {server}: {error}"))
    }
}

impl Drop for FailPoint {
    fn drop(&mut self) {
        let off = configure(self.server, &doc! { "configureFailPoint": "failCommand", "mode": "off" });
        // A panic that is under way tells more.
        assert!(off.is_ok() || std::thread::panicking(), "{off:?}");
    }
}

fn configure(server: SocketAddr, command: &Document) -> Result<(), AdminError> {
    Admin::connect(server, LIMIT)?.run("admin", command.clone()).map(drop)
}

/// Starts the client and waits until every server that it was told of is there.
///
/// # Panics
///
/// When the client cannot be used.
pub async fn know_all<R: Runtime>(client: &Client<R>) {
    let mut watch = client.watch_topology();
    client.connect().await.unwrap_or_else(|error| panic!("{error}"));
    while let Some(seen) = watch.next().await {
        if seen.servers.values().all(|server| server.is_available()) {
            return;
        }
    }
    panic!("the client was closed");
}

/// Looks again and again until it is so.
///
/// # Panics
///
/// When it is not so for long.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LIMIT, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Runs `first`, on a thread of its own, and `second` at the same time.
///
/// # Panics
///
/// When one of them does.
pub fn both<A: Send, B>(first: impl FnOnce() -> A + Send, second: impl FnOnce() -> B) -> (A, B) {
    std::thread::scope(|scope| {
        let first = scope.spawn(first);
        let second = second();
        (first.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), second)
    })
}
