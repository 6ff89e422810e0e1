//! `timeoutMS` on virtual time: cursors, servers that stop a command, retries, handshakes (specification *Client Side Operations
//! Timeout*).

use std::error::Error as _;
use std::net::SocketAddr;
use std::time::Duration;

use stator_client::options::{
    CursorType, DeleteOneModel, InsertOneModel, Overrides, TimeoutMode, UpdateOneModel, WriteModel,
};
use stator_client::session::Transaction;
use stator_client::{Client, ClientOptions, Collection, Cursor, Document, Error, ErrorKind, Phase, Runtime, doc};
use stator_sim::server::{Config, FakeServer, Reply, Request};
use stator_sim::{Link, Sim};

fn address() -> SocketAddr {
    "10.0.0.1:27017".parse().unwrap()
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A world with one server, which holds six documents.
struct World {
    sim: Sim,
    server: FakeServer,
}

impl World {
    /// Runs `test` with a client of these options.
    fn run<F: Future<Output = T>, T>(options: &str, test: impl FnOnce(Self, Collection<Sim>) -> F) -> T {
        Self::over(Link::default(), options, test)
    }

    fn over<F: Future<Output = T>, T>(link: Link, options: &str, test: impl FnOnce(Self, Collection<Sim>) -> F) -> T {
        let sim = Sim::new(7);
        sim.set_default_link(link);
        let server =
            FakeServer::start_with(&sim, address(), Config { set_name: Some("rs".into()), ..Config::default() });
        let uri = format!("mongodb://10.0.0.1/?directConnection=true&{options}");
        let world = Self { sim: sim.clone(), server };
        let client = Client::with_runtime(sim.clone(), ClientOptions::parse(&uri).unwrap()).unwrap();
        sim.run(async move {
            let things = client.database("db").collection("things");
            let free = things.with(&Overrides { timeout: Some(Duration::ZERO), ..Overrides::default() });
            free.insert_many((0..6).map(|n| doc! { "_id": n })).await.unwrap();
            world.server.clear_commands();
            test(world, things).await
        })
        .unwrap()
    }

    fn now(&self) -> Duration {
        self.sim.now() - stator_client::Instant::ORIGIN
    }

    /// The `maxTimeMS` of all commands of this name, in order.
    fn max_times(&self, name: &str) -> Vec<Option<i64>> {
        let commands = self.server.commands();
        commands.iter().filter(|command| command.name() == name).map(max_time).collect()
    }

    /// How often a command of this name was received.
    fn count(&self, name: &str) -> usize {
        self.max_times(name).len()
    }
}

fn max_time(command: &Request) -> Option<i64> {
    command.body.get_i64("maxTimeMS").ok()
}

/// Reads `count` documents.
async fn read(cursor: &mut Cursor<Sim>, count: usize) {
    for _ in 0..count {
        assert!(cursor.advance().await.unwrap());
    }
}

#[test]
fn a_cursors_whole_life_has_one_time() {
    World::run("", |world, things| async move {
        let start = world.now();
        let mut cursor = things.find(doc! {}).batch_size(2).timeout(millis(250)).await.unwrap();
        world.server.set_delay("getMore", millis(100));
        read(&mut cursor, 4).await;
        world.sim.sleep(millis(100)).await;
        let error = cursor.advance().await.unwrap_err();
        assert!(error.is_timeout() && error.phase() == Phase::Receive, "{error}");
        assert_eq!(world.now() - start, millis(250));
        assert!(!cursor.advance().await.unwrap(), "it has ended");
        assert!(world.max_times("find")[0].is_some_and(|time| (200..=250).contains(&time)));
        assert_eq!(world.max_times("getMore"), [None, None]);
    });
}

#[test]
fn what_is_there_is_given_though_the_time_is_up() {
    World::run("", |world, things| async move {
        let mut cursor = things.find(doc! {}).batch_size(3).timeout(millis(250)).await.unwrap();
        world.sim.sleep(millis(400)).await;
        read(&mut cursor, 3).await;
        let error = cursor.advance().await.unwrap_err();
        assert!(error.is_timeout() && error.phase() == Phase::Queue && !error.maybe_executed(), "{error:?}");
        assert_eq!(world.count("getMore"), 0, "nothing was sent");
        assert!(!cursor.advance().await.unwrap(), "it has ended");
    });
}

#[test]
fn each_step_of_a_cursor_can_have_its_own_time() {
    World::run("timeoutMS=250", |world, things| async move {
        let find = things.find(doc! {}).batch_size(2).timeout_mode(TimeoutMode::Iteration);
        let mut cursor = find.await.unwrap();
        world.server.set_delay("getMore", millis(200));
        for _ in 0..2 {
            read(&mut cursor, 2).await;
            world.sim.sleep(millis(300)).await;
        }
        world.server.set_delay("getMore", millis(300));
        let start = world.now();
        let error = cursor.advance().await.unwrap_err();
        assert!(error.is_timeout(), "{error}");
        assert_eq!(world.now() - start, millis(250));
        assert_eq!((world.max_times("find"), world.max_times("getMore")), (vec![None], vec![None; 2]));
    });
}

#[test]
fn closing_has_a_time_of_its_own() {
    World::run("timeoutMS=250", |world, things| async move {
        let open = || async { things.find(doc! {}).batch_size(2).await.unwrap() };
        let (late, given, unbound) = (open().await, open().await, open().await);
        world.server.set_delay("killCursors", millis(200));
        world.sim.sleep(millis(400)).await;
        late.close().await.unwrap();
        let start = world.now();
        let error = given.close().timeout(millis(100)).await.unwrap_err();
        assert!(error.is_timeout() && world.now() - start == millis(100), "{error}");
        unbound.close().timeout(Duration::ZERO).await.unwrap();
        let times = world.max_times("killCursors");
        assert!(times[0].is_some_and(|time| (200..=250).contains(&time)), "{times:?}");
        assert!(times[1].is_some_and(|time| (50..=100).contains(&time)), "{times:?}");
        // Beside what the background does about the one that could not be closed.
        assert!(times[2..].contains(&None), "{times:?}");
    });
}

/// A server with a tailable cursor of one document; after that all batches are empty and take `wait`.
fn tail(world: &World, wait: Duration) {
    world.server.script(move |request| {
        let batch = |key: &str, documents: Vec<Document>| {
            doc! { "ok": 1.0, "cursor": { "id": 5_i64, "ns": "db.things", key: documents } }
        };
        match request.name() {
            "find" => Reply::Doc(batch("firstBatch", vec![doc! { "_id": 1 }])),
            "getMore" => Reply::After(wait, Box::new(Reply::Doc(batch("nextBatch", Vec::new())))),
            _ => Reply::Engine,
        }
    });
}

#[test]
fn a_step_of_a_tailable_cursor_has_one_time_for_all_its_batches() {
    World::run("timeoutMS=250", |world, things| async move {
        tail(&world, millis(100));
        let mut cursor = things.find(doc! {}).cursor_type(CursorType::Tailable).await.unwrap();
        read(&mut cursor, 1).await;
        let start = world.now();
        let error = cursor.advance().await.unwrap_err();
        assert!(error.is_timeout(), "{error}");
        assert_eq!(world.now() - start, millis(250));
        assert!(!cursor.is_alive(), "a batch was asked for, and is lost");
        assert_eq!((world.max_times("find"), world.max_times("getMore")), (vec![None], vec![None; 3]));
    });
}

#[test]
fn a_server_waits_for_documents_no_longer_than_the_step_has_time() {
    World::run("timeoutMS=250", |world, things| async move {
        tail(&world, millis(90));
        let find = things.find(doc! {}).cursor_type(CursorType::TailableAwait);
        let mut cursor = find.max_await_time(millis(120)).await.unwrap();
        read(&mut cursor, 1).await;
        assert!(cursor.advance().await.unwrap_err().is_timeout());
        assert!(world.max_times("find")[0].is_some(), "an awaiting cursor is not ended by it");
        let times = world.max_times("getMore");
        let times: Vec<i64> = times.into_iter().map(|time| time.expect("it is told how long to wait")).collect();
        assert_eq!((times.len(), times[0], times[1]), (3, 120, 120), "{times:?}");
        assert!((50..75).contains(&times[2]), "{times:?}");
    });
}

#[test]
fn options_that_contradict_the_timeout_are_refused_before_anything_is_sent() {
    World::run("", |world, things| async move {
        let database = things.database().clone();
        let tail = || things.find(doc! {}).cursor_type(CursorType::TailableAwait);
        let each = TimeoutMode::Iteration;
        let refused: Vec<Error> = vec![
            things.find(doc! {}).timeout_mode(each).await.unwrap_err(),
            things.aggregate([]).timeout_mode(TimeoutMode::CursorLifetime).await.unwrap_err(),
            database.list_collections().timeout_mode(each).await.unwrap_err(),
            tail().timeout_mode(TimeoutMode::CursorLifetime).timeout(millis(9)).await.unwrap_err(),
            tail().max_await_time(millis(9)).timeout(millis(9)).await.unwrap_err(),
            things.aggregate([]).max_await_time(millis(10)).timeout(millis(9)).await.unwrap_err(),
            things.aggregate([doc! { "$out": "x" }]).timeout_mode(each).timeout(millis(9)).await.unwrap_err(),
        ];
        for error in refused {
            assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)) && !error.is_timeout(), "{error:?}");
        }
        assert_eq!(world.server.command_names(), Vec::<String>::new());
    });
}

