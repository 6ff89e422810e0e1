//! Extended JSON through the `bson` crate.

use bson::oid::ObjectId;
use bson::{Bson, Document};
use serde_json::{Value as Json, json};

/// Parses text into a document.
pub(super) fn parse(text: &str) -> Result<Document, String> {
    let json: Json = serde_json::from_str(text).map_err(|e| e.to_string())?;
    match Bson::try_from(json).map_err(|e| e.to_string())? {
        Bson::Document(document) => Ok(document),
        other => Err(format!("no document but {other}")),
    }
}

/// Canonical Extended JSON, normalized.
pub(super) fn canonical(document: &Document) -> Json {
    normalized(Bson::Document(document.clone()).into_canonical_extjson())
}

/// Relaxed Extended JSON, normalized.
pub(super) fn relaxed(document: &Document) -> Json {
    normalized(Bson::Document(document.clone()).into_relaxed_extjson())
}

/// The expected Extended JSON of a case, normalized.
pub(super) fn expected(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map(normalized).map_err(|e| e.to_string())
}

/// The corpus leaves it open how a number is spelled in `$numberDouble`; everything else is compared as it is.
fn normalized(json: Json) -> Json {
    match json {
        Json::Object(map) => Json::Object(
            map.into_iter()
                .map(|(key, value)| match (key.as_str(), value.as_str().map(str::parse::<f64>)) {
                    ("$numberDouble", Some(Ok(number))) if number.is_finite() => {
                        let spelled = format!("{number:e}");
                        (key, Json::String(spelled))
                    }
                    _ => (key, normalized(value)),
                })
                .collect(),
        ),
        Json::Array(values) => Json::Array(values.into_iter().map(normalized).collect()),
        other => other,
    }
}

/// A `DbPointer`, which the `bson` crate makes from nothing else.
pub(super) fn db_pointer(namespace: &str, id: ObjectId) -> Result<Bson, String> {
    Bson::try_from(json!({"$dbPointer": {"$ref": namespace, "$id": {"$oid": id.to_hex()}}})).map_err(|e| e.to_string())
}
