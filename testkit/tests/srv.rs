//! `mongodb+srv`: the specification's data and prose tests, and name servers that misbehave, over loopback sockets.

use std::time::Instant;

use stator_async_std::AsyncStd;
use stator_blocking::Blocking;
use stator_client::runtime::BlockOn;
use stator_client::{ClientOptions, DnsError, DnsFailure, Error, ErrorKind, Phase};
use stator_proto::uri::srv::SrvError;
use stator_smol::Smol;
use stator_testkit::conformance::{AREAS, spec_dir};
use stator_testkit::contract::drive;
use stator_testkit::dns::{Asked, DnsServer, Manner, Zone};
use stator_tokio::Tokio;

const SRV: &str = "_mongodb._tcp.a.test.example";
const TXT: &str = "a.test.example";
const URI: &str = "mongodb+srv://a.test.example/?serverSelectionTimeoutMS=20000";

#[test]
fn every_file_of_the_specification_passes() {
    let Some(dir) = spec_dir() else { return eprintln!("skipped: no specification data (STATOR_SPEC_DIR)") };
    let area = "initial-dns-seedlist-discovery";
    let runner = AREAS.iter().find(|(name, _)| *name == area).expect("the area has a runner").1;
    let report = runner(&dir.join(area));
    assert!(report.failed.is_empty(), "{:#?}", report.failed);
    assert!(report.passed >= 39, "only {} files were checked", report.passed);
}

fn options(uri: &str, servers: &[&DnsServer]) -> ClientOptions {
    let mut options = ClientOptions::parse(uri).unwrap();
    options.dns_servers = Some(servers.iter().map(|server| server.address()).collect());
    options
}

fn resolve(uri: &str, server: &DnsServer) -> Result<Vec<String>, Error> {
    let resolved = Blocking.block_on(options(uri, &[server]).resolve(&Blocking))?;
    Ok(resolved.config.hosts.iter().map(ToString::to_string).collect())
}

fn failure(outcome: Result<Vec<String>, Error>) -> String {
    let error = outcome.unwrap_err();
    assert_eq!(error.phase(), Phase::Dns, "{error}");
    match error.kind() {
        ErrorKind::Dns(DnsError { failure, name, server, .. }) => {
            assert!(error.to_string().contains(name.as_str()) && server.is_some(), "{error}");
            format!("{failure:?}")
        }
        other => panic!("{other:?}"),
    }
}

fn proper() -> Zone {
    Zone::new().srv(SRV, 60, "db0.test.example", 27017).srv(SRV, 90, "db1.test.example", 27018)
}

const HOSTS: [&str; 2] = ["db0.test.example:27017", "db1.test.example:27018"];

/// One record for a name of the prose tests.
fn one(host: &str, target: &str) -> Result<Vec<String>, Error> {
    let server = DnsServer::start(Zone::new().srv(&format!("_mongodb._tcp.{host}"), 60, target, 27017)).unwrap();
    resolve(&format!("mongodb+srv://{host}"), &server)
}

#[test]
fn prose_1_fewer_than_three_parts_are_allowed() {
    for host in ["localhost", "mongo.local"] {
        ClientOptions::parse(&format!("mongodb+srv://{host}")).unwrap();
        assert_eq!(one(host, &format!("db.{host}")).unwrap(), [format!("db.{host}:27017")]);
    }
}

#[test]
fn prose_2_3_4_hosts_outside_of_the_domain_are_refused() {
    for (host, target) in [
        ("localhost", "localhost.mongodb"),
        ("mongo.local", "test_1.evil.local"),
        ("blogs.mongodb.com", "blogs.evil.com"),
        ("localhost", "localhost"),
        ("mongo.local", "mongo.local"),
        ("localhost", "test_1.cluster_1localhost"),
        ("mongo.local", "test_1.my_hostmongo.local"),
        ("blogs.mongodb.com", "cluster.testmongodb.com"),
    ] {
        assert_eq!(
            failure(one(host, target)),
            format!("{:?}", DnsFailure::Srv(SrvError::ForeignHost)),
            "{host} {target}"
        );
    }
}

