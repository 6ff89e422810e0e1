//! The prose tests of *Driver Sessions* and *Snapshot Reads*.
//!
//! Not here: 7, 16 and 17, a client has one user and keeps it; 12 and 13, a process that forks without `exec` cannot use a client in
//! the child; 15 was removed; 23, the time is read with an accessor and cannot be written. 10 asks for no test.
#![cfg(unix)]

use std::sync::Mutex;

use stator_blocking::{Blocking, Client, Collection};
use stator_client::event::{Event, TopologyEvent};
use stator_client::options::{Overrides, ReadPreference, UpdateOneModel};
use stator_client::session::SessionError;
use stator_client::{BlockOn, Bson, Document, Error, ErrorKind, doc};
use stator_proto::operation::OperationError;
use stator_sim::Sim;
use stator_sim::server::{Config, FakeServer};
use stator_testkit::prose::{self, Action, Record, with_options};
use stator_testkit::server::unique_db;

fn client(record: &Record, options: &str) -> Client {
    record.client(Blocking, &with_options(&prose::set().uri(), options))
}

fn things(client: &Client) -> Collection<Document> {
    client.database(&unique_db("sessions")).collection("things")
}

fn session_error(error: &Error) -> SessionError {
    match error.kind() {
        ErrorKind::Operation(OperationError::Session(error)) => *error,
        other => panic!("{other:?}"),
    }
}

fn lsid(command: &Document) -> Option<&Document> {
    command.get_document("lsid").ok()
}

/// 1: Setting both `snapshot` and `causalConsistency` to true is not allowed.
#[test]
fn prose_1_snapshot_and_causal_consistency_exclude_each_other() {
    let client = client(&Record::new(), "");
    let started = client.start_session().snapshot(true).causal_consistency(true).run();
    assert_eq!(session_error(&started.unwrap_err()), SessionError::SnapshotWithCausalConsistency);
}

/// 2: Pool is LIFO.
#[test]
fn prose_2_the_pool_is_lifo() {
    let client = client(&Record::new(), "");
    let (a, b) = (client.start_session().run().unwrap(), client.start_session().run().unwrap());
    let ids = (b.id(), a.id());
    a.end().run().unwrap();
    b.end().run().unwrap();
    let (first, second) = (client.start_session().run().unwrap(), client.start_session().run().unwrap());
    assert_eq!((first.id(), second.id()), ids);
}

/// 3: `$clusterTime` in commands.
#[test]
fn prose_3_cluster_time_in_commands() {
    let record = Record::new();
    let things = things(&client(&record, ""));
    // No time is known before the first reply: handshakes are SDAM's commands, whose replies are not looked at.
    things.database().run_command(doc! { "ping": 1 }).run().unwrap();
    let wanted = ["run_command", "aggregate", "find", "insert_one"];
    let mut seen = 0;
    for action in prose::all().iter().filter(|action| wanted.contains(&action.name)) {
        action.run(&things, None).unwrap();
        let sent = record.last(action.command);
        assert!(sent.contains_key("$clusterTime"), "{}: {sent}", action.name);
        let told = record.replies(action.command).pop().unwrap().get("$clusterTime").cloned();
        action.run(&things, None).unwrap();
        assert_eq!(record.last(action.command).get("$clusterTime"), told.as_ref(), "{}", action.name);
        seen += 1;
    }
    assert_eq!(seen, wanted.len());
}

/// 4: Explicit and implicit session arguments.
#[test]
fn prose_4_explicit_and_implicit_session_arguments() {
    let record = Record::new();
    let client = client(&record, "");
    let things = things(&client);
    let session = client.start_session().run().unwrap();
    let run = |action: &Action<Blocking>, session| {
        record.clear();
        action.run(&things, session).unwrap_or_else(|error| panic!("{}: {error}", action.name));
        record.started(action.command)
    };
    for action in prose::all() {
        let sent = run(&action, Some(&session));
        assert!(!sent.is_empty() && sent.iter().all(|sent| lsid(sent) == Some(&session.id())), "{}", action.name);
        if action.name == "create_collection" {
            // It can be created once.
            things.database().collection::<Document>("made").drop().run().unwrap();
        }
        let sent = run(&action, None);
        assert!(!sent.is_empty() && sent.iter().all(|sent| lsid(sent).is_some()), "{}", action.name);
        assert!(sent.iter().all(|sent| lsid(sent) != Some(&session.id())), "{}", action.name);
    }
}

/// 5: Session argument is for the right client.
#[test]
fn prose_5_a_session_argument_is_for_the_right_client() {
    let record = Record::new();
    let things = things(&client(&record, ""));
    let session = client(&Record::new(), "").start_session().run().unwrap();
    for action in prose::all() {
        let error = action.fail(&things, Some(&session));
        assert_eq!(session_error(&error), SessionError::ForeignClient, "{}", action.name);
    }
    assert_eq!(record.commands("").len(), 0);
}

