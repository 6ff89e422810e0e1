//! `initial-dns-seedlist-discovery`: what a `mongodb+srv` string becomes, against a name server of our own.
//!
//! Seeds and options of every file are checked. The files of replica sets also connect: to the set that the specification names,
//! with TLS, on fixed ports. There is no sharded cluster and no load balancer here: of their files, seeds and options count.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use stator_blocking::Blocking;
use stator_client::runtime::BlockOn;
use stator_client::{ClientOptions, ServerAddress};

use super::Report;
use super::files::for_each_case;
use super::srv_deployment::Deployment;
use super::uri_areas::{expect_eq, observed};
use crate::dns::{DnsServer, Zone};

/// The domain of all names of the data.
const DOMAIN: &str = "test.build.10gen.cc";
const TTL: u32 = 86_400;

/// The SRV records that the data needs: the first label of the name, the target below `build.10gen.cc` or another domain, ports.
const SRV: &[(&str, &str, &[u16])] = &[
    ("test1", "localhost.test.build.10gen.cc", &[27017, 27018]),
    ("test2", "localhost.test.build.10gen.cc", &[27018, 27019]),
    ("test3", "localhost.test.build.10gen.cc", &[27017]),
    // No test4: a name without records. No test9: nothing uses it.
    ("test5", "localhost.test.build.10gen.cc", &[27017]),
    ("test6", "localhost.test.build.10gen.cc", &[27017]),
    ("test7", "localhost.test.build.10gen.cc", &[27017]),
    ("test8", "localhost.test.build.10gen.cc", &[27017]),
    ("test10", "localhost.test.build.10gen.cc", &[27017]),
    ("test11", "localhost.test.build.10gen.cc", &[27017]),
    ("test12", "localhost.build.10gen.cc", &[27017]),
    ("test13", "test.build.10gen.cc", &[27017]),
    ("test14", "localhost.not-test.build.10gen.cc", &[27017]),
    ("test15", "localhost.test.not-build.10gen.cc", &[27017]),
    ("test16", "localhost.test.build.not-10gen.cc", &[27017]),
    ("test17", "localhost.test.build.10gen.not-cc", &[27017]),
    ("test18", "localhost.sub.test.build.10gen.cc", &[27017]),
    ("test19", "localhost.evil.build.10gen.cc", &[27017]),
    ("test19", "localhost.test.build.10gen.cc", &[27017]),
    ("test20", "localhost.test.build.10gen.cc", &[27017]),
    ("test21", "localhost.test.build.10gen.cc", &[27017]),
    ("test23", "localhost.test.build.10gen.cc", &[8000]),
    ("test24", "localhost.test.build.10gen.cc", &[8000]),
];

/// The TXT records: the first label of the name, the record's strings.
const TXT: &[(&str, &[&str])] = &[
    ("test5", &["replicaSet=repl0&authSource=thisDB"]),
    ("test6", &["replicaSet=repl0"]),
    ("test6", &["authSource=otherDB"]),
    ("test7", &["ssl=false"]),
    ("test8", &["authSource"]),
    ("test10", &["socketTimeoutMS=500"]),
    ("test11", &["replicaS", "et=rep", "l0"]),
    ("test20", &["loadBalanced=true"]),
    ("test21", &["loadBalanced=false"]),
    ("test24", &["loadBalanced=true"]),
];

/// The zone that the specification's `tests/README.md` asks for.
pub fn zone() -> Zone {
    let mut zone = Zone::new();
    for (label, target, ports) in SRV {
        for port in *ports {
            zone = zone.srv(&format!("_mongodb._tcp.{label}.{DOMAIN}"), TTL, target, *port);
        }
    }
    for (label, strings) in TXT {
        zone = zone.txt(&format!("{label}.{DOMAIN}"), TTL, strings);
    }
    // Another service than the default one.
    zone.srv(&format!("_customname._tcp.test22.{DOMAIN}"), TTL, "localhost.test.build.10gen.cc", 27017)
}

