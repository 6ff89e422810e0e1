//! One file of `bson-binary-vector`.

use bson::binary::{PackedBitVector, Vector};
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, Document};
use serde_json::Value as Json;
use stator_wire::bson::{Doc, DocWriter};

use super::{bytes, cases, same, text};
use crate::conformance::Report;

/// Runs all cases of one file.
pub(super) fn file(report: &mut Report, name: &str, file: &Json) {
    for case in cases(file, "tests") {
        let outcome = text(file, "test_key").and_then(|key| check(key, case));
        report.record(name, case["description"].as_str().unwrap_or_default(), outcome);
    }
}

fn check(key: &str, case: &Json) -> Result<(), String> {
    let canonical = if case.get("canonical_bson").is_some() { Some(bytes(case, "canonical_bson")?) } else { None };
    let vector = case.get("vector").map(|_| from_case(case));
    if !case["valid"].as_bool().ok_or("the case does not say whether it is valid")? {
        if let Some(Ok(vector)) = vector {
            return Err(format!("was encoded: {vector:?}"));
        }
        if let Some(Ok(vector)) = canonical.map(|bytes| decode(key, &bytes)) {
            return Err(format!("was decoded: {vector:?}"));
        }
        return Ok(());
    }
    let vector = vector.ok_or("a valid case without vector")??;
    let canonical = canonical.ok_or("a valid case without canonical_bson")?;
    same("decoded", &decode(key, &canonical)?, &vector)?;
    let binary = Binary::from(&vector);
    let mut written = Vec::new();
    let mut doc = DocWriter::new(&mut written);
    doc.binary(key, binary.subtype.into(), &binary.bytes);
    doc.finish().map_err(|e| e.to_string())?;
    same("wire: encoded", &written, &canonical)?;
    let document = Document::from_iter([(key.to_owned(), Bson::from(vector))]);
    same("bson: encoded", &document.to_vec().map_err(|e| e.to_string())?, &canonical)
}

/// The vector in a document, read with `wire::bson`.
fn decode(key: &str, bytes: &[u8]) -> Result<Vector, String> {
    let doc = Doc::new(bytes).map_err(|e| e.to_string())?;
    doc.validate().map_err(|e| e.to_string())?;
    let (subtype, payload) = doc.get_binary(key).map_err(|e| e.to_string())?.ok_or("no such key")?;
    let binary = Binary { subtype: BinarySubtype::from(subtype), bytes: payload.into() };
    Vector::try_from(&binary).map_err(|e| e.to_string())
}

/// The vector of a case. What a type cannot hold (a large number, a fraction, the padding of whole bytes) is an
/// error here, because it cannot even be said through the API.
fn from_case(case: &Json) -> Result<Vector, String> {
    let numbers = cases(case, "vector");
    let padding = match &case["padding"] {
        Json::Null => 0,
        padding => padding.as_u64().and_then(|n| u8::try_from(n).ok()).ok_or("padding is no u8")?,
    };
    let dtype = text(case, "dtype_hex")?;
    if padding != 0 && dtype != "0x10" {
        return Err(format!("{dtype} has no padding"));
    }
    match dtype {
        "0x03" => numbers.iter().map(integer).collect::<Result<_, _>>().map(Vector::Int8),
        "0x27" => numbers.iter().map(float).collect::<Result<_, _>>().map(Vector::Float32),
        "0x10" => {
            let bytes = numbers.iter().map(integer).collect::<Result<_, _>>()?;
            PackedBitVector::new(bytes, padding).map(Vector::PackedBit).map_err(|e| e.to_string())
        }
        other => Err(format!("unknown dtype {other}")),
    }
}

fn integer<T: TryFrom<i64>>(number: &Json) -> Result<T, String> {
    let integer = number.as_i64().and_then(|n| T::try_from(n).ok());
    integer.ok_or_else(|| format!("{number} is no {}", std::any::type_name::<T>()))
}

/// A number, or an infinity in Extended JSON.
fn float(number: &Json) -> Result<f32, String> {
    let double = match number["$numberDouble"].as_str() {
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        Some(_) => None,
        None => number.as_f64(),
    };
    double.map(|double| double as f32).ok_or_else(|| format!("{number} is no f32"))
}