/// 6: No further operations can be performed using a session after `endSession` has been called. (Dropping the last handle ends it
/// too, after which there is nothing left to use.)
#[test]
fn prose_6_nothing_after_end_session() {
    let record = Record::new();
    let client = client(&record, "");
    let session = client.start_session().run().unwrap();
    let things = things(&client);
    session.end().run().unwrap();
    for action in prose::all() {
        let error = action.fail(&things, Some(&session));
        assert_eq!(session_error(&error), SessionError::Ended, "{}", action.name);
    }
    assert_eq!(record.commands("").len(), 0);
}

/// 8: Client-side cursor that exhausts the results on the initial query immediately returns the implicit session to the pool.
#[test]
fn prose_8_a_cursor_exhausted_by_find_returns_its_session() {
    let record = Record::new();
    let things = things(&client(&record, ""));
    things.insert_many([doc! { "x": 1 }, doc! { "x": 2 }]).run().unwrap();
    let mut cursor = things.find(doc! {}).run().unwrap();
    cursor.next().unwrap().unwrap();
    let used = lsid(&record.last("find")).cloned().unwrap();
    things.database().run_command(doc! { "ping": 1 }).run().unwrap();
    assert_eq!(lsid(&record.last("ping")), Some(&used));
    assert_eq!(cursor.count(), 1);
}

/// 9: Client-side cursor that exhausts the results after a `getMore` immediately returns the implicit session to the pool.
#[test]
fn prose_9_a_cursor_exhausted_by_get_more_returns_its_session() {
    let record = Record::new();
    let things = things(&client(&record, ""));
    things.insert_many((0..5).map(|x| doc! { "x": x })).run().unwrap();
    let mut cursor = things.find(doc! {}).batch_size(3).run().unwrap();
    for _ in 0..3 {
        cursor.next().unwrap().unwrap();
    }
    let used = lsid(&record.last("find")).cloned().unwrap();
    // Still open: the session is in use.
    things.database().run_command(doc! { "ping": 1 }).run().unwrap();
    assert_ne!(lsid(&record.last("ping")), Some(&used));
    cursor.next().unwrap().unwrap();
    assert_eq!(lsid(&record.last("getMore")), Some(&used));
    things.database().run_command(doc! { "ping": 1 }).run().unwrap();
    assert_eq!(lsid(&record.last("ping")), Some(&used));
    assert_eq!(cursor.count(), 1);
}

/// 11: For every combination of topology and readPreference, ensure that `find` and `getMore` both send the same session id.
#[test]
fn prose_11_find_and_get_more_send_the_same_session_id() {
    for uri in [prose::set().uri(), prose::standalone().uri()] {
        let record = Record::new();
        let things = things(&record.client(Blocking, &with_options(&uri, "w=majority")));
        let causal = things.database().client().start_session().run().unwrap();
        things.insert_many((0..3).map(|x| doc! { "x": x })).session(&causal).run().unwrap();
        for preference in [
            ReadPreference::primary(),
            ReadPreference::primary_preferred(),
            ReadPreference::secondary(),
            ReadPreference::secondary_preferred(),
            ReadPreference::nearest(),
        ] {
            // A secondary may not have the documents yet.
            let session = things.database().client().start_session().run().unwrap();
            if let (Some(cluster), Some(time)) = (causal.cluster_time(), causal.operation_time()) {
                session.advance_cluster_time(&cluster);
                session.advance_operation_time(time);
                things.find_one(doc! {}).read_preference(preference.clone()).session(&session).run().unwrap();
            }
            record.clear();
            let chosen = things.with(&Overrides { read_preference: Some(preference.clone()), ..Overrides::default() });
            let mut found = 0;
            while found < 3 {
                // Another secondary than the one that was waited for may be asked.
                record.clear();
                found = chosen.find(doc! {}).batch_size(2).run().unwrap().map(Result::unwrap).count();
            }
            let (find, more) = (record.last("find"), record.last("getMore"));
            let Some(Bson::Binary(id)) = lsid(&find).and_then(|lsid| lsid.get("id")) else { panic!("{find}") };
            assert!(id.bytes.iter().any(|byte| *byte != 0));
            assert_eq!(lsid(&find), lsid(&more), "{preference:?}");
        }
    }
}

