//! Extended JSON through the client's module, made comparable.

use bson::oid::ObjectId;
use bson::{Bson, Document};
use serde_json::{Value as Json, json};
use stator_client::extjson;

/// Parses text into a document.
pub(super) fn parse(text: &str) -> Result<Document, String> {
    extjson::parse(text).map_err(|e| e.to_string())
}

/// Canonical Extended JSON, normalized.
pub(super) fn canonical(document: &Document) -> Result<Json, String> {
    expected(&extjson::to_canonical(document))
}

/// Relaxed Extended JSON, normalized.
pub(super) fn relaxed(document: &Document) -> Result<Json, String> {
    expected(&extjson::to_relaxed(document))
}

/// The Extended JSON of a case, normalized.
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
    let json = json!({"$dbPointer": {"$ref": namespace, "$id": {"$oid": id.to_hex()}}});
    extjson::parse_value(&json.to_string()).map_err(|e| e.to_string())
}
