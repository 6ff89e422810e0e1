//! The tables.

use alloc::vec::Vec;
use core::time::Duration;

use super::*;
use crate::Instant;
use crate::hello::ServerKind;
use crate::operation::{SessionUse, Traits};
use crate::session::TransactionEnd;

const COMMIT: Class = Class::TransactionEnd(TransactionEnd::Commit);
const ABORT: Class = Class::TransactionEnd(TransactionEnd::Abort);
const CLASSES: [Class; 7] =
    [Class::Read, Class::Write, COMMIT, ABORT, Class::OtherRead, Class::OtherWrite, Class::Command];

fn situation(class: Class) -> Situation {
    Situation {
        class,
        stage: Stage::Exchange,
        server: ServerKind::RsPrimary,
        max_wire_version: 17,
        numbered: true,
        in_transaction: false,
    }
}

fn server(code: i32) -> Fault {
    Fault { code: Some(code), ..Fault::new(FailureClass::Server) }
}

fn labelled(labels: Labels) -> Fault {
    Fault { labels, ..server(1) }
}

#[test]
fn classes_of_traits() {
    let with = |session| Traits { session, ..Traits::PLAIN };
    for (traits, class) in [
        (Traits::READ, Class::Read),
        (Traits::LIST, Class::Read),
        (Traits::WRITE, Class::Write),
        (Traits::DDL, Class::OtherWrite),
        (Traits { write_concern: true, retryable: false, ..Traits::READ }, Class::OtherWrite),
        (Traits::PLAIN, Class::Command),
        (with(SessionUse::Given), Class::OtherRead),
        (with(SessionUse::Commit), COMMIT),
        (with(SessionUse::Abort), ABORT),
    ] {
        assert_eq!(Class::of(&traits), class, "{traits:?}");
    }
}

#[test]
fn codes_after_which_reads_are_retried() {
    let expected = [6, 7, 89, 91, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436];
    let found: Vec<i32> = (-5..20_000)
        .filter(|&code| is_retryable(&situation(Class::Read), &server(code), &RetryOptions::DEFAULT))
        .collect();
    assert_eq!(found, expected);
    let mut names: Vec<_> = codes::TABLE.iter().map(|row| row.name).collect();
    names.dedup();
    assert_eq!(names.len(), expected.len());
}

#[test]
fn codes_after_which_writes_of_old_servers_are_labelled() {
    let expected = [6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436];
    for class in [Class::Write, COMMIT, ABORT] {
        let at = |version| -> Vec<i32> {
            let situation = Situation { max_wire_version: version, ..situation(class) };
            let is_labelled = |code| added_labels(&situation, &server(code), &RetryOptions::DEFAULT);
            (-5..20_000).filter(|&code| is_labelled(code).contains(Labels::RETRYABLE_WRITE)).collect()
        };
        assert_eq!(at(8), expected);
        assert_eq!(at(9), [0; 0]);
    }
}

/// What class of operation may be sent again, with both options, with reads only, with writes only, and with neither.
#[test]
fn what_is_retried() {
    let options = |retry_reads, retry_writes| RetryOptions { retry_reads, retry_writes, ..RetryOptions::DEFAULT };
    let all = [options(true, true), options(true, false), options(false, true), options(false, false)];
    let retried = |class, fault: &Fault, in_transaction| {
        all.map(|options| is_retryable(&Situation { in_transaction, ..situation(class) }, fault, &options))
    };
    let (always, never) = ([true; 4], [false; 4]);
    let (reads, writes, both) = ([true, true, false, false], [true, false, true, false], [true, false, false, false]);
    let network = Fault { labels: Labels::RETRYABLE_WRITE, ..Fault::new(FailureClass::Network) };
    let overload = labelled(Labels::SYSTEM_OVERLOADED | Labels::RETRYABLE);
    for (class, transient, refused) in [
        (Class::Read, reads, reads),
        (Class::Write, writes, writes),
        (COMMIT, always, always),
        (ABORT, always, always),
        (Class::OtherRead, never, reads),
        (Class::OtherWrite, never, writes),
        (Class::Command, never, both),
    ] {
        assert_eq!(retried(class, &network, false), transient, "{class:?}");
        assert_eq!(retried(class, &overload, false), refused, "{class:?}");
        assert_eq!(retried(class, &overload, true), refused, "{class:?}");
        if !matches!(class, Class::TransactionEnd(_)) {
            assert_eq!(retried(class, &network, true), never, "{class:?}");
        }
        for fault in [FailureClass::Selection, FailureClass::Timeout, FailureClass::Other].map(Fault::new) {
            assert_eq!(retried(class, &fault, false), never, "{class:?} {fault:?}");
        }
        for half in [Labels::SYSTEM_OVERLOADED, Labels::RETRYABLE, Labels::NO_WRITES_PERFORMED] {
            assert_eq!(retried(class, &labelled(half), false), never, "{class:?} {half:?}");
        }
    }
    let unnumbered = Situation { numbered: false, ..situation(Class::Write) };
    assert!(!is_retryable(&unnumbered, &network, &RetryOptions::DEFAULT));
}

