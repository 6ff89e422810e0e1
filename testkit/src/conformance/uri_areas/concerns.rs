//! `read-write-concern`: concerns in connection strings, and as documents for the server.

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};
use stator_proto::concern::{Acknowledgment, ConcernValue, ReadConcern, ReadConcernLevel, WriteConcern};
use stator_proto::uri::Config;

use super::expect_eq;
use super::observed::observed;
use crate::conformance::Report;
use crate::conformance::files::{description, for_each_case};

pub(in crate::conformance) fn read_write_concern(area: &Path) -> Report {
    let mut report = Report::default();
    for_each_case(area, "tests/connection-string", &mut report, |report, file, case| {
        report.record(file, description(case), check_string(case));
    });
    for_each_case(area, "tests/document", &mut report, |report, file, case| {
        report.record(file, description(case), check_document(case));
    });
    report
}

fn check_string(case: &Value) -> Result<(), String> {
    let uri = case["uri"].as_str().ok_or("the case has no uri")?;
    let is_valid = case["valid"].as_bool().ok_or("the case does not say whether it is valid")?;
    let parsed = match (Config::parse(uri), is_valid) {
        (Err(_), false) => return Ok(()),
        (Err(error), true) => return Err(format!("refused: {error}")),
        // uri-options wants a warning where this area wants an error (wTimeoutMS=-2 and wtimeoutMS=-500), and this area
        // leaves `warning` open in just these cases: so a warning is the other right answer, if the value is ignored.
        (Ok(parsed), false) if case["warning"].is_null() && !parsed.warnings.is_empty() => {
            expect_eq("the write concern of an ignored value", &WriteConcern::default(), &parsed.config.write_concern)?;
            return Ok(());
        }
        (Ok(_), false) => return Err("expected an error".into()),
        (Ok(parsed), true) => parsed,
    };
    if let Some(warned) = case["warning"].as_bool() {
        expect_eq("warnings", &warned, &!parsed.warnings.is_empty())?;
    }
    if !case["readConcern"].is_null() {
        let found = concern(&parsed.config, &[("level", "readConcernLevel")])?;
        expect_eq("readConcern", &case["readConcern"], &found)?;
    }
    if !case["writeConcern"].is_null() {
        let names = [("w", "w"), ("wtimeoutMS", "wTimeoutMS"), ("journal", "journal")];
        let found = concern(&parsed.config, &names)?;
        expect_eq("writeConcern", &case["writeConcern"], &found)?;
    }
    Ok(())
}

/// The options that were said, under the names they have in the data's concern documents.
fn concern(config: &Config, names: &[(&str, &str)]) -> Result<Value, String> {
    let mut document = Map::new();
    for (name, option) in names {
        match observed(config, option)? {
            Value::Null => {}
            value => drop(document.insert((*name).into(), value)),
        }
    }
    Ok(Value::Object(document))
}

fn check_document(case: &Value) -> Result<(), String> {
    let is_valid = case["valid"].as_bool().ok_or("the case does not say whether it is valid")?;
    if let Some(given) = case["readConcern"].as_object() {
        let concern = ReadConcern { level: given.get("level").and_then(Value::as_str).map(ReadConcernLevel::from) };
        check_sent(case, "readConcernDocument", concern.fields(), concern.is_server_default())?;
    }
    let Some(given) = case["writeConcern"].as_object() else { return Ok(()) };
    let concern = match write_concern(given) {
        // Numbers below zero do not even fit the type.
        Err(reason) => return if is_valid { Err(reason) } else { Ok(()) },
        Ok(concern) => concern,
    };
    expect_eq("valid", &is_valid, &concern.is_valid())?;
    check_sent(case, "writeConcernDocument", concern.fields(), concern.is_server_default())?;
    match case["isAcknowledged"].as_bool() {
        Some(expected) => expect_eq("isAcknowledged", &expected, &concern.is_acknowledged()),
        None => Ok(()),
    }
}

fn check_sent<'a>(
    case: &Value,
    key: &str,
    fields: impl Iterator<Item = (&'static str, ConcernValue<'a>)>,
    is_server_default: bool,
) -> Result<(), String> {
    let mut sent = Map::new();
    for (name, value) in fields {
        let value = match value {
            ConcernValue::Int32(number) => json!(number),
            ConcernValue::Int64(number) => json!(number),
            ConcernValue::Bool(flag) => json!(flag),
            ConcernValue::Text(text) => json!(text),
            other => return Err(format!("no way to compare {other:?}")),
        };
        sent.insert(name.into(), value);
    }
    if !case[key].is_null() {
        expect_eq(key, &case[key], &Value::Object(sent))?;
    }
    match case["isServerDefault"].as_bool() {
        Some(expected) => expect_eq("isServerDefault", &expected, &is_server_default),
        None => Ok(()),
    }
}

fn write_concern(given: &Map<String, Value>) -> Result<WriteConcern, String> {
    let mut concern = WriteConcern::default();
    for (name, value) in given {
        match (name.as_str(), value) {
            ("w", Value::Number(nodes)) => {
                let nodes = nodes.as_i64().ok_or("w is no 64-bit integer")?;
                concern.w = Some(Acknowledgment::try_from(nodes).map_err(|error| error.to_string())?);
            }
            ("w", Value::String(mode)) => concern.w = Some(Acknowledgment::from(mode.as_str())),
            ("wtimeoutMS", limit) => {
                let millis = limit.as_u64().ok_or("wtimeoutMS is no unsigned integer")?;
                concern.w_timeout = Some(Duration::from_millis(millis));
            }
            ("journal", Value::Bool(journal)) => concern.journal = Some(*journal),
            _ => return Err(format!("the runner does not know {name} = {value}")),
        }
    }
    Ok(concern)
}
