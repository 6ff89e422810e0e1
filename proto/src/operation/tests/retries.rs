//! Retries of reads, writes and everything else, on a scripted host.

use super::host::{Event, Failed, Given, Host, field};
use super::*;
use crate::hello::ServerKind;
use crate::retry::{FailureClass, RetryOptions};

const OK: Event = Event::Reply("{ok: 1, n: 1, values: [], cursor: {id: 0, ns: \"db.c\", firstBatch: []}}");
const STEPPED_DOWN: Event = Event::Reply("{ok: 0, code: 189, errmsg: \"first\"}");
const LABELLED: Event = Event::Reply("{ok: 0, code: 1, errmsg: \"labelled\", errorLabels: [\"RetryableWriteError\"]}");
const NO_WRITES: Event = Event::Reply(
    "{ok: 0, code: 1, errmsg: \"no writes\", errorLabels: [\"RetryableWriteError\", \"NoWritesPerformed\"]}",
);
const OVERLOADED: Event = Event::Reply(
    "{ok: 0, code: 462, errmsg: \"overloaded\", errorLabels: [\"SystemOverloadedError\", \"RetryableError\"]}",
);
const DUPLICATE: Event = Event::Reply("{ok: 1, n: 0, writeErrors: [{index: 0, code: 11000, errmsg: \"twice\"}]}");

fn find() -> Find {
    Find::new(namespace(), doc("{}"))
}

fn insert() -> Insert {
    let one = doc("{_id: 1}");
    let ends = [one.as_bytes().len()].to_vec();
    Insert::new(namespace(), Documents::new(one.into_bytes(), ends))
}

fn inserts(count: usize) -> Insert {
    let one = doc("{_id: 1}");
    let bytes = one.as_bytes().repeat(count);
    let ends = (1..=count).map(|index| index * one.as_bytes().len()).collect();
    Insert::new(namespace(), Documents::new(bytes, ends))
}

fn delete_many() -> Delete {
    Delete::new(namespace(), [DeleteStatement::new(doc("{}"), false)]).unwrap()
}

#[track_caller]
fn text<T: fmt::Debug>(result: Result<T, Failed>) -> String {
    result.unwrap_err().text
}

/// Storage engines that take no numbered writes: the user is told what to do.
#[test]
fn a_refused_number_is_explained() {
    const REFUSED: Event = Event::Reply("{ok: 0, code: 20, errmsg: \"Transaction numbers are only allowed on\"}");
    let advice = "add retryWrites=false to your connection string";
    assert!(text(Host::replica_set().run(insert(), &[REFUSED])).contains(advice));
    assert!(!text(Host::replica_set().run(find(), &[REFUSED])).contains(advice));
    let mut host = Host::replica_set();
    host.retry.retry_writes = false;
    assert!(!text(host.run(insert(), &[REFUSED])).contains(advice));
}

#[test]
fn a_read_is_retried_once_after_a_transient_error() {
    for first in [Event::Lost, Event::Cleared, Event::Unreachable, Event::Refused(91), STEPPED_DOWN] {
        let mut host = Host::replica_set();
        assert!(host.run(find(), &[first, OK]).is_ok(), "{first:?}");
        assert!(host.sleeps.is_empty() && host.avoided.is_empty());
        let mut host = Host::replica_set();
        assert!(host.run(find(), &[first, first]).is_err(), "{first:?}");
        let mut host = Host::replica_set();
        host.retry.retry_reads = false;
        assert!(host.run(find(), &[first]).is_err(), "{first:?}");
    }
    for first in [Event::NoServer, Event::Refused(18), Event::Reply("{ok: 0, code: 2}")] {
        assert!(Host::replica_set().run(find(), &[first]).is_err(), "{first:?}");
    }
}

#[test]
fn without_being_asked_nothing_is_retried() {
    let mut host = Host::replica_set();
    host.retry = RetryOptions::NONE;
    for first in [Event::Lost, OVERLOADED] {
        assert!(host.run(find(), &[first]).is_err());
        assert!(host.run(insert(), &[first]).is_err());
        assert!(field(host.requests.last().unwrap(), "txnNumber").is_none());
    }
}

