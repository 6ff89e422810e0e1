//! Documents of every kind, through every type.

use bson::oid::ObjectId;
use bson::raw::{RawBson, RawDocumentBuf};
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, Decimal128, JavaScriptCodeWithScope, Regex, Timestamp, Uuid, cstr, doc};

use super::zoo::compare_all;

#[test]
fn values_of_every_kind() {
    let binary = |subtype: BinarySubtype, bytes: &[u8]| Bson::Binary(Binary { subtype, bytes: bytes.to_vec() });
    let values: Vec<Bson> = vec![
        Bson::Null,
        true.into(),
        false.into(),
        0_i32.into(),
        (-1_i32).into(),
        255_i32.into(),
        i32::MIN.into(),
        i32::MAX.into(),
        7_i64.into(),
        i64::MIN.into(),
        i64::MAX.into(),
        0.0.into(),
        3.0.into(),
        0.1.into(),
        f64::NAN.into(),
        f64::NEG_INFINITY.into(),
        "".into(),
        "x".into(),
        "A".into(),
        "low".into(),
        "gr\u{fc}n \u{1f600}".into(),
        "with \0 inside".into(),
        ObjectId::from_bytes([7; 12]).into(),
        "07070707070707070707070707070707".into(),
        "0707070707070707070707070".into(),
        DateTime::from_millis(1_700_000_000_123).into(),
        DateTime::from_millis(-1).into(),
        DateTime::MAX.into(),
        DateTime::MIN.into(),
        Decimal128::from_bytes([0x30; 16]).into(),
        "1.5".parse::<Decimal128>().expect("a number").into(),
        Timestamp { time: u32::MAX, increment: 3 }.into(),
        Bson::RegularExpression(Regex { pattern: cstr!("^a").into(), options: cstr!("imx").into() }),
        Bson::RegularExpression(Regex { pattern: cstr!("").into(), options: cstr!("").into() }),
        Bson::JavaScriptCode("f()".into()),
        Bson::Symbol("s".into()),
        Bson::JavaScriptCodeWithScope(JavaScriptCodeWithScope { code: "f(x)".into(), scope: doc! { "x": 1, "y": {} } }),
        Bson::Undefined,
        Bson::MinKey,
        Bson::MaxKey,
        binary(BinarySubtype::Generic, b"abc"),
        binary(BinarySubtype::Generic, b""),
        binary(BinarySubtype::Generic, &[1; 16]),
        binary(BinarySubtype::Uuid, &[1; 16]),
        binary(BinarySubtype::Uuid, &[1; 15]),
        binary(BinarySubtype::UuidOld, &[1; 16]),
        binary(BinarySubtype::BinaryOld, b"old"),
        binary(BinarySubtype::UserDefined(0x80), b"\0\xff"),
        Uuid::from_bytes([9; 16]).into(),
        Bson::Array(vec![]),
        vec![1, 2].into(),
        Bson::Array(vec![1.into(), "b".into()]),
        Bson::Array(vec!["a".into(), "b".into()]),
        Bson::Array(vec![doc! { "a": 1 }.into(), Bson::Null, vec![1].into()]),
        doc! {}.into(),
        doc! { "a": 1, "b": "x" }.into(),
        doc! { "a": "x", "b": "y", "c": Binary { subtype: BinarySubtype::Generic, bytes: vec![1] }, "d": {}, "e": 1 }
            .into(),
        doc! { "A": Bson::Null }.into(),
        doc! { "B": { "x": ObjectId::from_bytes([1; 12]) } }.into(),
        doc! { "C": [1, "x"] }.into(),
        doc! { "C": [1] }.into(),
        doc! { "D": { "a": 1_i64, "b": ObjectId::from_bytes([1; 12]) } }.into(),
        doc! { "D": { "a": 1, "b": Bson::Null, "c": 1 } }.into(),
        doc! { "t": "A" }.into(),
        doc! { "t": "B", "a": DateTime::from_millis(5) }.into(),
        doc! { "a": DateTime::from_millis(5), "b": Timestamp { time: 1, increment: 2 }, "t": "D" }.into(),
        doc! { "t": "C", "a": 1, "b": binary(BinarySubtype::Uuid, &[1; 16]) }.into(),
        doc! { "t": "B", "c": ObjectId::from_bytes([1; 12]) }.into(),
        doc! { "c": [1, "x"], "t": "C" }.into(),
        doc! { "t": "D", "c": { "a": Decimal128::from_bytes([0x30; 16]) } }.into(),
        doc! { "r": { "x": [1, { "y": Bson::MaxKey }] } }.into(),
    ];
    for value in &values {
        compare_all(&bson::serialize_to_vec(&doc! { "v": value.clone() }).expect("a document"));
    }
    let mut all: bson::Document = doc! { "a": 1, "b": "text" };
    all.extend(values.into_iter().enumerate().map(|(i, value)| (format!("v{i}"), value)));
    compare_all(&bson::serialize_to_vec(&all).expect("a document"));
}

