//! Types of many kinds, each decoded twice, and documents encoded again: by this driver and by the `bson` crate. Also
//! part of the fuzz target `decode`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{self, Debug};

use bson::oid::ObjectId;
use bson::raw::{
    RawArrayBuf, RawBinaryRef, RawBson, RawBsonRef, RawDbPointerRef, RawJavaScriptCodeWithScopeRef, RawRegexRef,
};
use bson::serde_helpers::HumanReadable;
use bson::{
    Binary, Bson, DateTime, DbPointer, Decimal128, Document, JavaScriptCodeWithScope, RawArray, RawDocument,
    RawDocumentBuf, Regex, Timestamp, Utf8Lossy, Uuid,
};
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use stator_wire::bson::{Doc, DocWriter};

use super::{decode, encode};

/// Decodes `bytes` into each type, and each of the first values in `bytes` into each type of a field.
pub(crate) fn compare_all(bytes: &[u8]) {
    let Ok(doc) = Doc::new(bytes) else {
        assert!(decode::from_slice::<IgnoredAny>(bytes).is_err());
        return;
    };
    documents(bytes);
    for element in doc.into_iter().take(32).flatten() {
        let mut one = Vec::new();
        let mut writer = DocWriter::new(&mut one);
        writer.value("v", element.value());
        writer.finish().expect("it was part of a document");
        fields(&one);
    }
}

fn documents(bytes: &[u8]) {
    macro_rules! compare {
        ($($name:ty),* $(,)?) => { $(compare::<$name>(bytes);)* };
    }
    compare![
        Trace,
        Bson,
        RawBson,
        RawBsonRef<'_>,
        RawDocumentBuf,
        &RawDocument,
        BTreeMap<String, Bson>,
        BTreeMap<String, RawBson>,
        BTreeMap<&str, Trace>,
        BTreeMap<Cow<'_, str>, RawBsonRef<'_>>,
        BTreeMap<ObjectId, IgnoredAny>,
        BTreeMap<Tag, IgnoredAny>,
        HumanReadable<Trace>,
        HumanReadable<BTreeMap<String, Bson>>,
        Utf8Lossy<BTreeMap<String, Bson>>,
        Option<BTreeMap<String, i64>>,
        (),
        Flat,
        FlatRaw,
        Borrowing<'_>,
        Strict,
        External,
        Internal,
        Adjacent,
        Untagged,
        Nested,
    ];
    // Where something looks like Extended JSON the way without serde is more faithful; bytes tell what was meant.
    let ours = decode::from_slice_owned::<Document>(bytes);
    match Document::try_from(RawDocument::from_bytes(bytes).expect("it is a document")) {
        _ if Doc::new(bytes).is_ok_and(|doc| doc.check_depth().is_err()) => assert!(ours.is_err()),
        Ok(theirs) => {
            let ours = ours.expect("a document");
            same_text(&sorted_options(&theirs), &sorted_options(&ours));
            let encoded = encode::to_vec(&ours).expect("it was decoded");
            assert_eq!(encoded, bson::serialize_to_vec(&ours).expect("it was decoded"), "{ours:?}");
        }
        Err(_) if ours.is_ok() => assert!(Doc::new(bytes).is_ok_and(|doc| doc.validate().is_err())),
        Err(_) => {}
    }
}

fn fields(bytes: &[u8]) {
    macro_rules! compare {
        ($($name:ty),* $(,)?) => { $(compare::<Holder<$name>>(bytes);)* };
    }
    compare![
        Trace, Option<Trace>, Option<Bson>, Option<i64>, Option<&str>, Option<ObjectId>, Option<External>, Option<Flat>,
        Bson, RawBson, RawBsonRef<'_>, Document, RawDocumentBuf, &RawDocument, RawArrayBuf, &RawArray, Vec<Bson>,
        Vec<RawBson>, Vec<Document>, bool, i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, char, String, &str,
        Cow<'_, str>, Box<str>, &[u8], Vec<u8>, Vec<i32>, Vec<String>, (), [i32; 2], (i32, String), (i32, Option<f64>),
        ObjectId, DateTime, Decimal128, Binary, Uuid, Timestamp, Regex, DbPointer, JavaScriptCodeWithScope,
        RawBinaryRef<'_>, RawRegexRef<'_>, RawDbPointerRef<'_>, RawJavaScriptCodeWithScopeRef<'_>, Newtype<i64>,
        Newtype<ObjectId>, Newtype<Newtype<Bson>>, Unit, Pair, External, Internal, Adjacent, Untagged, Level, Flat,
        FlatRaw, Borrowing<'_>, Strict, IgnoredAny, BTreeMap<String, Bson>, BTreeMap<String, i64>, HumanReadable<Trace>,
        HumanReadable<Bson>, HumanReadable<DateTime>, HumanReadable<ObjectId>, HumanReadable<Uuid>, Utf8Lossy<String>,
        Utf8Lossy<Bson>, Utf8Lossy<Document>, Utf8Lossy<External>, Utf8Lossy<Regex>,
    ];
    // The `bson` crate puts the options of a regular expression in order on some ways and not on this one.
    if options_are_in_order(bytes) {
        compare::<Holder<Utf8Lossy<RawBson>>>(bytes);
    }
}

