//! The prose tests of the specification *Client Side Operations Timeout*.
//!
//! All times are ten times those of the specification where it has less than 100 ms, because the machine is busy with other tests;
//! what is between them is what counts.
//!
//! Not here:
//! - 2, `maxTimeMS` and mongocryptd; 3, ClientEncryption: there is no in-use encryption.
//! - 5, Change Streams; 6 and 7, GridFS: the client has neither yet.
//! - 11, Multi-batch bulkWrites: needs MongoDB 8.0.
//!
//! Of the unit tests, those of `waitQueueTimeoutMS` and of the time for check-out run on virtual time (`deadlines` of `stator-sim`).
#![cfg(unix)]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use stator_blocking::{Blocking, Client};
use stator_client::event::{CommandEvent, Event, Listener, PoolEventKind};
use stator_client::options::CursorType;
use stator_client::session::Transaction;
use stator_client::{BlockOn, ClientOptions, Collection, Document, Error, ErrorKind, Phase, doc};
use stator_testkit::server::{Mongod, MongodOptions, ReplicaSet};

/// Less than that is not late on a busy machine.
const SCHEDULING: Duration = Duration::from_millis(250);

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A server, for one test at a time: it has one fail point.
struct Server {
    mongod: MutexGuard<'static, Option<Mongod>>,
}

impl Server {
    fn of(cell: &'static Mutex<Option<Mongod>>, options: MongodOptions) -> Self {
        let mut mongod = cell.lock().unwrap_or_else(PoisonError::into_inner);
        mongod.get_or_insert_with(|| options.start().unwrap());
        Self { mongod }
    }

    fn standalone() -> Self {
        static STANDALONE: Mutex<Option<Mongod>> = Mutex::new(None);
        Self::of(&STANDALONE, MongodOptions::new())
    }

    fn with_users() -> Self {
        static WITH_USERS: Mutex<Option<Mongod>> = Mutex::new(None);
        Self::of(&WITH_USERS, MongodOptions::new().auth(true))
    }

    fn mongod(&self) -> &Mongod {
        self.mongod.as_ref().unwrap()
    }

    /// A client without `timeoutMS`.
    fn internal(&self) -> Client {
        Client::new(self.mongod().uri()).unwrap()
    }

    fn client(&self, options: &str, record: &Record) -> Client {
        record.client(&self.mongod().uri(), options)
    }

    fn fail_point(&self, mode: Document, commands: &[&str], block: Duration, app: &str) -> FailPoint<'_> {
        FailPoint::set(self.mongod(), mode, commands, block, app)
    }
}

/// A replica set of one member, for one test at a time.
fn replica_set() -> MutexGuard<'static, Option<ReplicaSet>> {
    static SET: Mutex<Option<ReplicaSet>> = Mutex::new(None);
    let mut set = SET.lock().unwrap_or_else(PoisonError::into_inner);
    set.get_or_insert_with(|| ReplicaSet::start(1, MongodOptions::new()).unwrap());
    set
}

/// `failCommand`, until this is dropped.
struct FailPoint<'m> {
    mongod: &'m Mongod,
}

impl<'m> FailPoint<'m> {
    fn set(mongod: &'m Mongod, mode: Document, commands: &[&str], block: Duration, app: &str) -> Self {
        let block = i64::try_from(block.as_millis()).unwrap();
        let mut data = doc! { "failCommands": commands, "blockConnection": true, "blockTimeMS": block };
        if !app.is_empty() {
            data.insert("appName", app);
        }
        mongod.admin().unwrap().fail_command(mode, data).unwrap();
        Self { mongod }
    }
}

impl Drop for FailPoint<'_> {
    fn drop(&mut self) {
        self.mongod.admin().unwrap().clear_fail_command().unwrap();
    }
}

fn always() -> Document {
    doc! { "times": i32::MAX }
}

/// What a client told of: the names of commands and of the pool's events.
#[derive(Clone, Default)]
struct Record(Arc<Mutex<Vec<String>>>);

impl Record {
    fn client(&self, uri: &str, options: &str) -> Client {
        let separator = if uri.contains('?') { '&' } else { '?' };
        let uri = format!("{uri}{separator}w=majority&readConcernLevel=majority&{options}");
        let mut options = ClientOptions::parse(&uri).unwrap();
        let names = Arc::clone(&self.0);
        options.listeners.push(Listener::new(move |event| {
            let name = match event {
                Event::Command(event) => {
                    let name = &event.info().command_name;
                    match event {
                        CommandEvent::Started { .. } => name.clone(),
                        CommandEvent::Failed { .. } => format!("{name} failed"),
                        _ => return,
                    }
                }
                Event::Pool(event) => match event.kind {
                    PoolEventKind::ConnectionCreated { .. } => "created".to_owned(),
                    PoolEventKind::ConnectionReady { .. } => "ready".to_owned(),
                    PoolEventKind::ConnectionClosed { .. } => "closed".to_owned(),
                    _ => return,
                },
                _ => return,
            };
            names.lock().unwrap().push(name);
        }));
        Client::with_runtime(Blocking, options).unwrap()
    }