fn too_late() -> Document {
    doc! { "ok": 0.0, "code": 50, "codeName": "MaxTimeMSExpired", "errmsg": "operation exceeded time limit" }
}

#[test]
fn a_server_that_stops_a_command_for_the_timeout_makes_a_timeout() {
    let concern = doc! { "ok": 1.0, "n": 1, "writeConcernError": { "code": 50, "errmsg": "waiting for replication" } };
    let write = doc! { "ok": 1.0, "n": 0, "writeErrors": [{ "index": 0, "code": 50, "errmsg": "took too long" }] };
    for reply in [too_late(), concern, write] {
        let said = reply.to_string();
        World::run("", |world, things| async move {
            world.server.script(move |request| match request.name() {
                "insert" => Reply::Doc(reply.clone()),
                _ => Reply::Engine,
            });
            let error = things.insert_one(doc! {}).timeout(millis(500)).await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Timeout), "{said}: {error:?}");
            assert!(error.is_timeout() && !error.is_network() && error.maybe_executed(), "{said}");
            assert_eq!((error.phase(), error.code()), (Phase::Reply, Some(50)), "{said}");
            let cause = error.source().and_then(|cause| cause.downcast_ref::<Error>()).expect("the server's error");
            assert!(matches!(cause.kind(), ErrorKind::Command(_) | ErrorKind::Write(_)), "{cause:?}");
            assert!(error.to_string().contains(&cause.to_string()), "{error}");
            assert_eq!(error.server().map(ToString::to_string).as_deref(), Some("10.0.0.1:27017"));

            let error = things.insert_one(doc! {}).await.unwrap_err();
            assert!(!matches!(error.kind(), ErrorKind::Timeout), "as ever: {error:?}");
            assert!(error.is_timeout());
        });
    }
}