/// Whether the options of every regular expression on the first level are sorted, as the specification wants it.
fn options_are_in_order(bytes: &[u8]) -> bool {
    let doc = Doc::new(bytes).expect("the caller has checked that");
    doc.iter().flatten().all(|element| match element.value().decode() {
        Ok(stator_wire::bson::Value::Regex { options, .. }) => options.chars().is_sorted(),
        _ => true,
    })
}

/// Both decoders say the same, or both refuse.
#[track_caller]
fn compare<'de, T: Deserialize<'de> + Debug>(bytes: &'de [u8]) {
    let what = std::any::type_name::<T>();
    let doc = Doc::new(bytes).expect("the caller has checked that");
    let ours = decode::from_slice::<T>(bytes);
    if doc.check_depth().is_err() {
        // The other one has no limit.
        return;
    }
    let theirs = bson::deserialize_from_slice::<T>(bytes);
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => assert_eq!(format!("{ours:?}"), format!("{theirs:?}"), "{what} of {doc:?}"),
        (Err(error), Ok(theirs)) => panic!("{what} of {doc:?}: {error}, but should be {theirs:?}"),
        // What is passed over is not looked at.
        (Ok(ours), Err(error)) => {
            assert!(doc.validate().is_err(), "{what} of {doc:?}: {ours:?}, but should be {error}");
        }
        (Err(_), Err(_)) => {}
    }
}

#[track_caller]
fn same_text(ours: &impl Debug, theirs: &impl Debug) {
    assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
}

/// The same document once more, with the options of regular expressions in order.
fn sorted_options(document: &Document) -> Document {
    fn value(found: &Bson) -> Bson {
        match found {
            Bson::RegularExpression(regex) => {
                let mut options: Vec<char> = regex.options.as_str().chars().collect();
                options.sort_unstable();
                let options = String::from_iter(options).try_into().expect("there was no NUL before");
                Bson::RegularExpression(Regex { pattern: regex.pattern.clone(), options })
            }
            Bson::Document(document) => Bson::Document(sorted_options(document)),
            Bson::Array(values) => Bson::Array(values.iter().map(value).collect()),
            Bson::JavaScriptCodeWithScope(JavaScriptCodeWithScope { code, scope }) => {
                let scope = sorted_options(scope);
                Bson::JavaScriptCodeWithScope(JavaScriptCodeWithScope { code: code.clone(), scope })
            }
            other => other.clone(),
        }
    }
    document.iter().map(|(key, found)| (key.clone(), value(found))).collect()
}

/// A type with one field.
#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "read by Debug")]
struct Holder<T> {
    v: T,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "read by Debug")]
struct Newtype<T>(T);

#[derive(Debug, Deserialize)]
struct Unit;

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "read by Debug")]
struct Pair(i32, Bson);

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "read by Debug")]
struct Flat {
    a: Option<i32>,
    #[serde(flatten)]
    rest: BTreeMap<String, Bson>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "read by Debug")]
struct FlatRaw {
    #[serde(default, rename = "b")]
    other: String,
    #[serde(flatten)]
    rest: Document,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "read by Debug")]
struct Borrowing<'a> {
    #[serde(borrow, default)]
    a: Option<&'a str>,
    #[serde(borrow, default)]
    b: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    c: Option<&'a [u8]>,
    #[serde(borrow, default)]
    d: Option<&'a RawDocument>,
    #[serde(borrow, default)]
    e: Option<RawBsonRef<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read by Debug")]
