//! `Client::bulk_write` against a server of 8.0: the specification's prose tests, whose numbers they carry, and what
//! becomes of results that cannot be read. The server's limits are small, so that little is much.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stator_client::event::{CommandEvent, Listener};
use stator_client::options::{
    ClientWriteModel, DeleteManyModel, DeleteOneModel, InsertOneModel, ReplaceOneModel, UpdateManyModel,
    UpdateOneModel, WriteConcern, WriteModel,
};
use stator_client::{
    Bson, ClientBulkWriteError, ClientOptions, Collection, Document, Error, ErrorKind, Namespace, Result, doc,
};
use stator_sim::Sim;
use stator_sim::server::{Config, FakeServer, Reply};

type Client = stator_client::Client<Sim>;

/// `maxBsonObjectSize` in bytes.
const MAX_DOCUMENT: usize = 16 * 1024;
/// `maxMessageSizeBytes`.
const MAX_MESSAGE: usize = 48_000;
/// `maxWriteBatchSize`.
const MAX_BATCH: usize = 10;

/// A command that was sent: its name, its operation's number and itself.
#[derive(Clone, Debug)]
struct Started {
    name: String,
    operation: i64,
    command: Document,
}

impl Started {
    fn length(&self, field: &str) -> usize {
        self.command.get_array(field).unwrap().len()
    }
}

/// A world with one server and one client.
struct World {
    sim: Sim,
    server: FakeServer,
    client: Client,
    started: Arc<Mutex<Vec<Started>>>,
}

impl World {
    fn new(options: &str) -> Self {
        Self::with(options, None)
    }

    fn replica_set(options: &str) -> Self {
        Self::with(&format!("directConnection=true&{options}"), Some("rs".to_owned()))
    }

    fn with(options: &str, set_name: Option<String>) -> Self {
        let (sim, at): (_, SocketAddr) = (Sim::new(8), "10.0.0.1:27017".parse().unwrap());
        let limit = |bytes: usize| i32::try_from(bytes).unwrap();
        let config = Config {
            max_wire_version: 25,
            max_bson_object_size: limit(MAX_DOCUMENT),
            max_message_size: limit(MAX_MESSAGE),
            max_write_batch_size: limit(MAX_BATCH),
            set_name,
            me: at.to_string(),
            ..Config::default()
        };
        let server = FakeServer::start_with(&sim, at, config);
        let started: Arc<Mutex<Vec<Started>>> = Arc::default();
        let seen = Arc::clone(&started);
        let mut options = ClientOptions::parse(&format!("mongodb://10.0.0.1/?{options}")).unwrap();
        options.listeners.push(Listener::commands(move |event| {
            if let CommandEvent::Started { info, command } = event {
                seen.lock().unwrap().push(Started {
                    name: info.command_name.clone(),
                    operation: info.operation_id,
                    command: command.to_document().unwrap(),
                });
            }
        }));
        let client = Client::with_runtime(sim.clone(), options).unwrap();
        Self { sim, server, client, started }
    }

    fn run<F: Future + Send>(&self, future: F) -> F::Output {
        self.sim.run(future).unwrap()
    }

    /// The commands of this name that were sent.
    fn started(&self, name: &str) -> Vec<Started> {
        self.started.lock().unwrap().iter().filter(|started| started.name == name).cloned().collect()
    }

    fn coll(&self) -> Collection<Sim> {
        self.client.database("db").collection("coll")
    }

    async fn fail(&self, times: i32, command: &str, effect: Document) {
        let mut data = doc! { "failCommands": [command] };
        data.extend(effect);
        let point = doc! { "configureFailPoint": "failCommand", "mode": { "times": times }, "data": data };
        self.client.database("admin").run_command(point).await.unwrap();
    }
}

fn coll() -> Namespace {
    Namespace::new("db", "coll")
}

fn insert(document: Document) -> ClientWriteModel {
    InsertOneModel::new(document).on(coll())
}

fn repeated(model: &ClientWriteModel, times: usize) -> Vec<ClientWriteModel> {
    vec![model.clone(); times]
}

/// Two upserts whose `_id`s do not fit into one batch of results.
fn upserts() -> [ClientWriteModel; 2] {
    ["a", "b"].map(|letter| {
        let id = letter.repeat(MAX_DOCUMENT / 2);
        UpdateOneModel::new(doc! { "_id": id }, doc! { "$set": { "x": 1 } }).upsert(true).on(coll())
    })
}

#[track_caller]
fn failed<T: core::fmt::Debug>(result: Result<T>) -> Error {
    result.expect_err("it succeeded")
}

