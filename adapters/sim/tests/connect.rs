//! How the client connects: over several addresses of a host, one of which may be silent, and through the user's own function.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use stator_client::options::Connector;
use stator_client::runtime::{Endpoint, Stream};
use stator_client::{Client, ClientOptions, Error, Runtime, ServerAddress, doc};
use stator_sim::server::FakeServer;
use stator_sim::{Link, Route, Sim};

const SIX: &str = "fd00::1";
const FOUR: &str = "10.0.0.1";
const FOUR_TOO: &str = "10.0.0.2";

fn at(ip: &str) -> SocketAddr {
    SocketAddr::new(ip.parse().unwrap(), 27017)
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A host with these addresses, in the resolver's order, each with a server 1 ms away.
fn worlds(seed: u64, addresses: &[&str]) -> [Sim; 2] {
    [Sim::new(seed), Sim::blocking(seed)].map(|sim| {
        sim.set_default_link(Link::fixed(millis(1)));
        sim.host("db.test", addresses.iter().map(|ip| ip.parse::<IpAddr>().unwrap()));
        for ip in addresses {
            FakeServer::start(&sim, at(ip));
        }
        sim
    })
}

/// A ping of a new client, how long it took, and then a second of rest; the client lives to the end.
fn ping(sim: &Sim, options: &str) -> (Result<(), Error>, Duration) {
    let uri = format!("mongodb://db.test/?serverMonitoringMode=poll&{options}");
    let handle = sim.clone();
    sim.run(async move {
        let client = Client::with_runtime(handle.clone(), ClientOptions::parse(&uri).unwrap()).unwrap();
        let start = handle.now();
        let done = client.database("db").run_command(doc! { "ping": 1 }).await.map(drop);
        let took = handle.now() - start;
        handle.sleep(millis(1000)).await;
        // The monitor's and the pool's.
        assert_eq!(handle.streams_open(), if done.is_ok() { 2 } else { 0 }, "losers are closed");
        (done, took)
    })
    .unwrap()
}

fn attempts(sim: &Sim) -> usize {
    sim.spawned().iter().filter(|name| **name == "stator-connect").count()
}

/// The monitor connects and says hello, then the pool does, then comes the ping; each takes 2 ms. So whatever connecting costs
/// is paid twice.
const AT_ONCE: Duration = millis(10);

#[test]
fn one_address_needs_no_second_task() {
    for sim in worlds(1, &[FOUR]) {
        let (done, took) = ping(&sim, "");
        done.unwrap();
        assert_eq!((took, attempts(&sim)), (AT_ONCE, 0));
    }
}

#[test]
fn the_first_address_that_answers_is_the_only_one_tried() {
    for seed in 0..10 {
        for sim in worlds(seed, &[SIX, FOUR]) {
            let (done, took) = ping(&sim, "");
            done.unwrap();
            assert_eq!((took, attempts(&sim)), (AT_ONCE, 2));
        }
    }
}

#[test]
fn a_silent_address_costs_250_ms() {
    for seed in 0..10 {
        for sim in worlds(seed, &[SIX, FOUR, FOUR_TOO]) {
            sim.set_route(at(SIX), Route::BlackHole);
            let (done, took) = ping(&sim, "");
            done.unwrap();
            assert_eq!((took, attempts(&sim)), (AT_ONCE + 2 * millis(250), 4));
        }
    }
}

#[test]
fn a_refusing_address_costs_nothing() {
    for seed in 0..10 {
        for sim in worlds(seed, &[SIX, FOUR]) {
            sim.set_route(at(SIX), Route::Refused);
            let (done, took) = ping(&sim, "");
            done.unwrap();
            assert_eq!((took, attempts(&sim)), (AT_ONCE + 2 * millis(2), 4));
        }
    }
}

/// The first is silent, the second refuses after 2 ms, and the third does not wait for its turn.
#[test]
fn any_failure_starts_the_next() {
    for seed in 0..10 {
        for sim in worlds(seed, &[SIX, FOUR, FOUR_TOO]) {
            sim.set_route(at(SIX), Route::BlackHole);
            sim.set_route(at(FOUR), Route::Refused);
            let (done, took) = ping(&sim, "");
            done.unwrap();
            assert_eq!((took, attempts(&sim)), (AT_ONCE + 2 * millis(252), 6));
        }
    }
}

/// Both answer: the first one after 300 ms, when the second is already in use.
#[test]
fn a_late_answer_is_closed() {
    for seed in 0..10 {
        for sim in worlds(seed, &[SIX, FOUR]) {
            sim.set_link(at(SIX), Link::fixed(millis(150)));
            let (done, took) = ping(&sim, "");
            done.unwrap();
            assert_eq!((took, sim.connections_made()), (AT_ONCE + 2 * millis(250), 4));
        }
    }
}

/// And so it is when the first one wins while the second is on its way.
#[test]
fn a_slow_winner_wins_too() {
    for sim in worlds(3, &[SIX, FOUR]) {
        sim.set_link(at(SIX), Link::fixed(millis(130)));
        sim.set_link(at(FOUR), Link::fixed(millis(100)));
        let (done, took) = ping(&sim, "");
        done.unwrap();
        assert_eq!((took, attempts(&sim)), (5 * millis(260), 4));
    }
}

/// Both answer 260 ms after the beginning: whoever is second finds a winner that nobody has taken yet.
#[test]
fn of_two_that_answer_at_once_one_is_closed() {
    for seed in 0..30 {
        for sim in worlds(seed, &[SIX, FOUR]) {
            sim.set_link(at(SIX), Link::fixed(millis(130)));
            sim.set_link(at(FOUR), Link::fixed(millis(5)));
            ping(&sim, "").0.unwrap();
            assert_eq!(sim.connections_made(), 4);
        }
    }
}

#[test]
fn all_silent_is_a_timeout_at_connect_timeout() {
    for seed in 0..10 {
        for sim in worlds(seed, &[SIX, FOUR, FOUR_TOO]) {
            [SIX, FOUR, FOUR_TOO].iter().for_each(|ip| sim.set_route(at(ip), Route::BlackHole));
            let (done, took) = ping(&sim, "connectTimeoutMS=700&serverSelectionTimeoutMS=5000");
            let error = done.unwrap_err().to_string();
            assert!(error.contains("timed out in phase `connect`") && took == millis(5000), "{error}");
            // Each attempt of the monitor has ended before the next.
            let sixth = sim.spawned().iter().filter(|name| **name == "stator-connect").nth(5).is_some();
            assert!(sixth, "{:?}", sim.spawned());
            sim.run(sim.sleep(Duration::from_secs(2))).unwrap();
            assert!(!sim.live_tasks().iter().any(|name| name == "stator-connect"), "{:?}", sim.live_tasks());
        }
    }
}

#[test]
fn all_refusing_names_them_all() {
    for sim in worlds(1, &[SIX, FOUR]) {
        [SIX, FOUR].iter().for_each(|ip| sim.set_route(at(ip), Route::Refused));
        let text = ping(&sim, "serverSelectionTimeoutMS=100").0.unwrap_err().to_string();
        assert!(text.contains("[fd00::1]:27017: ") && text.contains("10.0.0.1:27017: "), "{text}");
    }
}

/// Whenever the client goes, attempts under way end with nothing left.
#[test]
fn a_client_that_is_dropped_meanwhile_leaves_nothing_behind() {
    for after in [0, 1, 100, 251, 299, 301, 400] {
        for sim in worlds(after, &[SIX, FOUR]) {
            sim.set_link(at(SIX), Link::fixed(millis(150)));
            sim.set_link(at(FOUR), Link::fixed(millis(60)));
            let handle = sim.clone();
            sim.run(async move {
                let options = ClientOptions::parse("mongodb://db.test").unwrap();
                let client = Client::with_runtime(handle.clone(), options).unwrap();
                let other = client.clone();
                let ping = async move { drop(other.database("db").run_command(doc! { "ping": 1 }).await) };
                handle.spawn_aside("ping", ping);
                handle.sleep(millis(after)).await;
                client.close().await;
                drop(client);
                handle.sleep(Duration::from_secs(11)).await;
            })
            .unwrap();
            assert_eq!((sim.streams_open(), sim.timers_armed()), (0, 0), "after {after} ms");
            assert!(!sim.live_tasks().iter().any(|name| name.starts_with("stator")), "{:?}", sim.live_tasks());
        }
    }
}

/// The connector sees the server's address as it was written, and its deadline; what it makes is used.
#[test]
fn a_connector_takes_the_runtimes_place() {
    for sim in worlds(1, &[FOUR]) {
        let calls = Arc::new(AtomicUsize::new(0));
        let (handle, count) = (sim.clone(), calls.clone());
        let mut options =
            ClientOptions::parse("mongodb://behind.a.tunnel:5/?connectTimeoutMS=3000&serverMonitoringMode=poll")
                .unwrap();
        let start = sim.now();
        options.connector = Some(Connector::new(move |to, deadline| {
            assert_eq!(to, ServerAddress::Tcp { host: "behind.a.tunnel".into(), port: 5 });
            assert!((millis(3000)..millis(3100)).contains(&(deadline - start)));
            count.fetch_add(1, Ordering::SeqCst);
            let handle = handle.clone();
            async move {
                let stream = handle.connect(&Endpoint::Tcp(at(FOUR)), deadline).await?;
                Ok(Box::new(stream) as Box<dyn Stream>)
            }
        }));
        let handle = sim.clone();
        sim.run(async move {
            let client = Client::with_runtime(handle, options).unwrap();
            for _ in 0..3 {
                client.database("db").run_command(doc! { "ping": 1 }).await.unwrap();
            }
        })
        .unwrap();
        assert_eq!(calls.load(Ordering::SeqCst), 2, "the monitor's and the pool's");
    }
}

#[test]
fn a_connectors_error_is_the_cause_that_is_told() {
    let sim = Sim::new(1);
    let mut options = ClientOptions::parse("mongodb://db.test/?serverSelectionTimeoutMS=100").unwrap();
    options.connector = Some(Connector::new(|_, _| async { Err(std::io::Error::other("no tunnel today")) }));
    let handle = sim.clone();
    let error = sim
        .run(async move {
            let client = Client::with_runtime(handle, options).unwrap();
            client.database("db").run_command(doc! { "ping": 1 }).await.unwrap_err()
        })
        .unwrap();
    assert!(error.to_string().contains("no tunnel today"), "{error}");
}