/// On every runtime, so that each asks from a spawned task.
#[test]
fn every_runtime_resolves() {
    let zone = proper().txt(TXT, 60, &["replica", "Set=rs0"]).manner(TXT, Manner::Truncated);
    let server = DnsServer::start(zone).unwrap();
    let options = options(URI, &[&server]);
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // Without an executor, threads and helper threads do it.
    let all = [
        Blocking.block_on(options.resolve(&Blocking)),
        tokio.block_on(options.resolve(&Tokio)),
        smol::block_on(options.resolve(&Smol)),
        async_std::task::block_on(options.resolve(&AsyncStd)),
    ];
    for resolved in all {
        let resolved = resolved.unwrap();
        assert_eq!(resolved.config.hosts.iter().map(ToString::to_string).collect::<Vec<_>>(), HOSTS);
        assert_eq!(resolved.config.replica_set.as_deref(), Some("rs0"));
    }
}

#[test]
fn outside_of_an_executor_it_is_an_error_and_no_panic() {
    let server = DnsServer::start(proper()).unwrap();
    let error = drive(options(URI, &[&server]).resolve(&Tokio)).unwrap_err();
    assert_eq!(error.phase(), Phase::Dns);
}

#[test]
fn the_resolution_can_be_spawned() {
    fn is_send<T: Send>(_: &T) {}
    let options = ClientOptions::parse(URI).unwrap();
    is_send(&options.resolve(&Tokio));
}

/// A server that is cut off, lowers the case, is forged or knows no EDNS is asked otherwise, and there is an answer.
#[test]
fn odd_answers_are_asked_for_otherwise() {
    for (manner, by_tcp) in [
        (Manner::Truncated, true),
        (Manner::LowerCase, true),
        (Manner::ForgedId, true),
        (Manner::OtherQuestion, true),
        (Manner::NoEdns, false),
    ] {
        let server = DnsServer::start(proper().manner(SRV, manner.clone())).unwrap();
        assert_eq!(resolve(URI, &server).unwrap(), HOSTS, "{manner:?}");
        let asked: Vec<Asked> = server.asked().into_iter().filter(|asked| asked.name == SRV).collect();
        let [first, second] = asked.as_slice() else { panic!("{manner:?}: {asked:?}") };
        assert!(!first.by_tcp && first.edns);
        assert_eq!((second.by_tcp, second.edns), (by_tcp, by_tcp));
    }
}

#[test]
fn an_answer_that_does_not_fit_a_datagram_comes_by_tcp() {
    let mut zone = Zone::new();
    for number in 0..100 {
        zone = zone.srv(SRV, 60, &format!("a-rather-long-label-{number}.test.example"), 27017);
    }
    let server = DnsServer::start(zone).unwrap();
    assert_eq!(resolve(URI, &server).unwrap().len(), 100);
    assert!(server.asked().iter().any(|asked| asked.by_tcp));
}

#[test]
fn what_is_not_there_is_said_so() {
    let server = DnsServer::start(Zone::new()).unwrap();
    assert_eq!(failure(resolve(URI, &server)), "NoSuchName");
    server.set_zone(Zone::new().txt(SRV, 60, &["x"]));
    assert_eq!(failure(resolve(URI, &server)), "NoRecords");
    assert_eq!(server.asked().iter().filter(|asked| asked.name == SRV).count(), 2, "nobody asks again");
}

#[test]
fn broken_servers_have_their_own_errors() {
    for (manner, expected) in [
        (Manner::Code(simple_dns::RCODE::ServerFailure), "Refused(2)"),
        (Manner::Code(simple_dns::RCODE::Refused), "Refused(5)"),
        (Manner::Code(simple_dns::RCODE::FormatError), "Refused(1)"),
        (Manner::AlwaysTruncated, "Malformed(\"it is cut off\")"),
        (Manner::Garbage(vec![]), "Malformed(\"it is shorter than a header\")"),
        (Manner::Garbage(b"\x84\0\0\x01\0\x05 and what not".to_vec()), "Malformed(\"its counts do not fit\")"),
        (
            Manner::Garbage(b"\x84\0\0\x01\0\x01\0\0\0\0\xC0\x0C\0\x21\0\x01".to_vec()),
            "Malformed(\"it cannot be parsed\")",
        ),
    ] {
        let server = DnsServer::start(proper().manner(SRV, manner)).unwrap();
        assert_eq!(failure(resolve(URI, &server)), expected);
    }
}

