//! A storm: many tasks use one client at once while operations are dropped, connections reset, the server cut off and links
//! slow, seed by seed. Each operation that ends well has its own answer; afterwards the client is at rest.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use stator_client::{Bson, ClientOptions, Document, ErrorKind, doc};
use stator_sim::server::{Config, FakeServer};
use stator_sim::{Link, Path, Sim, drop_after, drop_when_woken_after};

type Client = stator_client::Client<Sim>;

const TASKS: usize = 6;
const OPERATIONS: usize = 12;
const DOCUMENTS: i32 = 30;

fn address() -> SocketAddr {
    "10.0.0.1:27017".parse().unwrap()
}

fn things(client: &Client) -> stator_client::Collection<Sim> {
    client.database("db").collection("things")
}

const fn millis(millis: usize) -> Duration {
    Duration::from_millis(millis as u64)
}

/// One operation, chosen by chance. An answer that belongs to somebody else is a panic; errors are the storm's.
async fn operate(sim: Sim, client: Client, unique: i32) -> stator_client::Result<()> {
    let id = sim.draw(DOCUMENTS as usize) as i32;
    let all = things(&client);
    match sim.draw(9) {
        0 | 1 => {
            let found = all.find_one(doc! { "_id": id }).await?;
            assert_eq!(found, Some(doc! { "_id": id, "n": id }), "a reply to another question");
        }
        2 => {
            let mut cursor = all.find(doc! { "_id": { "$lt": id } }).batch_size(4).await?;
            let found: Vec<Document> = cursor.to_list(None).await?;
            let found: Vec<_> = found.iter().map(|document| document.get("_id").cloned()).collect();
            assert_eq!(found, (0..id).map(|n| Some(Bson::Int32(n))).collect::<Vec<_>>());
        }
        3 => {
            // Left in the middle.
            let mut cursor = all.find(doc! {}).batch_size(3).await?;
            assert_eq!(cursor.to_list(5).await?.len(), 5);
        }
        4 => {
            let name = format!("c{unique}");
            let echo = client.database("db").run_command(doc! { "ping": 1, "comment": name }).await?;
            assert!(echo.get("ok").is_some() && echo.get("cursor").is_none(), "{echo}");
        }
        5 => {
            let result = client.database("db").collection::<Document>("own").insert_one(doc! { "_id": unique }).await?;
            assert_eq!(result.inserted_id, Bson::Int32(unique));
        }
        6 => assert_eq!(all.count_documents(doc! { "_id": { "$lt": id } }).await?, id as u64),
        7 => {
            let own = client.database("db").collection::<Document>("many");
            let result = own.insert_many((0..7).map(|n| doc! { "of": unique, "n": n })).await?;
            assert_eq!(result.inserted_ids.len(), 7);
        }
        _ => {
            all.find(doc! {}).batch_size(2).await?.close().await?;
        }
    }
    Ok(())
}

/// A task of the storm: operations, some with a timeout, some dropped.
async fn work(sim: Sim, client: Client, task: usize, done: Arc<AtomicUsize>) {
    for number in 0..OPERATIONS {
        let unique = (task * OPERATIONS + number) as i32;
        let operation = operate(sim.clone(), client.clone(), unique);
        let outcome = match sim.draw(4) {
            0 => drop_after(operation, sim.draw(6)).await,
            1 => drop_when_woken_after(operation, sim.draw(6)).await,
            _ => Some(operation.await),
        };
        match outcome {
            Some(Ok(())) => drop(done.fetch_add(1, Ordering::Relaxed)),
            Some(Err(error)) => {
                let expected = error.is_timeout() || error.is_network() || error.code() == Some(43);
                assert!(expected, "not the weather's fault: {error:?}");
                assert!(!matches!(error.kind(), ErrorKind::Closed), "{error:?}");
            }
            None => {}
        }
        sim.sleep(millis(sim.draw(40))).await;
    }
    done.fetch_add(1_000_000, Ordering::Relaxed);
}

