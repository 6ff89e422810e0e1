//! `Document` and `Bson` straight from the bytes.

use bson::oid::ObjectId;
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, DbPointer, Decimal128, Document, JavaScriptCodeWithScope, Regex, Timestamp};
use serde::Deserialize;
use stator_wire::bson::{self as wire, BsonError, Kind, RawValue};

use super::error::DecodeError;
use super::mode::{Mode, string_bytes};
use super::room;
use super::value::Value;

/// The document that `bytes` are.
pub(super) fn document(bytes: &[u8], mode: Mode) -> Result<Document, DecodeError> {
    let (doc, mode) = mode.open(bytes)?;
    let mut out = None;
    for element in doc {
        let element = element?;
        let key = string(element.key_bytes())?;
        let value = match value(element.value(), mode) {
            Ok(value) => value,
            Err(error) => return Err(error.in_field(&key)),
        };
        let out: &mut Document = out.get_or_insert_with(|| {
            // Where the first element is a good part of the whole there are few, and no room needs to be made for them.
            let first = element.key_bytes().len() + element.value().bytes().len();
            let few = bytes.len() < SHORT || first * FEW > bytes.len();
            room::document(if few { 0 } else { doc.iter().count() })
        });
        out.insert(key, value);
    }
    Ok(out.unwrap_or_default())
}

/// The values of the array that `bytes` are; its keys do not matter.
fn array(bytes: &[u8], mode: Mode) -> Result<Vec<Bson>, DecodeError> {
    let (doc, mode) = mode.open(bytes)?;
    let mut out = Vec::with_capacity(doc.iter().count());
    for element in doc {
        match value(element?.value(), mode) {
            Ok(value) => out.push(value),
            Err(error) => return Err(error.in_element(out.len())),
        }
    }
    Ok(out)
}

/// Any value.
pub(super) fn value(raw: RawValue<'_>, mode: Mode) -> Result<Bson, DecodeError> {
    Ok(match raw.kind() {
        Kind::String => Bson::String(string(string_bytes(raw)?)?),
        Kind::Int32 => Bson::Int32(raw.as_i32()?),
        Kind::Int64 => Bson::Int64(raw.as_i64()?),
        Kind::Double => Bson::Double(raw.as_f64()?),
        Kind::Bool => Bson::Boolean(raw.as_bool()?),
        Kind::Null => Bson::Null,
        Kind::ObjectId => Bson::ObjectId(ObjectId::from_bytes(raw.as_object_id()?)),
        Kind::DateTime => Bson::DateTime(DateTime::from_millis(raw.as_datetime()?)),
        Kind::Document => Bson::Document(document(raw.bytes(), mode)?),
        Kind::Array => Bson::Array(array(raw.bytes(), mode)?),
        Kind::Binary => {
            let (subtype, bytes) = raw.as_binary()?;
            Bson::Binary(Binary { subtype: BinarySubtype::from(subtype), bytes: bytes.to_vec() })
        }
        Kind::Timestamp => {
            let wire::Timestamp { time, increment } = raw.as_timestamp()?;
            Bson::Timestamp(Timestamp { time, increment })
        }
        _ => rare(raw, mode)?,
    })
}

/// The values that nobody stores by the million.
#[cold]
fn rare(raw: RawValue<'_>, mode: Mode) -> Result<Bson, DecodeError> {
    Ok(match raw.decode()? {
        wire::Value::Decimal128(bytes) => Bson::Decimal128(Decimal128::from_bytes(bytes)),
        wire::Value::Regex { pattern, options } => {
            // The order is the specification's.
            let mut options: Vec<char> = options.chars().collect();
            options.sort_unstable();
            let options = String::from_iter(options);
            Bson::RegularExpression(Regex { pattern: pattern.to_owned().try_into()?, options: options.try_into()? })
        }
        wire::Value::Code(code) => Bson::JavaScriptCode(code.to_owned()),
        wire::Value::Symbol(symbol) => Bson::Symbol(symbol.to_owned()),
        wire::Value::CodeWithScope { code, scope } => {
            let scope = document(scope.as_bytes(), mode)?;
            Bson::JavaScriptCodeWithScope(JavaScriptCodeWithScope { code: code.to_owned(), scope })
        }
        // It has no public constructor.
        wire::Value::DbPointer { .. } => Bson::DbPointer(DbPointer::deserialize(Value::new(&raw, mode))?),
        wire::Value::Undefined => Bson::Undefined,
        wire::Value::MaxKey => Bson::MaxKey,
        wire::Value::MinKey => Bson::MinKey,
        other => return Err(DecodeError::mismatch(format!("unexpected {}", other.kind()))),
    })
}

/// `bytes` as text. Copied first: memory is aligned for the check, which bytes of the network are not.
#[inline]
fn string(bytes: &[u8]) -> Result<String, DecodeError> {
    match String::from_utf8(bytes.to_vec()) {
        Ok(text) => Ok(text),
        Err(error) => Err(BsonError::InvalidUtf8 { offset: error.utf8_error().valid_up_to() }.into()),
    }
}

/// The elements of documents up to this size, in bytes, are not counted.
const SHORT: usize = 64;
/// As many elements need no room made for them.
const FEW: usize = 3;
