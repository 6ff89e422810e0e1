//! The bytes are those of the `bson` crate, for types of every kind; what one refuses the other does, too.

use std::collections::BTreeMap;
use std::fmt::Debug;

use bson::oid::ObjectId;
use bson::raw::{RawArrayBuf, RawBson, RawJavaScriptCodeWithScope, RawRegexRef, cstr};
use bson::serde_helpers::HumanReadable;
use bson::spec::BinarySubtype;
use bson::{
    Binary, Bson, DateTime, Decimal128, Document, JavaScriptCodeWithScope, RawDocumentBuf, Regex, Timestamp, Uuid, doc,
    rawdoc,
};
use serde::{Serialize, Serializer};
use stator_wire::bson::{DocWriter, Value};

use super::{HasId, append_noting_id, to_vec};
use crate::decode;

#[derive(Serialize)]
struct Holder<T> {
    before: i32,
    value: T,
    after: &'static str,
}

/// Both encode the same, or both refuse.
#[track_caller]
fn same<T: Serialize>(value: T) {
    let one = Holder { before: 1, value, after: "end" };
    match (to_vec(&one), bson::serialize_to_vec(&one)) {
        (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs),
        (Err(_), Err(_)) => {}
        (ours, theirs) => panic!("{ours:?}, but should be {theirs:?}"),
    }
}

#[track_caller]
fn refused<T: Serialize + ?Sized>(value: &T, why: &str) {
    assert!(bson::serialize_to_vec(&value).is_err(), "the other encoder takes it");
    let error = to_vec(value).expect_err("this encoder takes it");
    assert!(error.to_string().contains(why), "{error}");
}

fn every_type() -> Vec<Bson> {
    let id = ObjectId::from_bytes(*b"twelve bytes");
    let binary = |subtype| Bson::Binary(Binary { subtype, bytes: b"some bytes".to_vec() });
    let mut all = vec![
        Bson::Double(1.5),
        Bson::String("text with \0 and ü".into()),
        Bson::Array((0..120).map(Bson::Int32).collect()),
        Bson::Document(doc! { "": {}, "nested": { "deeper": [{ "x": [] }] } }),
        Bson::Boolean(true),
        Bson::Null,
        Bson::Int32(i32::MIN),
        Bson::Int64(i64::MAX),
        Bson::ObjectId(id),
        Bson::DateTime(DateTime::from_millis(-1)),
        Bson::DateTime(DateTime::MAX),
        Bson::RegularExpression(Regex {
            pattern: cstr!("^a.*b$").to_owned(),
            options: "xmi".to_owned().try_into().expect("no NUL"),
        }),
        Bson::JavaScriptCode("f()".into()),
        Bson::JavaScriptCodeWithScope(JavaScriptCodeWithScope {
            code: "f(x)".into(),
            scope: doc! { "x": { "y": id } },
        }),
        Bson::Symbol("symbol".into()),
        Bson::Timestamp(Timestamp { time: 7, increment: u32::MAX }),
        Bson::Decimal128("1.25E+9".parse().expect("a decimal")),
        Bson::Undefined,
        Bson::MinKey,
        Bson::MaxKey,
    ];
    for subtype in [
        BinarySubtype::Generic,
        BinarySubtype::Function,
        BinarySubtype::BinaryOld,
        BinarySubtype::Uuid,
        BinarySubtype::Vector,
        BinarySubtype::UserDefined(200),
    ] {
        all.push(binary(subtype));
    }
    // It has no public constructor.
    let mut bytes = Vec::new();
    let mut pointer = DocWriter::new(&mut bytes);
    pointer.typed("p", Value::DbPointer { namespace: "db.coll", id: *b"twelve bytes" });
    pointer.finish().expect("a document");
    all.extend(decode::from_slice_owned::<Document>(&bytes).expect("a document").remove("p"));
    all
}

#[test]
fn every_type_of_bson() {
    for value in every_type() {
        same(&value);
        same(Some(&value));
        same(vec![&value, &value]);
        same(RawBson::try_from(value.clone()).expect("it can be encoded"));
        if !matches!(value, Bson::Decimal128(_)) {
            same(HumanReadable(value.clone()));
            same(HumanReadable(RawBson::try_from(value).expect("it can be encoded")));
        }
    }
    let all: Document = every_type().into_iter().enumerate().map(|(i, value)| (format!("key {i}"), value)).collect();
    assert_eq!(to_vec(&all).unwrap(), bson::serialize_to_vec(&all).unwrap());
    let raw = RawDocumentBuf::try_from(&all).unwrap();
    assert_eq!(to_vec(&raw).unwrap(), raw.as_bytes());
    assert_eq!(to_vec(&raw.as_ref()).unwrap(), raw.as_bytes());
    same(&raw);
    assert_eq!(to_vec(&HumanReadable(&raw)).unwrap(), to_vec(&all).unwrap());
    same(RawArrayBuf::from_iter([RawBson::Int32(1), RawBson::Document(raw)]));
}