#[test]
fn a_write_keeps_its_number_and_its_session() {
    let mut host = Host::replica_set();
    assert!(host.run(insert(), &[Event::Lost, OK]).is_ok());
    assert_eq!(host.requests.len(), 2);
    assert_eq!(host.requests[0], host.requests[1]);
    assert_eq!(field(&host.requests[0], "txnNumber"), Some("1"));
    assert!(host.returned.as_ref().unwrap().is_dirty(), "the first attempt may still run");

    let mut host = Host::replica_set();
    assert!(host.run(insert(), &[LABELLED, OK]).is_ok());
    assert!(!host.returned.as_ref().unwrap().is_dirty());
}

#[test]
fn each_batch_has_a_number_and_a_retry_of_its_own() {
    let mut host = Host::replica_set();
    host.hello.limits.max_write_batch_size = 1;
    host.run(inserts(3), &[Event::Lost, OK, Event::Lost, OK, OK]).unwrap();
    let numbers: Vec<_> = host.requests.iter().map(|request| field(request, "txnNumber").unwrap()).collect();
    assert_eq!(numbers, ["1", "1", "2", "2", "3"]);
}

#[test]
fn only_what_may_be_repeated_is_a_retryable_write() {
    for kind in [ServerKind::RsPrimary, ServerKind::Mongos] {
        let mut host = Host::new(kind);
        assert!(host.run(delete_many(), &[Event::Lost]).is_err());
        assert!(host.run(delete_many(), &[Event::Unreachable]).unwrap_err().labels.is_empty());
        assert!(host.run(delete_many(), &[LABELLED]).is_err());
        assert!(host.requests.iter().all(|request| !request.contains("txnNumber")));
        assert!(host.run(Drop::new(namespace()), &[Event::Lost]).is_err());
    }
    let mut standalone = Host::new(ServerKind::Standalone);
    assert!(standalone.run(insert(), &[Event::Lost]).unwrap_err().labels.is_empty());
    assert!(!standalone.requests[0].contains("txnNumber") && standalone.requests[0].contains("lsid"));
    let mut unacknowledged = Host::replica_set();
    unacknowledged.settings = super::unacknowledged();
    unacknowledged.run(insert(), &[]).unwrap();
    assert!(!unacknowledged.requests[0].contains("txnNumber") && !unacknowledged.requests[0].contains("lsid"));
    // Without a session there is no number.
    let mut host = Host::replica_set();
    assert!(host.run_in(Given::Nothing, insert(), &[Event::Lost]).is_err());
    assert!(host.wanted_session && !host.requests[0].contains("lsid"));
}

#[test]
fn labels_of_writes_depend_on_the_server() {
    let label = "RetryableWriteError";
    let concern = Event::Reply("{ok: 1, n: 1, writeConcernError: {code: 91, errmsg: \"leaving\"}}");
    // 4.2: the driver knows.
    for event in [Event::Lost, STEPPED_DOWN, concern] {
        let mut host = Host::replica_set().wire_version(8);
        assert_eq!(host.run(insert(), &[event, event]).unwrap_err().labels, [label], "{event:?}");
    }
    let mut mongos = Host::new(ServerKind::Mongos).wire_version(8);
    assert_eq!(mongos.run(insert(), &[concern]).unwrap_err().labels, [""; 0]);
    assert_eq!(mongos.run(insert(), &[STEPPED_DOWN, STEPPED_DOWN]).unwrap_err().labels, [label]);
    // 4.4: the server says so.
    let mut new = Host::replica_set().wire_version(9);
    assert_eq!(new.run(insert(), &[STEPPED_DOWN]).unwrap_err().labels, [""; 0]);
    assert_eq!(new.run(insert(), &[concern]).unwrap_err().labels, [""; 0]);
    assert_eq!(new.run(insert(), &[Event::Lost, Event::Lost]).unwrap_err().labels, [label]);
    let labelled = Event::Reply(
        "{ok: 1, n: 1, writeConcernError: {code: 91, errmsg: \"leaving\"}, errorLabels: [\"RetryableWriteError\"]}",
    );
    assert!(new.run(insert(), &[labelled, OK]).is_ok());
    assert_eq!(new.run(insert(), &[labelled, labelled]).unwrap_err().labels, [label]);
    // Errors of single writes say nothing about the whole.
    let single = Event::Reply("{ok: 1, n: 0, writeErrors: [{index: 0, code: 189, errmsg: \"no\"}]}");
    assert!(Host::replica_set().wire_version(8).run(insert(), &[single]).is_err());
}

