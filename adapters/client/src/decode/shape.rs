//! Values that serde has no form for, as the maps by which the types of the `bson` crate know them.
//!
//! | value | map |
//! |---|---|
//! | object id | `{"$oid": hex}`; raw: bytes |
//! | date | `{"$date": {"$numberLong": decimal}}`; raw: `{"$date": i64}` |
//! | binary | `{"$binary": {"subType": hex, "base64": text}}`; raw: `{"$binary": {"subType": u8, "bytes": bytes}}` |
//! | timestamp | `{"$timestamp": {"t": u32, "i": u32}}` |
//! | decimal | `{"$numberDecimalBytes": bytes}` |
//! | regular expression | `{"$regularExpression": {"pattern": text, "options": text}}` |
//! | code | `{"$code": text}`, with scope `{"$code": text, "$scope": document}` |
//! | pointer | `{"$dbPointer": {"$ref": text, "$id": object id}}` |
//! | symbol, undefined, keys | `{"$symbol": text}`, `{"$undefined": true}`, `{"$maxKey": 1}`, `{"$minKey": 1}` |
//! | raw document, array | the name of the type that wants it, and the bytes |

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bson::oid::ObjectId;
use serde::Deserializer;
use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde::forward_to_deserialize_any;
use stator_wire::bson::{BsonError, Doc, Kind, RawValue, Timestamp};

use super::access::{Access, Key};
use super::error::DecodeError;
use super::mode::{Mode, string_bytes};
use super::value::Form;
use crate::serde_names::{RAW_ARRAY, RAW_DOCUMENT};

/// A map of one or two fixed keys.
pub(super) struct Shape<'de> {
    next: Option<(&'static str, Part<'de>)>,
    then: Option<(&'static str, Part<'de>)>,
    value: Option<Part<'de>>,
}

