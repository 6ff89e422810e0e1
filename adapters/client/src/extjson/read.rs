//! From JSON to BSON.

use bson::{Bson, Document, JavaScriptCodeWithScope};

use super::json::Json;
use super::{Error, decimal};

/// The keys that make an object a type wrapper; `$code` and `$scope` are read apart.
const WRAPPERS: [&str; 15] = [
    "$oid",
    "$symbol",
    "$numberInt",
    "$numberLong",
    "$numberDouble",
    "$numberDecimal",
    "$binary",
    "$uuid",
    "$timestamp",
    "$regularExpression",
    "$dbPointer",
    "$date",
    "$minKey",
    "$maxKey",
    "$undefined",
];

/// Whether an object that has this key is one of the type wrappers.
pub(super) fn is_wrapper(key: &str) -> bool {
    key.starts_with('$') && (matches!(key, "$code" | "$scope") || WRAPPERS.contains(&key))
}

pub(super) fn document(entries: Vec<(String, Json)>) -> Result<Document, Error> {
    let mut document = Document::new();
    for (key, json) in entries {
        if key.contains('\0') {
            return Err(Error::NulInKey);
        }
        document.insert(key, value(json)?);
    }
    Ok(document)
}

pub(super) fn value(json: Json) -> Result<Bson, Error> {
    Ok(match json {
        Json::Null => Bson::Null,
        Json::Bool(value) => value.into(),
        Json::Integer(value) => i32::try_from(value).map_or(Bson::Int64(value), Bson::Int32),
        Json::Number(value) => value.into(),
        Json::String(text) => text.into(),
        Json::Array(items) => Bson::Array(items.into_iter().map(value).collect::<Result<_, _>>()?),
        Json::Object(entries) => {
            let has = |wanted: &str| entries.iter().any(|(key, _)| key == wanted);
            if has("$code") || has("$scope") {
                return code(entries);
            }
            match WRAPPERS.into_iter().find(|key| has(key)) {
                Some(key) => wrapper(key, entries)?,
                None => document(entries)?.into(),
            }
        }
    })
}

/// `{"$code": string}` or `{"$code": string, "$scope": document}`: the scope's own keys keep their order.
fn code(entries: Vec<(String, Json)>) -> Result<Bson, Error> {
    let fail = |reason| Error::value("$code", reason);
    let (mut code, mut scope) = (None, None);
    for (key, json) in entries {
        match (key.as_str(), json) {
            ("$code", Json::String(text)) => code = Some(text),
            ("$scope", Json::Object(entries)) => scope = Some(document(entries)?),
            ("$code", _) => return Err(fail("it is no string")),
            ("$scope", _) => return Err(fail("`$scope` is no document")),
            _ => return Err(fail("there are other keys")),
        }
    }
    let code = code.ok_or_else(|| fail("`$scope` stands alone"))?;
    Ok(match scope {
        Some(scope) => JavaScriptCodeWithScope { code, scope }.into(),
        None => Bson::JavaScriptCode(code),
    })
}

/// Checks what the `bson` crate does not, and lets it do the rest.
fn wrapper(key: &'static str, mut entries: Vec<(String, Json)>) -> Result<Bson, Error> {
    for (name, json) in &mut entries {
        match (name.as_str(), json) {
            ("$numberDouble", Json::String(text)) if !is_double(text) => {
                return Err(Error::value(key, "it is no decimal number, `Infinity`, `-Infinity` or `NaN`"));
            }
            ("$numberDecimal", Json::String(text)) => drop(decimal::parse_decimal128(text)?),
            ("$date", Json::Integer(_) | Json::Number(_)) => {
                return Err(Error::value(key, "it is a number, neither text nor `$numberLong`"));
            }
            ("$binary", Json::Object(body)) => {
                for (name, json) in body {
                    if let ("subType", Json::String(digits)) = (name.as_str(), json)
                        && digits.len() == 1
                    {
                        digits.insert(0, '0');
                    }
                }
            }
            _ => {}
        }
    }
    let map: serde_json::Map<_, _> = entries.into_iter().map(|(key, json)| (key, json.into_value())).collect();
    Bson::try_from(map).map_err(|error| Error::value(key, error))
}

/// A number that Rust reads, but none of the names that Rust has for special ones.
fn is_double(text: &str) -> bool {
    matches!(text, "Infinity" | "-Infinity" | "NaN")
        || text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
}
