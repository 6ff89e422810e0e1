//! What the set itself makes of a fault, asked over connections that are not the driver's.

use core::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bson::doc;

use super::faults::LIMIT;
use super::load::NAMESPACE;
use crate::server::{Admin, Mongod, ReplicaSet};

/// Times since an election.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Probe {
    /// Until the new primary has acknowledged a write for the majority.
    pub(super) majority: Option<Duration>,
    /// Until no other member has the former primary as its sync source.
    pub(super) left: Option<Duration>,
}

impl Probe {
    /// Asks the members other than `former`, which may be dead or frozen, until `primary` has acknowledged a write.
    pub(super) fn of(set: &ReplicaSet, former: usize, primary: usize, elected: Instant) -> Self {
        let written = AtomicBool::new(false);
        thread::scope(|scope| {
            let watcher = scope.spawn(|| left(set, former, elected, &written));
            let majority = write(&set.members()[primary]).map(|()| elected.elapsed());
            written.store(true, Ordering::Release);
            Self { majority, left: watcher.join().unwrap_or_default() }
        })
    }
}

fn write(primary: &Mongod) -> Option<()> {
    let mut admin = Admin::connect(primary.address(), LIMIT).ok()?;
    let concern = doc! { "w": "majority", "wtimeout": LIMIT.as_millis() as i64 };
    let insert = doc! { "insert": "probe", "documents": [{ "probe": 1 }], "writeConcern": concern };
    let reply = admin.run(NAMESPACE.0, insert).ok()?;
    (!reply.contains_key("writeConcernError")).then_some(())
}

fn left(set: &ReplicaSet, former: usize, elected: Instant, written: &AtomicBool) -> Option<Duration> {
    let deadline = elected + LIMIT;
    let port = format!(":{}", set.members()[former].address().port());
    loop {
        let mut members = set.members().iter().enumerate().filter(|(index, _)| *index != former);
        // One that does not answer is no proof.
        let has_left = members.all(|(_, member)| sync_source(member).is_some_and(|source| !source.ends_with(&port)));
        if has_left {
            return Some(elected.elapsed());
        }
        if written.load(Ordering::Acquire) || Instant::now() > deadline {
            return None;
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Whom a member copies from; empty if from nobody.
fn sync_source(member: &Mongod) -> Option<String> {
    let mut admin = Admin::connect(member.address(), Duration::from_secs(1)).ok()?;
    let status = admin.run("admin", doc! { "replSetGetStatus": 1 }).ok()?;
    Some(status.get_str("syncSourceHost").unwrap_or_default().to_owned())
}
