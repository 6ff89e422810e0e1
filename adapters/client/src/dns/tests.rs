use std::io;
use std::sync::{Arc, Mutex};

use simple_dns::rdata::{CNAME, RData, SRV, TXT};
use simple_dns::{CLASS, Name, Packet, PacketFlag, ResourceRecord};

use super::message::{Answer, Kind, Question, Transport};
use super::srv::{choose, resolve_hosts};
use super::*;
use crate::connect::fake::{Fake, Memory};
use crate::error::{Error, ErrorKind, Phase};
use crate::host::block_on;
use crate::runtime::{Instant, Runtime};

const TEN: Instant = Instant::from_millis(10_000);

fn name(text: &str) -> Name<'_> {
    Name::new(text).unwrap()
}

fn srv<'a>(owner: &'a str, target: &'a str, ttl: u32) -> ResourceRecord<'a> {
    let rdata = RData::SRV(SRV { priority: 0, weight: 0, port: 27017, target: name(target) });
    ResourceRecord::new(name(owner), CLASS::IN, ttl, rdata)
}

/// An answer with these records.
fn answer(question: &[u8], records: &[ResourceRecord<'_>]) -> Vec<u8> {
    let mut packet = Packet::parse(question).unwrap().into_reply();
    packet.answers = records.to_vec();
    packet.build_bytes_vec().unwrap()
}

const HOST: &str = "a.test.example";
const QUERY: &str = "_mongodb._tcp.a.test.example";

fn config() -> Config {
    format!("mongodb+srv://{HOST}").parse().unwrap()
}

fn resolver() -> ResolverConfig {
    ResolverConfig::new(Some(&["10.0.0.1:53".parse().unwrap(), "10.0.0.2:53".parse().unwrap()]))
}

/// Without tasks, too, the TXT record is asked for.
#[test]
fn where_there_are_no_tasks_the_questions_are_asked_in_turn() {
    let runtime = Fake::new().answering(|_, question| {
        let asked = Packet::parse(question).unwrap().questions[0].qname.to_string().to_lowercase();
        Ok(match asked.as_str() {
            QUERY => answer(question, &[srv(QUERY, "DB0.test.example", 90), srv(QUERY, "db1.test.example", 70)]),
            HOST => {
                let text = RData::TXT(TXT::new().with_string("replicaSet=rs0&loadBalanced=perhaps").unwrap());
                answer(question, &[ResourceRecord::new(name(HOST), CLASS::IN, 5, text)])
            }
            other => panic!("{other}"),
        })
    });
    let resolved = block_on(resolve(&runtime, &config(), &resolver(), TEN)).unwrap();
    assert_eq!(resolved.config.hosts[0].to_string(), "db0.test.example:27017");
    assert_eq!(resolved.config.replica_set.as_deref(), Some("rs0"));
    assert_eq!((resolved.warnings.len(), resolved.min_ttl), (1, Duration::from_secs(70)));
}

#[test]
fn polling_leaves_foreign_hosts_out() {
    let runtime = Fake::new().answering(|_, question| {
        let alias = ResourceRecord::new(name(QUERY), CLASS::IN, 20, RData::CNAME(CNAME(name("x.example"))));
        let records = ["db0.test.example", "db.evil.example", "db0.test.example"].map(|to| srv("x.example", to, 90));
        Ok(answer(question, &[&[alias][..], &records].concat()))
    });
    let found = block_on(resolve_hosts(&runtime, &config(), &resolver(), TEN)).unwrap();
    assert_eq!(found.hosts.iter().map(ToString::to_string).collect::<Vec<_>>(), ["db0.test.example:27017"]);
    assert_eq!(found.min_ttl, Duration::from_secs(20));

    let evil = Fake::new().answering(|_, question| Ok(answer(question, &[srv(QUERY, "db.evil.example", 90)])));
    let error = block_on(resolve_hosts(&evil, &config(), &resolver(), TEN)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "DNS, _mongodb._tcp.a.test.example: an SRV record names a host outside of the domain [asked 10.0.0.1:53]"
    );
    let none = Fake::new().answering(|_, question| Ok(answer(question, &[srv(QUERY, ".", 90)])));
    let error = block_on(resolve_hosts(&none, &config(), &resolver(), TEN)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Dns(DnsError { failure: DnsFailure::NoRecords, .. })), "{error}");
}

