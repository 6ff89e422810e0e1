//! Walking a document with `wire::bson`: rewriting it, and turning it into the types of the `bson` crate.

use bson::oid::ObjectId;
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, Decimal128, Document, JavaScriptCodeWithScope, Regex, Timestamp};
use stator_wire::bson::{ArrayWriter, BsonError, Doc, DocWriter, Value};

use super::extjson;

/// Decodes every value of `doc` and writes it again; arrays get the keys that they should have.
pub(super) fn rewrite(doc: Doc<'_>) -> Result<Vec<u8>, BsonError> {
    let mut bytes = Vec::new();
    let mut out = DocWriter::new(&mut bytes);
    document(&mut out, doc)?;
    out.finish()?;
    Ok(bytes)
}

fn document(out: &mut DocWriter<'_>, doc: Doc<'_>) -> Result<(), BsonError> {
    for element in doc {
        let element = element?;
        let key = element.key()?;
        match element.value().decode()? {
            Value::Document(doc) => document(&mut out.document(key), doc)?,
            Value::Array(doc) => array(&mut out.array_of(key), doc)?,
            Value::CodeWithScope { code, scope } => {
                let scope = rewrite(scope)?;
                out.typed(key, Value::CodeWithScope { code, scope: Doc::new(&scope)? });
            }
            value => {
                out.typed(key, value);
            }
        }
    }
    Ok(())
}

fn array(out: &mut ArrayWriter<'_>, doc: Doc<'_>) -> Result<(), BsonError> {
    for element in doc {
        match element?.value().decode()? {
            Value::Document(doc) => document(&mut out.document(), doc)?,
            Value::Array(doc) => array(&mut out.array_of(), doc)?,
            Value::CodeWithScope { code, scope } => {
                let scope = rewrite(scope)?;
                out.typed(Value::CodeWithScope { code, scope: Doc::new(&scope)? });
            }
            value => {
                out.typed(value);
            }
        }
    }
    Ok(())
}

/// The document as the `bson` crate has it.
pub(super) fn to_document(doc: Doc<'_>) -> Result<Document, String> {
    let mut document = Document::new();
    for element in doc {
        let element = element.map_err(|e| e.to_string())?;
        let key = element.key().map_err(|e| e.to_string())?;
        document.insert(key, to_bson(element.value().decode().map_err(|e| e.to_string())?)?);
    }
    Ok(document)
}

fn to_bson(value: Value<'_>) -> Result<Bson, String> {
    Ok(match value {
        Value::Double(value) => Bson::Double(value),
        Value::String(value) => Bson::String(value.into()),
        Value::Document(doc) => Bson::Document(to_document(doc)?),
        Value::Array(doc) => Bson::Array(to_array(doc)?),
        Value::Binary { subtype, bytes } => {
            Bson::Binary(Binary { subtype: BinarySubtype::from(subtype), bytes: bytes.into() })
        }
        Value::Undefined => Bson::Undefined,
        Value::ObjectId(id) => Bson::ObjectId(ObjectId::from_bytes(id)),
        Value::Bool(value) => Bson::Boolean(value),
        Value::DateTime(ms) => Bson::DateTime(DateTime::from_millis(ms)),
        Value::Null => Bson::Null,
        Value::Regex { pattern, options } => Bson::RegularExpression(regex(pattern, options)?),
        Value::DbPointer { namespace, id } => extjson::db_pointer(namespace, ObjectId::from_bytes(id))?,
        Value::Code(code) => Bson::JavaScriptCode(code.into()),
        Value::Symbol(text) => Bson::Symbol(text.into()),
        Value::CodeWithScope { code, scope } => {
            Bson::JavaScriptCodeWithScope(JavaScriptCodeWithScope { code: code.into(), scope: to_document(scope)? })
        }
        Value::Int32(value) => Bson::Int32(value),
        Value::Timestamp(at) => Bson::Timestamp(Timestamp { time: at.time, increment: at.increment }),
        Value::Int64(value) => Bson::Int64(value),
        Value::Decimal128(bytes) => Bson::Decimal128(Decimal128::from_bytes(bytes)),
        Value::MaxKey => Bson::MaxKey,
        Value::MinKey => Bson::MinKey,
    })
}

fn to_array(doc: Doc<'_>) -> Result<Vec<Bson>, String> {
    doc.iter().map(|e| to_bson(e.and_then(|e| e.value().decode()).map_err(|e| e.to_string())?)).collect()
}

/// The options of a [`Regex`] must be in alphabetical order.
fn regex(pattern: &str, options: &str) -> Result<Regex, String> {
    let mut options: Vec<char> = options.chars().collect();
    options.sort_unstable();
    let cstring = |text: String| text.try_into().map_err(|e: bson::error::Error| e.to_string());
    Ok(Regex { pattern: cstring(pattern.into())?, options: cstring(options.into_iter().collect())? })
}
