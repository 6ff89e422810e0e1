//! What is valid decodes at every level and is written again byte by byte; what is not never panics.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stator_wire::bson::{Doc, DocWriter, Kind, MAX_DEPTH, RawValue, Value};

fuzz_target!(|data: &[u8]| {
    let _ = Doc::read_prefix(data).map(|(doc, _)| walk(doc, 1));
    if data.len() < 5 {
        return;
    }
    // Length and terminator are given, so that the fuzzer can look for more than those.
    let mut bytes = data.to_vec();
    bytes[..4].copy_from_slice(&(data.len() as i32).to_le_bytes());
    bytes[data.len() - 1] = 0;
    let doc = Doc::new(&bytes).expect("length and terminator are right");
    let _ = format!("{doc:?}");
    let sound = walk(doc, 1);
    match doc.validate() {
        Ok(()) => {
            assert!(sound, "valid, but something in it cannot be read");
            doc.check_depth().expect("a valid document is not too deep");
            assert_eq!(rewrite(doc), bytes);
        }
        Err(error) => assert!(!sound, "all of it can be read, but {error}"),
    }
});

/// Reads everything at every level; whether all of it is right.
fn walk(doc: Doc<'_>, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    let mut sound = true;
    for element in doc {
        let Ok(element) = element else { return false };
        let raw = element.value();
        assert_eq!(RawValue::new(raw.kind(), raw.bytes()), Ok(raw));
        sound &= element.key().is_ok();
        let _ = (raw.as_number_i64(), raw.as_truthy());
        sound &= match raw.decode() {
            Ok(Value::Document(inner) | Value::Array(inner) | Value::CodeWithScope { scope: inner, .. }) => {
                walk(inner, depth + 1)
            }
            Ok(value) => {
                assert_eq!(value.kind(), raw.kind());
                true
            }
            Err(_) => false,
        };
    }
    sound
}

/// Decodes and writes everything, level by level. `doc` is valid.
fn rewrite(doc: Doc<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = DocWriter::new(&mut out);
    for element in doc {
        let element = element.expect("valid");
        let (key, raw) = (element.key().expect("valid"), element.value());
        match raw.decode().expect("valid") {
            Value::Document(inner) => {
                let mut nested = writer.document(key);
                let inner = rewrite(inner);
                nested.elements(Doc::new(&inner).expect("written just now"));
                nested.finish().expect("it fits");
            }
            // The keys of an array may be anything, so it is not for `ArrayWriter`.
            Value::Array(inner) => {
                writer.array(key, Doc::new(&rewrite(inner)).expect("written just now"));
            }
            Value::CodeWithScope { code, scope } => {
                let scope = rewrite(scope);
                let scope = Doc::new(&scope).expect("written just now");
                writer.typed(key, Value::CodeWithScope { code, scope });
            }
            // Options are sorted when they are written.
            Value::Regex { options, .. } if !options.is_ascii() || !options.bytes().is_sorted() => {
                assert_eq!(raw.kind(), Kind::Regex);
                writer.value(key, raw);
            }
            value => {
                writer.typed(key, value);
            }
        }
    }
    writer.finish().expect("it fits");
    out
}
