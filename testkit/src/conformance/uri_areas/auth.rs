//! `auth`: the credential that a connection string makes.

use std::path::Path;

use serde_json::Value;
use stator_proto::uri::{Config, Credential, Mechanism, Secret};

use super::expect_eq;
use crate::conformance::Report;
use crate::conformance::files::{description, for_each_case};

/// Cases that contradict others of the same file. "should throw an exception if username and password provided
/// (MONGODB-AWS)" came with the specification's change of 2025-09-30, which forbids credentials in the string; these two
/// are of before, and differ only in the host's name.
const SUPERSEDED: &[&str] = &[
    "should use username and password if specified (MONGODB-AWS)",
    "should use username, password and session token if specified (MONGODB-AWS)",
];
const SUPERSEDED_REASON: &str =
    "contradicts a newer case of the same file: since 2025-09-30 MONGODB-AWS credentials in a string are an error";

pub(in crate::conformance) fn auth(area: &Path) -> Report {
    let mut report = Report::default();
    for_each_case(area, "tests/legacy", &mut report, |report, file, case| {
        let name = description(case);
        if SUPERSEDED.contains(&name) {
            report.skip(file, name, SUPERSEDED_REASON);
        } else {
            report.record(file, name, check(case));
        }
    });
    report
}

fn check(case: &Value) -> Result<(), String> {
    let uri = case["uri"].as_str().ok_or("the case has no uri")?;
    let is_valid = case["valid"].as_bool().ok_or("the case does not say whether it is valid")?;
    let config = match (uri.parse::<Config>(), is_valid) {
        (Err(_), false) => return Ok(()),
        (Err(error), true) => return Err(format!("refused: {error}")),
        (Ok(_), false) => return Err("expected an error".into()),
        (Ok(config), true) => config,
    };
    match (case.get("credential"), &config.credential) {
        (None, _) | (Some(Value::Null), None) => Ok(()),
        (Some(Value::Null), Some(_)) => Err("expected no credential".into()),
        (Some(_), None) => Err("expected a credential".into()),
        (Some(expected), Some(found)) => check_credential(expected, found, &config),
    }
}

/// A key that is missing asserts nothing; a null asserts that nothing is set.
fn check_credential(expected: &Value, found: &Credential, config: &Config) -> Result<(), String> {
    for (key, found) in [
        ("username", found.username.as_deref()),
        ("password", found.password.as_ref().map(Secret::expose)),
        ("source", config.credential_source()),
        ("mechanism", found.mechanism.map(Mechanism::as_str)),
    ] {
        if let Some(expected) = expected.get(key) {
            expect_eq(key, &expected.as_str(), &found)?;
        }
    }
    match expected.get("mechanism_properties") {
        None => Ok(()),
        Some(Value::Null) => expect_eq("no mechanism properties", &true, &found.mechanism_properties.is_empty()),
        Some(properties) => {
            for (name, expected) in properties.as_object().ok_or("mechanism_properties is no document")? {
                let value = match name.as_str() {
                    "SERVICE_NAME" => Some(found.service_name()),
                    _ => found.mechanism_properties.get(name),
                };
                expect_eq(name, &expected.as_str(), &value)?;
            }
            Ok(())
        }
    }
}
