//! The servers that other tests rely on.
#![cfg(unix)]

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::{SocketAddr, TcpStream},
    os::unix::{net::UnixStream, process::ExitStatusExt},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use bson::{Document, doc};
use stator_testkit::server::{
    Admin, AdminError, BOTH, Binary, IX, Mongod, MongodOptions, NUMERAL_NINE, ROOT, ReplicaSet, SHA_256, ServerError,
    USERS, Version, unique_db,
};

const LIMIT: Duration = Duration::from_secs(30);

/// The server's code for a command that needs authentication.
const UNAUTHORIZED: i32 = 13;
/// The server's code for credentials that it does not accept.
const AUTHENTICATION_FAILED: i32 = 18;

/// The query keeps the server from its quick count, which a crash makes wrong.
fn insert_and_count(admin: &mut Admin, database: &str) -> i32 {
    admin.run(database, doc! { "insert": "things", "documents": [{ "x": 1 }] }).unwrap();
    admin.run(database, doc! { "count": "things", "query": { "x": 1 } }).unwrap().get_i32("n").unwrap()
}

fn is_primary(hello: &Document) -> bool {
    hello.get_bool("isWritablePrimary").or_else(|_| hello.get_bool("ismaster")).unwrap()
}

/// Looks again and again until it is so.
fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn refuses(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, LIMIT).is_err()
}

#[test]
fn a_standalone_answers_hello_and_reports_its_version() {
    let mongod = Mongod::standalone().unwrap();
    let mut admin = mongod.admin().unwrap();
    assert!(is_primary(&admin.hello().unwrap()));
    let info = admin.run("admin", doc! { "buildInfo": 1 }).unwrap();
    assert_eq!(info.get_str("version").unwrap(), mongod.version().to_string());
    let status = admin.run("admin", doc! { "serverStatus": 1 }).unwrap();
    assert_eq!(status.get_i64("pid").unwrap(), i64::from(mongod.pid()));
    assert_eq!(mongod.uri(), format!("mongodb://{}/", mongod.address()));
    UnixStream::connect(mongod.unix_socket().unwrap()).unwrap();

    let (address, folder) = (mongod.address(), mongod.log_path().parent().unwrap().to_owned());
    drop(mongod);
    assert!(refuses(address));
    assert!(!folder.exists());
}

#[test]
fn fail_points_work() {
    let mongod = Mongod::standalone().unwrap();
    let mut admin = mongod.admin().unwrap();
    admin.fail_command(doc! { "times": 1 }, doc! { "failCommands": ["find"], "errorCode": 91 }).unwrap();
    let find = || doc! { "find": "things" };
    assert_eq!(admin.run("fail", find()).unwrap_err().code(), Some(91));
    admin.run("fail", find()).unwrap();
    admin.fail_command(doc! { "times": 1 }, doc! { "failCommands": ["find"], "closeConnection": true }).unwrap();
    admin.clear_fail_command().unwrap();
    admin.run("fail", find()).unwrap();
}

#[test]
fn four_start_at_once() {
    let mongods: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| Mongod::standalone().unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for mongod in &mongods {
        assert_eq!(insert_and_count(&mut mongod.admin().unwrap(), "each"), 1, "{} is not its own server", mongod.uri());
    }
}

#[test]
fn a_process_shares_one() {
    let (one, other) = (Mongod::shared().unwrap(), Mongod::shared().unwrap());
    assert_eq!(one.pid(), other.pid());
    for _ in 0..2 {
        assert_eq!(insert_and_count(&mut one.admin().unwrap(), &unique_db("shared")), 1);
    }
}