struct Strict {
    #[serde(alias = "x")]
    a: Bson,
    #[serde(skip)]
    b: i32,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "read by Debug")]
enum External {
    A,
    B(Bson),
    C(i32, String),
    D {
        a: i64,
        b: Option<ObjectId>,
    },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "t")]
#[allow(dead_code, reason = "read by Debug")]
enum Internal {
    A,
    B { a: Bson },
    C(Document),
    D { a: DateTime, b: RawBson },
}

#[derive(Debug, Deserialize)]
#[serde(tag = "t", content = "c")]
#[allow(dead_code, reason = "read by Debug")]
enum Adjacent {
    A,
    B(Bson),
    C(i32, String),
    D { a: Decimal128 },
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
#[allow(dead_code, reason = "read by Debug")]
enum Untagged {
    Number(i64),
    Double(f64),
    Text(String),
    Id(ObjectId),
    Date(DateTime),
    Uuid(Uuid),
    Raw { r: RawBson },
    Many(Vec<Self>),
    Struct { a: i32 },
    Any(Bson),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Low,
    High,
}

#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
enum Tag {
    A,
    B,
    V,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
#[derive(Default)]
#[allow(dead_code, reason = "read by Debug")]
struct Nested {
    a: Vec<Self>,
    b: Option<Box<Self>>,
    c: BTreeMap<String, Self>,
    d: Option<Bson>,
}

/// What a deserializer tells somebody who has no wish of their own.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Trace {
    Bool(bool),
    Number(&'static str, String),
    Str(&'static str, String),
    Bytes(&'static str, Vec<u8>),
    Nothing(&'static str),
    Seq(Vec<Self>),
    Map(bool, Vec<(Self, Self)>),
}

impl<'de> Deserialize<'de> for Trace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let readable = deserializer.is_human_readable();
        deserializer.deserialize_any(Tracer(readable))
    }
}

struct Tracer(bool);

macro_rules! trace {
    ($($method:ident($type:ty) => |$value:ident| $trace:expr;)*) => { $(
        fn $method<E: serde::de::Error>(self, $value: $type) -> Result<Trace, E> {
            Ok($trace)
        }
    )* };
}

impl<'de> Visitor<'de> for Tracer {
    type Value = Trace;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    trace! {
        visit_bool(bool) => |v| Trace::Bool(v);
        visit_i8(i8) => |v| Trace::Number("i8", v.to_string());
        visit_i32(i32) => |v| Trace::Number("i32", v.to_string());
        visit_i64(i64) => |v| Trace::Number("i64", v.to_string());
        visit_u8(u8) => |v| Trace::Number("u8", v.to_string());
        visit_u32(u32) => |v| Trace::Number("u32", v.to_string());
        visit_u64(u64) => |v| Trace::Number("u64", v.to_string());
        visit_f32(f32) => |v| Trace::Number("f32", v.to_string());
        visit_f64(f64) => |v| Trace::Number("f64", v.to_string());
        visit_str(&str) => |v| Trace::Str("transient", v.to_owned());
        visit_borrowed_str(&'de str) => |v| Trace::Str("borrowed", v.to_owned());
        visit_string(String) => |v| Trace::Str("owned", v);
        visit_bytes(&[u8]) => |v| Trace::Bytes("transient", v.to_owned());
        visit_borrowed_bytes(&'de [u8]) => |v| Trace::Bytes("borrowed", v.to_owned());
        visit_byte_buf(Vec<u8>) => |v| Trace::Bytes("owned", v);
    }

    fn visit_none<E>(self) -> Result<Trace, E> {
        Ok(Trace::Nothing("none"))
    }

    fn visit_unit<E>(self) -> Result<Trace, E> {
        Ok(Trace::Nothing("unit"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Trace, A::Error> {
        let mut out = Vec::new();
        while let Some(value) = access.next_element()? {
            out.push(value);
        }
        Ok(Trace::Seq(out))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Trace, A::Error> {
        let mut out = Vec::new();
        while let Some(entry) = access.next_entry::<Key, Trace>()? {
            out.push((entry.0.0, entry.1));
        }
        Ok(Trace::Map(self.0, out))
    }
}

/// A key; whether it calls itself readable does not matter.
struct Key(Trace);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Tracer(false)).map(Self)
    }
}