    fn count(&self, name: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|known| *known == name).count()
    }

    /// Waits for an event, up to 10 s.
    fn wait_for(&self, name: &str) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.count(name) == 0 {
            assert!(Instant::now() < deadline, "no event `{name}`: {:?}", self.0.lock().unwrap());
            std::thread::sleep(millis(2));
        }
    }
}

fn coll(client: &Client) -> Collection<Blocking> {
    client.database("db").collection("coll")
}

/// The error of something that must fail with a timeout, and how long it took.
#[track_caller]
fn timed_out<T>(run: impl FnOnce() -> Result<T, Error>) -> (Error, Duration) {
    let start = Instant::now();
    let error = run().err().expect("it times out");
    assert!(error.is_timeout(), "{error:?}");
    (error, start.elapsed())
}

/// 1. Multi-batch inserts.
#[test]
fn prose_1_multi_batch_inserts() {
    let server = Server::standalone();
    coll(&server.internal()).drop().run().unwrap();
    let _fail_point = server.fail_point(doc! { "times": 2 }, &["insert"], millis(1010), "");
    let record = Record::default();
    let client = server.client("timeoutMS=2000", &record);
    let large = "a".repeat(1_000_000);
    let insert = coll(&client).insert_many((0..50).map(|id| doc! { "_id": id, "a": &large }));
    let (error, _) = timed_out(|| insert.run());
    assert!(error.maybe_executed(), "the first batch was");
    assert_eq!(record.count("insert"), 2);
}

/// 4. Background Connection Pooling: timeoutMS used for handshake commands.
#[test]
fn prose_4_timeout_ms_used_for_handshake_commands() {
    let server = Server::with_users();
    let app = "timeoutBackgroundPoolTest";
    let _fail_point = server.fail_point(doc! { "times": 1 }, &["saslContinue"], millis(150), app);
    let record = Record::default();
    let client = server.client(&format!("minPoolSize=1&timeoutMS=100&appName={app}"), &record);
    Blocking.block_on(client.connect()).unwrap();
    record.wait_for("created");
    record.wait_for("closed");
}

/// 4. Background Connection Pooling: timeoutMS is refreshed for each handshake command.
#[test]
fn prose_4_timeout_ms_is_refreshed_for_each_handshake_command() {
    let server = Server::with_users();
    let app = "refreshTimeoutBackgroundPoolTest";
    let _fail_point = server.fail_point(always(), &["hello", "isMaster", "saslContinue"], millis(150), app);
    let record = Record::default();
    let client = server.client(&format!("minPoolSize=1&timeoutMS=200&appName={app}"), &record);
    Blocking.block_on(async {
        // Saying hello takes so long that this may not be the time for it.
        let _ = client.connect().await;
    });
    record.wait_for("created");
    record.wait_for("ready");
    assert_eq!(record.count("closed"), 0);
}

/// 5. Blocking Iteration Methods: Tailable cursors.
#[test]
fn prose_5_tailable_cursors() {
    let server = Server::standalone();
    let internal = server.internal();
    coll(&internal).drop().run().unwrap();
    internal.database("db").create_collection("coll").capped(true).size(4096).run().unwrap();
    coll(&internal).insert_one(doc! { "x": 1 }).run().unwrap();
    let _fail_point = server.fail_point(always(), &["getMore"], millis(150), "prose5");
    let record = Record::default();
    let client = server.client("timeoutMS=200&appName=prose5", &record);
    let mut cursor = coll(&client).find(doc! {}).cursor_type(CursorType::Tailable).run().unwrap();
    assert_ne!(cursor.id(), 0);
    let first = cursor.next().unwrap().unwrap();
    assert_eq!((first.get_i32("x").ok(), record.count("getMore")), (Some(1), 0));
    timed_out(|| cursor.next().unwrap());
    assert_eq!((record.count("find"), record.count("getMore")), (1, 2));
}

/// A ping of a server that cannot be found; with how long it took.
fn ping_nobody(options: &str) -> Duration {
    let client = Client::new(format!("mongodb://invalid/?{options}")).unwrap();
    let (error, taken) = timed_out(|| client.database("admin").run_command(doc! { "ping": 1 }).run());
    assert!(matches!(error.kind(), ErrorKind::Selection(_)) && error.phase() == Phase::Select, "{error:?}");
    taken
}

/// 8. Server Selection: serverSelectionTimeoutMS honored if timeoutMS is not set.
#[test]
fn prose_8_server_selection_timeout_honored_if_timeout_ms_is_not_set() {
    assert!(ping_nobody("serverSelectionTimeoutMS=100") < millis(100) + SCHEDULING);
}

