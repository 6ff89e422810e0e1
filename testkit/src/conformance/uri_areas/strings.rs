//! `connection-string` and `uri-options`, which share their format.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;

use serde_json::Value;
use stator_proto::ServerAddress;
use stator_proto::uri::Config;

use super::expect_eq;
use super::observed::observed;
use crate::conformance::Report;
use crate::conformance::files::{description, for_each_case};

pub(in crate::conformance) fn connection_string(area: &Path) -> Report {
    let mut report = Report::default();
    for_each_case(area, "tests", &mut report, |report, file, case| report.record(file, description(case), check(case)));
    report
}

pub(in crate::conformance) fn uri_options(area: &Path) -> Report {
    connection_string(area)
}

fn check(case: &Value) -> Result<(), String> {
    let uri = case["uri"].as_str().ok_or("the case has no uri")?;
    let is_valid = case["valid"].as_bool().ok_or("the case does not say whether it is valid")?;
    let parsed = match (Config::parse(uri), is_valid) {
        (Err(_), false) => return Ok(()),
        (Err(error), true) => return Err(format!("refused: {error}")),
        (Ok(_), false) => return Err("expected an error".into()),
        (Ok(parsed), true) => parsed,
    };
    if let Some(warned) = case["warning"].as_bool()
        && warned == parsed.warnings.is_empty()
    {
        return Err(format!("expected {} warning, found {:?}", if warned { "a" } else { "no" }, parsed.warnings));
    }
    check_hosts(&case["hosts"], &parsed.config)?;
    check_auth(&case["auth"], &parsed.config)?;
    for (name, expected) in case["options"].as_object().into_iter().flatten() {
        let found = observed(&parsed.config, name)?;
        expect_eq(name, expected, &found)?;
    }
    Ok(())
}

fn check_hosts(expected: &Value, config: &Config) -> Result<(), String> {
    let Some(expected) = expected.as_array() else { return Ok(()) };
    expect_eq("number of hosts", &expected.len(), &config.hosts.len())?;
    for (expected, found) in expected.iter().zip(&config.hosts) {
        let (kind, host, port) = match found {
            ServerAddress::Unix { path } => ("unix", path, None),
            ServerAddress::Tcp { host, port } if host.parse::<Ipv6Addr>().is_ok() => ("ip_literal", host, Some(*port)),
            ServerAddress::Tcp { host, port } if host.parse::<Ipv4Addr>().is_ok() => ("ipv4", host, Some(*port)),
            ServerAddress::Tcp { host, port } => ("hostname", host, Some(*port)),
        };
        expect_eq("type of host", &expected["type"].as_str(), &Some(kind))?;
        expect_eq("host", &expected["host"].as_str(), &Some(host.as_str()))?;
        if let Some(expected) = expected["port"].as_u64() {
            expect_eq("port", &Some(expected), &port.map(u64::from))?;
        }
    }
    Ok(())
}

/// A null asserts nothing here.
fn check_auth(expected: &Value, config: &Config) -> Result<(), String> {
    let credential = config.credential.as_ref();
    for (name, found) in [
        ("username", credential.and_then(|credential| credential.username.as_deref())),
        ("password", credential.and_then(|credential| Some(credential.password.as_ref()?.expose()))),
        ("db", config.default_database.as_deref()),
    ] {
        if let Some(expected) = expected[name].as_str() {
            expect_eq(name, &Some(expected), &found)?;
        }
    }
    Ok(())
}
