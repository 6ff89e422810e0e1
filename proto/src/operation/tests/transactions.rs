//! Transactions on a scripted host.

use alloc::boxed::Box;

use super::host::{Event, Failed, Given, Host, field};
use super::*;
use crate::hello::ServerKind;
use crate::read_preference::ReadPreference;
use crate::retry::RetryOptions;
use crate::session::{Pin, SessionError, SessionOptions, TransactionOptions, TransactionState};

const OK: Event = Event::Reply("{ok: 1, n: 1, cursor: {id: 0, ns: \"db.c\", firstBatch: []}}");
const TOKEN: Event = Event::Reply("{ok: 1, n: 1, recoveryToken: {shard: \"a\"}}");
const TRANSIENT: Event = Event::Reply("{ok: 0, code: 251, errorLabels: [\"TransientTransactionError\"]}");
const OVERLOADED: Event =
    Event::Reply("{ok: 0, code: 462, errorLabels: [\"SystemOverloadedError\", \"RetryableError\"]}");
const UNKNOWN_TRANSACTION: Event = Event::Reply("{ok: 0, code: 251}");
const LABELLED: Event = Event::Reply("{ok: 0, code: 91, errorLabels: [\"RetryableWriteError\"]}");
const UNKNOWN: &str = "UnknownTransactionCommitResult";
const TRANSIENT_LABEL: &str = "TransientTransactionError";
const WRITE_LABEL: &str = "RetryableWriteError";

fn find() -> Find {
    Find::new(namespace(), doc("{}"))
}

fn delete() -> Delete {
    Delete::new(namespace(), [DeleteStatement::new(doc("{}"), true)]).unwrap()
}

/// A host with a transaction in which nothing was done.
fn started(kind: ServerKind, options: TransactionOptions) -> Host {
    let mut host = Host::new(kind);
    host.session = Some(host.transaction(options));
    host
}

/// A host with a transaction in which something was done.
fn in_progress(kind: ServerKind) -> Host {
    let mut host = started(kind, TransactionOptions::default());
    host.run_explicit(delete(), &[TOKEN]).unwrap();
    host
}

fn commit(host: &mut Host, script: &[Event]) -> Result<(), Failed> {
    let command = host.session.as_mut().unwrap().commit_transaction().unwrap().expect("something to commit");
    host.run_explicit(command, script)
}

fn abort(host: &mut Host, script: &[Event]) -> Result<(), Failed> {
    let command = host.session.as_mut().unwrap().abort_transaction().unwrap().expect("something to abort");
    host.run_explicit(command, script)
}

fn state(host: &Host) -> TransactionState {
    host.session.as_ref().unwrap().transaction().state()
}

fn pin(host: &Host) -> Option<String> {
    host.session.as_ref().unwrap().transaction().pin().map(|pin| match pin {
        Pin::Server(address) => format!("{address}"),
        Pin::Connection => "connection".to_owned(),
    })
}

fn last<'a>(host: &'a Host, key: &str) -> Option<&'a str> {
    field(host.requests.last().unwrap(), key)
}

/// `txnNumber`, `startTransaction`, `autocommit`, `readConcern` and `writeConcern` of the last request.
fn stamps(host: &Host) -> [&str; 5] {
    ["txnNumber", "startTransaction", "autocommit", "readConcern", "writeConcern"]
        .map(|key| last(host, key).unwrap_or("-"))
}

