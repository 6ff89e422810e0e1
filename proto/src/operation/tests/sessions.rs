//! Sessions on a scripted host: what commands carry and what replies teach.

use stator_wire::bson::Timestamp;

use super::host::{Event, Given, Host, field};
use super::*;
use crate::hello::ServerKind;
use crate::session::{ClusterTime, EndSessions, SessionError, SessionId, SessionOptions};

const OK: Event = Event::Reply("{ok: 1, n: 1, values: [], cursor: {id: 0, ns: \"db.c\", firstBatch: []}}");
/// Taught by a replica set.
const AT_5: Event = Event::Reply(
    "{ok: 1, n: 1, operationTime: T5, $clusterTime: {clusterTime: T6, signature: {keyId: 1}}, \
     cursor: {id: 0, ns: \"db.c\", firstBatch: []}}",
);
const REFUSED_AT_7: Event =
    Event::Reply("{ok: 0, code: 1, operationTime: T7, $clusterTime: {clusterTime: T8, signature: {keyId: 1}}}");

fn find() -> Find {
    Find::new(namespace(), doc("{}"))
}

fn delete() -> Delete {
    Delete::new(namespace(), [DeleteStatement::new(doc("{}"), true)]).unwrap()
}

fn ping() -> RunCommand {
    RunCommand::new("db", doc("{ping: 1}")).unwrap()
}

fn get_more() -> GetMore {
    GetMore {
        namespace: namespace(),
        cursor_id: 1,
        batch_size: None,
        max_await_time: None,
        comment: None,
        exhaust: false,
    }
}

fn at(time: u32) -> Timestamp {
    Timestamp { time, increment: 1 }
}

/// The value of a key in the last request.
fn last<'a>(host: &'a Host, key: &str) -> Option<&'a str> {
    field(host.requests.last().unwrap(), key)
}

fn refusal<T: fmt::Debug>(result: Result<T, host::Failed>, error: SessionError) {
    assert_eq!(result.unwrap_err().text, format!("{error}"));
}

#[test]
fn an_implicit_session_is_stamped_and_comes_back() {
    let mut host = Host::replica_set();
    host.run(find(), &[OK]).unwrap();
    let id = SessionId::from_random([8; 16]);
    assert!(last(&host, "lsid").unwrap().starts_with("{id: Binary(4, "));
    let returned = host.returned.take().unwrap();
    assert_eq!((returned.id(), returned.is_dirty(), returned.last_use()), (id, false, Instant::from_millis(1000)));
    host.run(find(), &[Event::Lost, OK]).unwrap();
    assert!(host.returned.unwrap().is_dirty());
}

#[test]
fn a_deployment_without_sessions_gets_none() {
    let mut host = Host::replica_set();
    host.hello.logical_session_timeout = None;
    host.run(find(), &[OK]).unwrap();
    assert!(last(&host, "lsid").is_none() && host.returned.is_none() && !host.wanted_session);
    let session = host.session(SessionOptions::default());
    refusal(host.run_in(Given::Explicit(session), find(), &[]), SessionError::Unsupported);
}

#[test]
fn a_load_balancer_always_has_sessions() {
    let mut host = Host::new(ServerKind::LoadBalancer);
    host.hello.logical_session_timeout = None;
    host.session = Some(host.session(SessionOptions::default()));
    host.run_explicit(find(), &[OK]).unwrap();
    assert!(last(&host, "lsid").is_some());
}

#[test]
fn what_belongs_to_a_cursor_has_the_session_that_it_is_given() {
    let more = Event::Reply("{ok: 1, cursor: {id: 0, ns: \"db.c\", nextBatch: []}}");
    let mut host = Host::replica_set();
    host.run(get_more(), &[more]).unwrap();
    assert!(!host.wanted_session && last(&host, "lsid").is_none());
    host.run(KillCursors::new(namespace(), 1), &[OK]).unwrap();
    assert!(!host.wanted_session);
    host.session = Some(host.session(SessionOptions::default()));
    host.run_explicit(find(), &[AT_5]).unwrap();
    let id = last(&host, "lsid").unwrap().to_owned();
    host.run_explicit(get_more(), &[more]).unwrap();
    assert_eq!(last(&host, "lsid"), Some(id.as_str()));
    assert!(last(&host, "readConcern").is_none());
}

#[test]
fn end_sessions_names_ids_and_has_no_session() {
    let mut host = Host::replica_set();
    host.run(EndSessions { ids: [SessionId::from_random([1; 16]); 2].into() }, &[OK]).unwrap();
    assert!(last(&host, "lsid").is_none() && !host.wanted_session);
    assert_eq!(last(&host, "endSessions").unwrap().matches("{id: Binary(4, ").count(), 2);
}