#[track_caller]
fn bulk(error: &Error) -> &ClientBulkWriteError {
    match error.kind() {
        ErrorKind::ClientBulkWrite(error) => error,
        other => panic!("not the error of a client's bulk write: {other:?}"),
    }
}

#[test]
fn prose_3_more_operations_than_max_write_batch_size() {
    let world = World::new("");
    world.run(async {
        let models = repeated(&insert(doc! { "a": "b" }), MAX_BATCH + 1);
        let result = world.client.bulk_write(models).await.unwrap();
        assert_eq!(result.inserted_count as usize, MAX_BATCH + 1);
    });
    let [first, second] = &world.started("bulkWrite")[..] else { panic!("not two commands") };
    assert_eq!((first.length("ops"), second.length("ops")), (MAX_BATCH, 1));
    assert_eq!(first.operation, second.operation);
}

#[test]
fn prose_4_ops_longer_than_max_message_size_bytes() {
    let world = World::new("");
    let count = MAX_MESSAGE / MAX_DOCUMENT + 1;
    world.run(async {
        let models = repeated(&insert(doc! { "a": "b".repeat(MAX_DOCUMENT - 500) }), count);
        let result = world.client.bulk_write(models).await.unwrap();
        assert_eq!(result.inserted_count as usize, count);
    });
    let commands = world.started("bulkWrite");
    let lengths: Vec<_> = commands.iter().map(|command| command.length("ops")).collect();
    // With the limits of real servers the sizes leave room for one more, and the batches are `count - 1` and 1.
    assert_eq!(lengths, [count - 1, 1]);
    assert_eq!(commands[0].operation, commands[1].operation);
}

#[test]
fn prose_5_write_concern_errors_are_collected_across_batches() {
    let world = World::new("retryWrites=false");
    let error = world.run(async {
        let refusal = doc! { "code": 91, "errmsg": "Replication is being shut down" };
        world.fail(2, "bulkWrite", doc! { "writeConcernError": refusal }).await;
        failed(world.client.bulk_write(repeated(&insert(doc! { "a": "b" }), MAX_BATCH + 1)).await)
    });
    let error = bulk(&error);
    assert_eq!(error.write_concern_errors.len(), 2);
    assert_eq!(error.partial_result.as_ref().unwrap().inserted_count as usize, MAX_BATCH + 1);
    assert_eq!(world.started("bulkWrite").len(), 2);
}

#[test]
fn prose_6_individual_errors_across_batches() {
    for (ordered, errors, commands) in [(false, MAX_BATCH + 1, 2), (true, 1, 1)] {
        let world = World::new("");
        let error = world.run(async {
            world.coll().insert_one(doc! { "_id": 1 }).await.unwrap();
            let models = repeated(&insert(doc! { "_id": 1 }), MAX_BATCH + 1);
            failed(world.client.bulk_write(models).ordered(ordered).await)
        });
        assert_eq!(bulk(&error).write_errors.len(), errors);
        let indexes = bulk(&error).write_errors.iter().map(|error| error.index);
        assert!(indexes.eq(0..errors));
        assert_eq!(world.started("bulkWrite").len(), commands);
        // Beyond the specification's words: what else the error answers.
        assert!(bulk(&error).partial_result.is_none() && bulk(&error).error.is_none());
        assert!(error.is_duplicate_key() && !error.is_network() && !error.is_retryable());
        assert_eq!((error.code(), error.write_errors().len()), (Some(11000), errors));
    }
}

#[test]
fn prose_7_results_that_need_a_get_more() {
    let world = World::new("");
    let result = world.run(async { world.client.bulk_write(upserts()).verbose_results(true).await.unwrap() });
    assert_eq!(result.upserted_count, 2);
    let verbose = result.verbose_results.unwrap();
    assert_eq!(verbose.update_results.len(), 2);
    assert_eq!(verbose.update_results[&1].upserted_id, Some(Bson::from("b".repeat(MAX_DOCUMENT / 2))));
    let (write, more) = (&world.started("bulkWrite")[0], &world.started("getMore")[0]);
    assert_eq!(write.command.get("lsid"), more.command.get("lsid"));
    assert_eq!(write.operation, more.operation);
    assert_eq!(world.server.open_cursors(), 0);
}

