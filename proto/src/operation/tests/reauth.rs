//! Error 391: the user logs in again, once for each exchange, and the exchange is repeated.

use super::host::{Event, Host, field};
use super::*;
use crate::hello::ServerKind;
use crate::session::TransactionOptions;

const EXPIRED: &str = r#"{ok: 0, code: 391, codeName: "ReauthenticationRequired", errmsg: "expired"}"#;

fn names(server: &Server) -> Vec<&str> {
    server.requests.iter().map(|request| request.split([':', '"']).next().unwrap_or_default()).collect()
}

#[test]
fn an_exchange_is_repeated_after_the_login() {
    let mut server = Server::new(&[EXPIRED, "{ok: 1, n: 7}"]);
    assert_eq!(server.run(Count::new(namespace())), Ok(7));
    assert_eq!(names(&server), ["{count", "login", "{count"]);
    assert_eq!(server.requests[0], server.requests[2]);
}

#[test]
fn a_second_error_391_is_the_operations() {
    let mut server = Server::new(&[EXPIRED, EXPIRED]);
    assert_eq!(command_code(server.run(Count::new(namespace()))), 391);
    assert_eq!(names(&server), ["{count", "login", "{count"]);
}

#[test]
fn each_batch_of_a_write_may_need_its_own_login() {
    let replies = [EXPIRED, "{ok: 1, n: 1}", EXPIRED, "{ok: 1, n: 1}"];
    let mut server = Server::new(&replies).with_batches_of(1);
    let statement = DeleteStatement::new(doc("{a: 1}"), true);
    let delete = Delete::new(namespace(), [statement.clone(), statement]).unwrap();
    assert_eq!(server.run(delete).map(|_| ()), Ok(()));
    assert_eq!(names(&server), ["{delete", "login", "{delete", "{delete", "login", "{delete"]);
}

#[test]
fn the_host_may_fail_and_calls_out_of_turn_do_nothing() {
    let mut exec = Exec::<_, Failure>::new(Instant::ORIGIN, Count::new(namespace()), Settings::default(), None);
    exec.handle_reauthenticated(Instant::ORIGIN);
    assert_eq!(exec.poll_step(), Step::CheckOut);
    exec.handle_checked_out(Instant::ORIGIN, Reached::new(TopologyKind::Single));
    exec.handle_reply(Instant::ORIGIN, Reply::parse(message(1, doc(EXPIRED).as_doc()).into()).unwrap());
    assert_eq!(exec.poll_step(), Step::Reauthenticate);
    exec.handle_failed(Instant::ORIGIN, OperationError::Reply("no").into());
    assert!(matches!(exec.finish(), Some(Err(_))));
}

#[test]
fn a_retryable_write_keeps_its_number_and_has_its_retry_still() {
    let delete = Delete::new(namespace(), [DeleteStatement::new(doc("{}"), true)]).unwrap();
    let mut host = Host::replica_set();
    host.run(delete, &[Event::Reply(EXPIRED), Event::Lost, Event::Reply(EXPIRED), Event::Reply("{ok: 1, n: 1}")])
        .unwrap();
    let numbers: Vec<_> = host.requests.iter().map(|request| field(request, "txnNumber")).collect();
    let number = numbers[0];
    assert!(number.is_some());
    // Each attempt may need a login of its own.
    assert_eq!(numbers, [number, None, number, number, None, number]);
}

#[test]
fn a_failed_login_is_not_retried() {
    for event in [Event::Refused(18), Event::Unreachable] {
        let mut host = Host::replica_set();
        let failed = host.run(Count::new(namespace()), &[Event::Reply(EXPIRED), event]).unwrap_err();
        assert!(matches!(failed.text.as_str(), "refused" | "unreachable"), "{failed:?}");
        assert_eq!(host.requests.len(), 2);
    }
}

#[test]
fn the_first_command_of_a_transaction_is_the_first_once_more() {
    for kind in [ServerKind::RsPrimary, ServerKind::Mongos] {
        let mut host = Host::new(kind);
        host.session = Some(host.transaction(TransactionOptions::default()));
        let reply = Event::Reply("{ok: 1, n: 1, cursor: {id: 0, ns: \"db.c\", firstBatch: []}}");
        let find = || Find::new(namespace(), doc("{}"));
        host.run_explicit(find(), &[Event::Reply(EXPIRED), reply]).unwrap();
        host.run_explicit(find(), &[Event::Reply(EXPIRED), reply]).unwrap();
        let starts: Vec<_> = host.requests.iter().map(|request| field(request, "startTransaction")).collect();
        assert_eq!(starts, [Some("true"), None, Some("true"), None, None, None]);
    }
}
