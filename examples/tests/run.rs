//! Every example runs, ends well and says what it promises; over loopback only.
#![cfg(unix)]

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use stator_testkit::server::{Binary, Mongod};

/// Far more than any example takes, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

struct Outcome {
    code: Option<i32>,
    out: String,
    err: String,
}

/// Runs an example against a server, or without one if `uri` is `None`.
fn run(program: &str, args: &[&str], uri: Option<&str>) -> Outcome {
    let mut command = Command::new(program);
    command.args(args).env_remove("MONGODB_URI").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(uri) = uri {
        command.env("MONGODB_URI", uri);
    }
    let mut child = command.spawn().unwrap();
    let (tell, told) = mpsc::channel();
    let streams: [(usize, Box<dyn Read + Send>); 2] =
        [(0, Box::new(child.stdout.take().unwrap())), (1, Box::new(child.stderr.take().unwrap()))];
    for (index, mut stream) in streams {
        let tell = tell.clone();
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = stream.read_to_end(&mut bytes).map(|_| String::from_utf8_lossy(&bytes).into_owned());
            let _ = tell.send((index, read));
        });
    }
    let mut texts = [String::new(), String::new()];
    for _ in 0..2 {
        match told.recv_timeout(LIMIT) {
            Ok((index, text)) => texts[index] = text.unwrap(),
            Err(_) => {
                child.kill().unwrap();
                panic!("{program} {args:?} did not end within {LIMIT:?}; so far: {texts:?}");
            }
        }
    }
    let [out, err] = texts;
    Outcome { code: child.wait().unwrap().code(), out, err }
}

/// Runs it and checks that it ends well and says all of `expected`.
fn succeeds(program: &str, args: &[&str], uri: Option<&str>, expected: &[&str]) -> Outcome {
    let outcome = run(program, args, uri);
    assert_eq!(outcome.code, Some(0), "{program}: {}\n{}", outcome.err, outcome.out);
    for text in expected {
        assert!(outcome.out.contains(text), "{program} does not say {text:?}:\n{}", outcome.out);
    }
    outcome
}

fn shared() -> String {
    Mongod::shared().unwrap().uri()
}

fn databases_left(example: &str) -> Vec<String> {
    let reply = Mongod::shared().unwrap().admin().unwrap();
    let reply = { reply }.run("admin", stator_client::doc! { "listDatabases": 1, "nameOnly": true }).unwrap();
    let databases = reply.get_array("databases").unwrap().iter();
    let names = databases.map(|database| database.as_document().unwrap().get_str("name").unwrap().to_owned());
    names.filter(|name| name.starts_with(&format!("stator_{example}_"))).collect()
}

#[test]
fn quickstart_brings_its_own_server() {
    // Found first, so that a download is not part of the example's time.
    Binary::locate(None).unwrap();
    let expected = [
        "Stator quickstart, on tokio",
        "(started for this run in ",
        "1. Insert",
        "Mont Blanc           France        4808 m   1786",
        "Switzerland  Dufourspitze          4634 m   5 in the list",
        "La Meije, Matterhorn, Mont Blanc",
        "1 matched, 1 modified: now 4806 m",
        "2 deleted, 11 left",
        "E11000 duplicate key",
        "Done.",
    ];
    succeeds(env!("CARGO_BIN_EXE_quickstart"), &[], None, &expected);
}

#[test]
fn quickstart_uses_the_server_that_it_is_given_and_leaves_nothing_behind() {
    let outcome = succeeds(env!("CARGO_BIN_EXE_quickstart"), &[], Some(&shared()), &["(from MONGODB_URI)", "Done."]);
    assert_eq!(outcome.err, "");
    assert_eq!(databases_left("quickstart"), [""; 0]);
}

#[test]
fn quickstart_hides_the_password() {
    let uri = Mongod::shared_auth().unwrap().uri();
    assert!(uri.contains("rootpw"));
    let outcome = succeeds(env!("CARGO_BIN_EXE_quickstart"), &[], Some(&uri), &["root:***@", "Done."]);
    assert!(!outcome.out.contains("rootpw"), "{}", outcome.out);
}

#[test]
fn errors_are_readable() {
    for (uri, expected) in [
        ("mongodb:/nowhere", "Error: connection string: it must begin with mongodb:// or mongodb+srv://\n"),
        // Port 1 is nobody's.
        ("mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=500", "127.0.0.1:1"),
    ] {
        let outcome = run(env!("CARGO_BIN_EXE_quickstart"), &[], Some(uri));
        assert_eq!(outcome.code, Some(1), "{}", outcome.out);
        assert!(outcome.err.starts_with("Error: ") && outcome.err.contains(expected), "{}", outcome.err);
    }
}