#[test]
fn the_first_command_starts_and_the_last_ends() {
    let options = TransactionOptions {
        read_concern: Some(ReadConcern::new(ReadConcernLevel::Snapshot)),
        write_concern: Some(WriteConcern::new(crate::concern::Acknowledgment::Nodes(2))),
        max_commit_time: Some(Duration::from_millis(60)),
        ..TransactionOptions::default()
    };
    let mut host = started(ServerKind::RsPrimary, options);
    // Concerns of the operations do not count.
    host.settings = concerns();
    host.run_explicit(delete(), &[Event::Reply("{ok: 1, n: 1, operationTime: T5}")]).unwrap();
    assert_eq!(stamps(&host), ["1", "true", "false", "{level: \"snapshot\"}", "-"]);
    assert_eq!(state(&host), TransactionState::InProgress);
    host.run_explicit(find(), &[OK]).unwrap();
    assert_eq!(stamps(&host), ["1", "-", "false", "-", "-"]);
    assert!(last(&host, "lsid").is_some());
    commit(&mut host, &[OK]).unwrap();
    assert_eq!(stamps(&host), ["1", "-", "false", "-", "{w: 2}"]);
    assert_eq!((last(&host, "commitTransaction"), last(&host, "$db")), (Some("1"), Some("\"admin\"")));
    assert_eq!(last(&host, "maxTimeMS"), Some("60"));
    assert_eq!(state(&host), TransactionState::Committed);
    // An operation outside.
    host.run_explicit(delete(), &[OK]).unwrap();
    assert_eq!(stamps(&host), ["2", "-", "-", "{afterClusterTime: Timestamp(5, 1)}", "{w: \"majority\"}"]);
    assert_eq!(state(&host), TransactionState::None);
    // The next one starts after what was before.
    let session = host.session.as_mut().unwrap();
    session.start_transaction(&TransactionOptions::default(), &TransactionOptions::default()).unwrap();
    host.run_explicit(delete(), &[OK]).unwrap();
    assert_eq!(stamps(&host), ["3", "true", "false", "{afterClusterTime: Timestamp(5, 1)}", "-"]);
    abort(&mut host, &[OK]).unwrap();
    assert_eq!(stamps(&host), ["3", "-", "false", "-", "-"]);
    assert_eq!(state(&host), TransactionState::Aborted);
}

#[test]
fn a_command_of_the_users_is_part_of_it_too() {
    let options = TransactionOptions {
        read_concern: Some(ReadConcern::new(ReadConcernLevel::Local)),
        ..TransactionOptions::default()
    };
    let mut host = started(ServerKind::RsPrimary, options);
    host.run_explicit(RunCommand::new("db", doc("{ping: 1}")).unwrap(), &[OK]).unwrap();
    assert_eq!(stamps(&host), ["1", "true", "false", "{level: \"local\"}", "-"]);
}

#[test]
fn nothing_is_said_of_a_transaction_in_which_nothing_was_done() {
    let mut host = started(ServerKind::RsPrimary, TransactionOptions::default());
    let session = host.session.as_mut().unwrap();
    assert_eq!(session.commit_transaction(), Ok(None));
    assert_eq!(session.commit_transaction(), Ok(None), "again");
    let nothing = TransactionOptions::default();
    session.start_transaction(&nothing, &nothing).unwrap();
    assert_eq!(session.abort_transaction(), Ok(None));
    assert_eq!(session.abort_transaction(), Err(SessionError::AbortTwice));
    assert_eq!(session.commit_transaction(), Err(SessionError::CommitAfterAbort));
}

#[test]
fn an_operation_that_is_not_sent_starts_nothing() {
    for script in [&[Event::NoServer][..], &[Event::Unreachable], &[Event::Cleared]] {
        let mut host = started(ServerKind::RsPrimary, TransactionOptions::default());
        let error = host.run_explicit(delete(), script).unwrap_err();
        assert_eq!(error.labels, [TRANSIENT_LABEL], "{script:?}");
        assert_eq!(state(&host), TransactionState::Starting);
    }
    let mut host = started(ServerKind::RsPrimary, TransactionOptions::default());
    host.hello.limits.max_message_size = 10;
    assert!(host.run_explicit(delete(), &[]).unwrap_err().labels.is_empty());
    assert_eq!(state(&host), TransactionState::Starting);
    // One that the server refuses does.
    let mut host = started(ServerKind::RsPrimary, TransactionOptions::default());
    host.run_explicit(delete(), &[Event::Reply("{ok: 0, code: 11000}")]).unwrap_err();
    assert_eq!(state(&host), TransactionState::InProgress);
}