#[test]
fn an_operation_is_tried_again_until_its_time_is_up() {
    World::run("timeoutMS=250", |world, things| async move {
        world.server.script(|request| match request.name() {
            "find" => {
                Reply::After(millis(60), Box::new(Reply::Doc(doc! { "ok": 0.0, "code": 134, "errmsg": "not yet" })))
            }
            _ => Reply::Engine,
        });
        let start = world.now();
        let error = things.find_one(doc! {}).await.unwrap_err();
        assert!(error.is_timeout() && world.now() - start == millis(250), "{error:?}");
        assert!(world.count("find") >= 3, "{}", world.count("find"));
    });
}

#[test]
fn a_deadline_that_is_nearer_than_the_server_is_not_even_tried() {
    // There and back: 40 ms.
    World::over(Link::fixed(millis(20)), "heartbeatFrequencyMS=500", |world, things| async move {
        world.sim.sleep(Duration::from_secs(60)).await;
        world.server.clear_commands();
        let start = world.now();
        let error = things.find_one(doc! {}).timeout(millis(39)).await.unwrap_err();
        assert!(error.is_timeout() && error.phase() == Phase::Queue && !error.maybe_executed(), "{error:?}");
        assert_eq!((world.now() - start, world.count("find")), (Duration::ZERO, 0));
        things.find_one(doc! {}).timeout(millis(400)).await.unwrap();
        let time = world.max_times("find")[0].expect("it is told");
        assert!((355..=360).contains(&time), "{time}");
    });
}

