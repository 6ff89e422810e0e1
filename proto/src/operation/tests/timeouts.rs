//! Timeouts that servers report, timeout modes, and deadlines that began earlier.

use super::host::{Event, Given, Host};
use super::*;
use crate::retry::FailureClass;
use crate::session::{SessionOptions, TransactionOptions};

const TIMEOUT: Option<Duration> = Some(Duration::from_secs(3));

fn insert() -> Insert {
    let one = doc("{_id: 1}");
    let ends = [one.as_bytes().len()].to_vec();
    Insert::new(namespace(), Documents::new(one.into_bytes(), ends))
}

/// Each way in which a server says that the time was up (specification *Client Side Operations Timeout*, "Error
/// Transformations").
const MAX_TIME_EXPIRED: [&str; 3] = [
    "{ok: 0, code: 50, errmsg: \"too late\"}",
    "{ok: 1, n: 0, writeErrors: [{index: 0, code: 50, errmsg: \"too late\"}]}",
    "{ok: 1, n: 1, writeConcernError: {code: 50, errmsg: \"too late\"}}",
];

#[test]
fn a_time_that_the_server_was_given_is_the_operations_own() {
    for reply in MAX_TIME_EXPIRED {
        let error = Host::replica_set().with_timeout(100).run(insert(), &[Event::Reply(reply)]).unwrap_err();
        assert_eq!(error.class, FailureClass::Timeout, "{reply}");
        assert!(error.text.starts_with("timed out: ") && error.text.contains("too late"), "{}", error.text);
        let error = Host::replica_set().with_timeout(0).run(insert(), &[Event::Reply(reply)]).unwrap_err();
        assert_eq!(error.class, FailureClass::Timeout, "no limit by choice: the new errors, all the same");
        let error = Host::replica_set().run(insert(), &[Event::Reply(reply)]).unwrap_err();
        assert_eq!((error.class, error.text.contains("timed out")), (FailureClass::Server, false), "without a timeout");
    }
}

#[test]
fn another_code_is_another_error() {
    for reply in MAX_TIME_EXPIRED {
        let reply = reply.replace("code: 50", "code: 51");
        let error = Host::replica_set().with_timeout(100).run(insert(), &[Event::Reply(reply.leak())]).unwrap_err();
        assert_eq!(error.class, FailureClass::Server);
    }
}

#[test]
fn a_commit_whose_time_was_up_on_the_server_is_a_timeout_of_unknown_outcome() {
    let mut host = Host::replica_set().with_timeout(100);
    host.session = Some(host.transaction(TransactionOptions::default()));
    host.run_explicit(insert(), &[Event::Reply("{ok: 1, n: 1}")]).unwrap();
    let commit = host.session.as_mut().unwrap().commit_transaction().unwrap().unwrap();
    let error = host.run_explicit(commit, &[Event::Reply(MAX_TIME_EXPIRED[0])]).unwrap_err();
    assert_eq!(error.class, FailureClass::Timeout);
    let again = host.session.as_mut().unwrap().commit_transaction();
    assert!(again.unwrap().is_some(), "nobody knows whether it was committed");
}

#[test]
fn a_part_of_something_larger_has_what_is_left_of_its_time() {
    let mut host = Host::replica_set().with_timeout(100_000);
    host.settings.deadline = Some(host.now + Duration::from_millis(700));
    host.round_trip = Duration::from_millis(50);
    host.run(Count::new(namespace()), &[Event::Reply("{ok: 1, n: 1}")]).unwrap();
    assert_eq!(host::field(&host.requests[0], "maxTimeMS"), Some("650"));

    host.settings.deadline = Some(host.now);
    let error = host.run(Count::new(namespace()), &[]).unwrap_err();
    assert_eq!((error.class, host.requests.len()), (FailureClass::Timeout, 1), "nothing was sent");

    host.settings.timeout = None;
    host.settings.deadline = Some(Instant::FAR_FUTURE);
    let given = Count { max_time: TIMEOUT, ..Count::new(namespace()) };
    host.run(given, &[Event::Reply("{ok: 1, n: 1}")]).unwrap();
    assert_eq!(
        host::field(&host.requests[1], "maxTimeMS"),
        None,
        "no limit by choice: the deprecated option counts not"
    );
}

#[test]
fn a_session_with_a_deadline_has_its_operations_under_it_but_not_its_abort() {
    let mut host = Host::replica_set();
    let mut session = host.transaction(TransactionOptions::default());
    session.set_deadline(Some(host.now + Duration::from_millis(500)));
    host.session = Some(session);
    host.run_explicit(insert(), &[Event::Reply("{ok: 1, n: 1}")]).unwrap();
    assert_eq!(host::field(&host.requests[0], "maxTimeMS"), Some("500"));
    let abort = host.session.as_mut().unwrap().abort_transaction().unwrap().unwrap();
    host.settings.timeout = Some(Duration::from_millis(900));
    host.run_explicit(abort, &[Event::Reply("{ok: 1}")]).unwrap();
    assert_eq!(host::field(&host.requests[1], "maxTimeMS"), Some("900"), "a fresh one");
}

#[test]
fn a_server_has_a_limit_for_the_time_that_it_is_given() {
    let mut host = Host::replica_set();
    host.settings.timeout = Some(Duration::from_secs(1 << 33));
    host.run(Count::new(namespace()), &[Event::Reply("{ok: 1, n: 1}")]).unwrap();
    assert_eq!(host::field(&host.requests[0], "maxTimeMS"), Some("2147483647"));
}

