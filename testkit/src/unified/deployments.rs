//! The servers of a run: started when the first case wants them, stopped when the run is over.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use bson::{Bson, Document, doc};

use super::schema::{Topology, Version};
use super::signal::lock;
use crate::server::{self, Admin, AdminError, Binary, Mongod, MongodOptions, ROOT, ReplicaSet};

/// The members of a replica set.
const MEMBERS: usize = 3;
/// The time limit of one administrative step.
const LIMIT: Duration = Duration::from_secs(30);
/// How long a server may be at work on one write.
const LONGEST_WRITE: Duration = Duration::from_secs(10);
/// Answers of a member that is not the primary (any more).
const NOT_PRIMARY: &[i32] = &[10107, 13435, 11602, 189, 91, 13436, 11600];
/// What `killAllSessions` may answer: it interrupts itself, or may not do it.
const HARMLESS: &[i32] = &[11601, 13];

/// All deployments that a run can have; each is started when it is first needed.
#[derive(Debug)]
pub struct Deployments {
    all: Vec<Arc<Deployment>>,
}

impl Deployments {
    /// A standalone server and a replica set of three, each with and without access control, and a standalone server with
    /// `requireApiVersion`. Nothing is started. `release` is that of the servers; without it the environment decides, as for
    /// [`MongodOptions::version`].
    pub fn new(release: Option<server::Version>) -> Self {
        let mut all = Vec::new();
        for kind in [Kind::Plain, Kind::Auth] {
            for topology in [Topology::Single, Topology::ReplicaSet] {
                all.push(Arc::new(Deployment::new(topology, kind, release)));
            }
        }
        // The members of a set declare no version to each other.
        all.push(Arc::new(Deployment::new(Topology::Single, Kind::ApiVersion, release)));
        Self { all }
    }

    /// The deployments for ordinary cases, those without access control first; or those that refuse what declares no
    /// version of the API, where there are any (5.0 and later).
    pub fn all(&self, api_version: bool) -> impl Iterator<Item = &Arc<Deployment>> {
        self.all.iter().filter(move |deployment| deployment.requires_api_version() == api_version)
    }

    /// The release of the servers; starts nothing.
    ///
    /// # Errors
    ///
    /// There is no binary of the release that was asked for.
    pub fn version(&self) -> Result<Version, String> {
        // There is always one.
        self.all.first().map_or_else(|| Err("no deployment".into()), |deployment| deployment.version())
    }
}

impl Default for Deployments {
    fn default() -> Self {
        Self::new(None)
    }
}

/// What a deployment demands of its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    /// To log in.
    Auth,
    /// To declare the version of the API (`requireApiVersion`).
    ApiVersion,
}

/// One standalone server or one replica set.
#[derive(Debug)]
pub struct Deployment {
    topology: Topology,
    kind: Kind,
    release: Option<server::Version>,
    servers: OnceLock<Result<Servers, String>>,
    /// Server parameters that were asked for; `None` is one that the server does not have.
    parameters: Mutex<BTreeMap<String, Option<Bson>>>,
    /// A connection to the primary.
    admin: Mutex<Option<Admin>>,
}

#[derive(Debug)]
enum Servers {
    Standalone(Mongod),
    ReplicaSet(ReplicaSet),
}

impl Deployment {
    const fn new(topology: Topology, kind: Kind, release: Option<server::Version>) -> Self {
        Self {
            topology,
            kind,
            release,
            servers: OnceLock::new(),
            parameters: Mutex::new(BTreeMap::new()),
            admin: Mutex::new(None),
        }
    }

    /// Its shape.
    pub const fn topology(&self) -> Topology {
        self.topology
    }

    /// Whether access control is on.
    pub const fn auth(&self) -> bool {
        matches!(self.kind, Kind::Auth)
    }

    /// Whether clients must declare the version of the API.
    pub const fn requires_api_version(&self) -> bool {
        matches!(self.kind, Kind::ApiVersion)
    }