/// What happens to connections meanwhile.
async fn weather(sim: Sim, server: FakeServer) {
    for _ in 0..12 {
        sim.sleep(millis(sim.draw(150))).await;
        match sim.draw(6) {
            0 => sim.reset_all(address()),
            1 => {
                sim.partition(address());
                sim.sleep(millis(sim.draw(1500))).await;
                sim.heal_partition(address());
            }
            2 => server.set_delay("find", millis(sim.draw(400))),
            3 => server.set_delay("getMore", millis(sim.draw(1500))),
            4 => ["find", "getMore", "insert"].iter().for_each(|name| server.set_delay(name, Duration::ZERO)),
            _ => server.set_delay("insert", millis(sim.draw(50))),
        }
    }
    ["find", "getMore", "insert"].iter().for_each(|name| server.set_delay(name, Duration::ZERO));
}

/// How many operations ended well.
fn storm(sim: &Sim, seed: u64) -> usize {
    let config = Config { max_write_batch_size: 3, ..Config::default() };
    let server = FakeServer::start_with(sim, address(), config);
    server.engine(|engine| engine.add_user("admin", "user", "secret"));
    let mut slow = Path { latency: millis(0)..=millis(20), ..Path::default() };
    slow.piece = seed.is_multiple_of(3).then_some(64);
    sim.set_link(address(), Link { up: slow.clone(), down: slow });
    let pool = 1 + seed % 3;
    let options = [
        format!("maxPoolSize={pool}&timeoutMS=4000&connectTimeoutMS=2000"),
        format!("maxPoolSize={pool}&socketTimeoutMS=900&waitQueueTimeoutMS=3000&connectTimeoutMS=2000"),
        format!("maxPoolSize={pool}&minPoolSize=1&maxIdleTimeMS=60&timeoutMS=2500&connectTimeoutMS=1000"),
    ];
    let options =
        ClientOptions::parse(&format!("mongodb://user:secret@10.0.0.1/?{}", options[(seed / 3 % 3) as usize]));
    let (handle, outside) = (sim.clone(), server.clone());
    let done = sim
        .run(async move {
            let client = Client::with_runtime(handle.clone(), options.unwrap()).unwrap();
            things(&client).insert_many((0..DOCUMENTS).map(|n| doc! { "_id": n, "n": n })).await.unwrap();
            let done = Arc::new(AtomicUsize::new(0));
            for task in 0..TASKS {
                handle.spawn_aside("worker", work(handle.clone(), client.clone(), task, done.clone()));
            }
            weather(handle.clone(), outside.clone()).await;
            while done.load(Ordering::Relaxed) / 1_000_000 < TASKS {
                handle.sleep(Duration::from_secs(1)).await;
            }
            // Owed replies have their second, killCursors its five.
            handle.sleep(Duration::from_secs(10)).await;
            let stats = client.pool_stats();
            assert_eq!((stats.in_use, stats.owing, stats.waiting), (0, 0, 0), "seed {seed}");
            // With minPoolSize one is dialled for each that has perished.
            assert!(u64::from(stats.total()) <= pool && stats.pending <= 1, "seed {seed}: {stats:?}");
            let found = things(&client).find_one(doc! { "_id": 7 }).await;
            assert!(found.is_ok(), "seed {seed}: {found:?}");
            client.close().await;
            done.load(Ordering::Relaxed) % 1_000_000
        })
        .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let handle = sim.clone();
    sim.run(async move { handle.sleep(Duration::from_secs(30)).await }).unwrap();
    assert_eq!(sim.streams_open(), 0, "seed {seed}: a connection outlives its client");
    assert_eq!(sim.live_tasks(), Vec::<String>::new(), "seed {seed}: a task outlives its client");
    done
}

fn storms(world: fn(u64) -> Sim, seeds: std::ops::Range<u64>) {
    let count = seeds.end - seeds.start;
    let done: usize = seeds.map(|seed| storm(&world(seed), seed)).sum();
    println!("{count} storms, {done} operations ended well");
    assert!(done as u64 > count * 10, "the storm is too strong to show anything: {done}");
}

#[test]
fn a_client_weathers_the_storm() {
    storms(Sim::new, 0..24);
}

#[test]
fn a_client_weathers_the_storm_where_io_blocks() {
    storms(Sim::blocking, 0..6);
}

/// For long nights: `cargo test -p stator-sim --release --test storm -- --ignored`.
#[test]
#[ignore = "minutes"]
fn a_client_weathers_a_thousand_storms() {
    storms(Sim::new, 1000..2000);
    storms(Sim::blocking, 1000..1200);
}
