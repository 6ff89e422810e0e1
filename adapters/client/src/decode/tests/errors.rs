//! Errors say where; depth has a limit; what is ignored is not read.

use std::collections::BTreeMap;

use bson::{Bson, Document, RawDocumentBuf, doc};
use serde::Deserialize;
use serde::de::IgnoredAny;
use stator_wire::bson::{BsonError, MAX_DEPTH};

use super::decode::{self, DecodeError, DecodeReason};

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "what is decoded is not looked at")]
struct Fleet {
    name: String,
    ships: Vec<Ship>,
    ports: BTreeMap<String, Port>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "what is decoded is not looked at")]
struct Ship {
    decks: (u8, u8),
    engine: Option<Engine>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "what is decoded is not looked at")]
enum Engine {
    Sail,
    Steam { pressure: f64 },
    Diesel(u32, Bson),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
#[allow(dead_code, reason = "what is decoded is not looked at")]
enum Port {
    Name(String),
    Depth { depth: i32 },
}

fn fleet(document: &Document) -> DecodeError {
    decode::from_slice_owned::<Fleet>(&bytes(document)).expect_err("the document does not fit")
}

fn bytes(document: &Document) -> Vec<u8> {
    bson::serialize_to_vec(document).expect("a document")
}

#[test]
fn the_path_of_the_field_is_named() {
    let ship = |engine: Bson| doc! { "decks": [1, 2], "engine": engine };
    let with = |engine: Bson| doc! { "name": "n", "ships": [ship(Bson::Null), ship(engine)], "ports": {} };
    let cases = [
        (doc! { "name": 1 }, "name"),
        (doc! { "name": "n", "ships": 5 }, "ships"),
        (doc! { "name": "n", "ships": [1] }, "ships.0"),
        (doc! { "name": "n", "ships": [{ "decks": [1, 256] }] }, "ships.0.decks.1"),
        (doc! { "name": "n", "ships": [{ "engine": Bson::Null }] }, "ships.0"),
        (with("Oar".into()), "ships.1.engine"),
        (with(3.into()), "ships.1.engine"),
        (with(doc! {}.into()), "ships.1.engine"),
        (with(doc! { "Sail": 1 }.into()), "ships.1.engine"),
        (with(doc! { "Steam": { "pressure": "high" } }.into()), "ships.1.engine.Steam.pressure"),
        (with(doc! { "Diesel": ["x", 1] }.into()), "ships.1.engine.Diesel.0"),
        (doc! { "name": "n", "ships": [], "ports": { "p.q": {} } }, "ports.p.q"),
        (doc! { "name": "n", "ships": [], "ports": { "p": { "depth": "x" } } }, "ports.p"),
        (doc! { "name": "n", "ships": [] }, ""),
        (doc! {}, ""),
    ];
    for (document, path) in cases {
        let error = fleet(&document);
        assert_eq!(error.path(), path, "{error}");
        assert!(matches!(error.reason(), DecodeReason::Mismatch(_)), "{error:?}");
    }
    let error = fleet(&doc! { "name": "n", "ships": [{ "decks": [1, 256] }] });
    assert!(error.to_string().starts_with("field `ships.0.decks.1`: invalid value: integer `256`"), "{error}");
    let error = fleet(&doc! {});
    assert_eq!(error.to_string(), "missing field `name`");
}

#[test]
fn malformed_values_are_named_too() {
    let mut bytes = bytes(&doc! { "a": { "b": [0, "text"] } });
    let at = bytes.windows(4).position(|part| part == b"text").expect("it is there");
    bytes[at + 1] = 0xff;
    let direct = decode::from_slice_owned::<Document>(&bytes).expect_err("no UTF-8");
    let serde = decode::from_slice::<BTreeMap<String, BTreeMap<String, Vec<Bson>>>>(&bytes).expect_err("no UTF-8");
    for error in [direct, serde] {
        assert_eq!(error.path(), "a.b.1");
        assert_eq!(*error.reason(), DecodeReason::Malformed(BsonError::InvalidUtf8 { offset: 1 }));
        assert!(std::error::Error::source(&error).is_some());
    }
    // Passed over, it does no harm; neither does it as bytes.
    assert!(decode::from_slice::<IgnoredAny>(&bytes).is_ok());
    assert!(decode::from_slice::<BTreeMap<String, IgnoredAny>>(&bytes).is_ok());
    assert_eq!(decode::from_slice_owned::<RawDocumentBuf>(&bytes).expect("a document").as_bytes(), bytes);
}

#[test]
fn keys_must_be_text() {
    let mut bytes = bytes(&doc! { "a": { "key": 1 } });
    let at = bytes.windows(3).position(|part| part == b"key").expect("it is there");
    bytes[at] = 0xff;
    let error = decode::from_slice_owned::<Document>(&bytes).expect_err("no UTF-8");
    assert_eq!(error.path(), "a");
    let error = decode::from_slice::<BTreeMap<String, Document>>(&bytes).expect_err("no UTF-8");
    assert_eq!(error.path(), "a");
}

#[test]
fn nesting_has_a_limit() {
    // Unoptimized, the `bson` crate's visitor takes 12 kB for each level.
    let thread = std::thread::Builder::new().stack_size(8 << 20).spawn(nest).expect("a thread");
    thread.join().expect("no panic");
}

fn nest() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "what is decoded is not looked at")]
    struct Level {
        d: Option<Box<Self>>,
    }
    for (levels, fits) in [(MAX_DEPTH, true), (MAX_DEPTH + 1, false), (10_000, false)] {
        let bytes = nested(levels);
        let direct = decode::from_slice_owned::<Document>(&bytes).map(drop);
        let serde = decode::from_slice::<BTreeMap<String, Bson>>(&bytes).map(drop);
        let typed = decode::from_slice::<Level>(&bytes).map(drop);
        for found in [direct, serde, typed] {
            match found {
                Ok(()) => assert!(fits, "{levels} levels"),
                Err(error) => {
                    assert!(!fits, "{levels} levels: {error}");
                    assert!(matches!(error.reason(), DecodeReason::Malformed(BsonError::TooDeep { .. })), "{error}");
                    // It is found at a level that leaves room on the stack.
                    assert_eq!(error.path().split('.').count(), 32);
                }
            }
        }
        assert!(decode::from_slice::<IgnoredAny>(&bytes).is_ok());
        assert!(decode::from_slice_owned::<RawDocumentBuf>(&bytes).is_ok());
    }
}

