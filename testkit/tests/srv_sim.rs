//! `mongodb+srv` in a simulated world: who is asked when, to the millisecond, on an executor and on plain threads.

use std::net::SocketAddr;
use std::time::Duration;

use stator_client::{ClientOptions, Error, Runtime};
use stator_sim::{Link, Sim, drop_after};
use stator_testkit::dns::{Manner, Zone};

const SRV: &str = "_mongodb._tcp.a.test.example";
const TXT: &str = "a.test.example";

fn at(number: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, number], 53))
}

fn proper() -> Zone {
    let zone = Zone::new().srv(SRV, 60, "db0.test.example", 27017).srv(SRV, 60, "db1.test.example", 27017);
    zone.txt(TXT, 60, &["replicaSet=rs0"])
}

fn worlds(seed: u64) -> [Sim; 2] {
    [Sim::new(seed), Sim::blocking(seed)].map(|sim| {
        sim.set_default_link(Link::fixed(Duration::from_millis(20)));
        sim
    })
}

fn options(query: &str, servers: &[u8]) -> ClientOptions {
    let mut options = ClientOptions::parse(&format!("mongodb+srv://a.test.example/?{query}")).unwrap();
    options.dns_servers = Some(servers.iter().map(|number| at(*number)).collect());
    options
}

/// What resolving gives, and how many milliseconds it takes.
fn resolve(sim: &Sim, options: ClientOptions) -> (Result<ClientOptions, Error>, u128) {
    let handle = sim.clone();
    sim.run(async move {
        let start = handle.now();
        let resolved = options.resolve(&handle).await;
        (resolved, (handle.now() - start).as_millis())
    })
    .unwrap()
}

#[test]
fn both_questions_are_asked_at_once() {
    for seed in 0..10 {
        for sim in worlds(seed) {
            let zone = proper();
            sim.answer_datagrams(at(1), move |question| zone.answer(question, false));
            let (resolved, took) = resolve(&sim, options("", &[1]));
            assert_eq!(resolved.unwrap().config.replica_set.as_deref(), Some("rs0"));
            assert_eq!(took, 40, "one round trip");
            assert_eq!(sim.spawned(), ["stator-dns-txt"]);
        }
    }
}

#[test]
fn a_silent_server_costs_its_timeout_or_its_share() {
    for sim in worlds(1) {
        let zone = proper();
        sim.answer_datagrams(at(2), move |question| zone.answer(question, false));
        let (resolved, took) = resolve(&sim, options("", &[1, 2]));
        resolved.unwrap();
        assert_eq!(took, 5040);
        // Two servers, each to be asked twice: a quarter of the time for the first.
        let (resolved, took) = resolve(&sim, options("serverSelectionTimeoutMS=4000", &[1, 2]));
        resolved.unwrap();
        assert_eq!(took, 1040);
        let (resolved, took) = resolve(&sim, options("serverSelectionTimeoutMS=4000", &[1]));
        assert!(resolved.unwrap_err().is_timeout());
        assert_eq!(took, 4000);
        assert!(sim.live_tasks().is_empty(), "{:?}", sim.live_tasks());
    }
}

/// The answer of the first server is worthless, by UDP; it listens on no TCP port.
#[test]
fn a_forger_is_passed_by() {
    for sim in worlds(2) {
        let (forged, good) = (proper().manner(SRV, Manner::ForgedId), proper());
        sim.answer_datagrams(at(1), move |question| forged.answer(question, false));
        sim.answer_datagrams(at(2), move |question| good.answer(question, false));
        assert_eq!(resolve(&sim, options("", &[1, 2])).0.unwrap().config.hosts.len(), 2);
    }
}

#[test]
fn choices_are_a_function_of_the_seed_and_questions_are_hard_to_guess() {
    let history = |seed| {
        let sim = Sim::new(seed);
        let (zone, questions) = (proper(), std::sync::Arc::new(std::sync::Mutex::new(Vec::new())));
        let seen = questions.clone();
        sim.answer_datagrams(at(1), move |question| {
            seen.lock().unwrap().push(question.to_vec());
            zone.answer(question, false)
        });
        let (resolved, _) = resolve(&sim, options("srvMaxHosts=1", &[1]));
        // The TXT record and srvMaxHosts exclude each other.
        assert!(resolved.unwrap_err().to_string().contains("srvMaxHosts"));
        questions.lock().unwrap().clone()
    };
    assert_eq!(history(1), history(1));
    let (one, other) = (history(1), history(2));
    assert!(one[0][..2] != other[0][..2] && one[0][12..] != other[0][12..], "id and case");
    assert!(one[0][..2] != one[1][..2], "each question has its own id");
}

/// Dropped at any point, the resolution leaves nothing behind once its deadline has passed.
#[test]
fn a_dropped_resolution_leaves_nothing_behind() {
    for seed in 0..20 {
        let sim = Sim::new(seed);
        let zone = proper();
        sim.answer_datagrams(at(1), move |question| zone.answer(question, false));
        for n in 0.. {
            let handle = sim.clone();
            let options = options("serverSelectionTimeoutMS=3000", &[1]);
            let done = sim
                .run(async move {
                    let done = drop_after(options.resolve(&handle), n).await.is_some();
                    handle.sleep(Duration::from_secs(4)).await;
                    done
                })
                .unwrap();
            assert_eq!((sim.live_tasks().len(), sim.timers_armed(), sim.streams_open()), (0, 0, 0));
            if done {
                break;
            }
        }
    }
}
