//! The pool of server sessions, options, and `withTransaction`.

mod convenient;
mod pool;

use alloc::vec::Vec;

use stator_wire::bson::{DocBuf, DocWriter, Timestamp};

use super::*;
use crate::Instant;

fn cluster_time(time: u32, increment: u32) -> ClusterTime {
    let mut bytes = Vec::new();
    let mut doc = DocWriter::new(&mut bytes);
    doc.timestamp("clusterTime", Timestamp { time, increment });
    doc.finish().unwrap();
    ClusterTime::parse(DocBuf::new(bytes).unwrap().as_doc()).unwrap()
}

#[test]
fn cluster_times_are_compared_by_both_parts_of_the_timestamp() {
    let (old, new) = (cluster_time(5, 9), cluster_time(6, 1));
    let newest = cluster_time(6, 2);
    for (one, other, max) in [(&old, &new, &new), (&new, &old, &new), (&new, &newest, &newest)] {
        assert_eq!(ClusterTime::max(Some(one), Some(other)).unwrap().timestamp(), max.timestamp());
    }
    assert_eq!(ClusterTime::max(None, Some(&old)).unwrap().timestamp(), old.timestamp());
    assert_eq!(ClusterTime::max(Some(&old), None).unwrap().timestamp(), old.timestamp());
    let mut known = None;
    assert!(ClusterTime::advance(&mut known, &new));
    assert!(!ClusterTime::advance(&mut known, &old) && !ClusterTime::advance(&mut known, &new));
    assert!(ClusterTime::advance(&mut known, &newest));
    assert!(ClusterTime::parse(DocBuf::default().as_doc()).is_none());
}

#[test]
fn options_that_contradict_each_other() {
    let time = Some(Timestamp { time: 1, increment: 1 });
    let snapshot = SessionOptions { snapshot: true, ..SessionOptions::default() };
    assert!(SessionOptions::default().is_causally_consistent() && !snapshot.is_causally_consistent());
    let both = SessionOptions { causal_consistency: Some(true), ..snapshot.clone() };
    assert_eq!(both.validate(), Err(SessionError::SnapshotWithCausalConsistency));
    let time_only = SessionOptions { snapshot_time: time, ..SessionOptions::default() };
    assert_eq!(time_only.validate(), Err(SessionError::SnapshotTimeWithoutSnapshot));
    assert_eq!(SessionOptions { snapshot_time: time, ..snapshot.clone() }.validate(), Ok(()));
    let mut session = Session::new(snapshot, ServerSession::new(Instant::ORIGIN, [0; 16])).unwrap();
    let nothing = TransactionOptions::default();
    assert_eq!(session.start_transaction(&nothing, &nothing), Err(SessionError::SnapshotTransaction));
}

#[test]
fn a_transaction_inherits_from_its_session_then_from_the_client() {
    use core::time::Duration;
    let millis = |millis| Some(Duration::from_millis(millis));
    let options = SessionOptions {
        default_transaction_options: TransactionOptions { max_commit_time: millis(2), ..TransactionOptions::default() },
        default_timeout: millis(3),
        ..SessionOptions::default()
    };
    let client = TransactionOptions {
        max_commit_time: millis(4),
        timeout: millis(4),
        read_concern: Some(crate::concern::ReadConcern::default()),
        ..TransactionOptions::default()
    };
    let mut session = Session::new(options, ServerSession::new(Instant::ORIGIN, [0; 16])).unwrap();
    session.start_transaction(&TransactionOptions::default(), &client).unwrap();
    let found = session.transaction().options();
    assert_eq!((found.max_commit_time, found.timeout), (millis(2), millis(3)));
    assert!(found.read_concern.is_some() && found.write_concern.is_none());
    session.abort_transaction().unwrap();
    let own = TransactionOptions { max_commit_time: millis(1), timeout: millis(1), ..TransactionOptions::default() };
    session.start_transaction(&own, &client).unwrap();
    let found = session.transaction().options();
    assert_eq!((found.max_commit_time, found.timeout), (millis(1), millis(1)));
}

#[test]
fn messages_that_the_specifications_prescribe() {
    use alloc::string::ToString;
    for (error, text) in [
        (SessionError::TransactionInProgress, "Transaction already in progress"),
        (SessionError::NoTransaction, "No transaction started"),
        (SessionError::CommitAfterAbort, "Cannot call commitTransaction after calling abortTransaction"),
        (SessionError::AbortAfterCommit, "Cannot call abortTransaction after calling commitTransaction"),
        (SessionError::AbortTwice, "Cannot call abortTransaction twice"),
        (SessionError::UnacknowledgedTransaction, "transactions do not support unacknowledged write concerns"),
        (SessionError::ReadPreference, "read preference in a transaction must be primary"),
        (SessionError::SnapshotUnsupported, "Snapshot reads require MongoDB 5.0 or later"),
    ] {
        assert_eq!(error.to_string(), text);
    }
}