#[test]
fn an_unacknowledged_write_has_no_session() {
    let mut host = Host::replica_set();
    host.settings = unacknowledged();
    host.run(delete(), &[]).unwrap();
    assert!(!host.wanted_session && last(&host, "lsid").is_none());
    let session = host.session(SessionOptions::default());
    refusal(host.run_in(Given::Explicit(session), delete(), &[]), SessionError::UnacknowledgedWrite);
}

#[test]
fn cluster_time_goes_round() {
    let mut host = Host::replica_set();
    host.run(find(), &[AT_5]).unwrap();
    assert!(last(&host, "$clusterTime").is_none());
    assert_eq!(host.cluster_time.as_ref().unwrap().timestamp(), at(6));
    host.run(delete(), &[REFUSED_AT_7]).unwrap_err();
    assert_eq!(last(&host, "$clusterTime"), Some("{clusterTime: Timestamp(6, 1), signature: {keyId: 1}}"));
    assert_eq!(host.cluster_time.as_ref().unwrap().timestamp(), at(8));
    // An older one changes nothing, and is not passed on.
    host.run(find(), &[AT_5]).unwrap();
    assert_eq!(host.cluster_time.as_ref().unwrap().timestamp(), at(8));
    // What an attempt has taught the next one says.
    host.cluster_time = None;
    let stepped_down = Event::Reply("{ok: 0, code: 189, $clusterTime: {clusterTime: T9}}");
    host.run(find(), &[stepped_down, OK]).unwrap();
    assert_eq!(last(&host, "$clusterTime"), Some("{clusterTime: Timestamp(9, 1)}"));
}

#[test]
fn the_later_of_two_cluster_times_is_sent_and_the_clients_is_never_the_users() {
    let told = ClusterTime::parse(doc("{clusterTime: T50}").as_doc()).unwrap();
    let mut host = Host::replica_set();
    let mut session = host.session(SessionOptions::default());
    session.advance_cluster_time(&told);
    host.session = Some(session);
    host.run_explicit(find(), &[AT_5]).unwrap();
    assert_eq!(last(&host, "$clusterTime"), Some("{clusterTime: Timestamp(50, 1)}"));
    assert_eq!(host.session.as_ref().unwrap().cluster_time().unwrap().timestamp(), at(50));
    assert_eq!(host.cluster_time.as_ref().unwrap().timestamp(), at(6));
    host.cluster_time = ClusterTime::parse(doc("{clusterTime: T60}").as_doc());
    host.run_explicit(find(), &[AT_5]).unwrap();
    assert_eq!(last(&host, "$clusterTime"), Some("{clusterTime: Timestamp(60, 1)}"));
}

#[test]
fn a_session_follows_times_that_are_no_news_to_the_client() {
    let mut host = Host::replica_set();
    host.cluster_time = ClusterTime::parse(doc("{clusterTime: T60}").as_doc());
    host.session = Some(host.session(SessionOptions::default()));
    host.run_explicit(find(), &[AT_5]).unwrap();
    assert_eq!(host.session.as_ref().unwrap().cluster_time().unwrap().timestamp(), at(6));
}

#[test]
fn operations_of_a_causally_consistent_session_see_each_other() {
    let mut host = Host::replica_set();
    host.settings = concerns();
    host.session = Some(host.session(SessionOptions::default()));
    host.run_explicit(find(), &[AT_5]).unwrap();
    assert_eq!(last(&host, "readConcern"), Some("{level: \"majority\"}"), "there is no time yet");
    host.run_explicit(find(), &[REFUSED_AT_7]).unwrap_err();
    assert_eq!(last(&host, "readConcern"), Some("{level: \"majority\", afterClusterTime: Timestamp(5, 1)}"));
    host.settings = Settings::default();
    host.run_explicit(delete(), &[AT_5]).unwrap();
    assert_eq!(last(&host, "readConcern"), Some("{afterClusterTime: Timestamp(7, 1)}"), "errors count, writes too");
    assert_eq!(host.session.as_ref().unwrap().operation_time(), Some(at(7)), "time does not go back");
    host.run_explicit(Create::new(namespace()), &[OK]).unwrap();
    assert!(last(&host, "readConcern").is_some());
    host.run_explicit(ping(), &[OK]).unwrap();
    assert!(last(&host, "readConcern").is_none(), "a command of the user's is left alone");
    host.run_explicit(ListDatabases::new(), &[Event::Reply("{ok: 1, databases: []}")]).unwrap();
    assert!(last(&host, "readConcern").is_none(), "takes none");
    host.hello.kind = ServerKind::Standalone;
    host.run_explicit(find(), &[OK]).unwrap();
    assert!(last(&host, "readConcern").is_none(), "one server has one order");
}

#[test]
fn without_causal_consistency_each_operation_stands_alone() {
    let options = SessionOptions { causal_consistency: Some(false), ..SessionOptions::default() };
    let mut host = Host::replica_set();
    host.session = Some(host.session(options));
    host.run_explicit(find(), &[AT_5]).unwrap();
    host.run_explicit(find(), &[AT_5]).unwrap();
    assert!(last(&host, "readConcern").is_none());
    assert_eq!(host.session.as_ref().unwrap().operation_time(), Some(at(5)));
    // Implicit sessions are never causally consistent.
    host.run(find(), &[AT_5]).unwrap();
    assert!(last(&host, "readConcern").is_none());
}