/// A broken TXT record must not let a client connect with fewer options than it should have.
#[test]
fn the_txt_record_may_be_missing_but_not_unknown() {
    let server = DnsServer::start(proper()).unwrap();
    assert_eq!(resolve(URI, &server).unwrap(), HOSTS);
    server.set_zone(proper().manner(TXT, Manner::Code(simple_dns::RCODE::ServerFailure)));
    assert_eq!(failure(resolve(URI, &server)), "Refused(2)");
    server.set_zone(proper().txt(TXT, 60, &[&b"authSource=\xFF"[..]]));
    assert_eq!(failure(resolve(URI, &server)), "Malformed(\"a TXT record is no UTF-8\")");
    server.set_zone(proper().txt(TXT, 60, &["a=b"]));
    assert_eq!(failure(resolve(URI, &server)), "Srv(TxtOption)");
}

#[test]
fn a_second_server_helps_where_the_first_is_broken_or_silent() {
    for manner in [Manner::Silent, Manner::Garbage(vec![1, 2, 3]), Manner::Code(simple_dns::RCODE::Refused)] {
        let broken = DnsServer::start(proper().manner(SRV, manner.clone()).manner(TXT, manner)).unwrap();
        let good = DnsServer::start(proper()).unwrap();
        let options = options("mongodb+srv://a.test.example/?serverSelectionTimeoutMS=4000", &[&broken, &good]);
        let resolved = Blocking.block_on(options.resolve(&Blocking)).unwrap();
        assert_eq!(resolved.config.hosts.len(), 2);
    }
}

#[test]
fn silence_ends_by_the_deadline_as_a_timeout() {
    let server = DnsServer::start(proper().manner(SRV, Manner::Silent)).unwrap();
    let start = Instant::now();
    let error = resolve("mongodb+srv://a.test.example/?serverSelectionTimeoutMS=600", &server).unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!((600..20_000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
}

#[test]
fn aliases_are_followed_within_the_answer_but_not_for_ever() {
    let zone = Zone::new().cname(SRV, 30, "other.example").srv("other.example", 60, "db0.test.example", 1);
    let server = DnsServer::start(zone).unwrap();
    assert_eq!(resolve(URI, &server).unwrap(), ["db0.test.example:1"]);
    server.set_zone(Zone::new().cname(SRV, 30, "b.example").cname("b.example", 30, SRV));
    assert_eq!(failure(resolve(URI, &server)), "Malformed(\"its aliases have no end\")");
}

#[test]
fn srv_max_hosts_chooses_any_of_them() {
    let server = DnsServer::start(
        (0..10).fold(Zone::new(), |zone, number| zone.srv(SRV, 60, &format!("db{number}.test.example"), 27017)),
    )
    .unwrap();
    let uri = format!("{URI}&srvMaxHosts=3");
    let draws: std::collections::BTreeSet<Vec<String>> = (0..20).map(|_| resolve(&uri, &server).unwrap()).collect();
    assert!(draws.iter().all(|hosts| hosts.len() == 3));
    assert!(draws.len() > 5, "twenty draws gave only {draws:?}");
    // All of them, in their order, where there are not more.
    assert_eq!(resolve(&format!("{URI}&srvMaxHosts=10"), &server).unwrap().len(), 10);
}

#[test]
fn records_for_other_services_are_asked_for_by_their_name() {
    let server = DnsServer::start(Zone::new().srv("_shop._tcp.a.test.example", 60, "db.test.example", 1)).unwrap();
    assert_eq!(failure(resolve(URI, &server)), "NoSuchName");
    assert_eq!(resolve(&format!("{URI}&srvServiceName=shop"), &server).unwrap(), ["db.test.example:1"]);
}

#[test]
fn hosts_with_dots_in_their_labels_are_no_hosts() {
    // The label `db.evil` would pass for a host of the domain, or become another name.
    let server = DnsServer::start(Zone::new().srv(SRV, 60, r"db\.evil.test.example", 1)).unwrap();
    assert_eq!(failure(resolve(URI, &server)), "Malformed(\"an SRV record names no host\")");
}

/// Asking for nothing costs nothing.
#[test]
fn options_with_hosts_are_returned_as_they_are() {
    let server = DnsServer::start(Zone::new()).unwrap();
    assert_eq!(resolve("mongodb://h:1,i", &server).unwrap(), ["h:1", "i:27017"]);
    assert!(server.asked().is_empty());
}
