//! The servers of a run: started when the first case wants them, stopped when the run is over.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bson::{Bson, Document, doc};

use super::schema::{Topology, Version};
use super::signal::lock;
use crate::server::{Admin, AdminError, Binary, Mongod, MongodOptions, ROOT, ReplicaSet};

/// The members of a replica set.
const MEMBERS: usize = 3;
/// The time limit of one administrative step.
const LIMIT: Duration = Duration::from_secs(30);
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
    /// A standalone server and a replica set of three, each with and without access control. Nothing is started.
    pub fn new() -> Self {
        let kinds = [
            (Topology::Single, false),
            (Topology::ReplicaSet, false),
            (Topology::Single, true),
            (Topology::ReplicaSet, true),
        ];
        Self { all: kinds.into_iter().map(|(topology, auth)| Arc::new(Deployment::new(topology, auth))).collect() }
    }

    /// The deployments, those without access control first.
    pub fn all(&self) -> &[Arc<Deployment>] {
        &self.all
    }
}

impl Default for Deployments {
    fn default() -> Self {
        Self::new()
    }
}

/// One standalone server or one replica set.
#[derive(Debug)]
pub struct Deployment {
    topology: Topology,
    auth: bool,
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
    const fn new(topology: Topology, auth: bool) -> Self {
        Self {
            topology,
            auth,
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
        self.auth
    }

    /// Its name in reports.
    pub const fn label(&self) -> &'static str {
        match (self.topology, self.auth) {
            (Topology::Single, false) => "standalone",
            (Topology::Single, true) => "standalone, auth",
            (_, false) => "replicaset",
            (_, true) => "replicaset, auth",
        }
    }

    /// The release of its servers; starts nothing.
    pub fn version(&self) -> Result<Version, String> {
        let found = Binary::locate(None).map_err(|error| error.to_string())?.version;
        Ok(Version {
            major: found.major.into(),
            minor: found.minor.into(),
            patch: found.patch.unwrap_or_default().into(),
        })
    }

    fn servers(&self) -> Result<&Servers, String> {
        let start = || {
            let options = MongodOptions::new().auth(self.auth);
            let servers = match self.topology {
                Topology::Single => options.start().map(Servers::Standalone),
                _ => ReplicaSet::start(MEMBERS, options).map(Servers::ReplicaSet),
            };
            servers.map_err(|error| format!("cannot start a {}: {error}", self.label()))
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

    fn connect(&self, address: SocketAddr) -> Result<Admin, AdminError> {
        let mut admin = Admin::connect(address, LIMIT)?;
        if self.auth {
            admin.authenticate(ROOT.name, ROOT.password)?;
        }
        Ok(admin)
    }

    /// Runs a command on one server.
    pub(super) fn run_on(&self, address: SocketAddr, database: &str, command: Document) -> Result<Document, String> {
        let reply = self.connect(address).and_then(|mut admin| admin.run(database, command));
        reply.map_err(|error| format!("administration of {address}: {error}"))
    }

    /// Runs a command on the primary, on a connection of its own that shares nothing with the driver under test.
    pub(super) fn run(&self, database: &str, command: Document) -> Result<Document, String> {
        self.attempt(database, command).map_err(|error| format!("administration: {error}"))
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

    /// Ends every transaction that an earlier case may have left.
    pub(super) fn kill_sessions(&self) -> Result<(), String> {
        let mut admin = self.connect(self.primary()?).map_err(|error| error.to_string())?;
        match admin.run("admin", doc! { "killAllSessions": [] }) {
            Err(error) if error.code().is_none_or(|code| !HARMLESS.contains(&code)) => Err(error.to_string()),
            _ => Ok(()),
        }
    }
}