/// Documents in each other; the bytes are made by hand because writers have limits, too.
fn nested(levels: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for level in (1..=levels).rev() {
        // Each level but the innermost adds length, type, key and terminator.
        let length = i32::try_from(5 + (level - 1) * 8).expect("it is short enough").to_le_bytes();
        bytes.extend(length);
        if level > 1 {
            bytes.extend(b"\x03d\0");
        }
    }
    bytes.extend(vec![0; levels]);
    bytes
}

/// What only looks like Extended JSON keeps its type, where the bytes decide.
#[test]
fn the_bytes_decide_what_a_document_is() {
    for document in [
        doc! { "$oid": "070707070707070707070707" },
        doc! { "v": { "$date": 1 } },
        doc! { "v": [{ "$numberInt": "x" }, { "$code": "c", "d": 1 }] },
    ] {
        let bytes = bytes(&document);
        assert_eq!(decode::from_slice_owned::<Document>(&bytes).expect("a document"), document);
        assert_eq!(decode::from_slice_owned::<Bson>(&bytes).expect("a document"), Bson::Document(document));
    }
}

/// Newtypes around strings are keys as good as strings.
#[test]
fn newtypes_as_keys() {
    #[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
    struct Name(String);
    let found: BTreeMap<Name, i32> = decode::from_slice(&bytes(&doc! { "a": 1 })).expect("a map");
    assert_eq!(found, BTreeMap::from([(Name("a".into()), 1)]));
}
