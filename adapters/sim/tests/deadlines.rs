//! Which timeout is in force where, and what an error says of the operation that it ends (specification *Client Side
//! Operations Timeout*).

use std::net::SocketAddr;
use std::time::Duration;

use stator_client::options::WriteConcern;
use stator_client::{ClientOptions, Error, Phase, doc};
use stator_sim::server::{Config, FakeServer, Reply};
use stator_sim::{Route, Sim, drop_after};

type Client = stator_client::Client<Sim>;

fn address() -> SocketAddr {
    "10.0.0.1:27017".parse().unwrap()
}

fn client(sim: &Sim, uri: &str) -> Client {
    Client::with_runtime(sim.clone(), ClientOptions::parse(uri).unwrap()).unwrap()
}

fn things(client: &Client) -> stator_client::Collection<Sim> {
    client.database("db").collection("things")
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Runs `find_one` with this client while the server takes `delay` to answer; the error and when it came.
fn find_slowly(uri: &str, delay: Duration) -> Result<Duration, (Error, Duration)> {
    let sim = Sim::new(1);
    let server = FakeServer::start(&sim, address());
    let handle = sim.clone();
    sim.run(async move {
        let client = client(&handle, uri);
        things(&client).find_one(doc! {}).await.unwrap();
        server.set_delay("find", delay);
        let before = stator_client::Runtime::now(&handle);
        let outcome = things(&client).find_one(doc! {}).await;
        let took = stator_client::Runtime::now(&handle) - before;
        outcome.map(|_| took).map_err(|error| (error, took))
    })
    .unwrap()
}

#[test]
fn socket_timeout_holds_only_without_timeout_ms() {
    let (error, took) =
        find_slowly("mongodb://10.0.0.1/?socketTimeoutMS=200&retryReads=false", millis(500)).unwrap_err();
    assert!(error.is_timeout() && error.maybe_executed() && took == millis(200), "{error} after {took:?}");
    let (error, took) = find_slowly("mongodb://10.0.0.1/?socketTimeoutMS=200&timeoutMS=400", millis(500)).unwrap_err();
    assert!(error.is_timeout() && took == millis(400), "{error} after {took:?}");
    // Such a read is worth another attempt, which fails alike.
    let (error, took) = find_slowly("mongodb://10.0.0.1/?socketTimeoutMS=200", millis(500)).unwrap_err();
    assert!(error.is_timeout() && (millis(400)..millis(500)).contains(&took), "{error} after {took:?}");
    // Zero is a timeoutMS: no limit, by choice.
    find_slowly("mongodb://10.0.0.1/?socketTimeoutMS=200&timeoutMS=0", millis(500)).unwrap();
}

/// Waits for the only connection, which somebody else uses for 50 s.
fn queue(uri: &str) -> (Error, Duration) {
    let sim = Sim::new(2);
    let server = FakeServer::start(&sim, address());
    let handle = sim.clone();
    sim.run(async move {
        let client = client(&handle, uri);
        server.set_delay("ping", millis(50_000));
        let other = client.clone();
        handle.spawn_aside("other", async move {
            let ping = other.database("db").run_command(doc! { "ping": 1 });
            // What becomes of it is not looked at.
            let _ = ping.timeout(millis(60_000)).await;
        });
        handle.sleep(millis(100)).await;
        let before = stator_client::Runtime::now(&handle);
        let error = things(&client).find_one(doc! {}).await.unwrap_err();
        (error, stator_client::Runtime::now(&handle) - before)
    })
    .unwrap()
}

#[test]
fn the_queue_has_a_timeout_of_its_own_only_without_timeout_ms() {
    let cases = [
        ("maxPoolSize=1&waitQueueTimeoutMS=300", 300),
        ("maxPoolSize=1&waitQueueTimeoutMS=300&timeoutMS=700", 700),
        ("maxPoolSize=1&serverSelectionTimeoutMS=300&timeoutMS=700", 300),
        ("maxPoolSize=1&serverSelectionTimeoutMS=900", 900),
    ];
    for (options, expected) in cases {
        let (error, took) = queue(&format!("mongodb://10.0.0.1/?{options}"));
        assert_eq!((error.phase(), took), (Phase::Queue, millis(expected)), "{options}: {error}");
        assert!(error.is_timeout() && !error.maybe_executed(), "{options}: {error:?}");
    }
}

/// The time is spent on somebody else's reply: nothing of this operation was sent.
#[test]
fn who_times_out_over_an_owed_reply_has_executed_nothing() {
    let sim = Sim::new(3);
    let server = FakeServer::start(&sim, address());
    let handle = sim.clone();
    let names = server.clone();
    let error = sim
        .run(async move {
            let client = client(&handle, "mongodb://10.0.0.1/?maxPoolSize=1");
            things(&client).find_one(doc! {}).await.unwrap();
            server.set_delay("find", millis(800));
            assert!(drop_after(things(&client).find_one(doc! {}).into_future(), 1).await.is_none());
            let error = things(&client).insert_one(doc! {}).timeout(millis(100)).await.unwrap_err();
            // The debt went back to the pool, and is settled within its own limit.
            things(&client).insert_one(doc! {}).timeout(millis(900)).await.unwrap();
            error
        })
        .unwrap();
    assert_eq!(error.phase(), Phase::Queue, "{error}");
    assert!(error.is_timeout() && !error.maybe_executed() && !error.is_network(), "{error:?}");
    assert_eq!(names.command_names(), ["find", "find", "insert"]);
}

#[test]
fn a_silent_address_leaves_time_for_the_next_one() {
    let sim = Sim::new(4);
    let server = FakeServer::start(&sim, address());
    let silent: SocketAddr = "10.0.0.9:27017".parse().unwrap();
    server.listen_at(stator_client::runtime::Endpoint::Tcp(silent));
    sim.set_route(silent, Route::BlackHole);
    sim.host("db.test", [silent.ip(), address().ip()]);
    let handle = sim.clone();
    sim.run(async move {
        let client = client(&handle, "mongodb://db.test/?connectTimeoutMS=4000");
        things(&client).find_one(doc! {}).await.unwrap();
    })
    .unwrap();
}

#[test]
fn what_fails_in_a_later_batch_may_have_been_executed() {
    let sim = Sim::new(5);
    let config = Config { max_write_batch_size: 2, ..Config::default() };
    let server = FakeServer::start_with(&sim, address(), config);
    let mut inserts = 0;
    server.script(move |request| {
        inserts += usize::from(request.name() == "insert");
        if request.name() == "insert" && inserts % 2 == 0 {
            return Reply::Doc(doc! { "ok": 0.0, "code": 13, "codeName": "Unauthorized", "errmsg": "no" });
        }
        Reply::Engine
    });
    let handle = sim.clone();
    sim.run(async move {
        let client = client(&handle, "mongodb://10.0.0.1/");
        let many = things(&client).insert_many((0..3).map(|n| doc! { "_id": n })).await.unwrap_err();
        assert_eq!((many.code(), many.phase()), (Some(13), Phase::Reply));
        assert!(many.maybe_executed(), "two documents were inserted: {many:?}");
        things(&client).insert_one(doc! { "_id": 10 }).await.unwrap();
        let one = things(&client).insert_one(doc! { "_id": 11 }).await.unwrap_err();
        assert!(!one.maybe_executed(), "{one:?}");
    })
    .unwrap();
}

#[test]
fn a_write_concern_that_contradicts_itself_is_refused_before_anything_is_sent() {
    let sim = Sim::new(6);
    let server = FakeServer::start(&sim, address());
    let handle = sim.clone();
    sim.run(async move {
        let client = client(&handle, "mongodb://10.0.0.1/");
        let concern = WriteConcern { journal: Some(true), ..WriteConcern::unacknowledged() };
        let error = things(&client).insert_one(doc! {}).write_concern(concern).await.unwrap_err();
        assert_eq!(error.phase(), Phase::Prepare);
    })
    .unwrap();
    assert_eq!(server.connections_accepted(), 0);
}