/// The simulated engine has no transactions: the script answers in its place.
#[test]
fn prose_8_results_that_need_a_get_more_in_a_transaction() {
    let world = World::replica_set("");
    world.server.script(|request| {
        let result = |index: i32, id: &str| doc! { "ok": 1.0, "idx": index, "n": 1, "upserted": { "_id": id } };
        let ns = "admin.$cmd.bulkWrite";
        match request.name() {
            "bulkWrite" => Reply::Doc(doc! {
                "cursor": { "id": 44_i64, "firstBatch": [result(0, "a")], "ns": ns },
                "nErrors": 0, "nUpserted": 2, "ok": 1.0,
            }),
            "getMore" => {
                Reply::Doc(doc! { "cursor": { "id": 0_i64, "nextBatch": [result(1, "b")], "ns": ns }, "ok": 1.0 })
            }
            "commitTransaction" => Reply::Doc(doc! { "ok": 1.0 }),
            _ => Reply::Engine,
        }
    });
    let result = world.run(async {
        let session = world.client.start_session().await.unwrap();
        session.start_transaction().await.unwrap();
        let result = world.client.bulk_write(upserts()).verbose_results(true).session(&session).await.unwrap();
        session.commit_transaction().await.unwrap();
        result
    });
    assert_eq!(result.upserted_count, 2);
    assert_eq!(result.verbose_results.unwrap().update_results.len(), 2);
    let (write, more) = (&world.started("bulkWrite")[0].command, &world.started("getMore")[0].command);
    assert_eq!(write.get("startTransaction"), Some(&Bson::Boolean(true)));
    for field in ["lsid", "txnNumber", "autocommit"] {
        assert!(write.contains_key(field) && write.get(field) == more.get(field), "{field}: {write} {more}");
    }
    assert!(!more.contains_key("startTransaction"));
}

#[test]
fn prose_9_a_get_more_that_fails() {
    let world = World::new("");
    let error = world.run(async {
        world.fail(1, "getMore", doc! { "errorCode": 8 }).await;
        failed(world.client.bulk_write(upserts()).verbose_results(true).await)
    });
    assert_eq!(bulk(&error).error.as_ref().and_then(Error::code), Some(8));
    let partial = bulk(&error).partial_result.as_ref().unwrap();
    assert_eq!(partial.upserted_count, 2);
    assert_eq!(partial.verbose_results.as_ref().unwrap().update_results.len(), 1);
    assert_eq!((world.started("getMore").len(), world.started("killCursors").len()), (1, 1));
    assert_eq!(world.server.open_cursors(), 0);
    assert_eq!(error.code(), Some(8));
}

/// Models that fill a message so far that one more fits, but not with another namespace. Their number too.
fn nearly_a_message() -> Vec<ClientWriteModel> {
    let bytes = MAX_MESSAGE - 1122;
    let model = |length: usize| insert(doc! { "a": "b".repeat(length) });
    let mut models = repeated(&model(MAX_DOCUMENT - 57), bytes / MAX_DOCUMENT);
    let rest = bytes % MAX_DOCUMENT;
    if rest >= 217 {
        models.push(model(rest - 57));
    }
    models
}

#[test]
fn prose_11_case_1_the_same_namespace_needs_no_other_batch() {
    let world = World::new("");
    let mut models = nearly_a_message();
    models.push(insert(doc! { "a": "b" }));
    let count = models.len();
    let result = world.run(async { world.client.bulk_write(models).await.unwrap() });
    assert_eq!(result.inserted_count as usize, count);
    let [event] = &world.started("bulkWrite")[..] else { panic!("not one command") };
    assert_eq!(event.length("ops"), count);
    assert_eq!(event.command.get_array("nsInfo").unwrap(), &[Bson::from(doc! { "ns": "db.coll" })]);
}

#[test]
fn prose_11_case_2_a_new_namespace_needs_another_batch() {
    let world = World::new("");
    let long = format!("db.{}", "c".repeat(200));
    let mut models = nearly_a_message();
    models.push(InsertOneModel::new(doc! { "a": "b" }).on(Namespace::parse(&long).unwrap()));
    let count = models.len();
    let result = world.run(async { world.client.bulk_write(models).await.unwrap() });
    assert_eq!(result.inserted_count as usize, count);
    let [first, second] = &world.started("bulkWrite")[..] else { panic!("not two commands") };
    assert_eq!((first.length("ops"), second.length("ops")), (count - 1, 1));
    assert_eq!(first.command.get_array("nsInfo").unwrap(), &[Bson::from(doc! { "ns": "db.coll" })]);
    assert_eq!(second.command.get_array("nsInfo").unwrap(), &[Bson::from(doc! { "ns": long })]);
}

#[test]
fn prose_12_an_operation_that_fits_into_no_message() {
    let long = Namespace::new("db", &"c".repeat(MAX_MESSAGE));
    for model in [insert(doc! { "a": "b".repeat(MAX_MESSAGE) }), InsertOneModel::new(doc! { "a": "b" }).on(long)] {
        let world = World::new("");
        let error = world.run(async { failed(world.client.bulk_write([model]).await) });
        assert!(matches!(error.kind(), ErrorKind::Operation(_)) && !error.maybe_executed(), "{error:?}");
        assert!(world.started("bulkWrite").is_empty());
    }
}