/// A value of such a map.
#[derive(Clone)]
pub(super) enum Part<'de> {
    Text(Cow<'de, str>),
    /// Borrowed.
    Bytes(&'de [u8]),
    /// Not to be borrowed.
    Decimal(&'de [u8]),
    I32(i32),
    I64(i64),
    U32(u32),
    U8(u8),
    True,
    Oid(&'de [u8; 12], Form),
    /// An object id that is a map once more.
    OidMap(&'de [u8; 12], Form),
    NumberLong(i64),
    Timestamp(Timestamp),
    Binary {
        subtype: u8,
        bytes: &'de [u8],
        form: Form,
    },
    Regex {
        pattern: Cow<'de, str>,
        options: Cow<'de, str>,
    },
    DbPointer {
        namespace: Cow<'de, str>,
        id: &'de [u8; 12],
        form: Form,
    },
    Document(&'de [u8], Mode, Form),
}

impl<'de> Shape<'de> {
    pub(super) fn one(key: &'static str, part: Part<'de>) -> Self {
        Self { next: Some((key, part)), then: None, value: None }
    }

    fn two(first: (&'static str, Part<'de>), second: (&'static str, Part<'de>)) -> Self {
        Self { next: Some(first), then: Some(second), value: None }
    }

    /// The map for a value of a kind that serde has no form for.
    pub(super) fn of(raw: RawValue<'de>, mode: Mode, form: Form) -> Result<Self, DecodeError> {
        let bytes = raw.bytes();
        Ok(match raw.kind() {
            Kind::ObjectId => Self::one("$oid", Part::Oid(object_id(bytes)?, form)),
            Kind::DateTime => {
                let millis = raw.as_datetime()?;
                let raw = form == Form::Raw;
                Self::one("$date", if raw { Part::I64(millis) } else { Part::NumberLong(millis) })
            }
            Kind::Timestamp => Self::one("$timestamp", Part::Timestamp(raw.as_timestamp()?)),
            Kind::Decimal128 => Self::one("$numberDecimalBytes", Part::Decimal(bytes)),
            Kind::Document => Self::one(RAW_DOCUMENT, Part::Bytes(Doc::new(bytes)?.as_bytes())),
            Kind::Array => Self::one(RAW_ARRAY, Part::Bytes(Doc::new(bytes)?.as_bytes())),
            Kind::Regex => {
                let mut parts = bytes.split(|byte| *byte == 0);
                let (pattern, options) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                let (pattern, options) = (mode.text(pattern)?, mode.text(options)?);
                Self::one("$regularExpression", Part::Regex { pattern, options })
            }
            Kind::Code => Self::one("$code", Part::Text(mode.text(string_bytes(raw)?)?)),
            Kind::Symbol => Self::one("$symbol", Part::Text(mode.text(string_bytes(raw)?)?)),
            Kind::CodeWithScope => {
                let (code, scope) = code_with_scope(bytes)?;
                Self::two(("$code", Part::Text(mode.text(code)?)), ("$scope", Part::Document(scope, mode, form)))
            }
            Kind::DbPointer => {
                let Some((namespace, id)) = bytes.split_last_chunk::<12>() else { return Err(truncated()) };
                let namespace = mode.text(string_bytes(RawValue::new(Kind::String, namespace)?)?)?;
                Self::one("$dbPointer", Part::DbPointer { namespace, id, form })
            }
            Kind::Undefined => Self::one("$undefined", Part::True),
            Kind::MaxKey => Self::one("$maxKey", Part::I32(1)),
            Kind::MinKey => Self::one("$minKey", Part::I32(1)),
            other => return Err(DecodeError::mismatch(format!("unexpected BSON {other}"))),
        })
    }
}

/// The code and the scope of a value whose size was measured.
fn code_with_scope(bytes: &[u8]) -> Result<(&[u8], &[u8]), DecodeError> {
    let (_, rest) = bytes.split_first_chunk::<4>().ok_or_else(truncated)?;
    let (length, _) = rest.split_first_chunk::<4>().ok_or_else(truncated)?;
    let length = usize::try_from(i32::from_le_bytes(*length)).map_err(|_| truncated())?;
    let (code, scope) = rest.split_at_checked(length.saturating_add(4)).ok_or_else(truncated)?;
    Ok((string_bytes(RawValue::new(Kind::String, code)?)?, scope))
}

fn object_id(bytes: &[u8]) -> Result<&[u8; 12], DecodeError> {
    bytes.try_into().map_err(|_| truncated())
}

#[cold]
fn truncated() -> DecodeError {
    BsonError::Truncated { offset: 0 }.into()
}

impl<'de> MapAccess<'de> for Shape<'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        let Some((key, part)) = self.next.take() else { return Ok(None) };
        self.next = self.then.take();
        self.value = Some(part);
        seed.deserialize(Key(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DecodeError> {
        match self.value.take() {
            Some(part) => seed.deserialize(part),
            None => Err(DecodeError::mismatch("a value was asked for before its key, or twice")),
        }
    }
}

impl<'de> Part<'de> {
    fn visit_text<V: Visitor<'de>>(text: Cow<'de, str>, visitor: V) -> Result<V::Value, DecodeError> {
        match text {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }
}

impl<'de> Deserializer<'de> for Part<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Part::Text(text) => Self::visit_text(text, visitor),
            Part::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Part::Decimal(bytes) => visitor.visit_bytes(bytes),
            Part::I32(number) => visitor.visit_i32(number),
            Part::I64(number) => visitor.visit_i64(number),
            Part::U32(number) => visitor.visit_u32(number),
            Part::U8(number) => visitor.visit_u8(number),
            Part::True => visitor.visit_bool(true),
            Part::Oid(id, Form::Raw) => visitor.visit_bytes(id),
            Part::Oid(id, Form::Extended) => visitor.visit_string(ObjectId::from_bytes(*id).to_hex()),
            Part::NumberLong(number) => {
                visitor.visit_map(Shape::one("$numberLong", Part::Text(Cow::Owned(number.to_string()))))
            }
            Part::Timestamp(Timestamp { time, increment }) => {
                visitor.visit_map(Shape::two(("t", Part::U32(time)), ("i", Part::U32(increment))))
            }
            Part::Binary { subtype, bytes, form: Form::Raw } => {
                visitor.visit_map(Shape::two(("subType", Part::U8(subtype)), ("bytes", Part::Bytes(bytes))))
            }
            Part::Binary { subtype, bytes, form: Form::Extended } => {
                let subtype = Part::Text(Cow::Owned(format!("{subtype:02x}")));
                let bytes = Part::Text(Cow::Owned(BASE64_STANDARD.encode(bytes)));
                visitor.visit_map(Shape::two(("subType", subtype), ("base64", bytes)))
            }
            Part::Regex { pattern, options } => {
                visitor.visit_map(Shape::two(("pattern", Part::Text(pattern)), ("options", Part::Text(options))))
            }
            Part::DbPointer { namespace, id, form } => {
                visitor.visit_map(Shape::two(("$ref", Part::Text(namespace)), ("$id", Part::OidMap(id, form))))
            }
            Part::OidMap(id, form) => visitor.visit_map(Shape::one("$oid", Part::Oid(id, form))),
            Part::Document(bytes, _, Form::Raw) => {
                visitor.visit_map(Shape::one(RAW_DOCUMENT, Part::Bytes(Doc::new(bytes)?.as_bytes())))
            }
            Part::Document(bytes, mode, Form::Extended) => visitor.visit_map(Access::open(bytes, mode, &[])?),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        matches!(self, Part::Document(_, mode, _) if mode.is_human_readable())
    }

    forward_to_deserialize_any! {
        bool u8 u16 u32 u64 i8 i16 i32 i64 f32 f64 char str string seq bytes byte_buf map struct option unit
        unit_struct tuple_struct tuple enum identifier
    }
}
