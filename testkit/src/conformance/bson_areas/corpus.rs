//! One file of `bson-corpus`.

use std::collections::BTreeMap;

use bson::{Bson, Document};
use serde_json::Value as Json;
use stator_client::decode;
use stator_wire::bson::Doc;

use super::{bytes, cases, extjson, native, same, text};
use crate::conformance::Report;

/// Runs all cases of one file.
pub(super) fn file(report: &mut Report, name: &str, file: &Json) {
    let mut run = |key: &str, check: fn(&Json, &Json) -> Result<(), String>| {
        for case in cases(file, key) {
            let description = case["description"].as_str().unwrap_or_default();
            report.record(name, &format!("{key}: {description}"), check(file, case));
        }
    };
    run("valid", |_, case| valid(case));
    run("decodeErrors", |_, case| decode_error(case));
    run("parseErrors", parse_error);
}

/// "Testing validity", in the form for codecs with a native representation.
fn valid(case: &Json) -> Result<(), String> {
    let canonical_bson = bytes(case, "canonical_bson")?;
    let canonical_json = extjson::expected(text(case, "canonical_extjson")?)?;
    let relaxed_json = case["relaxed_extjson"].as_str().map(extjson::expected).transpose()?;
    let lossy = case["lossy"].as_bool().unwrap_or(false);

    let doc = checked(&canonical_bson)?;
    same("rewriting canonical_bson", &native::rewrite(doc).map_err(|e| e.to_string())?, &canonical_bson)?;
    let decoders =
        [("wire", native::to_document(doc)?), ("bson", reader(&canonical_bson)?), ("driver", driver(&canonical_bson)?)];
    for (decoder, document) in decoders {
        same(&format!("{decoder}: canonical_bson again"), &encode(&document)?, &canonical_bson)?;
        same(&format!("{decoder}: canonical_extjson"), &extjson::canonical(&document)?, &canonical_json)?;
        if let Some(relaxed) = &relaxed_json {
            same(&format!("{decoder}: relaxed_extjson"), &extjson::relaxed(&document)?, relaxed)?;
        }
    }

    if case.get("degenerate_bson").is_some() {
        let degenerate = bytes(case, "degenerate_bson")?;
        let doc = checked(&degenerate)?;
        same("rewriting degenerate_bson", &native::rewrite(doc).map_err(|e| e.to_string())?, &canonical_bson)?;
        same("wire: degenerate_bson", &encode(&native::to_document(doc)?)?, &canonical_bson)?;
        same("bson: degenerate_bson", &encode(&reader(&degenerate)?)?, &canonical_bson)?;
        same("driver: degenerate_bson", &encode(&driver(&degenerate)?)?, &canonical_bson)?;
    }
    for key in ["canonical_extjson", "degenerate_extjson"] {
        let Some(json) = case[key].as_str() else { continue };
        let document = extjson::parse(json)?;
        same(key, &extjson::canonical(&document)?, &canonical_json)?;
        if !lossy {
            same(&format!("{key} to BSON"), &encode(&document)?, &canonical_bson)?;
        }
    }
    if let (Some(json), Some(relaxed)) = (case["relaxed_extjson"].as_str(), &relaxed_json) {
        same("relaxed_extjson again", &extjson::relaxed(&extjson::parse(json)?)?, relaxed)?;
    }
    Ok(())
}

/// "Testing decode errors".
fn decode_error(case: &Json) -> Result<(), String> {
    let bytes = bytes(case, "bson")?;
    match (checked(&bytes), driver(&bytes)) {
        (Ok(doc), _) => Err(format!("was accepted: {doc:?}")),
        (_, Ok(document)) => Err(format!("driver: was accepted: {document:?}")),
        (Err(_), Err(_)) => Ok(()),
    }
}

/// "Testing parsing errors": what the input is depends on the type under test.
fn parse_error(file: &Json, case: &Json) -> Result<(), String> {
    let input = text(case, "string")?;
    match text(file, "bson_type")? {
        // Extended JSON that is JSON, and fails when parsed or when then encoded.
        "0x00" | "0x05" => {
            serde_json::from_str::<Json>(input).map_err(|e| format!("the case is not even JSON: {e}"))?;
            match extjson::parse(input).and_then(|document| encode(&document)) {
                Ok(_) => Err("was accepted".into()),
                Err(_) => Ok(()),
            }
        }
        "0x13" => match stator_client::extjson::parse_decimal128(input) {
            Ok(decimal) => Err(format!("was accepted as {decimal}")),
            Err(_) => Ok(()),
        },
        other => Err(format!("no rule for parse errors of type {other}")),
    }
}

/// A view over a valid document, which recursive code may therefore follow.
fn checked(bytes: &[u8]) -> Result<Doc<'_>, String> {
    let doc = Doc::new(bytes).map_err(|e| e.to_string())?;
    doc.validate().map_err(|e| e.to_string())?;
    Ok(doc)
}

fn reader(bytes: &[u8]) -> Result<Document, String> {
    Document::from_reader(bytes).map_err(|e| e.to_string())
}

/// What users get from the server.
fn driver(bytes: &[u8]) -> Result<Document, String> {
    let direct: Document = decode::from_slice_owned(bytes).map_err(|e| e.to_string())?;
    // Through serde: the same, but for what looks like Extended JSON.
    let serde: BTreeMap<String, Bson> = decode::from_slice(bytes).map_err(|e| e.to_string())?;
    if let Ok(theirs) = bson::deserialize_from_slice::<BTreeMap<String, Bson>>(bytes) {
        same("driver: as a map", &format!("{serde:?}"), &format!("{theirs:?}"))?;
    }
    Ok(direct)
}

fn encode(document: &Document) -> Result<Vec<u8>, String> {
    document.to_vec().map_err(|e| e.to_string())
}