/// 14: Implicit sessions only allocate their server session after a successful connection checkout.
#[test]
fn prose_14_implicit_sessions_are_allocated_after_check_out() {
    let set_x = || doc! { "$set": { "a": 1 } };
    let mut counts = Vec::new();
    // Now and then a session is given back a little after the connection.
    while counts.len() < 5 || !counts.contains(&1) {
        assert!(counts.len() < 30, "{counts:?}");
        let record = Record::new();
        let things = things(&client(&record, "maxPoolSize=1&retryWrites=true"));
        // Before the sessions of interest, a primary must be found.
        Blocking.block_on(things.database().client().connect()).unwrap();
        let failed = Mutex::new(Vec::new());
        let run = |result: Result<(), Error>| failed.lock().unwrap().extend(result.err());
        std::thread::scope(|scope| {
            scope.spawn(|| run(things.insert_one(doc! {}).run().map(drop)));
            scope.spawn(|| run(things.delete_one(doc! {}).run().map(drop)));
            scope.spawn(|| run(things.update_one(doc! {}, set_x()).run().map(drop)));
            scope.spawn(|| run(things.bulk_write([UpdateOneModel::new(doc! {}, set_x())]).run().map(drop)));
            scope.spawn(|| run(things.find_one_and_delete(doc! {}).run().map(drop)));
            scope.spawn(|| run(things.find_one_and_update(doc! {}, set_x()).run().map(drop)));
            scope.spawn(|| run(things.find_one_and_replace(doc! {}, doc! { "a": 1 }).run().map(drop)));
            scope.spawn(|| run(things.find(doc! {}).run().map(|cursor| cursor.for_each(|found| drop(found.unwrap())))));
        });
        assert!(failed.lock().unwrap().is_empty(), "{failed:?}");
        let mut used: Vec<String> = Vec::new();
        let sent = record.started("");
        assert_eq!(sent.len(), 8);
        for id in sent.iter().map(|sent| lsid(sent).unwrap().to_string()) {
            if !used.contains(&id) {
                used.push(id);
            }
        }
        assert!(used.len() < 8, "{used:?}");
        counts.push(used.len());
    }
}

/// A client of a simulated server that has no sessions.
fn without_sessions(sim: &Sim, record: &Record) -> stator_client::Collection<Sim> {
    let hello = doc! { "logicalSessionTimeoutMinutes": Bson::Null };
    let config = Config { me: "10.0.0.1:27017".into(), hello, ..Config::default() };
    let _ = FakeServer::start_with(sim, "10.0.0.1:27017".parse().unwrap(), config);
    record.client(sim.clone(), "mongodb://10.0.0.1/").database("db").collection("things")
}

/// 18: Implicit session is ignored if connection does not support sessions. On a simulated server.
#[test]
fn prose_18_no_implicit_session_where_there_are_none() {
    let (sim, record) = (Sim::new(1), Record::new());
    let things = without_sessions(&sim, &record);
    for action in prose::writes().into_iter().chain(prose::reads()) {
        let _ = action.run(&things, None);
        let sent = record.last(action.command);
        assert!(!sent.contains_key("lsid"), "{}: {sent}", action.name);
    }
}

/// 19: Explicit session raises an error if connection does not support sessions. On a simulated server.
#[test]
fn prose_19_an_explicit_session_is_an_error_where_there_are_none() {
    let (sim, record) = (Sim::new(1), Record::new());
    let things = without_sessions(&sim, &record);
    let session = things.database().client().start_session().run().unwrap();
    for action in prose::writes().into_iter().chain(prose::reads()) {
        let error = action.fail(&things, Some(&session));
        assert_eq!(session_error(&error), SessionError::Unsupported, "{}", action.name);
    }
    assert_eq!(record.commands("").len(), 0);
}

/// 20: Drivers do not gossip `$clusterTime` on SDAM commands. (The smallest `heartbeatFrequencyMS` is 500.)
#[test]
fn prose_20_no_gossip_on_sdam_commands() {
    let record = Record::new();
    let uri = with_options(&prose::primary().uri(), "heartbeatFrequencyMS=500");
    assert!(uri.contains("directConnection=true"));
    let one = record.client(Blocking, &uri);
    let ping = || one.database("admin").run_command(doc! { "ping": 1 }).run().unwrap();
    let cluster_time = ping().get_document("$clusterTime").unwrap().clone();
    things(&client(&Record::new(), "")).insert_one(doc! { "advance": "$clusterTime" }).run().unwrap();
    record.clear();
    let is_pair = |events: &[Event]| {
        let mut beats = events.iter().filter_map(|event| match event {
            Event::Topology(TopologyEvent::ServerHeartbeatStarted { .. }) => Some(true),
            Event::Topology(TopologyEvent::ServerHeartbeatSucceeded { .. }) => Some(false),
            _ => None,
        });
        beats.any(|started| started) && beats.any(|started| !started)
    };
    prose::until("a pair of heartbeat events", || is_pair(&record.events()));
    ping();
    assert_eq!(record.last("ping").get_document("$clusterTime").unwrap(), &cluster_time);
}

/// 21: Having `snapshotTime` set and `snapshot` set to false is not allowed.
#[test]
fn prose_21_a_snapshot_time_needs_a_snapshot_session() {
    let client = client(&Record::new(), "");
    let started = client.start_session().snapshot(false).snapshot_time(bson::Timestamp { time: 1, increment: 0 }).run();
    assert_eq!(session_error(&started.unwrap_err()), SessionError::SnapshotTimeWithoutSnapshot);
}

/// 22: Retrieving `snapshotTime` on a non-snapshot session raises an error: here, there is none to be had.
#[test]
fn prose_22_no_snapshot_time_of_another_session() {
    let client = client(&Record::new(), "");
    let session = client.start_session().snapshot(false).run().unwrap();
    things(&client).find_one(doc! {}).session(&session).run().unwrap();
    assert!(session.operation_time().is_some());
    assert_eq!(session.snapshot_time(), None);
}