#[test]
fn nothing_but_its_end_is_retried() {
    for event in [Event::Lost, LABELLED, Event::Reply("{ok: 0, code: 189}"), Event::Unreachable] {
        for version in [8, 17] {
            let mut host = in_progress(ServerKind::RsPrimary).wire_version(version);
            let error = host.run_explicit(delete(), &[event]).unwrap_err();
            assert!(!error.labels.contains(&WRITE_LABEL.to_owned()) || matches!(event, LABELLED), "{event:?}");
            assert!(host.run_explicit(find(), &[event]).is_err());
        }
    }
    let mut host = in_progress(ServerKind::RsPrimary);
    host.run_explicit(delete(), &[Event::Lost]).unwrap_err();
    assert!(host.session.as_ref().unwrap().is_dirty());
    // The end is, whatever the options are.
    for event in [Event::Lost, LABELLED, Event::Unreachable, Event::Cleared] {
        let mut host = in_progress(ServerKind::RsPrimary);
        host.retry = RetryOptions::NONE;
        commit(&mut host, &[event, OK]).unwrap();
        assert_eq!(last(&host, "txnNumber"), Some("1"));
        let mut host = in_progress(ServerKind::RsPrimary);
        host.retry = RetryOptions::NONE;
        abort(&mut host, &[event, OK]).unwrap();
    }
}

#[test]
fn a_repeated_commit_waits_for_the_majority() {
    let majority = "{w: \"majority\", wtimeout: 10000}";
    let mut host = in_progress(ServerKind::RsPrimary);
    commit(&mut host, &[Event::Lost, OK]).unwrap();
    assert_eq!(last(&host, "writeConcern"), Some(majority), "by the driver");
    assert!(field(&host.requests[host.requests.len() - 2], "writeConcern").is_none());
    let mut host = in_progress(ServerKind::RsPrimary);
    commit(&mut host, &[OK]).unwrap();
    commit(&mut host, &[OK]).unwrap();
    assert_eq!(last(&host, "writeConcern"), Some(majority), "by the user");
    // Not for an overloaded server, unless something else has failed before.
    let mut host = in_progress(ServerKind::RsPrimary);
    commit(&mut host, &[OVERLOADED, OVERLOADED, OK]).unwrap();
    assert!(last(&host, "writeConcern").is_none());
    let mut host = in_progress(ServerKind::RsPrimary);
    commit(&mut host, &[Event::Lost, OVERLOADED, OK]).unwrap();
    assert_eq!(last(&host, "writeConcern"), Some(majority));
    // What is given stays, but for `w`.
    let given = WriteConcern {
        w: Some(crate::concern::Acknowledgment::Nodes(1)),
        journal: Some(true),
        w_timeout: Some(Duration::from_millis(5)),
    };
    let options = TransactionOptions { write_concern: Some(given), ..TransactionOptions::default() };
    let mut host = started(ServerKind::RsPrimary, options);
    host.run_explicit(delete(), &[OK]).unwrap();
    commit(&mut host, &[Event::Lost, OK]).unwrap();
    assert_eq!(last(&host, "writeConcern"), Some("{w: \"majority\", j: true, wtimeout: 5}"));
    // An abort is not changed.
    let mut host = in_progress(ServerKind::RsPrimary);
    abort(&mut host, &[Event::Lost, OK]).unwrap();
    assert!(last(&host, "writeConcern").is_none());
}

#[test]
fn labels_of_a_failed_commit() {
    let labels = |script: &[Event]| {
        let mut host = in_progress(ServerKind::RsPrimary);
        let mut labels = commit(&mut host, script).unwrap_err().labels;
        labels.sort();
        labels
    };
    assert_eq!(labels(&[Event::NoServer]), [UNKNOWN]);
    assert_eq!(labels(&[Event::Lost, Event::Lost]), [WRITE_LABEL, UNKNOWN]);
    assert_eq!(labels(&[LABELLED, LABELLED]), [WRITE_LABEL, UNKNOWN]);
    for unknown in [
        "{ok: 0, code: 50}",
        "{ok: 1, writeConcernError: {code: 64, errmsg: \"slow\"}}",
        "{ok: 1, writeConcernError: {code: 91, errmsg: \"leaving\"}}",
    ] {
        assert_eq!(labels(&[Event::Reply(unknown)]), [UNKNOWN], "{unknown}");
    }
    for known in [
        "{ok: 0, code: 251}",
        "{ok: 1, writeConcernError: {code: 79, errmsg: \"no such mode\"}}",
        "{ok: 1, writeConcernError: {code: 100, errmsg: \"too many\"}}",
    ] {
        assert!(labels(&[Event::Reply(known)]).is_empty(), "{known}");
    }
    assert_eq!(labels(&[TRANSIENT]), [TRANSIENT_LABEL]);
}