#[test]
fn a_handshake_that_fails_counts_as_on_an_old_server() {
    let error = Host::replica_set().run(insert(), &[Event::Refused(91), Event::Refused(91)]).unwrap_err();
    assert_eq!(error.labels, ["RetryableWriteError"]);
    assert!(Host::replica_set().run(insert(), &[Event::Unreachable, OK]).is_ok());
    assert!(Host::replica_set().run(insert(), &[Event::Refused(18)]).unwrap_err().labels.is_empty());
}

#[test]
fn the_error_returned_says_whether_a_write_was_attempted() {
    let returned = |script: &[Event]| text(Host::replica_set().with_timeout(0).run(insert(), script));
    // Only attempts: the last.
    assert!(returned(&[LABELLED, Event::Lost, DUPLICATE]).contains("twice"));
    // None: the first.
    assert_eq!(returned(&[Event::Cleared, Event::Unreachable, Event::NoServer]), "cleared");
    assert!(returned(&[NO_WRITES, Event::NoServer]).contains("no writes"));
    // Both: the last attempt.
    assert_eq!(returned(&[NO_WRITES, Event::Lost, NO_WRITES, Event::NoServer]), "lost");
    assert_eq!(returned(&[Event::Unreachable, Event::Lost, Event::Cleared, Event::NoServer]), "lost");
}

#[test]
fn a_retry_that_reaches_a_server_without_retryable_writes_returns_the_first_error() {
    let script = [Event::Lost, Event::Becomes(ServerKind::Standalone, 17)];
    assert_eq!(text(Host::replica_set().run(insert(), &script)), "lost");
    let script = [Event::Unreachable, Event::Becomes(ServerKind::Standalone, 17)];
    assert_eq!(text(Host::replica_set().run(insert(), &script)), "unreachable");
    // The server has not looked at it, so it needs no number.
    let script = [OVERLOADED, Event::Becomes(ServerKind::Standalone, 17), OK];
    assert!(Host::new(ServerKind::Standalone).run(insert(), &script).is_ok());
}

#[test]
fn with_a_timeout_there_are_retries_until_it_has_passed() {
    let mut host = Host::replica_set().with_timeout(1000);
    assert!(host.run(find(), &[&[Event::Lost; 20][..], &[OK]].concat()).is_ok());
    let mut host = Host::replica_set().with_timeout(45);
    assert_eq!(text(host.run(find(), &[Event::Lost; 5])), "timed out: lost");
    let mut host = Host::replica_set().with_timeout(45);
    assert_eq!(text(host.run(find(), &[Event::Lost, Event::Late])), "late");
    let mut host = Host::replica_set().with_timeout(45);
    let script = [Event::Lost, Event::Lost, Event::Lost, Event::Lost, Event::NoServer];
    assert_eq!(text(host.run(find(), &script)), "timed out: lost");
    // Zero is no limit, but a timeout all the same.
    let mut host = Host::replica_set().with_timeout(0);
    assert!(host.run(insert(), &[&[Event::Lost; 50][..], &[OK]].concat()).is_ok());
}

