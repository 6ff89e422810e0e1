//! How members' states have changed, as their logs have it.

use std::fs;

use serde_json::Value;

use crate::server::{Mongod, ReplicaSet};

/// One line for each change, in the order of time.
pub(super) fn of(set: &ReplicaSet) -> Vec<String> {
    let mut out: Vec<_> = set.members().iter().flat_map(of_member).collect();
    out.sort();
    out
}

fn of_member(member: &Mongod) -> Vec<String> {
    let log = fs::read_to_string(member.log_path()).unwrap_or_default();
    log.lines().filter_map(|line| change(member, line)).collect()
}

/// Servers from 4.4 on log in JSON.
fn change(member: &Mongod, line: &str) -> Option<String> {
    const MARKS: [&str; 3] = ["Replica set state transition", "transition to", "ROLLBACK"];
    if !MARKS.iter().any(|mark| line.contains(mark)) {
        return None;
    }
    let entry: Value = serde_json::from_str(line).ok()?;
    let when = entry["t"]["$date"].as_str()?;
    let message = entry["msg"].as_str()?;
    let states = ["oldState", "newState"].map(|key| entry["attr"][key].as_str().unwrap_or_default());
    Some(format!("{when} {}: {message} {}", member.address(), states.join(" ")))
}
