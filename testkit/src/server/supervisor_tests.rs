use std::{ffi::OsString, fs, path::Path, time::Duration};

use super::{super::temp, Supervisor};

const LIMIT: Duration = Duration::from_secs(20);

fn spawn(script: &str) -> (std::path::PathBuf, Supervisor) {
    let folder = temp::new_dir(&std::env::temp_dir(), "stator-test").unwrap();
    let args = ["-c", script].map(OsString::from);
    let supervisor = Supervisor::spawn(&folder, Path::new("/bin/sh"), &args, None).unwrap();
    (folder, supervisor)
}

#[test]
fn the_end_of_a_process_is_noticed_with_its_output_and_code() {
    let (folder, mut supervisor) = spawn("echo out; echo err >&2; exit 48");
    assert!(supervisor.wait_ended(LIMIT));
    assert_eq!(supervisor.reap().unwrap(), 48);
    assert_eq!(supervisor.output(), "out\nerr\n");
    drop(supervisor);
    assert!(!folder.exists());
}

#[test]
fn signals_arrive_although_the_shell_ignores_them() {
    let (_, mut supervisor) = spawn("exec sleep 60");
    assert!(!supervisor.wait_ended(Duration::ZERO));
    supervisor.signal("TERM").unwrap();
    assert!(supervisor.wait_ended(LIMIT));
    assert_eq!(supervisor.reap().unwrap(), 128 + 15);
}

#[test]
fn a_stopped_process_is_reaped() {
    let (_, mut supervisor) = spawn("exec sleep 60");
    supervisor.signal("STOP").unwrap();
    assert_eq!(supervisor.reap().unwrap(), 128 + 9);
    // Neither has anything left to reach.
    supervisor.signal("CONT").unwrap();
    assert_eq!(supervisor.reap().unwrap(), 128 + 9);
}

#[test]
fn leaving_keeps_the_folder() {
    let (folder, supervisor) = spawn("exec sleep 60");
    supervisor.leave().unwrap();
    assert!(folder.is_dir());
    fs::remove_dir(folder).unwrap();
}

#[test]
fn a_command_that_is_not_there_ends_at_once() {
    let folder = temp::new_dir(&std::env::temp_dir(), "stator-test").unwrap();
    let mut supervisor = Supervisor::spawn(&folder, Path::new("/nonexistent/mongod"), &[], None).unwrap();
    assert!(supervisor.wait_ended(LIMIT));
    assert_eq!(supervisor.reap().unwrap(), 127);
    assert!(supervisor.output().contains("/nonexistent/mongod"), "{}", supervisor.output());
}