/// Types that the `bson` crate reads only through serde; embedded, what looks like Extended JSON is taken for it.
#[test]
fn documents_that_look_like_extended_json() {
    for value in [
        doc! { "$oid": "070707070707070707070707" },
        doc! { "$oid": 1 },
        doc! { "$date": { "$numberLong": "5" } },
        doc! { "$date": "2020-01-01T00:00:00Z" },
        doc! { "$date": 5_i64 },
        doc! { "$numberInt": "5" },
        doc! { "$numberLong": "x" },
        doc! { "$uuid": "07070707-0707-0707-0707-070707070707" },
        doc! { "$timestamp": { "t": 1, "i": 2 } },
        doc! { "$code": "f()" },
        doc! { "$code": "f()", "$scope": { "a": 1 } },
        doc! { "$scope": {}, "$code": "f()" },
        doc! { "$regularExpression": { "pattern": "a", "options": "xi" } },
        doc! { "$minKey": 1 },
        doc! { "$undefined": true },
        doc! { "$symbol": "s" },
        doc! { "a": 1, "$symbol": "s" },
        doc! { "$binary": { "base64": "AAAA", "subType": "80" } },
    ] {
        compare_all(&bson::serialize_to_vec(&doc! { "v": value.clone() }).expect("a document"));
        compare_all(&bson::serialize_to_vec(&value).expect("a document"));
    }
}

#[test]
fn keys_that_come_twice_and_pointers() {
    let mut raw = RawDocumentBuf::new();
    raw.append(cstr!("a"), 1);
    raw.append(cstr!("b"), "x");
    raw.append(cstr!("a"), 2);
    compare_all(raw.as_bytes());
    // A pointer can only be made from bytes.
    let mut bytes = vec![0, 0, 0, 0, 0x0c];
    bytes.extend(b"v\0\x04\0\0\0d.c\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\0");
    bytes[0] = u8::try_from(bytes.len()).expect("short");
    compare_all(&bytes);
    let found: bson::Document = crate::decode::from_slice_owned(&bytes).expect("a pointer");
    assert!(matches!(found.get("v"), Some(Bson::DbPointer(_))));
}

/// Every single byte of a document changed, and every document that is cut off: nothing panics, and what the `bson` crate reads is
/// read the same.
#[test]
fn broken_documents() {
    let inner =
        doc! { "s": "text", "r": Regex { pattern: cstr!("a").into(), options: cstr!("i").into() }, "n": [1, 2.0] };
    let scope = Bson::JavaScriptCodeWithScope(JavaScriptCodeWithScope { code: "c".into(), scope: doc! { "a": 1 } });
    let binary = Binary { subtype: BinarySubtype::BinaryOld, bytes: vec![1, 2] };
    let document = doc! { "a": inner, "b": scope, "c": binary, "d": true, "e": ObjectId::from_bytes([1; 12]) };
    let bytes = bson::serialize_to_vec(&document).expect("a document");
    for at in 4..bytes.len() {
        for with in [0, 2, 0xff, bytes[at].wrapping_add(1)] {
            let mut changed = bytes.clone();
            changed[at] = with;
            compare_all(&changed);
        }
        let mut cut = bytes[..at].to_vec();
        cut.push(0);
        let length = u32::try_from(cut.len()).expect("short").to_le_bytes();
        cut[..4].copy_from_slice(&length);
        compare_all(&cut);
        compare_all(&bytes[..at]);
    }
}

#[test]
fn raw_values_are_whole() {
    let bytes = bson::serialize_to_vec(&doc! { "a": { "b": [1, { "c": "d" }] } }).expect("a document");
    let raw: RawBson = crate::decode::from_slice(&bytes).expect("a document");
    assert_eq!(raw.as_document().expect("a document").as_bytes(), bytes);
}