#[test]
fn types_of_their_own() {
    same(Uuid::from_bytes([7; 16]));
    same(HumanReadable(Uuid::from_bytes([7; 16])));
    // The name of one type says nothing of the next.
    same((Uuid::from_bytes([7; 16]), Binary { subtype: BinarySubtype::Generic, bytes: b"bytes".to_vec() }));
    same(RawRegexRef { pattern: cstr!("p"), options: cstr!("mi") });
    same(RawJavaScriptCodeWithScope { code: "f".into(), scope: rawdoc! { "x": 1 } });
    same(HumanReadable(RawJavaScriptCodeWithScope { code: "f".into(), scope: rawdoc! { "x": 1 } }));
    let decimal: Decimal128 = "12.50".parse().unwrap();
    let bytes = to_vec(&doc! { "d": decimal }).unwrap();
    assert_eq!(to_vec(&BTreeMap::from([("d", HumanReadable(decimal))])).unwrap(), bytes);
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    Unit,
    New(i32),
    Tuple(i32, Option<bool>),
    Struct { a: u8, b: char },
}

#[test]
fn every_type_of_serde() {
    #[derive(Serialize)]
    struct Unit;
    #[derive(Serialize)]
    struct New(u16);
    #[derive(Serialize)]
    struct Tuple(i8, f32, ());

    same((true, -1_i8, -2_i16, -3_i32, -4_i64));
    same((1_u8, 2_u16, 3_u32, 4_u64, u64::MAX >> 1));
    same((1.5_f32, 2.5_f64, 'ü', "text", String::from("text")));
    same((Unit, New(7), Tuple(1, 2.5, ())));
    same((None::<i32>, Some(Some(5)), Vec::<i32>::new(), [[1, 2], [3, 4]]));
    same([Shape::Unit, Shape::New(1), Shape::Tuple(2, None), Shape::Struct { a: 3, b: '4' }]);
    same(BTreeMap::from([("a", 1), ("", 2)]));
    same(BTreeMap::from([(Shape::Unit, 1)]));
    same(BTreeMap::from([(Some("a"), 1)]));
    for root in [&Shape::New(1), &Shape::Tuple(2, None), &Shape::Struct { a: 3, b: '4' }] {
        assert_eq!(to_vec(root).unwrap(), bson::serialize_to_vec(root).unwrap());
    }
}

#[test]
fn what_bson_cannot_express() {
    refused("text", "type string");
    refused(&[1, 2], "type array");
    refused(&DateTime::MIN, "type date");
    refused(&Shape::Unit, "type string");
    refused(&BTreeMap::from([("n", u64::MAX)]), "too large");
    refused(&BTreeMap::from([(7, 1)]), "keys of BSON are text");
    refused(&BTreeMap::from([(vec![7], 1)]), "keys of BSON are text");
    refused(&BTreeMap::from([(Shape::New(1), 1)]), "keys of BSON are text");
    refused(&doc! { "with \0": 1 }, "contains NUL");
    same(i128::MAX);

    struct Broken;
    impl Serialize for Broken {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("broken on purpose"))
        }
    }
    refused(&BTreeMap::from([("b", Broken)]), "broken on purpose");
}

#[test]
fn what_looks_like_a_special_type() {
    // Types of these names that are no such type.
    #[derive(Serialize)]
    #[serde(rename = "$oid")]
    struct Oid<T>(#[serde(skip)] std::marker::PhantomData<T>);
    #[derive(Serialize)]
    #[serde(rename = "$date")]
    struct Date<T> {
        date: T,
    }
    #[derive(Serialize)]
    #[serde(rename = "$timestamp")]
    struct Stamp {
        time: i64,
    }
    same(Oid::<i32>(std::marker::PhantomData));
    same(Date { date: 1.5 });
    same(Date { date: "no number" });
    same(Date { date: BTreeMap::from([("a", 1)]) });
    same(Stamp { time: 5 });
    same(Stamp { time: -5 });
    #[derive(Serialize)]
    #[serde(rename = "$unknown")]
    struct Unknown {
        a: i32,
    }
    same(Unknown { a: 1 });
}

#[test]
fn tells_whether_there_is_an_id() {
    #[track_caller]
    fn has_id<T: Serialize + Debug>(value: T, expected: HasId) {
        let mut out = b"before".to_vec();
        assert_eq!(append_noting_id(&value, &mut out).unwrap(), expected, "{value:?}");
        assert_eq!(out[6..], bson::serialize_to_vec(&value).unwrap());
    }
    #[derive(Serialize, Debug)]
    enum Tagged {
        #[serde(rename = "_id")]
        Id { x: i32 },
        #[serde(rename = "x")]
        X { _id: i32 },
    }
    has_id(doc! {}, HasId::No);
    has_id(doc! { "x": { "_id": 1 }, "y": [{ "_id": 2 }] }, HasId::No);
    has_id(doc! { "x": 1, "_id": 2 }, HasId::Perhaps);
    has_id(BTreeMap::from([("_id", 1)]), HasId::Perhaps);
    has_id(Tagged::Id { x: 1 }, HasId::Perhaps);
    has_id(Tagged::X { _id: 1 }, HasId::No);
    has_id(rawdoc! { "_id": 1 }, HasId::Perhaps);
    has_id(rawdoc! { "x": 1 }, HasId::Perhaps);
}