#[test]
fn the_same_lines_run_on_every_runtime() {
    let uri = shared();
    for (program, expected) in [
        (env!("CARGO_BIN_EXE_quickstart_smol"), r#"smol: { "_id": 1, "text": "written and read on smol" }"#),
        (env!("CARGO_BIN_EXE_quickstart_async_std"), r#""text": "written and read on async-std" }"#),
        (env!("CARGO_BIN_EXE_quickstart_blocking"), r#""text": "written and read on a plain thread" }"#),
    ] {
        succeeds(program, &[], Some(&uri), &[expected]);
    }
    for example in ["smol", "async_std", "blocking"] {
        assert_eq!(databases_left(example), [""; 0]);
    }
}

#[test]
fn custom_executor_works_with_and_without_login() {
    let planets = ["8 inserted", "[getMore: ", r#"{_id: "Mercury", radius_km: 2440}"#, "[dropDatabase: "];
    let program = env!("CARGO_BIN_EXE_custom_executor");
    succeeds(program, &[], Some(&shared()), &planets);
    let outcome = succeeds(program, &[], Some(&Mongod::shared_auth().unwrap().uri()), &planets);
    assert!(outcome.out.contains("logged in with SCRAM"), "{}", outcome.out);
    let sha1 = Mongod::shared_auth().unwrap().uri_for("sha1", "sha1pw", None);
    let outcome = run(program, &[], Some(&sha1));
    // The user may write but not drop: its login is what counts.
    assert!(outcome.out.contains("logged in with SCRAM"), "{}{}", outcome.out, outcome.err);
    let wrong = Mongod::shared_auth().unwrap().uri_for("root", "wrong", None);
    let outcome = run(program, &[], Some(&wrong));
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.err.starts_with("Error: authentication with SCRAM-SHA-256 failed: "), "{}", outcome.err);
}

#[test]
fn wire_proxy_shows_messages_and_hides_credentials() {
    let uri = Mongod::shared_auth().unwrap().uri();
    let expected = [
        "documents[10]",
        "insert: ok, n 10",
        "find: ok, 4 documents, cursor ",
        "getMore: ok, 2 documents, cursor at its end",
        "1 write error (code 11000)",
        "find: error 2 BadValue: ",
        "OP_MSG in zlib, ",
        "saslContinue: ok",
        "(left out: it may hold credentials)",
        "{_id: 0, square: 0}",
        "The self-test has passed.",
    ];
    let outcome = succeeds(env!("CARGO_BIN_EXE_wire_proxy"), &["--self-test", "--bodies"], Some(&uri), &expected);
    for secret in ["payload", "speculativeAuthenticate", "rootpw"] {
        assert!(!outcome.out.contains(secret), "{secret} in {}", outcome.out);
    }
}

#[test]
fn wire_proxy_explains_itself() {
    let program = env!("CARGO_BIN_EXE_wire_proxy");
    succeeds(program, &["--help"], None, &["usage: wire_proxy", "--self-test"]);
    let outcome = run(program, &["--colour"], None);
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.err.starts_with("unknown argument --colour\n"), "{}", outcome.err);
}

/// The numbers of a worker's last line: operations and errors.
fn totals(out: &str, worker: &str) -> (u64, u64) {
    let line = out.lines().find_map(|line| line.strip_prefix(&format!("{worker}: "))).unwrap();
    let numbers: Vec<_> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    (numbers[0], numbers[1])
}

#[test]
fn topology_watch_shows_a_set_that_loses_its_primary() {
    Binary::locate(None).unwrap();
    // Long enough for the first step of the demonstration and what the client sees of it.
    let args = ["--demo", "--plain", "--frames", "80"];
    let expected = [
        "--- frame 1: ",
        "ReplicaSetWithPrimary (",
        ", kind RSPrimary, round trip ",
        ", kind RSSecondary, round trip ",
        ", state Ready, in use ",
        ", mean wait ",
        "Unknown -> RSPrimary",
        "demo: 127.0.0.1:",
        " steps down",
        "RSPrimary -> ",
        "RSSecondary -> RSPrimary",
        "topology: ReplicaSetNoPrimary -> ReplicaSetWithPrimary",
        "--- frame 80: ",
    ];
    let outcome = succeeds(env!("CARGO_BIN_EXE_topology_watch"), &args, None, &expected);
    for worker in ["writer", "reader"] {
        let (operations, errors) = totals(&outcome.out, worker);
        assert!(operations > 100 && errors < 10, "{worker}: {operations} operations, {errors} errors\n{}", outcome.out);
    }
}

#[test]
fn topology_watch_takes_a_connection_string_and_leaves_nothing_behind() {
    let program = env!("CARGO_BIN_EXE_topology_watch");
    let outcome = succeeds(program, &["--plain", "--frames", "8", &shared()], None, &["Single (", "kind Standalone"]);
    assert!(totals(&outcome.out, "writer").0 > 0, "{}", outcome.out);
    assert_eq!(databases_left("topology_watch"), [""; 0]);
    let outcome = run(program, &["--demo", &shared()], None);
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.err.starts_with("Error: --demo kills servers"), "{}", outcome.err);
}