#[test]
fn all_reads_of_a_snapshot_session_see_one_time() {
    let snapshot = SessionOptions { snapshot: true, ..SessionOptions::default() };
    let first =
        Event::Reply("{ok: 1, operationTime: T5, cursor: {atClusterTime: T4, id: 0, ns: \"db.c\", firstBatch: []}}");
    let distinct = Event::Reply("{ok: 1, values: [], atClusterTime: T3}");
    let mut host = Host::replica_set();
    host.settings = concerns();
    host.session = Some(host.session(snapshot.clone()));
    host.run_explicit(find(), &[first]).unwrap();
    assert_eq!(last(&host, "readConcern"), Some("{level: \"snapshot\"}"));
    host.run_explicit(Distinct::new(namespace(), "a", doc("{}")), &[distinct]).unwrap();
    assert_eq!(last(&host, "readConcern"), Some("{level: \"snapshot\", atClusterTime: Timestamp(4, 1)}"));
    assert_eq!(host.session.as_ref().unwrap().snapshot_time(), Some(at(4)));
    // The server is to refuse what it cannot do.
    for request in [host.run_explicit(delete(), &[OK]).is_ok(), host.run_explicit(ping(), &[OK]).is_ok()] {
        assert!(request);
        assert_eq!(last(&host, "readConcern"), Some("{level: \"snapshot\", atClusterTime: Timestamp(4, 1)}"));
    }
    host.session = Some(host.session(snapshot.clone()));
    host.run_explicit(Distinct::new(namespace(), "a", doc("{}")), &[distinct]).unwrap();
    assert_eq!(host.session.as_ref().unwrap().snapshot_time(), Some(at(3)));
    host.session = Some(host.session(SessionOptions { snapshot_time: Some(at(2)), ..snapshot.clone() }));
    host.run_explicit(find(), &[first]).unwrap();
    assert_eq!(last(&host, "readConcern"), Some("{level: \"snapshot\", atClusterTime: Timestamp(2, 1)}"));
    let mut old = Host::replica_set().wire_version(12);
    let session = old.session(snapshot);
    refusal(old.run_in(Given::Explicit(session), find(), &[]), SessionError::SnapshotUnsupported);
}

#[test]
fn an_ended_session_is_of_no_use() {
    let mut host = Host::replica_set();
    let mut session = host.session(SessionOptions::default());
    assert!(session.end().is_some());
    assert!(session.end().is_none() && session.is_ended());
    refusal(host.run_in(Given::Explicit(session), find(), &[]), SessionError::Ended);
}

#[test]
fn a_retryable_write_of_an_explicit_session_counts_on() {
    let mut host = Host::replica_set();
    host.session = Some(host.session(SessionOptions::default()));
    for number in ["1", "2", "3"] {
        host.run_explicit(delete(), &[Event::Lost, OK]).unwrap();
        assert_eq!(last(&host, "txnNumber"), Some(number));
        host.run_explicit(find(), &[OK]).unwrap();
        assert!(last(&host, "txnNumber").is_none());
    }
    assert!(host.session.unwrap().is_dirty());
}

#[test]
fn the_deadline_of_a_session_replaces_that_of_its_operations() {
    let mut host = Host::replica_set();
    let mut session = host.session(SessionOptions::default());
    session.set_deadline(Some(host.now + Duration::from_millis(500)));
    host.session = Some(session);
    host.run_explicit(find(), &[OK]).unwrap();
    assert_eq!(last(&host, "maxTimeMS"), Some("500"));
    host.run_explicit(find(), &[OK]).unwrap();
    assert_eq!(last(&host, "maxTimeMS"), Some("490"));
    let given = Settings { timeout: Some(Duration::from_secs(1)), ..Settings::default() };
    assert_eq!(host.session.as_ref().unwrap().check_options(&given), Err(SessionError::TimeoutInTransaction));
}

#[test]
fn hostile_replies_teach_nothing() {
    let odd = Event::Reply(
        "{ok: 1, $clusterTime: 5, operationTime: \"x\", recoveryToken: 1, atClusterTime: 2, errorLabels: {a: 1}, \
         writeConcernError: 7, cursor: {id: 0, ns: \"db.c\", firstBatch: []}}",
    );
    let mut host = Host::replica_set();
    host.session = Some(host.session(SessionOptions { snapshot: true, ..SessionOptions::default() }));
    host.run_explicit(find(), &[odd]).unwrap();
    let _ = host.run_explicit(delete(), &[odd]);
    let session = host.session.unwrap();
    assert_eq!((session.operation_time(), session.snapshot_time()), (None, None));
    assert!(session.cluster_time().is_none() && host.cluster_time.is_none());
}
