//! Extended JSON through the client's module, made comparable.

use bson::oid::ObjectId;
use bson::{Bson, Document, RawDocument, RawDocumentBuf};
use serde_json::{Value as Json, json};
use stator_client::extjson;

/// Parses text into a document, with a tree in between and without one.
pub(super) fn parse(text: &str) -> Result<Document, String> {
    let document = extjson::parse(text);
    let direct = extjson::parse_raw(text);
    if direct.clone().map(RawDocumentBuf::into_bytes) != document.clone().and_then(|document| raw(&document)) {
        return Err(format!("without a tree it is {direct:?}, with one {document:?}"));
    }
    document.map_err(|e| e.to_string())
}

fn raw(document: &Document) -> Result<Vec<u8>, extjson::Error> {
    document.to_vec().map_err(|e| extjson::Error::Bson { reason: e.to_string() })
}

/// Canonical Extended JSON, normalized.
pub(super) fn canonical(document: &Document) -> Result<Json, String> {
    expected(&both(extjson::to_canonical(document), document, extjson::raw_to_canonical)?)
}

/// Relaxed Extended JSON, normalized.
pub(super) fn relaxed(document: &Document) -> Result<Json, String> {
    expected(&both(extjson::to_relaxed(document), document, extjson::raw_to_relaxed)?)
}

/// `text`, if the same comes of the document's bytes.
fn both(
    text: String,
    document: &Document,
    write: fn(&RawDocument) -> Result<String, extjson::Error>,
) -> Result<String, String> {
    let raw = RawDocumentBuf::try_from(document).map_err(|e| e.to_string())?;
    match write(&raw) {
        Ok(direct) if direct == text => Ok(text),
        other => Err(format!("without a tree it is {other:?}, with one {text:?}")),
    }
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