#[test]
fn a_commit_under_a_timeout_that_is_lost_is_unknown() {
    let mut host = in_progress(ServerKind::RsPrimary).with_timeout(100);
    let error = commit(&mut host, &[Event::Late]).unwrap_err();
    assert_eq!(error.labels, [UNKNOWN]);
}

#[test]
fn all_commands_go_to_one_router_until_it_fails() {
    let mut host = started(ServerKind::Mongos, TransactionOptions::default());
    host.run_explicit(delete(), &[TOKEN]).unwrap();
    assert_eq!(pin(&host).as_deref(), Some("s1:27017"));
    host.run_explicit(find(), &[OK]).unwrap();
    assert_eq!(host.targets.last().unwrap(), "an operation that is pinned to s1:27017");
    assert!(last(&host, "recoveryToken").is_none());
    commit(&mut host, &[OK]).unwrap();
    assert_eq!(host.targets.last().unwrap(), "an operation that is pinned to s1:27017");
    assert_eq!(last(&host, "recoveryToken"), Some("{shard: \"a\"}"));
    assert_eq!(pin(&host).as_deref(), Some("s1:27017"), "a commit may have to be repeated");
    // An operation outside of it is free.
    host.run_explicit(find(), &[OK]).unwrap();
    assert!(pin(&host).is_none() && !host.targets.last().unwrap().contains("pinned"));
    let nothing = TransactionOptions::default();
    host.session.as_mut().unwrap().start_transaction(&nothing, &nothing).unwrap();
    assert!(host.session.as_ref().unwrap().transaction().recovery_token().is_none());
}

#[test]
fn what_unpins() {
    // A transient error.
    for event in [TRANSIENT, Event::Lost] {
        let mut host = in_progress(ServerKind::Mongos);
        host.run_explicit(find(), &[event]).unwrap_err();
        assert!(pin(&host).is_none(), "{event:?}");
        abort(&mut host, &[OK]).unwrap();
        assert_eq!(host.targets.last().unwrap(), "writes");
    }
    let mut host = in_progress(ServerKind::Mongos);
    host.run_explicit(find(), &[Event::Reply("{ok: 0, code: 2}")]).unwrap_err();
    assert!(pin(&host).is_some(), "another error does not");
    // A commit whose result is unknown, before it is repeated.
    let mut host = in_progress(ServerKind::Mongos);
    commit(&mut host, &[Event::Lost, OK]).unwrap();
    assert_eq!(host.targets.last().unwrap(), "writes");
    assert_eq!(host.avoided, ["s2:27017"]);
    assert!(pin(&host).is_none(), "and it is not pinned anew");
    // An abort, whatever becomes of it.
    for script in [&[OK][..], &[Event::Lost, OK], &[Event::Reply("{ok: 0, code: 2}")]] {
        let mut host = in_progress(ServerKind::Mongos);
        let _ = abort(&mut host, script);
        assert!(pin(&host).is_none(), "{script:?}");
    }
    // The end of the session.
    let mut host = in_progress(ServerKind::Mongos);
    host.session.as_mut().unwrap().end();
    assert!(pin(&host).is_none());
    // The next transaction.
    let mut host = in_progress(ServerKind::Mongos);
    commit(&mut host, &[OK]).unwrap();
    let nothing = TransactionOptions::default();
    host.session.as_mut().unwrap().start_transaction(&nothing, &nothing).unwrap();
    assert!(pin(&host).is_none());
}

#[test]
fn behind_a_load_balancer_the_connection_is_pinned() {
    let mut host = in_progress(ServerKind::LoadBalancer);
    assert_eq!(host.targets, ["writes"]);
    assert_eq!(pin(&host).as_deref(), Some("connection"));
    host.run_explicit(find(), &[OK]).unwrap();
    assert!(host.targets.last().unwrap().ends_with(", pinned"));
    commit(&mut host, &[Event::Lost, OK]).unwrap();
    assert_eq!(host.targets.last().unwrap(), "writes", "the connection is gone");
}

#[test]
fn replica_sets_need_no_pin() {
    assert!(pin(&in_progress(ServerKind::RsPrimary)).is_none());
}

