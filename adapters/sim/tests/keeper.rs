//! The client's background task: it serves the pool's timers and must be at rest between them.

use std::net::SocketAddr;
use std::time::Duration;

use stator_client::{ClientOptions, Document, doc};
use stator_sim::server::FakeServer;
use stator_sim::server::Reply;
use stator_sim::{Sim, drop_after};

type Client = stator_client::Client<Sim>;

fn address() -> SocketAddr {
    "10.0.0.1:27017".parse().unwrap()
}

fn client(sim: &Sim, options: &str) -> Client {
    let options = ClientOptions::parse(&format!("mongodb://10.0.0.1/?{options}")).unwrap();
    Client::with_runtime(sim.clone(), options).unwrap()
}

fn things(client: &Client) -> stator_client::Collection<Sim> {
    client.database("db").collection("things")
}

/// A keeper that rings itself never lets go of its thread, and this test never ends.
#[test]
fn a_pool_with_a_timer_leaves_the_keeper_at_rest() {
    let sim = Sim::new(1);
    let server = FakeServer::start(&sim, address());
    let handle = sim.clone();
    sim.run(async move {
        let client = client(&handle, "maxIdleTimeMS=5000");
        things(&client).find_one(doc! {}).await.unwrap();
        handle.sleep(Duration::from_secs(1)).await;
        let before = handle.polls();
        handle.sleep(Duration::from_secs(1)).await;
        assert!(handle.polls() - before <= 2, "nothing is due, and yet somebody works");
        assert_eq!(client.pool_stats().idle, 1);
        handle.sleep(Duration::from_secs(4)).await;
        assert_eq!(client.pool_stats().total(), 0, "idle for longer than maxIdleTimeMS");
        drop(client);
        // The server notices when it has something to say to the monitor.
        handle.sleep(Duration::from_secs(11)).await;
    })
    .unwrap();
    assert_eq!(server.connections(), 0);
}

/// Nobody comes after the dropped operation: the keeper alone reads the reply that is owed.
#[test]
fn an_owed_reply_is_read_by_the_keeper_when_its_time_is_up() {
    for late in [300, 1500] {
        let sim = Sim::new(2);
        let server = FakeServer::start(&sim, address());
        let handle = sim.clone();
        let kept = sim
            .run(async move {
                let client = client(&handle, "maxPoolSize=1");
                things(&client).find_one(doc! {}).await.unwrap();
                server.set_delay("find", Duration::from_millis(late));
                assert!(drop_after(things(&client).find_one(doc! {}).into_future(), 1).await.is_none());
                assert_eq!(client.pool_stats().owing, 1);
                handle.sleep(Duration::from_secs(2)).await;
                let stats = client.pool_stats();
                assert_eq!((stats.owing, stats.in_use), (0, 0), "{stats:?}");
                stats.idle
            })
            .unwrap();
        assert_eq!(kept, u32::from(late < 1000), "a reply after {late} ms");
    }
}

/// Dropping `close()` while it waits for a connection must not make the server keep the cursor.
#[test]
fn a_cursor_whose_close_is_dropped_is_killed_nevertheless() {
    for polls in 0..4 {
        let sim = Sim::new(3);
        let server = FakeServer::start(&sim, address());
        server.set_delay("ping", Duration::from_millis(500));
        let handle = sim.clone();
        let ended = sim
            .run(async move {
                let client = client(&handle, "maxPoolSize=1");
                things(&client).insert_many((0..9).map(|n| doc! { "_id": n })).await.unwrap();
                let cursor = things(&client).find(doc! {}).batch_size(2).await.unwrap();
                let other = client.clone();
                handle.spawn_aside("other", async move {
                    other.database("db").run_command(doc! { "ping": 1 }).await.map(|_: Document| ()).unwrap();
                });
                handle.sleep(Duration::from_millis(100)).await;
                let ended = drop_after(cursor.close().into_future(), polls).await.is_some();
                handle.sleep(Duration::from_secs(3)).await;
                ended
            })
            .unwrap();
        assert_eq!(server.open_cursors(), 0, "close() dropped after {polls} polls, ended: {ended}");
    }
}

/// A server that accepts and is silent holds a dial for ever if connectTimeoutMS is zero: closing the client ends it, and so does
/// dropping its last handle.
#[test]
fn a_dial_under_way_ends_with_its_client() {
    for close in [true, false] {
        let sim = Sim::new(4);
        let server = FakeServer::start(&sim, address());
        // The monitor is answered, the dial is not.
        let mut hellos = 0;
        server.script(move |_| {
            hellos += 1;
            if hellos == 1 { Reply::Engine } else { Reply::Nothing }
        });
        let handle = sim.clone();
        sim.run(async move {
            let client = client(&handle, "connectTimeoutMS=0");
            let error = things(&client).find_one(doc! {}).timeout(Duration::from_millis(500)).await.unwrap_err();
            assert!(error.is_timeout() && !error.maybe_executed(), "{error:?}");
            assert_eq!(client.pool_stats().pending, 1);
            if close {
                client.close().await;
                handle.sleep(Duration::from_secs(1)).await;
                assert_eq!(handle.live_tasks(), Vec::<String>::new());
            }
            drop(client);
            handle.sleep(Duration::from_secs(1)).await;
        })
        .unwrap();
        assert_eq!((sim.live_tasks(), sim.streams_open()), (vec![], 0), "close: {close}");
    }
}