#[test]
fn access_control_has_its_users() {
    let mongod = Mongod::shared_auth().unwrap();
    let mut stranger = mongod.connect().unwrap();
    assert_eq!(stranger.run("test", doc! { "find": "things" }).unwrap_err().code(), Some(UNAUTHORIZED));
    let mut admin = mongod.admin().unwrap();
    let known = admin.run("admin", doc! { "usersInfo": 1 }).unwrap();
    let users = known.get_array("users").unwrap();
    assert_eq!(users.len(), USERS.len());
    for user in USERS {
        let found = users.iter().map(|known| known.as_document().unwrap());
        let found = found.into_iter().find(|known| known.get_str("user").unwrap() == user.name).unwrap();
        let mut mechanisms: Vec<_> =
            found.get_array("mechanisms").unwrap().iter().flat_map(|name| name.as_str()).collect();
        mechanisms.sort_unstable();
        assert_eq!(mechanisms, user.mechanisms, "{}", user.name);
    }
    assert!(mongod.uri().starts_with(&format!("mongodb://{}:{}@127.0.0.1:", ROOT.name, ROOT.password)));
    let uri = mongod.uri_for(NUMERAL_NINE.name, NUMERAL_NINE.password, Some("SCRAM-SHA-256"));
    let expected = "mongodb://%E2%85%A8:%E2%85%A3@127.0.0.1:";
    assert!(uri.starts_with(expected) && uri.ends_with("/?authMechanism=SCRAM-SHA-256&authSource=admin"), "{uri}");
}

#[test]
fn users_authenticate_and_may_write() {
    let mongod = Mongod::shared_auth().unwrap();
    // The server prepared the password of the last one; the test sends it prepared.
    for (name, password) in
        [(SHA_256.name, SHA_256.password), (BOTH.name, BOTH.password), (IX.name, "IX"), (NUMERAL_NINE.name, "IV")]
    {
        let mut admin = mongod.connect().unwrap();
        admin.authenticate(name, password).unwrap();
        assert_eq!(insert_and_count(&mut admin, &unique_db("auth")), 1);
    }
    let refused = mongod.connect().unwrap().authenticate(ROOT.name, "wrong");
    assert_eq!(refused.unwrap_err().code(), Some(AUTHENTICATION_FAILED));
}

#[test]
fn a_killed_server_restarts_with_its_data() {
    let mut mongod = MongodOptions::new().auth(true).start().unwrap();
    let write = doc! { "insert": "things", "documents": [{ "x": 1 }], "writeConcern": { "j": true } };
    let mut before = mongod.admin().unwrap();
    before.run("kept", write).unwrap();
    let (address, pid) = (mongod.address(), mongod.pid());
    mongod.kill().unwrap();
    assert!(!mongod.is_running());
    assert!(matches!(before.hello(), Err(AdminError::Io(_))));
    assert!(matches!(mongod.freeze(), Err(ServerError::Misuse(_))));
    mongod.restart().unwrap();
    assert_eq!(mongod.address(), address);
    assert_ne!(mongod.pid(), pid);
    assert_eq!(insert_and_count(&mut mongod.admin().unwrap(), "kept"), 2);
    mongod.restart().unwrap();
    assert_eq!(insert_and_count(&mut mongod.admin().unwrap(), "kept"), 3);
}

#[test]
fn a_frozen_server_keeps_silent_until_it_thaws() {
    let mut mongod = Mongod::standalone().unwrap();
    mongod.freeze().unwrap();
    assert!(mongod.is_running());
    let mut admin = Admin::connect(mongod.address(), Duration::from_millis(200)).unwrap();
    assert!(matches!(admin.hello(), Err(AdminError::Io(_))));
    mongod.thaw().unwrap();
    mongod.admin().unwrap().hello().unwrap();
    mongod.freeze().unwrap();
    mongod.restart().unwrap();
    mongod.admin().unwrap().hello().unwrap();
    mongod.freeze().unwrap();
}

#[test]
fn a_set_of_one_elects_itself() {
    let set = ReplicaSet::start(1, MongodOptions::new()).unwrap();
    assert_eq!(set.primary_index().unwrap(), 0);
    let member = &set.members()[0];
    assert_eq!(set.uri(), format!("mongodb://{}/?replicaSet=rs0", member.address()));
    assert_eq!(member.uri(), format!("mongodb://{}/?directConnection=true", member.address()));
    assert_eq!(insert_and_count(&mut member.admin().unwrap(), "set"), 1);
}