#[test]
fn what_an_overloaded_server_refuses_is_sent_again_as_it_was() {
    let mut host = started(ServerKind::Mongos, TransactionOptions::default());
    host.run_explicit(delete(), &[OVERLOADED, OK]).unwrap();
    let starts: Vec<_> = host.requests.iter().map(|request| field(request, "startTransaction")).collect();
    assert_eq!(starts, [Some("true"), Some("true")]);
    host.run_explicit(delete(), &[OVERLOADED, OK]).unwrap();
    assert!(last(&host, "startTransaction").is_none());
    assert!(host.targets.last().unwrap().contains("pinned"));
    // The last refusal leaves it in progress.
    let mut host = started(ServerKind::RsPrimary, TransactionOptions::default());
    host.run_explicit(delete(), &[OVERLOADED; 3]).unwrap_err();
    assert_eq!(state(&host), TransactionState::InProgress);
}

#[test]
fn reads_come_from_the_primary() {
    let secondary =
        TransactionOptions { read_preference: Some(ReadPreference::secondary()), ..TransactionOptions::default() };
    let mut host = started(ServerKind::RsPrimary, secondary);
    let error = host.run_explicit(find(), &[]).unwrap_err();
    assert_eq!(error.text, "read preference in a transaction must be primary");
    host.run_explicit(delete(), &[OK]).unwrap();
    // The operation's own does not count.
    let mut host = started(ServerKind::RsPrimary, TransactionOptions::default());
    host.settings.read_preference = Some(ReadPreference::secondary());
    host.run_explicit(find(), &[OK]).unwrap();
    assert_eq!(host.targets, ["reads with read preference primary"]);
    assert!(last(&host, "$readPreference").is_none());
}

#[test]
fn write_concerns_must_be_acknowledged_but_for_those_that_do_not_count() {
    let host = Host::replica_set();
    let mut session = host.session(SessionOptions::default());
    let inherited =
        TransactionOptions { write_concern: Some(WriteConcern::unacknowledged()), ..TransactionOptions::default() };
    let refused = session.start_transaction(&TransactionOptions::default(), &inherited);
    assert_eq!(refused, Err(SessionError::UnacknowledgedTransaction));
    assert_eq!(session.transaction().state(), TransactionState::None);
    let mut host = started(ServerKind::RsPrimary, TransactionOptions::default());
    host.settings = unacknowledged();
    host.run_explicit(delete(), &[OK]).unwrap();
}

#[test]
fn options_of_operations_that_the_transaction_decides() {
    let host = started(ServerKind::RsPrimary, TransactionOptions::default());
    let session = host.session.as_ref().unwrap();
    let read = Settings { read_concern: Some(ReadConcern::default()), ..Settings::default() };
    assert_eq!(session.check_options(&read), Err(SessionError::ReadConcernInTransaction));
    assert_eq!(session.check_options(&unacknowledged()), Err(SessionError::WriteConcernInTransaction));
    assert_eq!(session.check_options(&Settings::default()), Ok(()));
}

#[test]
fn after_a_dropped_operation_it_can_only_be_aborted() {
    let mut host = in_progress(ServerKind::RsPrimary);
    let session = host.session.take().unwrap();
    let mut connection = Connection::new(Compression::none());
    connection.set_hello(host.hello.clone(), None);
    let begin = |session| Exec::<_, Failed>::new(host.now, delete(), Settings::default(), None).with_session(session);
    // Dropped before anything was written: nothing has happened.
    let mut exec = begin(session);
    exec.handle_checked_out(host.now, Reached::default());
    exec.handle_dropped();
    let SessionSlot::Explicit(session) = exec.take_session() else { panic!("it had a session") };
    assert!(!session.transaction().is_abort_only() && !session.is_dirty());
    // Dropped while the reply was awaited.
    let mut exec = begin(session);
    exec.handle_checked_out(host.now, Reached::default());
    exec.send(host.now, &mut connection, &mut SendBuf::new());
    exec.handle_dropped();
    let SessionSlot::Explicit(mut session) = exec.take_session() else { panic!("it had a session") };
    assert!(session.transaction().is_abort_only() && session.is_dirty());
    assert_eq!(session.commit_transaction(), Err(SessionError::AbortOnly));
    host.session = Some(session);
    let error = host.run_explicit(find(), &[]).unwrap_err();
    assert_eq!(error.text, format!("{}", SessionError::AbortOnly));
    abort(&mut host, &[OK]).unwrap();
    host.run_explicit(find(), &[OK]).unwrap();
}