#[test]
fn what_would_come_too_late_is_not_sent() {
    let mut host = Host::replica_set().with_timeout(50);
    host.round_trip = Duration::from_millis(20);
    host.run(find(), &[OK]).unwrap();
    assert_eq!(field(&host.requests[0], "maxTimeMS"), Some("30"));
    // 30 ms later as much is left as the round trip takes.
    let script = [Event::Lost, Event::Lost, Event::Lost];
    assert_eq!(text(host.run(find(), &script)), "timed out: lost");
    host.round_trip = Duration::from_millis(50);
    assert_eq!(text(host.run(find(), &[])), "timed out");
    assert_eq!(host.requests.len(), 4);
}

#[test]
fn servers_that_failed_are_avoided_where_there_are_equals() {
    let mut host = Host::new(ServerKind::Mongos).with_timeout(0);
    host.run(find(), &[Event::Lost, Event::Cleared, Event::Unreachable, OK]).unwrap();
    assert_eq!(host.avoided, ["s1:27017", "s2:27017", "s3:27017"]);
    let mut host = Host::replica_set();
    host.run(find(), &[OVERLOADED, OK]).unwrap();
    assert_eq!(host.avoided, [""; 0]);
    host.retry.overload_retargeting = true;
    host.run(find(), &[OVERLOADED, OK]).unwrap();
    assert_eq!(host.avoided.len(), 1);
    host.run(find(), &[Event::Lost, OK]).unwrap();
    assert_eq!(host.avoided, [""; 0], "a replica set has no equals, unless they are overloaded");
}

#[test]
fn whatever_an_overloaded_server_refuses_is_sent_again_after_a_while() {
    fn check<O: Operation + Clone>(operation: O, ok: Event, retry: fn(bool, bool) -> bool)
    where
        O::Output: fmt::Debug,
    {
        for (retry_reads, retry_writes) in [(true, true), (true, false), (false, true), (false, false)] {
            let mut host = Host::replica_set();
            host.retry = RetryOptions { retry_reads, retry_writes, ..RetryOptions::DEFAULT };
            if retry(retry_reads, retry_writes) {
                assert!(host.run(operation.clone(), &[OVERLOADED, OVERLOADED, ok]).is_ok());
                assert_eq!(host.sleeps.len(), 2);
                assert!(host.run(operation.clone(), &[OVERLOADED; 3]).is_err(), "two retries");
            } else {
                assert!(host.run(operation.clone(), &[OVERLOADED]).is_err());
            }
        }
    }
    let run_command = RunCommand::new("db", doc("{ping: 1}")).unwrap();
    let get_more = GetMore {
        namespace: namespace(),
        cursor_id: 1,
        batch_size: None,
        max_await_time: None,
        comment: None,
        exhaust: false,
    };
    let more = Event::Reply("{ok: 1, cursor: {id: 0, ns: \"db.c\", nextBatch: []}}");
    check(find(), OK, |reads, _| reads);
    check(get_more, more, |reads, _| reads);
    check(insert(), OK, |_, writes| writes);
    check(delete_many(), OK, |_, writes| writes);
    check(Drop::new(namespace()), OK, |_, writes| writes);
    check(run_command, OK, |reads, writes| reads && writes);
}

#[test]
fn one_refusal_by_an_overloaded_server_limits_all_retries() {
    let mut host = Host::replica_set().with_timeout(100_000);
    assert!(host.run(find(), &[Event::Lost, OVERLOADED, Event::Lost]).is_err());
    assert_eq!(host.sleeps.len(), 1, "only after overload");
    assert!(host.run(find(), &[Event::Lost, Event::Lost, Event::Lost, OVERLOADED]).is_err());
    host.retry.max_adaptive_retries = 0;
    assert!(host.run(find(), &[OVERLOADED]).is_err());
    host.retry.max_adaptive_retries = 5;
    assert!(host.run(find(), &[OVERLOADED, OVERLOADED, OVERLOADED, OVERLOADED, OVERLOADED, OK]).is_ok());
}

