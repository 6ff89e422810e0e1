//! A replica set on loopback.

use std::{
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bson::{Bson, Document, Timestamp, doc};

use super::{
    AdminError, Binary, Mongod, MongodOptions, ROOT, ServerError, ServerTls, Version,
    mongod::{POLL, tail, uri},
    options::Membership,
    users,
};

/// The time limit of one question to one member, which may be frozen.
const ASK_LIMIT: Duration = Duration::from_secs(1);

/// How a replica set is to be started; [`start`](Self::start) starts it.
#[derive(Clone, Debug)]
pub struct ReplicaSetOptions {
    name: String,
    members: usize,
    ports: Vec<u16>,
    host: String,
    mongod: MongodOptions,
}

impl ReplicaSetOptions {
    /// A set of `members` (1 to 7) named `rs0`, on free ports of `127.0.0.1`, with members as of [`MongodOptions::new`].
    pub fn new(members: usize) -> Self {
        let host = "127.0.0.1".into();
        Self { name: "rs0".into(), members, ports: Vec::new(), host, mongod: MongodOptions::new() }
    }

    /// The set's name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The members' ports, one for each.
    #[must_use]
    pub fn ports(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        self.ports = ports.into_iter().collect();
        self
    }

    /// The host by which members and clients know the members; it must lead to `127.0.0.1`.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }

    /// How the members are to be started. With [`MongodOptions::tls`] they speak TLS among themselves too.
    #[must_use]
    pub fn mongod(mut self, mongod: MongodOptions) -> Self {
        self.mongod = mongod;
        self
    }

    /// Starts the set, see [`ReplicaSet::start`].
    pub fn start(self) -> Result<ReplicaSet, ServerError> {
        ReplicaSet::start_with(self)
    }
}

/// A replica set; its members are [`Mongod`]s and can be killed, frozen and restarted one by one.
#[derive(Debug)]
pub struct ReplicaSet {
    members: Vec<Mongod>,
    name: String,
    host: String,
    options: MongodOptions,
}

impl ReplicaSet {
    /// Starts `members` servers (1 to 7), and waits until one is primary and all others are secondaries.
    ///
    /// The election timeout is 2 s, heartbeats come every 0.5 s. With [`MongodOptions::auth`] the members share a key
    /// file and the [`USERS`](super::USERS) exist on all of them.
    ///
    /// # Errors
    ///
    /// As for [`MongodOptions::start`]; also when no primary is elected in time.
    pub fn start(members: usize, options: MongodOptions) -> Result<Self, ServerError> {
        ReplicaSetOptions::new(members).mongod(options).start()
    }

    fn start_with(options: ReplicaSetOptions) -> Result<Self, ServerError> {
        let ReplicaSetOptions { name, members, ports, host, mongod: mut options } = options;
        if !ports.is_empty() && ports.len() != members {
            return Err(ServerError::Misuse(format!("{} ports for {members} members", ports.len())));
        }
        if !(1..=7).contains(&members) {
            return Err(ServerError::Misuse(format!("a replica set of {members} members; 1 to 7 can vote")));
        }
        let binary = Binary::locate(options.version)?;
        let key = options.auth.then(random_key).transpose()?;
        options.replica_set = Some(Membership { name: name.clone(), key });
        if binary.version >= Version::V5_0 {
            // Else a clean shutdown keeps serving reads for 15 s.
            let quick = [("shutdownTimeoutMillisForSignaledShutdown", "100")];
            options = options.parameters(quick);
        }
        let ports = if ports.is_empty() { vec![options.port; members] } else { ports.into_iter().map(Some).collect() };
        let set = Self { members: start_all(&ports, &options)?, name, host, options };
        set.members[0].connect()?.run("admin", doc! { "replSetInitiate": set.config() })?;
        set.wait_until_whole()?;
        if set.options.auth {
            users::create(&mut set.members[set.primary_index()?].connect()?)?;
        }
        Ok(set)
    }

    /// A connection string that names all members and the set. With access control it holds the credentials of [`ROOT`].
    pub fn uri(&self) -> String {
        self.uri_with(self.options.auth.then_some((ROOT.name, ROOT.password)), None)
    }

    /// As [`uri`](Self::uri), with credentials of your own, see [`Mongod::uri_for`].
    pub fn uri_for(&self, user: &str, password: &str, mechanism: Option<&str>) -> String {
        self.uri_with(Some((user, password)), mechanism)
    }

    fn uri_with(&self, user: Option<(&str, &str)>, mechanism: Option<&str>) -> String {
        let hosts: Vec<_> = self.members.iter().map(|member| self.host_of(member)).collect();
        let mut options = vec![("replicaSet", self.name.clone())];
        options.extend(mechanism.map(|name| ("authMechanism", name.to_owned())));
        options.extend(self.options.tls.iter().flat_map(ServerTls::uri_options));
        uri(&hosts.join(","), user, &options)
    }

    /// The set's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn host_of(&self, member: &Mongod) -> String {
        format!("{}:{}", self.host, member.address().port())
    }

    /// The members, in the order of the configuration.
    pub fn members(&self) -> &[Mongod] {
        &self.members
    }

    /// The members, to kill, freeze and restart.
    pub fn members_mut(&mut self) -> &mut [Mongod] {
        &mut self.members
    }

    /// The primary; waits for an election that is under way.
    pub fn primary(&self) -> Result<&Mongod, ServerError> {
        Ok(&self.members[self.primary_index()?])
    }

    /// The primary's place among the [`members`](Self::members); waits for an election that is under way.
    pub fn primary_index(&self) -> Result<usize, ServerError> {
        let states = self.wait_until("primary", |states| states.iter().any(is_primary))?;
        // Where a deposed one does not know it yet, the later election counts.
        let primaries = states.iter().enumerate().filter(|(_, state)| is_primary(state));
        let latest = primaries.max_by_key(|(_, state)| state.get_object_id("electionId").map(|id| id.bytes()).ok());
        // Invariant: wait_until has just seen one.
        Ok(latest.expect("a primary was seen").0)
    }

    /// Waits until one member is primary and all others are secondaries.
    pub fn wait_until_whole(&self) -> Result<(), ServerError> {
        let whole = |states: &[Document]| {
            states.iter().filter(|state| is_primary(state)).count() == 1
                && states.iter().all(|state| is_primary(state) || is_true(state, "secondary"))
        };
        self.wait_until("replica set", whole).map(drop)
    }

    /// As [`wait_until_whole`](Self::wait_until_whole), and until all members have what the primary has written by then. One that
    /// was primary before and has writes of its own has rolled them back.
    pub fn wait_until_caught_up(&self) -> Result<(), ServerError> {
        let deadline = Instant::now() + self.options.limit;
        loop {
            self.wait_until_whole()?;
            let goal = applied(&self.members[self.primary_index()?]);
            // The primary's own time goes on; a little of it is enough.
            let until = Instant::now() + ASK_LIMIT * 5;
            while goal.is_some() && Instant::now() < until {
                if self.members.iter().all(|member| applied(member) >= goal) && self.all_serve() {
                    return Ok(());
                }
                thread::sleep(POLL);
            }
            if Instant::now() > deadline {
                let log = tail(&self.members[0].log_path());
                let waiting_for = "all members to catch up".into();
                return Err(ServerError::Timeout { waiting_for, after: self.options.limit, log });
            }
        }
    }

    /// Whether each member is primary or secondary.
    fn all_serve(&self) -> bool {
        let mut states = self.members.iter().map(|member| hello(member).unwrap_or_default());
        states.all(|state| is_primary(&state) || is_true(&state, "secondary"))
    }

    /// Makes the primary step down for `seconds`, and waits until another member is primary.
    pub fn step_down(&self, seconds: u32) -> Result<(), ServerError> {
        let command = doc! { "replSetStepDown": i64::from(seconds), "force": true };
        self.primary()?.admin()?.run("admin", command)?;
        self.primary_index().map(drop)
    }

    /// Asks all members again and again; a member that does not answer counts as an empty document.
    fn wait_until(&self, what: &str, done: impl Fn(&[Document]) -> bool) -> Result<Vec<Document>, ServerError> {
        let deadline = Instant::now() + self.options.limit;
        loop {
            let states: Vec<_> = self.members.iter().map(|member| hello(member).unwrap_or_default()).collect();
            if done(&states) {
                return Ok(states);
            }
            if Instant::now() > deadline {
                let log = tail(&self.members[0].log_path());
                return Err(ServerError::Timeout { waiting_for: what.into(), after: self.options.limit, log });
            }
            thread::sleep(POLL);
        }
    }

    fn config(&self) -> Document {
        let member = |(id, member): (usize, &Mongod)| doc! { "_id": id as i32, "host": self.host_of(member) };
        let members: Vec<Bson> = self.members.iter().enumerate().map(member).map(Bson::from).collect();
        let settings = doc! { "electionTimeoutMillis": 2000, "heartbeatIntervalMillis": 500 };
        doc! { "_id": self.name.as_str(), "version": 1, "members": members, "settings": settings }
    }
}