/// Whether an operation is refused before anything is sent; otherwise the `maxTimeMS` of its first command.
fn opened(operation: impl Operation + Clone, timeout: Option<Duration>) -> Result<Option<String>, String> {
    let mut host = Host::replica_set();
    host.settings.timeout = timeout;
    let script = [Event::Reply("{ok: 0, code: 1, errmsg: \"server\"}")];
    let exec = Exec::<_, host::Failed>::new(host.now, operation.clone(), host.settings.clone(), None);
    if exec.poll_step() == Step::Done {
        let Some(Err(error)) = exec.finish() else { panic!("an error") };
        return Err(error.text);
    }
    let _ = host.run_in(Given::Nothing, operation, &script);
    Ok(host::field(&host.requests[0], "maxTimeMS").map(ToOwned::to_owned))
}

fn find(cursor_type: CursorType, timeout_mode: Option<TimeoutMode>) -> Find {
    Find { cursor_type, timeout_mode, ..Find::new(namespace(), doc("{}")) }
}

fn aggregate(pipeline: &str, timeout_mode: Option<TimeoutMode>) -> Aggregate {
    let mut aggregate = Aggregate::new(AggregateTarget::Collection(namespace()), array(pipeline));
    aggregate.timeout_mode = timeout_mode;
    aggregate
}

fn list(timeout_mode: Option<TimeoutMode>) -> ListCollections {
    ListCollections { timeout_mode, ..ListCollections::new("db") }
}

const WHOLE: Option<TimeoutMode> = Some(TimeoutMode::CursorLifetime);
const EACH: Option<TimeoutMode> = Some(TimeoutMode::Iteration);

#[test]
fn only_a_timeout_for_the_whole_life_of_a_cursor_is_told_to_the_server() {
    let told = Ok(Some("3000".to_owned()));
    for (mode, told) in [(None, told.clone()), (WHOLE, told.clone()), (EACH, Ok(None))] {
        assert_eq!(opened(find(CursorType::NonTailable, mode), TIMEOUT), told, "{mode:?}");
        assert_eq!(opened(find(CursorType::Exhaust, mode), TIMEOUT), told, "{mode:?}");
        assert_eq!(opened(aggregate("[{$match: {}}]", mode), TIMEOUT), told, "{mode:?}");
        assert_eq!(opened(list(mode), TIMEOUT), told, "{mode:?}");
    }
    for mode in [None, EACH] {
        assert_eq!(opened(find(CursorType::Tailable, mode), TIMEOUT), Ok(None));
        assert_eq!(opened(find(CursorType::TailableAwait, mode), TIMEOUT), told);
    }
}

#[test]
fn a_timeout_mode_needs_a_timeout_though_it_may_be_zero() {
    let refused = Err("invalid argument: a timeout mode needs a timeout".to_owned());
    for mode in [WHOLE, EACH] {
        assert_eq!(opened(find(CursorType::NonTailable, mode), None), refused);
        assert_eq!(opened(aggregate("[]", mode), None), refused);
        assert_eq!(opened(list(mode), None), refused);
        assert_eq!(opened(list(mode), Some(Duration::ZERO)), Ok(None));
    }
}

#[test]
fn a_tailable_cursor_has_no_whole_life() {
    for cursor_type in [CursorType::Tailable, CursorType::TailableAwait] {
        for timeout in [None, TIMEOUT] {
            let error = opened(find(cursor_type, WHOLE), timeout).unwrap_err();
            assert!(error.contains("tailable"), "{error}");
        }
    }
}

#[test]
fn a_pipeline_that_writes_has_no_iteration() {
    for pipeline in ["[{$match: {}}, {$out: \"x\"}]", "[{$merge: {into: \"x\"}}]"] {
        assert!(opened(aggregate(pipeline, EACH), TIMEOUT).unwrap_err().contains("$merge"));
        assert_eq!(opened(aggregate(pipeline, WHOLE), TIMEOUT), Ok(Some("3000".to_owned())));
    }
}

#[test]
fn a_server_must_not_wait_longer_for_documents_than_the_client_waits_for_it() {
    for (wait, timeout, accepted) in [
        (Some(2999), TIMEOUT, true),
        (Some(3000), TIMEOUT, false),
        (Some(3001), TIMEOUT, false),
        (Some(3001), Some(Duration::ZERO), true),
        (Some(3001), None, true),
        (None, TIMEOUT, true),
    ] {
        let max_await_time = wait.map(Duration::from_millis);
        let mut tail = find(CursorType::TailableAwait, None);
        tail.options.max_await_time = max_await_time;
        assert_eq!(opened(tail, timeout).is_ok(), accepted, "{wait:?} {timeout:?}");
        let mut watch = aggregate("[]", None);
        watch.max_await_time = max_await_time;
        assert_eq!(opened(watch, timeout).is_ok(), accepted, "{wait:?} {timeout:?}");
    }
}

#[test]
fn a_session_of_no_deadline_changes_nothing() {
    let mut host = Host::replica_set().with_timeout(250);
    host.session = Some(host.session(SessionOptions::default()));
    host.run_explicit(insert(), &[Event::Reply("{ok: 1, n: 1}")]).unwrap();
    assert_eq!(host::field(&host.requests[0], "maxTimeMS"), Some("250"));
}
