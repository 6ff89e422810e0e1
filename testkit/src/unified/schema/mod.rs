//! Test files as typed values.
//!
//! Everything is strict: unknown keys, wrong types, empty lists where the schema wants entries, keys that exclude each
//! other. What the schema leaves open (arguments, expected values) stays BSON and is checked where it is used.

use bson::{Bson, Document};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use stator_client::extjson;

mod entity;
mod event;
mod expect;
mod parts;
mod shape;

pub use entity::{
    ClientEntity, CollectionEntity, DatabaseEntity, Entity, LogFilter, OverridesEntity, ServerApiEntity, SessionEntity,
};
pub use event::{Checks, EventKind, EventType, ExpectedEvent, ExpectedEvents};
pub use expect::{Component, ExpectedError, ExpectedLog, ExpectedLogs, ExpectedSpans, Severity};
pub use parts::{CollectionData, Csfle, Filled, Requirement, Serverless, Topology, Version};

/// The newest schema that this runner knows.
pub const NEWEST: Version = Version { major: 1, minor: 28, patch: 0 };

/// One file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TestFile {
    /// Its name.
    pub description: String,
    /// The schema that it keeps to.
    pub schema_version: Version,
    /// Where it can run; one of them must be met.
    pub run_on_requirements: Option<Filled<Requirement>>,
    /// What every case begins with.
    pub create_entities: Option<Filled<Entity>>,
    /// What the collections contain before every case.
    pub initial_data: Option<Filled<CollectionData>>,
    /// The cases.
    pub tests: Filled<Test>,
    #[serde(rename = "_yamlAnchors")]
    #[allow(dead_code, reason = "the schema allows it and nobody may use it")]
    yaml_anchors: Option<Document>,
}

/// One case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Test {
    /// Its name.
    pub description: String,
    /// Where it can run, in addition to the file's.
    pub run_on_requirements: Option<Filled<Requirement>>,
    /// Why it must not run.
    pub skip_reason: Option<String>,
    /// What is done.
    pub operations: Vec<Operation>,
    /// What the clients must have told meanwhile.
    pub expect_events: Option<Filled<ExpectedEvents>>,
    /// What the clients must have logged meanwhile.
    pub expect_log_messages: Option<Filled<ExpectedLogs>>,
    /// What the clients must have traced meanwhile.
    pub expect_tracing_messages: Option<Filled<ExpectedSpans>>,
    /// What the collections contain in the end.
    pub outcome: Option<Filled<CollectionData>>,
}

/// One operation of a case.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RawOperation")]
pub struct Operation {
    /// What is done.
    pub name: String,
    /// With which entity; `testRunner` is the runner itself.
    pub object: String,
    /// The arguments.
    pub arguments: Document,
    /// Whether it does not matter how it ends.
    pub ignore_result_and_error: bool,
    /// How it must fail.
    pub expect_error: Option<ExpectedError>,
    /// What it must return.
    pub expect_result: Option<Bson>,
    /// The name under which its result is kept.
    pub save_result_as_entity: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RawOperation {
    name: String,
    object: String,
    arguments: Option<Document>,
    ignore_result_and_error: Option<bool>,
    expect_error: Option<ExpectedError>,
    #[serde(default, deserialize_with = "parts::present")]
    expect_result: Option<Bson>,
    save_result_as_entity: Option<String>,
}

impl TryFrom<RawOperation> for Operation {
    type Error = String;

    fn try_from(raw: RawOperation) -> Result<Self, String> {
        let given = [
            ("ignoreResultAndError", raw.ignore_result_and_error.is_some()),
            ("expectError", raw.expect_error.is_some()),
            ("expectResult", raw.expect_result.is_some()),
            ("saveResultAsEntity", raw.save_result_as_entity.is_some()),
        ];
        let of = |index: usize| given[index].1;
        // A result may be both compared and kept; nothing else goes together.
        if (of(0) && (of(1) || of(2) || of(3))) || (of(1) && (of(2) || of(3))) {
            let names: Vec<_> = given.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect();
            return Err(format!("operation {}: {} exclude each other", raw.name, names.join(" and ")));
        }
        Ok(Self {
            name: raw.name,
            object: raw.object,
            arguments: raw.arguments.unwrap_or_default(),
            ignore_result_and_error: raw.ignore_result_and_error.unwrap_or(false),
            expect_error: raw.expect_error,
            expect_result: raw.expect_result,
            save_result_as_entity: raw.save_result_as_entity,
        })
    }
}

impl TestFile {
    /// Reads a file's text: Extended JSON.
    ///
    /// # Errors
    ///
    /// Text that is no Extended JSON, does not keep to the schema, or wants a newer one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document = extjson::parse(text).map_err(|error| error.to_string())?;
        let version = document.get_str("schemaVersion").map_err(|error| format!("schemaVersion: {error}"))?;
        let version = Version::try_from(version.to_owned())?;
        if version.major != NEWEST.major || version > NEWEST {
            return Err(format!("schema {version} is not known; the newest known is {NEWEST}"));
        }
        read("file", Bson::Document(document))
    }
}

/// Reads any part of a file; `what` names it in the error.
pub(in crate::unified) fn read<T: DeserializeOwned>(what: &str, value: Bson) -> Result<T, String> {
    bson::deserialize_from_bson(value).map_err(|error| format!("{what}: {error}"))
}