fn start_all(ports: &[Option<u16>], options: &MongodOptions) -> Result<Vec<Mongod>, ServerError> {
    thread::scope(|scope| {
        let start = |&port| {
            let options = MongodOptions { port, ..options.clone() };
            scope.spawn(move || Mongod::start_without_users(options))
        };
        let threads: Vec<_> = ports.iter().map(start).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().map(join).collect()
    })
}

fn hello(member: &Mongod) -> Result<Document, AdminError> {
    member.connect_within(ASK_LIMIT)?.hello()
}

/// The term and the time of the last write that a member has applied.
fn applied(member: &Mongod) -> Option<(i64, Timestamp)> {
    let status = member.connect_within(ASK_LIMIT).ok()?.run("admin", doc! { "replSetGetStatus": 1 }).ok()?;
    let last = status.get_document("optimes").ok()?.get_document("appliedOpTime").ok()?;
    Some((last.get_i64("t").ok()?, last.get_timestamp("ts").ok()?))
}

fn is_primary(state: &Document) -> bool {
    is_true(state, "isWritablePrimary") || is_true(state, "ismaster")
}

fn is_true(state: &Document, key: &str) -> bool {
    state.get_bool(key).unwrap_or(false)
}

fn random_key() -> Result<String, ServerError> {
    let mut key = [0; 96];
    getrandom::fill(&mut key)
        .map_err(|error| ServerError::io("draw a key")(std::io::Error::other(error.to_string())))?;
    Ok(STANDARD.encode(key))
}