/// 8. Server Selection: timeoutMS honored for server selection if it's lower than serverSelectionTimeoutMS.
#[test]
fn prose_8_timeout_ms_honored_if_lower_than_server_selection_timeout() {
    assert!(ping_nobody("timeoutMS=100&serverSelectionTimeoutMS=2000") < millis(100) + SCHEDULING);
}

/// 8. Server Selection: serverSelectionTimeoutMS honored for server selection if it's lower than timeoutMS.
#[test]
fn prose_8_server_selection_timeout_honored_if_lower_than_timeout_ms() {
    assert!(ping_nobody("timeoutMS=2000&serverSelectionTimeoutMS=100") < millis(100) + SCHEDULING);
}

/// 8. Server Selection: serverSelectionTimeoutMS honored for server selection if timeoutMS=0.
#[test]
fn prose_8_server_selection_timeout_honored_if_timeout_ms_is_zero() {
    assert!(ping_nobody("timeoutMS=0&serverSelectionTimeoutMS=100") < millis(100) + SCHEDULING);
}

/// An insert by a client that cannot log in for a second; with how long it took.
fn insert_without_login(app: &str, options: &str) -> Duration {
    let server = Server::with_users();
    let _fail_point = server.fail_point(doc! { "times": 1 }, &["saslContinue"], millis(1000), app);
    let client = server.client(&format!("appName={app}&{options}"), &Record::default());
    let (error, taken) = timed_out(|| coll(&client).insert_one(doc! { "x": 1 }).run());
    assert!(!error.maybe_executed(), "{error:?}");
    taken
}

/// 8. Server Selection: timeoutMS honored for connection handshake commands if it's lower than serverSelectionTimeoutMS.
#[test]
fn prose_8_timeout_ms_honored_for_connection_handshake_commands() {
    assert!(insert_without_login("prose8a", "timeoutMS=100&serverSelectionTimeoutMS=2000") < millis(100) + SCHEDULING);
}

/// 8. Server Selection: serverSelectionTimeoutMS honored for connection handshake commands if it's lower than timeoutMS.
#[test]
fn prose_8_server_selection_timeout_honored_for_connection_handshake_commands() {
    assert!(insert_without_login("prose8b", "timeoutMS=2000&serverSelectionTimeoutMS=100") < millis(100) + SCHEDULING);
}

/// Where the time for ending a session is said.
#[derive(Clone, Copy, Debug)]
enum Said {
    Client,
    Session,
    Operation,
}

/// 9. endSession.
#[test]
fn prose_9_end_session() {
    let set = replica_set();
    let set = set.as_ref().unwrap();
    for said in [Said::Client, Said::Session, Said::Operation] {
        coll(&Client::new(set.uri()).unwrap()).drop().run().unwrap();
        let _fail_point =
            FailPoint::set(&set.members()[0], doc! { "times": 1 }, &["abortTransaction"], millis(400), "prose9");
        let options = if matches!(said, Said::Client) { "appName=prose9&timeoutMS=150" } else { "appName=prose9" };
        let client = Record::default().client(&set.uri(), options);
        let session = match said {
            Said::Session => client.start_session().default_timeout(millis(150)).run().unwrap(),
            Said::Client | Said::Operation => client.start_session().run().unwrap(),
        };
        session.start_transaction().run().unwrap();
        coll(&client).insert_one(doc! { "x": 1 }).session(&session).run().unwrap();
        let (_, taken) = timed_out(|| match said {
            Said::Operation => session.end().timeout(millis(150)).run(),
            Said::Client | Said::Session => session.end().run(),
        });
        assert!(taken < millis(400), "{said:?}: {taken:?}");
        assert!(session.is_ended(), "all the same");
    }
}

/// 10. Convenient Transactions: timeoutMS is refreshed for abortTransaction if the callback fails.
#[test]
fn prose_10_timeout_ms_is_refreshed_for_abort_transaction() {
    let set = replica_set();
    let set = set.as_ref().unwrap();
    coll(&Client::new(set.uri()).unwrap()).drop().run().unwrap();
    let commands = ["insert", "abortTransaction"];
    let _fail_point = FailPoint::set(&set.members()[0], doc! { "times": 2 }, &commands, millis(200), "prose10");
    let record = Record::default();
    let client = record.client(&set.uri(), "appName=prose10&timeoutMS=150");
    let session = client.start_session().run().unwrap();
    let insert = |txn: Transaction<Blocking>| async move {
        txn.collection::<Document>("db", "coll").insert_one(doc! { "_id": 1 }).await
    };
    let (_, taken) = timed_out(|| session.with_transaction(insert).run());
    assert!(taken < 2 * millis(150) + SCHEDULING, "{taken:?}");
    for name in commands {
        assert_eq!((record.count(name), record.count(&format!("{name} failed"))), (1, 1), "{name}");
    }
}