#[test]
fn labels_that_are_added() {
    let unreachable =
        [FailureClass::Selection, FailureClass::PoolCleared, FailureClass::Network, FailureClass::Timeout];
    for class in CLASSES {
        for in_transaction in [false, true] {
            for fault in unreachable.into_iter().chain([FailureClass::Server, FailureClass::Other]) {
                let situation = Situation { in_transaction: in_transaction && class != COMMIT, ..situation(class) };
                let added = added_labels(&situation, &Fault::new(fault), &RetryOptions::DEFAULT);
                let is_lost = unreachable.contains(&fault);
                assert_eq!(
                    added.contains(Labels::TRANSIENT_TRANSACTION),
                    is_lost && (situation.in_transaction || class == ABORT),
                    "{class:?} {fault:?}"
                );
                assert_eq!(
                    added.contains(Labels::UNKNOWN_COMMIT_RESULT),
                    is_lost && class == COMMIT,
                    "{class:?} {fault:?}"
                );
                let is_retryable = matches!(fault, FailureClass::Network | FailureClass::PoolCleared);
                let is_write = class == Class::Write && !situation.in_transaction;
                assert_eq!(
                    added.contains(Labels::RETRYABLE_WRITE),
                    is_retryable && (is_write || matches!(class, COMMIT | ABORT)),
                    "{class:?} {fault:?}"
                );
            }
        }
    }
    let network = Fault::new(FailureClass::Network);
    assert!(added_labels(&situation(Class::Write), &network, &RetryOptions::NONE).is_empty());
    let has = Fault { labels: Labels::RETRYABLE_WRITE, ..network };
    assert!(added_labels(&situation(Class::Write), &has, &RetryOptions::DEFAULT).is_empty(), "no label twice");
}

#[test]
fn label_names_are_found_and_given() {
    let names = ["NoWritesPerformed", "SystemOverloadedError"];
    let labels = Labels::find(|name| names.contains(&name));
    assert_eq!(labels, Labels::SYSTEM_OVERLOADED | Labels::NO_WRITES_PERFORMED);
    assert_eq!(labels.names().collect::<Vec<_>>(), [names[1], names[0]]);
    assert_eq!(alloc::format!("{labels:?}"), "{\"SystemOverloadedError\", \"NoWritesPerformed\"}");
    assert_eq!(Labels::of_name("?"), Labels::NONE);
}

#[test]
fn a_refused_handshake_has_the_servers_code() {
    use crate::auth::Mechanism;
    use crate::handshake::{AuthFailure, HandshakeError};
    use crate::operation::{CommandError, OperationError};

    let refusal = CommandError {
        code: 91,
        code_name: "ShutdownInProgress".into(),
        message: "leaving".into(),
        labels: ["SystemOverloadedError".into()].into(),
        reply: stator_wire::bson::DocBuf::default(),
    };
    let hello = HandshakeError::Hello(OperationError::Command(refusal.clone()));
    let auth = HandshakeError::Auth { mechanism: Mechanism::ScramSha256, cause: AuthFailure::Refused(refusal.clone()) };
    for error in [hello, auth] {
        let fault = Fault::of(&error);
        assert_eq!(fault, Fault { labels: Labels::SYSTEM_OVERLOADED, ..server(91) });
        let situation = Situation { stage: Stage::CheckOut, max_wire_version: 0, ..situation(Class::Write) };
        assert!(added_labels(&situation, &fault, &RetryOptions::DEFAULT).contains(Labels::RETRYABLE_WRITE));
        assert!(is_retryable(&Situation { class: Class::Read, ..situation }, &fault, &RetryOptions::DEFAULT));
    }
    assert_eq!(HandshakeError::NotLoadBalanced.class(), FailureClass::Other);
}

#[test]
fn an_error_in_a_box_is_what_it_holds() {
    use crate::connection::ConnectionError;
    use crate::operation::OperationError;
    use alloc::boxed::Box;

    let boxed = |error| -> Box<dyn core::error::Error> { error };
    assert_eq!(boxed(Box::new(ConnectionError::Closed { mid_reply: true })).class(), FailureClass::Network);
    assert_eq!(boxed(Box::new(ConnectionError::Busy)).class(), FailureClass::Other);
    assert_eq!(boxed("a host's".into()).class(), FailureClass::Other);
    let failure = crate::operation::WriteFailure { labels: ["a".into()].into(), ..Default::default() };
    let mut error = boxed(Box::new(OperationError::Write(Box::new(failure))));
    error.add_label("b");
    assert!(error.has_label("a") && error.has_label("b") && !error.has_label("c"));
    assert_eq!(error.class(), FailureClass::Server);
}

#[test]
fn counting_never_overflows() {
    let mut attempts = Attempts::new(1);
    let options = RetryOptions { max_adaptive_retries: u32::MAX, ..RetryOptions::DEFAULT };
    let now = Instant::from_millis(5);
    for _ in 0..100 {
        let decision = attempts.decide(now, None, Labels::SYSTEM_OVERLOADED, Some(Duration::MAX), &options);
        let Decision::RetryAt(at) = decision else { panic!("{decision:?}") };
        assert!(at >= now && at <= now + Duration::from_secs(10));
    }
    assert_eq!(attempts.retries(), 100);
    attempts.restart();
    assert_eq!(attempts.decide(now, None, Labels::NONE, None, &options), Decision::Retry);
    assert_eq!(attempts.decide(now, None, Labels::NONE, None, &options), Decision::Enough);
    assert_eq!(attempts.decide(now, Some(now), Labels::NONE, None, &options), Decision::Expired);
}
