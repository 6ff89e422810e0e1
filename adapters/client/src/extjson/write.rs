//! From BSON to JSON text.

use std::fmt::Write;

use bson::{Bson, DateTime, Document};
use serde_json::{Value, json};

/// What can be written: a value or a document, borrowed. Made by `into()` from either.
#[derive(Clone, Copy, Debug)]
pub struct ValueRef<'a>(Inner<'a>);

#[derive(Clone, Copy, Debug)]
enum Inner<'a> {
    Value(&'a Bson),
    Document(&'a Document),
}

impl<'a> From<&'a Bson> for ValueRef<'a> {
    fn from(value: &'a Bson) -> Self {
        Self(Inner::Value(value))
    }
}

impl<'a> From<&'a Document> for ValueRef<'a> {
    fn from(document: &'a Document) -> Self {
        Self(Inner::Document(document))
    }
}

/// Writes canonical Extended JSON, which keeps every type: `{"n":{"$numberInt":"1"}}`. No white space, keys in order.
pub fn to_canonical<'a>(value: impl Into<ValueRef<'a>>) -> String {
    write(value.into(), Mode::Canonical)
}

/// Writes relaxed Extended JSON, which people and other programs read more easily: numbers are JSON numbers, so
/// `int64` and `int32` read alike, and dates from 1970 to 9999 are text. No white space, keys in order.
pub fn to_relaxed<'a>(value: impl Into<ValueRef<'a>>) -> String {
    write(value.into(), Mode::Relaxed)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Canonical,
    Relaxed,
}

fn write(value: ValueRef<'_>, mode: Mode) -> String {
    let mut out = String::new();
    match value.0 {
        Inner::Value(value) => write_value(&mut out, value, mode),
        Inner::Document(document) => write_document(&mut out, document, mode),
    }
    out
}

pub(super) fn write_value(out: &mut String, value: &Bson, mode: Mode) {
    match value {
        Bson::String(text) => write_string(out, text),
        Bson::Int32(value) if mode == Mode::Relaxed => write_integer(out, (*value).into()),
        Bson::Int64(value) if mode == Mode::Relaxed => write_integer(out, *value),
        Bson::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
        Bson::Null => out.push_str("null"),
        Bson::Document(document) => write_document(out, document, mode),
        Bson::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                separate(out, at);
                write_value(out, item, mode);
            }
            out.push(']');
        }
        Bson::JavaScriptCodeWithScope(code) => {
            out.push_str("{\"$code\":");
            write_string(out, &code.code);
            out.push_str(",\"$scope\":");
            write_document(out, &code.scope, mode);
            out.push('}');
        }
        Bson::Double(value) if value.is_nan() => write_leaf(out, &json!({ "$numberDouble": "NaN" })),
        Bson::Double(value) if value.is_subnormal() && mode == Mode::Canonical => {
            write_leaf(out, &json!({ "$numberDouble": format!("{value:?}") }));
        }
        Bson::DateTime(date) if mode == Mode::Relaxed => match internet_date(*date) {
            Some(text) => write_leaf(out, &json!({ "$date": text })),
            None => write_leaf(out, &value.clone().into_canonical_extjson()),
        },
        other => {
            let leaf = other.clone();
            let leaf = match mode {
                Mode::Canonical => leaf.into_canonical_extjson(),
                Mode::Relaxed => leaf.into_relaxed_extjson(),
            };
            write_leaf(out, &leaf);
        }
    }
}

fn write_document(out: &mut String, document: &Document, mode: Mode) {
    out.push('{');
    for (at, (key, value)) in document.iter().enumerate() {
        separate(out, at);
        write_string(out, key);
        out.push(':');
        write_value(out, value, mode);
    }
    out.push('}');
}

/// Writes a scalar or a type wrapper. Its keys come in the order of the specification's table, which a map of
/// `serde_json` may have lost.
fn write_leaf(out: &mut String, value: &Value) {
    let Value::Object(map) = value else {
        out.push_str(&value.to_string());
        return;
    };
    const ORDER: [&str; 4] = ["pattern", "options", "t", "i"];
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| match key.as_str() {
        "$ref" => 0,
        key => ORDER.iter().position(|known| *known == key).map_or(ORDER.len(), |at| at + 1),
    });
    out.push('{');
    for (at, (key, value)) in entries.into_iter().enumerate() {
        separate(out, at);
        write_string(out, key);
        out.push(':');
        write_leaf(out, value);
    }
    out.push('}');
}

pub(super) fn write_string(out: &mut String, text: &str) {
    if text.bytes().all(|byte| !matches!(byte, b'"' | b'\\' | ..b' ')) {
        out.reserve(text.len() + 2);
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&Value::from(text).to_string());
    }
}

fn write_integer(out: &mut String, value: i64) {
    // Into a string, so it cannot fail.
    let _ = write!(out, "{value}");
}

pub(super) fn separate(out: &mut String, at: usize) {
    if at > 0 {
        out.push(',');
    }
}

/// RFC 3339, with three digits of a second or none; `None` before 1970 and after 9999.
fn internet_date(date: DateTime) -> Option<String> {
    /// 9999-12-31T23:59:59.999Z in milliseconds.
    const LAST: i64 = 253_402_300_799_999;
    let millis = date.timestamp_millis();
    if !(0..=LAST).contains(&millis) {
        return None;
    }
    let seconds = DateTime::from_millis(millis - millis % 1000).try_to_rfc3339_string().ok()?;
    let fraction = millis % 1000;
    Some(match seconds.strip_suffix('Z') {
        Some(seconds) if fraction != 0 => format!("{seconds}.{fraction:03}Z"),
        _ => seconds,
    })
}