/// Runs `operation` until `point` (0: nothing happened, 1: a connection is there, 2: it was sent) and drops it.
fn dropped_at<O: Operation>(host: &mut Host, operation: O, point: u32) {
    let mut connection = Connection::new(Compression::none());
    connection.set_hello(host.hello.clone(), None);
    let session = host.session.take().unwrap();
    let mut exec = Exec::<_, Failed>::new(host.now, operation, Settings::default(), None).with_session(session);
    if point > 0 {
        exec.handle_checked_out(host.now, Reached::default());
    }
    if point > 1 {
        exec.send(host.now, &mut connection, &mut SendBuf::new());
    }
    exec.handle_dropped();
    let SessionSlot::Explicit(session) = exec.take_session() else { panic!("it had a session") };
    host.session = Some(session);
}

#[test]
fn an_end_that_was_dropped_leaves_something_to_abort() {
    for point in 0..3 {
        for commits in [true, false] {
            let mut host = in_progress(ServerKind::RsPrimary);
            let session = host.session.as_mut().unwrap();
            if commits {
                let command = session.commit_transaction().unwrap().unwrap();
                dropped_at(&mut host, command, point);
                assert_eq!(state(&host), TransactionState::Committed);
            } else {
                let command = session.abort_transaction().unwrap().unwrap();
                dropped_at(&mut host, command, point);
                assert_eq!(state(&host), TransactionState::Aborted);
            }
            let mut fork = host.session.as_mut().unwrap().abandon_transaction().expect("the server may have it open");
            assert!(fork.abort_transaction().unwrap().is_some(), "{point}");
            assert!(host.session.as_mut().unwrap().abandon_transaction().is_none(), "once is enough");
        }
    }
    // A commit that is repeated to its end leaves nothing.
    let mut host = in_progress(ServerKind::RsPrimary);
    let command = host.session.as_mut().unwrap().commit_transaction().unwrap().unwrap();
    dropped_at(&mut host, command, 0);
    commit(&mut host, &[OK]).unwrap();
    assert!(host.session.as_mut().unwrap().abandon_transaction().is_none());
    // Where nothing was done there is nothing to tell.
    let mut host = started(ServerKind::RsPrimary, TransactionOptions::default());
    assert!(host.session.as_mut().unwrap().abandon_transaction().is_none());
}

#[test]
fn a_first_command_that_comes_late_is_aborted_again() {
    for is_first in [true, false] {
        let mut host = started(ServerKind::RsPrimary, TransactionOptions::default());
        if !is_first {
            host.run_explicit(delete(), &[OK]).unwrap();
        }
        dropped_at(&mut host, delete(), 2);
        assert!(abort(&mut host, &[UNKNOWN_TRANSACTION]).is_err());
        let fork = host.session.as_mut().unwrap().handle_unknown_transaction();
        assert_eq!(fork.is_some(), is_first);
        let Some(fork) = fork else { continue };
        host.session = Some(Box::new(fork));
        assert!(abort(&mut host, &[UNKNOWN_TRANSACTION]).is_err());
        // And so on.
        let fork = host.session.as_mut().unwrap().handle_unknown_transaction().unwrap();
        host.session = Some(Box::new(fork));
        abort(&mut host, &[OK]).unwrap();
        assert!(host.session.as_mut().unwrap().abandon_transaction().is_none());
    }
}

#[test]
fn the_end_of_a_transaction_needs_a_session() {
    let command = crate::session::CommitTransaction { max_time: None };
    assert!(Host::replica_set().run_in(Given::Nothing, command, &[]).is_err());
    assert!(Host::replica_set().run(crate::session::AbortTransaction, &[]).is_err());
}

#[test]
fn with_transactions_deadline_does_not_bind_the_abort() {
    let mut host = in_progress(ServerKind::RsPrimary);
    let deadline = host.now + Duration::from_millis(100);
    host.session.as_mut().unwrap().set_deadline(Some(deadline));
    host.now = host.now + Duration::from_millis(200);
    assert_eq!(host.run_explicit(delete(), &[]).unwrap_err().text, "timed out");
    let mut host = host.with_timeout(70);
    abort(&mut host, &[OK]).unwrap();
    assert_eq!(last(&host, "maxTimeMS"), Some("70"));
}