#[test]
fn prose_15_unacknowledged_means_all_batches() {
    let world = World::new("");
    let count = MAX_MESSAGE / MAX_DOCUMENT + 1;
    world.run(async {
        world.client.database("db").create_collection("coll").await.unwrap();
        let models = repeated(&insert(doc! { "a": "b".repeat(MAX_DOCUMENT - 500) }), count);
        let write = world.client.bulk_write(models).ordered(false).write_concern(WriteConcern::unacknowledged());
        assert!(!write.await.unwrap().acknowledged);
        assert_eq!(world.coll().count_documents(doc! {}).await.unwrap() as usize, count);
    });
    let [first, second] = &world.started("bulkWrite")[..] else { panic!("not two commands") };
    assert_eq!((first.length("ops"), second.length("ops")), (MAX_MESSAGE / MAX_DOCUMENT, 1));
    assert_eq!(first.operation, second.operation);
    for event in [first, second] {
        assert_eq!(event.command.get_document("writeConcern").unwrap(), &doc! { "w": 0 });
    }
}

#[test]
fn prose_16_generated_ids_come_first() {
    let world = World::new("");
    world.run(async {
        world.coll().insert_one(doc! { "a": 1 }).await.unwrap();
        world.coll().bulk_write([InsertOneModel::new(doc! { "a": 1 })]).await.unwrap();
        world.client.bulk_write([insert(doc! { "a": 1 })]).await.unwrap();
    });
    let commands = world.server.commands();
    let inserts = commands.iter().flat_map(|command| command.documents("documents"));
    let ops = commands.iter().flat_map(|command| command.documents("ops"));
    let documents: Vec<_> = inserts.chain(ops.map(|op| op.get_document("document").unwrap())).collect();
    assert_eq!(documents.len(), 3);
    for document in documents {
        let keys: Vec<_> = document.keys().map(String::as_str).collect();
        assert_eq!(keys, ["_id", "a"]);
    }
}

#[test]
fn verbose_results_tell_of_each_write_what_it_has_done() {
    let world = World::new("");
    let other = Namespace::new("db", "other");
    let result = world.run(async {
        world.coll().insert_many((0..4).map(|id| doc! { "_id": id, "x": id })).await.unwrap();
        let models: [ClientWriteModel; 7] = [
            insert(doc! { "_id": 8 }),
            InsertOneModel::new(doc! { "y": 1 }).on(&world.client.database("db").collection::<Document>("other")),
            UpdateOneModel::new(doc! { "_id": 1 }, doc! { "$inc": { "x": 1 } }).on(coll()),
            (coll(), UpdateManyModel::new(doc! { "x": { "$gte": 2 } }, doc! { "$inc": { "x": 1 } })).into(),
            ReplaceOneModel::new(doc! { "_id": 4 }, doc! { "z": 4 }).upsert(true).on(coll()),
            WriteModel::from(DeleteOneModel::new(doc! { "_id": 0 })).on(coll()),
            DeleteManyModel::new(doc! {}).on(other.clone()),
        ];
        world.client.bulk_write(models).verbose_results(true).await.unwrap()
    });
    let counts = (result.inserted_count, result.matched_count, result.modified_count);
    assert_eq!((counts, result.upserted_count, result.deleted_count), ((2, 4, 4), 1, 2), "{result:?}");
    let verbose = result.verbose_results.unwrap();
    assert_eq!(verbose.insert_results[&0].inserted_id, Bson::from(8));
    assert!(verbose.insert_results[&1].inserted_id.as_object_id().is_some());
    let updates: Vec<_> = verbose
        .update_results
        .iter()
        .map(|(index, result)| (*index, result.matched_count, result.modified_count, result.upserted_id.clone()))
        .collect();
    assert_eq!(updates, [(2, 1, 1, None), (3, 3, 3, None), (4, 1, 0, Some(Bson::from(4)))]);
    let deletes: Vec<_> = verbose.delete_results.iter().map(|(index, result)| (*index, result.deleted_count)).collect();
    assert_eq!(deletes, [(5, 1), (6, 1)]);
    let quiet = world.run(async { world.client.bulk_write([insert(doc! {})]).await.unwrap() });
    assert!(quiet.verbose_results.is_none() && quiet.acknowledged);
}

