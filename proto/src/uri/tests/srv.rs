use super::quiet;
use crate::ServerAddress;
use crate::uri::srv::{SrvError, is_allowed};
use crate::uri::{Config, Parsed, UriError, Warning};
use alloc::string::ToString;

fn resolve(uri: &str, txt: &[&str]) -> Result<Parsed, UriError> {
    quiet(uri).resolved([("h1.B.c.", 1), ("h2.b.c", 2)], txt)
}

#[test]
fn hosts_must_share_the_domain() {
    for (srv, target, allowed) in [
        ("test1.test.build.cc", "localhost.test.build.cc", true),
        ("test1.test.build.cc", "localhost.sub.test.build.cc", true),
        ("TEST1.test.build.cc", "localhost.TEST.build.cc.", true),
        ("test1.test.build.cc", "localhost.not-test.build.cc", false),
        ("test1.test.build.cc", "localhost.test.build.evil", false),
        ("test1.test.build.cc", "localhosttest.build.cc", false),
        ("test1.test.build.cc", "test.build.cc", false),
        ("test1.test.build.cc", "build.cc", false),
        ("mongodb.local", "a.mongodb.local", true),
        ("mongodb.local", "mongodb.local", false),
        ("mongodb.local", "a.local", false),
        ("localhost", "a.localhost", true),
        ("localhost", "localhost", false),
        ("localhost", "notlocalhost", false),
        ("a.b.c", "ü.b.c", true),
        ("a.b.c", "üb.c", false),
        ("a.b.c", "", false),
    ] {
        assert_eq!(is_allowed(srv, target), allowed, "{target} for {srv}");
    }
}

#[test]
fn records_become_seeds() {
    let config = resolve("mongodb+srv://a.b.c", &[]).unwrap().config;
    let seeds: alloc::vec::Vec<_> = config.hosts.iter().map(ServerAddress::to_string).collect();
    assert_eq!(seeds, ["h1.b.c:1", "h2.b.c:2"]);
    assert_eq!(config.srv_query().as_deref(), Some("_mongodb._tcp.a.b.c"));
    assert_eq!(quiet("mongodb+srv://a.b.c/?srvServiceName=x").srv_query().as_deref(), Some("_x._tcp.a.b.c"));
    assert_eq!(quiet("mongodb://a.b.c").srv_query(), None);
}

#[test]
fn txt_options_are_defaults() {
    let config = resolve("mongodb+srv://u:p@a.b.c", &["authSource=s&replicaSet=r"]).unwrap().config;
    assert_eq!((config.credential_source(), config.replica_set.as_deref()), (Some("s"), Some("r")));
    let config =
        resolve("mongodb+srv://u:p@a.b.c/?authSource=x&replicaSet=y", &["authSource=s&replicaSet=r"]).unwrap().config;
    assert_eq!((config.credential_source(), config.replica_set.as_deref()), (Some("x"), Some("y")));
    let external = resolve("mongodb+srv://u@a.b.c/?authMechanism=MONGODB-X509", &["authSource=admin"]).unwrap().config;
    assert_eq!(external.credential_source(), Some("$external"));
    let unused = resolve("mongodb+srv://a.b.c", &["authSource=s"]).unwrap().config;
    assert_eq!((unused.credential.is_none(), unused.auth_source.as_deref()), (true, Some("s")));
}

#[test]
fn txt_options_are_checked_with_the_others() {
    let one = |uri: &str, txt| quiet(uri).resolved([("h.b.c", 1)], &[txt]);
    assert!(one("mongodb+srv://a.b.c", "loadBalanced=true").unwrap().config.load_balanced());
    assert!(!one("mongodb+srv://a.b.c/?loadBalanced=false", "loadBalanced=true").unwrap().config.load_balanced());
    for (uri, txt) in [
        ("mongodb+srv://a.b.c/?replicaSet=r", "loadBalanced=true"),
        ("mongodb+srv://a.b.c/?srvMaxHosts=1", "loadBalanced=true"),
        ("mongodb+srv://a.b.c/?srvMaxHosts=1", "replicaSet=r"),
    ] {
        assert!(matches!(one(uri, txt), Err(UriError::Conflict { .. })), "{uri} {txt}");
    }
    let odd = one("mongodb+srv://a.b.c", "loadBalanced=maybe").unwrap();
    assert_eq!(odd.config.load_balanced, None);
    assert!(matches!(odd.warnings[..], [Warning::InvalidValue { key: "loadBalanced", .. }]));
}

#[test]
fn records_that_are_refused() {
    let uri = "mongodb+srv://a.b.c";
    for (txt, reason) in [
        (&["authSource"][..], SrvError::TxtFormat),
        (&["replicaSet=%zz"], SrvError::TxtFormat),
        (&["socketTimeoutMS=1"], SrvError::TxtOption),
        (&["ssl=false"], SrvError::TxtOption),
        (&["replicaSet=r", "authSource=s"], SrvError::ManyTxtRecords),
    ] {
        assert_eq!(resolve(uri, txt), Err(UriError::Srv(reason)), "{txt:?}");
    }
    assert_eq!(resolve(uri, &["authSource="]), Err(UriError::EmptyAuthSource));
    assert_eq!(quiet(uri).resolved([], &[]), Err(UriError::Srv(SrvError::NoRecords)));
    assert_eq!(quiet(uri).resolved([("h.evil.c", 1)], &[]), Err(UriError::Srv(SrvError::ForeignHost)));
    assert_eq!(Config::default().resolved([("h.b.c", 1)], &[]), Err(UriError::Srv(SrvError::NotSrv)));
}