#[test]
fn every_host_has_its_chance() {
    let runtime = Fake::new();
    let mut counts = [0; 5];
    for _ in 0..1000 {
        let mut hosts = vec![0, 1, 2, 3, 4];
        choose(&runtime, &mut hosts, 2);
        assert_eq!(hosts.len(), 2);
        hosts.iter().for_each(|host| counts[*host as usize] += 1);
    }
    assert!(counts.iter().all(|count| (300..500).contains(count)), "{counts:?}");
    let mut few = vec![1, 2, 3];
    choose(&runtime, &mut few, 3);
    assert_eq!(few, [1, 2, 3]);
}

fn ask(runtime: &Fake, resolver: &ResolverConfig, deadline: Instant) -> Error {
    block_on(resolve_hosts(runtime, &config(), resolver, deadline)).unwrap_err()
}

#[test]
fn each_server_is_asked_as_often_as_configured_and_what_was_said_outweighs_silence() {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = asked.clone();
    let runtime = Fake::new().answering(move |server, _| {
        log.lock().unwrap().push(server.ip().to_string());
        match log.lock().unwrap().len() {
            2 => Err(io::ErrorKind::ConnectionRefused.into()),
            _ => Err(io::ErrorKind::TimedOut.into()),
        }
    });
    let error = ask(&runtime, &resolver(), Instant::FAR_FUTURE);
    assert_eq!(*asked.lock().unwrap(), ["10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.2"]);
    assert!(error.to_string().contains("cannot be reached") && error.to_string().contains("10.0.0.2:53"), "{error}");
    assert_eq!(runtime.now(), Instant::from_millis(15_000));
    assert_eq!(error.phase(), Phase::Dns);

    let first = || {
        let runtime = runtime.clone();
        asked.lock().unwrap().clear();
        let rotating = ResolverConfig { rotate: true, ..resolver() };
        ask(&runtime, &rotating, Instant::FAR_FUTURE);
        asked.lock().unwrap()[0].clone()
    };
    let firsts: std::collections::BTreeSet<String> = (0..20).map(|_| first()).collect();
    assert_eq!(firsts.len(), 2);
}

#[test]
fn names_that_cannot_be_asked_for_are_not() {
    let runtime = Fake::new().answering(|_, _| panic!("nobody asks"));
    let mut config = config();
    for host in ["x".repeat(64), "x.".repeat(130), r"bad\".into()] {
        config.srv.as_mut().unwrap().host = host;
        let error = block_on(resolve(&runtime, &config, &resolver(), TEN)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Dns(DnsError { failure: DnsFailure::InvalidName, .. })), "{error}");
    }
}

/// By TCP: an answer in single bytes, one that ends early, and one that says it is longer than it is.
#[test]
fn tcp_is_read_exactly() {
    let by_tcp = |reply: fn(&[u8]) -> Vec<u8>| {
        // The question that comes by TCP is known only when it is written, so the reply is made of the bytes that this
        // runtime's random source will give: those of a twin.
        let twin = Fake::new();
        let (mut first, mut second) = ([0; Question::RANDOM_LEN], [0; Question::RANDOM_LEN]);
        twin.fill_random(&mut first);
        twin.fill_random(&mut second);
        let question = Question::new(QUERY, Kind::Srv, &second).to_bytes(true).unwrap();
        let input = reply(&answer(&question, &[srv(QUERY, "db0.test.example", 1)]));
        let runtime = Fake::new()
            .answering(|_, question| {
                let mut packet = Packet::parse(question).unwrap().into_reply();
                packet.set_flags(PacketFlag::TRUNCATION);
                Ok(packet.build_bytes_vec().unwrap())
            })
            .accepting(move |_, _| Ok(Memory { input: input.clone(), ..Memory::default() }));
        let one = ResolverConfig { attempts: 1, ..ResolverConfig::new(Some(&["10.0.0.1:53".parse().unwrap()])) };
        block_on(resolve_hosts(&runtime, &config(), &one, TEN))
    };
    let framed = |answer: &[u8]| [&(answer.len() as u16).to_be_bytes()[..], answer].concat();
    assert_eq!(by_tcp(framed).unwrap().hosts.len(), 1);
    for reply in
        [(|_| vec![0]) as fn(&[u8]) -> Vec<u8>, |answer| [&[0xFF, 0xFF], answer].concat(), |_| vec![0, 5, 1, 2, 3]]
    {
        let error = by_tcp(reply).map(drop).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Dns(DnsError { failure: DnsFailure::Io(_), .. })), "{error}");
    }
    let error = by_tcp(|_| vec![0, 2, 1, 2]).map(drop).unwrap_err();
    assert!(error.to_string().contains("shorter than a header"), "{error}");
}