pub(super) fn srv(area: &Path) -> Report {
    let mut report = Report::default();
    let mut deployment: Option<Result<Deployment, String>> = None;
    let server = match DnsServer::start(zone()) {
        Ok(server) => server,
        Err(error) => {
            report.record("tests", "", Err(format!("no name server can be started: {error}")));
            return report;
        }
    };
    for (folder, needs) in [
        ("replica-set", None),
        ("sharded", Some("discovered hosts: needs a sharded cluster on ports 27017 and 27018, with TLS")),
        ("load-balanced", Some("discovered hosts: needs a load balancer on port 8000, with TLS")),
    ] {
        for_each_case(area, &format!("tests/{folder}"), &mut report, |report, file, case| {
            let resolved = resolve(case, &server);
            report.record(file, "seeds and options", check(case, &resolved));
            if resolved.is_ok() && (case.get("hosts").is_some() || case.get("numHosts").is_some()) {
                match needs {
                    Some(needs) => report.skip(file, "hosts", needs),
                    None => {
                        let deployment = deployment.get_or_insert_with(Deployment::start).as_ref();
                        let found = deployment.map_err(String::clone).and_then(|set| set.discover(case, &server));
                        report.record(file, "hosts", check_hosts(case, found));
                    }
                }
            }
        });
    }
    report
}

fn resolve(case: &Value, server: &DnsServer) -> Result<ClientOptions, String> {
    let uri = case["uri"].as_str().ok_or("the case has no uri")?;
    let mut options = ClientOptions::parse(uri).map_err(|error| error.to_string())?;
    options.dns_servers = Some(vec![server.address()]);
    Blocking.block_on(options.resolve(&Blocking)).map_err(|error| error.to_string())
}

fn check(case: &Value, resolved: &Result<ClientOptions, String>) -> Result<(), String> {
    let options = match (resolved, case["error"].as_bool().unwrap_or(false)) {
        (Err(_), true) => return Ok(()),
        (Err(error), false) => return Err(format!("refused: {error}")),
        (Ok(_), true) => return Err("expected an error".into()),
        (Ok(options), false) => options,
    };
    let seeds: BTreeSet<String> = options.config.hosts.iter().map(ServerAddress::to_string).collect();
    if let Some(expected) = case.get("seeds") {
        expect_eq("seeds", &names(expected)?, &seeds)?;
    }
    if let Some(expected) = case["numSeeds"].as_u64() {
        expect_eq("number of seeds", &expected, &(seeds.len() as u64))?;
    }
    for (name, expected) in case["options"].as_object().into_iter().flatten() {
        let found = match name.as_str() {
            // The data states what holds, which is on by default here.
            "ssl" | "tls" => Value::Bool(options.config.tls_enabled()),
            // Without a credential, too: it came from the TXT record.
            "authSource" if options.config.credential.is_none() => json!(options.config.auth_source),
            _ => observed(&options.config, name)?,
        };
        expect_eq(name, expected, &found)?;
    }
    for (name, expected) in case["parsed_options"].as_object().into_iter().flatten() {
        expect_eq(name, &expected.as_str(), &parsed_option(options, name)?)?;
    }
    Ok(())
}

fn parsed_option<'a>(options: &'a ClientOptions, name: &str) -> Result<Option<&'a str>, String> {
    let credential = options.config.credential.as_ref();
    Ok(match name {
        "user" => credential.and_then(|credential| credential.username.as_deref()),
        "password" => credential.and_then(|credential| Some(credential.password.as_ref()?.expose())),
        "db" | "auth_database" | "defaultDatabase" => options.config.default_database.as_deref(),
        _ => return Err(format!("the runner does not know the parsed option {name:?}")),
    })
}

fn check_hosts(case: &Value, found: Result<Vec<String>, String>) -> Result<(), String> {
    let found: BTreeSet<String> = found?.into_iter().collect();
    if let Some(expected) = case.get("hosts") {
        expect_eq("hosts", &names(expected)?, &found)?;
    }
    match case["numHosts"].as_u64() {
        Some(expected) => expect_eq("number of hosts", &expected, &(found.len() as u64)),
        None => Ok(()),
    }
}

fn names(list: &Value) -> Result<BTreeSet<String>, String> {
    let list = list.as_array().ok_or("no list of hosts")?;
    list.iter().map(|name| name.as_str().map(str::to_owned).ok_or_else(|| "a host is no text".to_owned())).collect()
}