#[test]
fn the_backoff_doubles_under_its_limit_and_the_server_may_set_its_base() {
    let tries = 9;
    let longest = |event: Event| {
        let mut longest = [Duration::ZERO; 9];
        for random in 0..300 {
            let mut host = Host::replica_set();
            host.random = random;
            host.retry.max_adaptive_retries = tries;
            assert!(host.run(find(), &[&[event; 9][..], &[OK]].concat()).is_ok());
            for (longest, sleep) in longest.iter_mut().zip(&host.sleeps) {
                *longest = (*longest).max(*sleep);
            }
        }
        longest.map(|longest| longest.as_millis())
    };
    let within = |found: [u128; 9], limits: [u128; 9]| {
        for (found, limit) in found.into_iter().zip(limits) {
            assert!(found <= limit && found * 10 > limit * 9, "{found} of {limit}");
        }
    };
    within(longest(OVERLOADED), [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000]);
    let based = Event::Reply(
        "{ok: 0, code: 462, baseBackoffMS: 1000, errorLabels: [\"SystemOverloadedError\", \"RetryableError\"]}",
    );
    within(longest(based), [2000, 4000, 8000, 10_000, 10_000, 10_000, 10_000, 10_000, 10_000]);
}

#[test]
fn a_backoff_beyond_the_deadline_ends_the_operation_at_once() {
    let based = Event::Reply(
        "{ok: 0, code: 462, errmsg: \"busy\", baseBackoffMS: 9000, errorLabels: [\"SystemOverloadedError\", \"RetryableError\"]}",
    );
    let mut host = Host::replica_set().with_timeout(15);
    assert!(text(host.run(find(), &[based])).contains("busy"));
    assert!(host.sleeps.is_empty());
}

#[test]
fn an_overload_without_the_label_that_allows_it_is_not_retried() {
    let only = Event::Reply("{ok: 0, code: 462, errorLabels: [\"SystemOverloadedError\"]}");
    assert!(Host::replica_set().run(find(), &[only]).is_err());
    let only = Event::Reply("{ok: 0, code: 462, errorLabels: [\"RetryableError\"]}");
    assert!(Host::replica_set().run(find(), &[only]).is_err());
    // It may be transient for another reason, and then there is a backoff too.
    let both = Event::Reply("{ok: 0, code: 91, errorLabels: [\"SystemOverloadedError\"]}");
    let mut host = Host::replica_set();
    assert!(host.run(find(), &[both, OK]).is_ok());
    assert_eq!(host.sleeps.len(), 1);
}

#[test]
fn w_timeout_is_ignored_under_a_timeout() {
    let limit = Some(Duration::from_millis(7));
    for (concern, with, without) in [
        (
            WriteConcern { w_timeout: limit, ..WriteConcern::majority() },
            "{w: \"majority\"}",
            "{w: \"majority\", wtimeout: 7}",
        ),
        (WriteConcern { w_timeout: limit, ..WriteConcern::default() }, "", "{wtimeout: 7}"),
    ] {
        let mut host = Host::replica_set();
        host.settings.write_concern = Some(concern.clone());
        host.run(insert(), &[OK]).unwrap();
        assert_eq!(field(&host.requests[0], "writeConcern").unwrap_or(""), without);
        let mut host = Host::replica_set().with_timeout(100);
        host.settings.write_concern = Some(concern);
        host.run(insert(), &[OK]).unwrap();
        assert_eq!(field(&host.requests[0], "writeConcern").unwrap_or(""), with);
    }
}

#[test]
fn a_socket_timeout_is_a_network_error() {
    let mut host = Host::replica_set();
    assert!(host.run(find(), &[Event::Slow, OK]).is_ok());
    let error = host.run(insert(), &[Event::Slow, Event::Slow]).unwrap_err();
    assert_eq!(error.labels, ["RetryableWriteError"]);
}

#[test]
fn a_timeout_while_waiting_for_the_reply_is_not_retried_and_leaves_the_session_dirty() {
    let mut host = Host::replica_set().with_timeout(100);
    let error = host.run(insert(), &[Event::Late]).unwrap_err();
    assert_eq!((error.class, error.text.as_str()), (FailureClass::Timeout, "late"));
    assert!(host.returned.unwrap().is_dirty());
}