/// Whatever a server sends, it is an answer or an error, and never a panic: proper answers with some bytes changed.
#[test]
fn no_answer_panics() {
    let random = Fake::new();
    let draw = |below: usize| {
        let mut bytes = [0; 4];
        random.fill_random(&mut bytes);
        u32::from_le_bytes(bytes) as usize % below
    };
    let (mut read, mut refused) = (0, 0);
    for kind in [Kind::Srv, Kind::Txt] {
        let question = Question::new(QUERY, kind, &[3; Question::RANDOM_LEN]);
        let asked = question.to_bytes(true).unwrap();
        let text = RData::TXT(TXT::new().with_string("a").unwrap().with_string("b=c").unwrap());
        let records = [
            srv(QUERY, "db0.test.example", u32::MAX),
            ResourceRecord::new(name(QUERY), CLASS::IN, 1, text),
            ResourceRecord::new(name("x.example"), CLASS::IN, 1, RData::CNAME(CNAME(name(QUERY)))),
        ];
        let mut packet = Packet::parse(&asked).unwrap().into_reply();
        packet.answers = records.to_vec();
        let proper = packet.build_bytes_vec_compressed().unwrap();
        match question.read(&proper, Transport::Udp).unwrap() {
            Answer::Records(records) => assert_eq!(records.srv.len() + records.txt.len(), 1),
            other => panic!("{other:?}"),
        }
        for _ in 0..100_000 {
            let mut bytes = proper.clone();
            for _ in 0..=draw(4) {
                let at = draw(bytes.len());
                bytes[at] = [draw(256) as u8, 0xC0, 0, 0xFF, 12, 41][draw(6)];
            }
            bytes.truncate(draw(bytes.len() + 1).max(draw(bytes.len() + 1)));
            for by in [Transport::Udp, Transport::Tcp] {
                match question.read(&bytes, by) {
                    Ok(_) => read += 1,
                    Err(_) => refused += 1,
                }
            }
        }
    }
    assert!(read > 10_000 && refused > 10_000, "{read} {refused}");
    // Only noise, and the shortest ones.
    let question = Question::new("a.b", Kind::Srv, &[0; Question::RANDOM_LEN]);
    for len in 0..600 {
        let mut noise = vec![0; len];
        random.fill_random(&mut noise);
        if let Some(id) = noise.get_mut(..2) {
            id.fill(0);
        }
        let _ = question.read(&noise, Transport::Tcp);
    }
}

#[test]
fn a_header_that_promises_much_makes_no_room_for_it() {
    let question = Question::new("a.b", Kind::Srv, &[0; Question::RANDOM_LEN]);
    let mut bytes = vec![0, 0, 0x80, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
    let read = |bytes: &[u8]| question.read(bytes, Transport::Tcp).unwrap_err().to_string();
    assert!(read(&bytes).contains("counts"));
    bytes[6..8].fill(0);
    bytes[4] = 0xFF;
    assert!(read(&bytes).contains("counts"));
}
