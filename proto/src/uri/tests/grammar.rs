use alloc::string::ToString;
use alloc::vec;

use super::{error, quiet};
use crate::ServerAddress;
use crate::uri::{Config, HostError, Secret, UriError};

fn tcp(host: &str, port: u16) -> ServerAddress {
    ServerAddress::Tcp { host: host.into(), port }
}

fn unix(path: &str) -> ServerAddress {
    ServerAddress::Unix { path: path.into() }
}

fn host_error(uri: &str) -> (usize, HostError) {
    match error(uri) {
        UriError::Host { index, reason } => (index, reason),
        other => panic!("{uri}: {other:?}"),
    }
}

#[test]
fn hosts_of_every_sort() {
    let config = quiet("mongodb://DB1.Example.com,127.0.0.1:1,[FE80::1]:2,[::1],%2Ftmp%2FMy.sock,x.sock:65535/");
    assert_eq!(
        config.hosts,
        [
            tcp("db1.example.com", 27017),
            tcp("127.0.0.1", 1),
            tcp("fe80::1", 2),
            tcp("::1", 27017),
            unix("/tmp/My.sock"),
            tcp("x.sock", 65535),
        ]
    );
    assert_eq!(config.credential, None);
    assert_eq!(config.default_database, None);
}

#[test]
fn a_zone_stays_with_its_ip_literal() {
    let config = quiet("mongodb://[FE80::1%25Eth0]:7");
    assert_eq!(config.hosts, [tcp("fe80::1%Eth0", 7)]);
    assert_eq!(config.to_string(), "mongodb://[fe80::1%25Eth0]:7");
}

#[test]
fn hosts_that_are_none() {
    assert_eq!(error("mongodb://"), UriError::MissingHost);
    assert_eq!(error("mongodb://u@"), UriError::MissingHost);
    for (uri, index, reason) in [
        ("mongodb://a,,b", 2, HostError::Empty),
        ("mongodb://a,", 2, HostError::Empty),
        ("mongodb://:27017", 1, HostError::Empty),
        ("mongodb://a:", 1, HostError::Port),
        ("mongodb://a:+1", 1, HostError::Port),
        ("mongodb://a:65536", 1, HostError::Port),
        ("mongodb://a:18446744073709551617", 1, HostError::Port),
        ("mongodb://a,b:0", 2, HostError::Port),
        ("mongodb://[::1", 1, HostError::IpLiteral),
        ("mongodb://[]", 1, HostError::IpLiteral),
        ("mongodb://[127.0.0.1]", 1, HostError::IpLiteral),
        ("mongodb://[::1]27017", 1, HostError::IpLiteral),
        ("mongodb://[::1%25]", 1, HostError::IpLiteral),
        ("mongodb://a b", 1, HostError::Character),
        ("mongodb://a%00b", 1, HostError::Character),
        ("mongodb://%5B::1%5D", 1, HostError::Port),
        ("mongodb://%2Ftmp%2Fmongo", 1, HostError::Socket),
        ("mongodb://%2Ftmp%2Fmongo.sock:27017", 1, HostError::Socket),
        ("mongodb+srv://a.b.c:27017", 1, HostError::SrvPort),
        ("mongodb+srv://[::1]", 1, HostError::SrvName),
        ("mongodb+srv://%2Ftmp%2Fx.sock", 1, HostError::SrvName),
    ] {
        assert_eq!(host_error(uri), (index, reason), "{uri}");
    }
}

#[test]
fn user_information() {
    let credential = |uri: &str| quiet(uri).credential.expect("there is an @");
    let escaped = credential("mongodb://%40%3A%2F%25:p%C3%A4ss@h");
    assert_eq!(escaped.username.as_deref(), Some("@:/%"));
    assert_eq!(escaped.password, Some(Secret::new("päss")));
    assert_eq!(credential("mongodb://u+v@h").username.as_deref(), Some("u+v"), "a plus is no space");
    assert_eq!(credential("mongodb://u:@h").password, Some(Secret::new("")));
    assert_eq!(credential("mongodb://u@h").password, None);

    for uri in [
        "mongodb://u@v@h",
        "mongodb://u:p:q@h",
        "mongodb://u%@h",
        "mongodb://u%4@h",
        "mongodb://u:%zz@h",
        "mongodb://u:%+1@h",
        "mongodb://u:%ff@h",
        "mongodb://u:p/w@h/db",
        "mongodb://u:12/w@h",
    ] {
        assert_eq!(error(uri), UriError::UserInfo, "{uri}");
    }
}

#[test]
fn databases() {
    assert_eq!(quiet("mongodb://h/a%3Fb").default_database.as_deref(), Some("a?b"));
    assert_eq!(quiet("mongodb://h/some,db").default_database.as_deref(), Some("some,db"));
    assert_eq!(quiet("mongodb://h/db?").default_database.as_deref(), Some("db"));
    assert_eq!(quiet("mongodb://h/").default_database, None);
    for name in ["a/b", "a%2Fb", "a%5Cb", "a b", "a%22b", "$a", "a%00"] {
        assert_eq!(error(&alloc::format!("mongodb://h/{name}")), UriError::Database, "{name}");
    }
    assert_eq!(error("mongodb://h/a%f"), UriError::Escape("database"));
}

#[test]
fn options_begin_at_the_first_question_mark() {
    assert_eq!(quiet("mongodb://h?replicaSet=a?b/c@d").replica_set.as_deref(), Some("a?b/c@d"));
    assert_eq!(quiet("mongodb://h/?&replicaSet=rs&&").replica_set.as_deref(), Some("rs"));
    assert_eq!(quiet("mongodb://h/?replicaSet=a=b").replica_set.as_deref(), Some("a=b"));
    assert_eq!(error("mongodb://h/?w=1&=2"), UriError::Option { index: 2 });
    assert_eq!(error("mongodb://h/?w"), UriError::Option { index: 1 });
    assert_eq!(error("mongodb://h/?foo=%G0"), UriError::Escape("value of an option"));
    assert_eq!(error("mongodb://h/?replicaSet=%80"), UriError::Escape("value of an option"));
}

#[test]
fn schemes() {
    for uri in ["", "mongodb:", "mongodb:/h", "MONGODB://h", "mongodb+srv:h", "http://h", " mongodb://h"] {
        assert_eq!(error(uri), UriError::Scheme, "{uri}");
    }
    let config = quiet("mongodb+srv://Cluster.Example.com/db");
    assert_eq!(config.srv.map(|srv| srv.host).as_deref(), Some("cluster.example.com"));
    assert_eq!(config.hosts, vec![]);
    let two = UriError::Conflict { first: "mongodb+srv", second: "more than one host" };
    assert_eq!(error("mongodb+srv://a.b.c,d.b.c"), two);
}

#[test]
fn errors_keep_the_string_to_themselves() {
    for uri in [
        "mongodb://user:hunter2%@h",
        "mongodb://user:hunter2/@h",
        "mongodb://user:hunter2",
        "mongodb://h/?authMechanism=hunter2",
        "mongodb://h/?proxyPassword=hunter2",
        "mongodb://h/hunter2$",
        "mongodb://hunter2 /",
    ] {
        let error = error(uri);
        assert!(!alloc::format!("{error} {error:?}").contains("hunter2"), "{uri}: {error}");
    }
}

#[test]
fn the_default_is_localhost() {
    assert_eq!(Config::default(), quiet("mongodb://localhost"));
}