#[test]
fn only_inserts_that_a_server_has_confirmed_are_told() {
    let world = World::new("");
    let error = world.run(async {
        let models = [1, 2, 1, 3].map(|id| insert(doc! { "_id": id }));
        failed(world.client.bulk_write(models).ordered(false).verbose_results(true).await)
    });
    let partial = bulk(&error).partial_result.as_ref().unwrap();
    let inserted: Vec<_> = partial.verbose_results.as_ref().unwrap().insert_results.keys().copied().collect();
    assert_eq!((partial.inserted_count, inserted.as_slice()), (3, &[0, 1, 3][..]));
    assert_eq!(bulk(&error).write_errors[0].index, 2);
}

#[test]
fn a_batch_without_writes_of_many_is_retried() {
    let world = World::replica_set("");
    world.run(async {
        world.fail(1, "bulkWrite", doc! { "closeConnection": true }).await;
        let models = (0..=MAX_BATCH as i32).map(|id| insert(doc! { "_id": id }));
        assert_eq!(world.client.bulk_write(models).await.unwrap().inserted_count as usize, MAX_BATCH + 1);
        world.fail(1, "bulkWrite", doc! { "closeConnection": true }).await;
        let error = failed(world.client.bulk_write([DeleteManyModel::new(doc! {}).on(coll())]).await);
        assert!(error.is_network() && bulk(&error).error.as_ref().is_some_and(Error::is_network), "{error:?}");
        assert!(bulk(&error).partial_result.is_none(), "nothing is known to have been done");
        world.fail(1, "bulkWrite", doc! { "errorCode": 13 }).await;
        let error = failed(world.client.bulk_write([DeleteManyModel::new(doc! {}).on(coll())]).await);
        assert!(matches!(error.kind(), ErrorKind::Command(_)), "nothing can have been done: {error:?}");
    });
    let numbers: Vec<_> =
        world.started("bulkWrite").iter().map(|event| event.command.get_i64("txnNumber").ok()).collect();
    assert_eq!(numbers, [Some(1), Some(1), Some(2), None, None]);
}

#[test]
fn a_connection_lost_between_batches_leaves_the_partial_result() {
    let world = World::new("");
    let error = world.run(async {
        world.fail(1, "bulkWrite", doc! { "writeConcernError": { "code": 64, "errmsg": "late" } }).await;
        let server = world.server.clone();
        let mut seen = 0;
        server.script(move |request| {
            seen += usize::from(request.name() == "bulkWrite");
            if seen == 2 && request.name() == "bulkWrite" { Reply::Close } else { Reply::Engine }
        });
        let models = (0..=MAX_BATCH as i32).map(|id| insert(doc! { "_id": id }));
        failed(world.client.bulk_write(models).await)
    });
    assert!(error.is_network() && error.maybe_executed(), "{error:?}");
    assert_eq!(bulk(&error).write_concern_errors.len(), 1);
    assert_eq!(bulk(&error).partial_result.as_ref().unwrap().inserted_count as usize, MAX_BATCH);
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn results_behind_a_lost_connection_are_killed_in_the_background() {
    let world = World::new("");
    world.server.script(|request| if request.name() == "getMore" { Reply::Close } else { Reply::Engine });
    let error = world.run(async {
        let error = failed(world.client.bulk_write(upserts()).verbose_results(true).await);
        world.sim.sleep(Duration::from_secs(1)).await;
        error
    });
    assert!(bulk(&error).error.as_ref().is_some_and(Error::is_network), "{error:?}");
    assert_eq!(world.server.open_cursors(), 0);
    assert_eq!(world.started("killCursors").len(), 1);
}

#[test]
fn it_is_refused_where_it_is_of_no_use() {
    let world = World::new("");
    let invalid = |error: Error, what: &str| {
        assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error:?}");
        assert!(error.to_string().contains(what), "{error}");
    };
    world.run(async {
        let client = &world.client;
        invalid(failed(client.bulk_write(Vec::<ClientWriteModel>::new()).await), "no write");
        let one = || client.bulk_write([insert(doc! {})]).write_concern(WriteConcern::unacknowledged());
        invalid(failed(one().await), "Cannot request unacknowledged write concern and ordered writes");
        let verbose = one().ordered(false).verbose_results(true);
        invalid(failed(verbose.await), "Cannot request unacknowledged write concern and verbose results");
        let error = failed(client.bulk_write([InsertOneModel::new(5).on(coll())]).await);
        assert!(matches!(error.kind(), ErrorKind::Encode(_)), "{error:?}");
        let old = Config { max_wire_version: 21, ..Config::default() };
        world.server.engine(|engine| engine.set_config(old));
        client.database("db").run_command(doc! { "ping": 1 }).await.unwrap();
    });
    assert!(world.started("bulkWrite").is_empty());
}