#[test]
fn what_was_done_before_the_time_was_up_is_told() {
    let too_slow = doc! {
        "ok": 1.0, "n": 1, "writeErrors": [{ "index": 1, "code": 50, "errmsg": "took too long" }],
    };
    World::run("", |world, things| async move {
        let reply = too_slow.clone();
        world.server.script(move |request| match request.name() {
            "insert" => Reply::Doc(reply.clone()),
            _ => Reply::Engine,
        });
        let many = things.insert_many((10..13).map(|n| doc! { "_id": n })).timeout(millis(500));
        let error = many.await.unwrap_err();
        let ErrorKind::BulkWrite(failed) = error.kind() else { panic!("{error:?}") };
        assert!(error.is_timeout() && error.maybe_executed() && error.code() == Some(50), "{error:?}");
        let whole = failed.error.as_ref().expect("the timeout");
        assert!(matches!(whole.kind(), ErrorKind::Timeout), "{whole:?}");
        assert_eq!((failed.partial_result.inserted_count, failed.write_errors.len()), (1, 1), "{failed:?}");

        // Without a timeout it is an error of one write, and nothing else.
        let error = things.insert_many((10..13).map(|n| doc! { "_id": n })).await.unwrap_err();
        let ErrorKind::BulkWrite(failed) = error.kind() else { panic!("{error:?}") };
        assert_eq!((failed.error.is_none(), failed.write_errors.len()), (true, 1), "{failed:?}");
    });
}

#[test]
fn many_writes_have_one_time() {
    World::run("timeoutMS=250", |world, things| async move {
        world.server.set_delay("insert", millis(100));
        world.server.set_delay("delete", millis(100));
        world.server.set_delay("update", millis(100));
        let start = world.now();
        let models: [WriteModel; 3] = [
            InsertOneModel::new(doc! { "_id": 10 }).into(),
            DeleteOneModel::new(doc! { "_id": 1 }).into(),
            UpdateOneModel::new(doc! { "_id": 2 }, doc! { "$set": { "x": 1 } }).into(),
        ];
        let error = things.bulk_write(models).await.unwrap_err();
        assert!(error.is_timeout() && world.now() - start == millis(250), "{error:?}");
        let ErrorKind::BulkWrite(failed) = error.kind() else { panic!("{error:?}") };
        let done = (failed.partial_result.inserted_count, failed.partial_result.deleted_count);
        assert_eq!(done, (1, 1), "{failed:?}");
        let (insert, update) = (world.max_times("insert")[0], world.max_times("update")[0]);
        assert!(insert > update && update.is_some_and(|time| time <= 50), "{insert:?} {update:?}");
    });
}

#[test]
fn in_with_transaction_there_is_one_time_for_all() {
    World::run("timeoutMS=100", |world, things| async move {
        // Three batches of two documents.
        let mut batches = 0;
        world.server.script(move |request| {
            let key = match request.name() {
                "find" => "firstBatch",
                "getMore" => "nextBatch",
                "commitTransaction" | "abortTransaction" | "killCursors" => return Reply::Doc(doc! { "ok": 1.0 }),
                _ => return Reply::Engine,
            };
            batches = if key == "firstBatch" { 1 } else { batches + 1 };
            let id = if batches < 3 { 5_i64 } else { 0 };
            let cursor = doc! { "id": id, "ns": "db.things", key: [{ "x": 1 }, { "x": 2 }] };
            Reply::Doc(doc! { "ok": 1.0, "cursor": cursor })
        });
        let session = things.database().client().start_session().await.unwrap();
        let read_slowly = |pause: Duration| {
            let (things, sim) = (things.clone(), world.sim.clone());
            move |txn: Transaction<Sim>| {
                let (things, sim) = (txn.bind(&things), sim.clone());
                async move {
                    let mut cursor = things.find(doc! {}).batch_size(2).await?;
                    let mut count = 0;
                    while cursor.advance().await? {
                        count += 1;
                        sim.sleep(pause).await;
                    }
                    Ok::<_, Error>(count)
                }
            }
        };
        // Longer than an operation of the client may take, but that is not what counts here.
        let read = session.with_transaction(read_slowly(millis(50))).timeout(millis(500)).await;
        assert_eq!(read.unwrap(), 6);
        let start = world.now();
        let late = session.with_transaction(read_slowly(millis(200))).timeout(millis(500)).await;
        assert!(late.unwrap_err().is_timeout());
        // The time is up at 500 ms; what was there already is given, and the third batch not even asked for.
        assert!(world.now() - start < millis(810), "{:?}", world.now() - start);

        let own = |txn: Transaction<Sim>| {
            let things = txn.bind(&things);
            async move { things.find_one(doc! {}).timeout(millis(9)).await }
        };
        let error = session.with_transaction(own).await.unwrap_err();
        assert!(!error.is_timeout() && error.phase() == Phase::Prepare, "{error:?}");
    });
}