#[test]
fn a_set_of_three_elects_anew_when_its_primary_dies() {
    let mut set = ReplicaSet::start(3, MongodOptions::new().auth(true)).unwrap();
    let first = set.primary_index().unwrap();
    let hello = set.primary().unwrap().admin().unwrap().hello().unwrap();
    assert_eq!(hello.get_array("hosts").unwrap().len(), 3);
    set.members_mut()[first].kill().unwrap();
    let second = set.primary_index().unwrap();
    assert_ne!(first, second);
    let write =
        doc! { "insert": "things", "documents": [{ "x": 1 }], "writeConcern": { "w": "majority", "wtimeout": 30_000 } };
    set.primary().unwrap().admin().unwrap().run("set", write).unwrap();
    set.members_mut()[first].restart().unwrap();
    set.members()[first].admin().unwrap().hello().unwrap();
    assert!(set.uri().contains("root:rootpw@") && set.uri().contains("replicaSet=rs0"), "{}", set.uri());
}

#[test]
fn a_primary_steps_down() {
    let set = ReplicaSet::start(3, MongodOptions::new()).unwrap();
    let first = set.primary_index().unwrap();
    set.step_down(60).unwrap();
    assert_ne!(set.primary_index().unwrap(), first);
}

#[test]
fn a_panic_takes_the_server_along() {
    let mut address = None;
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let mongod = Mongod::standalone().unwrap();
        address = Some(mongod.address());
        std::panic::resume_unwind(Box::new("a failed assertion"));
    }));
    assert!(panic.is_err());
    assert!(refuses(address.unwrap()));
}

#[test]
fn a_failed_start_shows_why() {
    let bad = MongodOptions::new().args(["--noSuchOption"]).start();
    let Err(ServerError::Start { reason, log }) = bad else { panic!("{bad:?}") };
    assert!(reason.contains("exit code"), "{reason}");
    assert!(log.contains("noSuchOption"), "{log}");
    let bad = MongodOptions::new().parameters([("noSuchParameter", "1")]).start();
    let Err(ServerError::Start { log, .. }) = bad else { panic!("{bad:?}") };
    assert!(log.contains("noSuchParameter"), "{log}");
}

#[test]
fn a_version_that_is_nowhere_is_refused() {
    let error = Binary::locate(Some(Version::series(1, 0))).unwrap_err();
    assert!(matches!(error, ServerError::UnknownVersion(_)));
    assert!(error.to_string().contains("6.0.5"), "{error}");
    assert!(matches!(ReplicaSet::start(0, MongodOptions::new()), Err(ServerError::Misuse(_))));
}

/// A program that started servers in a temporary folder of its own, and what it printed.
struct Program {
    child: Child,
    addresses: Vec<SocketAddr>,
    folder: std::path::PathBuf,
}

impl Program {
    fn start(args: &[&str], name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_stator-mongod"));
        command.args(args).env("TMPDIR", &folder).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut uri = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut uri).unwrap();
        let hosts = uri.trim().strip_prefix("mongodb://").and_then(|rest| rest.split_once('/')).unwrap().0;
        let addresses = hosts.split(',').map(|host| host.parse().unwrap()).collect();
        Self { child, addresses, folder }
    }

    /// Ends the program by a signal and expects every server and folder to go.
    fn end(mut self, signal: &str, number: i32) {
        assert!(fs::read_dir(&self.folder).unwrap().count() > 0);
        let connections: Vec<_> = self.addresses.iter().map(|address| TcpStream::connect(address).unwrap()).collect();
        let kill = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let mut status = None;
        eventually("the program ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        assert_eq!(status.unwrap().signal(), Some(number));
        for mut connection in connections {
            connection.set_read_timeout(Some(LIMIT)).unwrap();
            // The end of the stream, or a reset: the server is gone. A time-out is an error of another kind.
            let read = connection.read(&mut [0]).or_else(|error| match error.kind() {
                std::io::ErrorKind::ConnectionReset => Ok(0),
                _ => Err(error),
            });
            assert_eq!(read.unwrap(), 0);
        }
        let is_empty = |folder: &Path| fs::read_dir(folder).unwrap().next().is_none();
        eventually("the folders are removed", || is_empty(&self.folder));
        assert!(self.addresses.iter().all(|address| refuses(*address)));
        fs::remove_dir(&self.folder).unwrap();
    }
}

#[test]
fn no_server_survives_a_killed_program() {
    Program::start(&[], "stator-kill").end("KILL", 9);
}

#[test]
fn no_server_survives_a_terminated_program() {
    Program::start(&["--replica-set", "3"], "stator-term").end("TERM", 15);
}