    /// Its name in reports.
    pub const fn label(&self) -> &'static str {
        match (self.topology, self.kind) {
            (Topology::Single, Kind::Plain) => "standalone",
            (Topology::Single, Kind::Auth) => "standalone, auth",
            (_, Kind::Plain) => "replicaset",
            (_, Kind::Auth) => "replicaset, auth",
            (_, Kind::ApiVersion) => "standalone, requireApiVersion",
        }
    }

    /// The release of its servers; starts nothing.
    pub fn version(&self) -> Result<Version, String> {
        let found = Binary::locate(self.release).map_err(|error| error.to_string())?.version;
        Ok(Version {
            major: found.major.into(),
            minor: found.minor.into(),
            patch: found.patch.unwrap_or_default().into(),
        })
    }

    fn servers(&self) -> Result<&Servers, String> {
        let start = || {
            let mut options = MongodOptions::new().auth(self.auth());
            if let Some(release) = self.release {
                options = options.version(release);
            }
            let servers = match self.topology {
                Topology::Single => options.start().map(Servers::Standalone),
                _ => ReplicaSet::start(MEMBERS, options).map(Servers::ReplicaSet),
            };
            let servers = servers.map_err(|error| format!("cannot start a {}: {error}", self.label()))?;
            if self.requires_api_version() {
                require_api_version(&servers)?;
            }
            Ok(servers)
        };
        let started = self.servers.get_or_init(start).as_ref();
        started.map_err(Clone::clone)
    }

    /// The addresses of all servers, the primary's first.
    pub(super) fn hosts(&self) -> Result<Vec<SocketAddr>, String> {
        match self.servers()? {
            Servers::Standalone(mongod) => Ok(vec![mongod.address()]),
            Servers::ReplicaSet(set) => {
                let primary = self.primary()?;
                let others = set.members().iter().map(Mongod::address).filter(|address| *address != primary);
                Ok(std::iter::once(primary).chain(others).collect())
            }
        }
    }

    /// The replica set's name.
    pub(super) fn set_name(&self) -> Result<Option<&str>, String> {
        match self.servers()? {
            Servers::Standalone(_) => Ok(None),
            Servers::ReplicaSet(set) => Ok(Some(set.name())),
        }
    }

    /// The primary's address, or that of the only server.
    pub(super) fn primary(&self) -> Result<SocketAddr, String> {
        match self.servers()? {
            Servers::Standalone(mongod) => Ok(mongod.address()),
            Servers::ReplicaSet(set) => set.primary().map(Mongod::address).map_err(|error| error.to_string()),
        }
    }

    /// The command, with a version of the API where one must be declared.
    fn declared(&self, mut command: Document) -> Document {
        if self.requires_api_version() {
            command.insert("apiVersion", "1");
        }
        command
    }

    fn connect(&self, address: SocketAddr) -> Result<Admin, AdminError> {
        let mut admin = Admin::connect(address, LIMIT)?;
        if self.auth() {
            admin.authenticate(ROOT.name, ROOT.password)?;
        }
        Ok(admin)
    }

    /// Runs a command on one server.
    pub(super) fn run_on(&self, address: SocketAddr, database: &str, command: Document) -> Result<Document, String> {
        let command = self.declared(command);
        let reply = self.connect(address).and_then(|mut admin| admin.run(database, command));
        reply.map_err(|error| format!("administration of {address}: {error}"))
    }

    /// Runs a command on the primary, on a connection of its own that shares nothing with the driver under test.
    pub(super) fn run(&self, database: &str, command: Document) -> Result<Document, String> {
        self.attempt(database, self.declared(command)).map_err(|error| format!("administration: {error}"))
    }

    fn attempt(&self, database: &str, command: Document) -> Result<Document, String> {
        let mut kept = lock(&self.admin);
        if let Some(mut admin) = kept.take() {
            match admin.run(database, command.clone()) {
                // The primary may be another one now.
                Err(error) if error.code().is_none_or(|code| NOT_PRIMARY.contains(&code)) => {}
                reply => {
                    *kept = Some(admin);
                    return reply.map_err(|error| error.to_string());
                }
            }
        }
        let mut admin = self.connect(self.primary()?).map_err(|error| error.to_string())?;
        let reply = admin.run(database, command).map_err(|error| error.to_string());
        *kept = Some(admin);
        reply
    }

    /// A server parameter; `None` if the server does not have it.
    pub(super) fn parameter(&self, name: &str) -> Result<Option<Bson>, String> {
        if let Some(known) = lock(&self.parameters).get(name) {
            return Ok(known.clone());
        }
        self.servers()?;
        let reply = self.run("admin", doc! { "getParameter": 1, name: 1 });
        let value = reply.ok().and_then(|reply| reply.get(name).cloned());
        lock(&self.parameters).insert(name.into(), value.clone());
        Ok(value)
    }

    /// Waits until a server is no longer at work on retryable writes, also on those whose clients have left.
    pub(super) fn await_numbered_writes(&self, address: SocketAddr) -> Result<(), String> {
        let deadline = Instant::now() + LONGEST_WRITE;
        let busy = doc! { "currentOp": 1, "active": true, "command.txnNumber": { "$exists": true } };
        loop {
            let reply = self.run_on(address, "admin", busy.clone())?;
            match reply.get_array("inprog") {
                Ok(writes) if writes.is_empty() => return Ok(()),
                Ok(_) if Instant::now() < deadline => thread::sleep(Duration::from_millis(1)),
                found => {
                    return Err(format!("{address} is at work on retryable writes for {LONGEST_WRITE:?}: {found:?}"));
                }
            }
        }
    }

    /// Ends every transaction that an earlier case may have left.
    pub(super) fn kill_sessions(&self) -> Result<(), String> {
        let mut admin = self.connect(self.primary()?).map_err(|error| error.to_string())?;
        match admin.run("admin", self.declared(doc! { "killAllSessions": [] })) {
            Err(error) if error.code().is_none_or(|code| !HARMLESS.contains(&code)) => Err(error.to_string()),
            _ => Ok(()),
        }
    }
}

/// From now on the server refuses commands that declare no version of the API.
fn require_api_version(servers: &Servers) -> Result<(), String> {
    let Servers::Standalone(mongod) = servers else { return Err("only for standalone servers".into()) };
    let mut admin = mongod.admin().map_err(|error| error.to_string())?;
    let set = doc! { "setParameter": 1, "requireApiVersion": true };
    admin.run("admin", set).map(drop).map_err(|error| format!("requireApiVersion: {error}"))
}
