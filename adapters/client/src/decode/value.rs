//! One value, as serde asks for it.

use std::borrow::Cow;

use serde::Deserializer;
use serde::de::Visitor;
use serde::de::value::{BorrowedStrDeserializer, StringDeserializer};
use serde::forward_to_deserialize_any;
use stator_wire::bson::{Kind, RawValue};

use super::access::Access;
use super::error::DecodeError;
use super::mode::{Mode, string_bytes};
use super::shape::{Part, Shape};
use crate::serde_names::{HUMAN_READABLE, RAW_ARRAY, RAW_BSON, RAW_DOCUMENT, UTF8_LOSSY, UUID, UUID_TYPE};

/// One value, not yet looked at. It fits into two registers.
#[derive(Clone, Copy)]
pub(super) struct Value<'a, 'de> {
    raw: &'a RawValue<'de>,
    mode: Mode,
}

/// In what form a type asks for values that serde has no form for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Maps that look like Extended JSON.
    Extended,
    /// The same with the bytes instead of text, and documents as a whole.
    Raw,
}

impl<'a, 'de> Value<'a, 'de> {
    #[inline]
    pub(super) fn new(raw: &'a RawValue<'de>, mode: Mode) -> Self {
        Self { raw, mode }
    }

    /// The value in the form that its type has in serde, or as a map.
    ///
    /// Only what recurses is here, so that a level takes little of the stack.
    #[inline]
    fn visit<V: Visitor<'de>>(self, form: Form, visitor: V) -> Result<V::Value, DecodeError> {
        match (self.raw.kind(), form) {
            (Kind::Document, Form::Extended) => visitor.visit_map(Access::open(self.raw.bytes(), self.mode, &[])?),
            (Kind::Array, Form::Extended) => visitor.visit_seq(Access::open(self.raw.bytes(), self.mode, &[])?),
            (Kind::CodeWithScope, Form::Extended) => visitor.visit_map(Shape::of(*self.raw, self.mode, form)?),
            _ => self.visit_leaf(form, visitor),
        }
    }

    fn visit_leaf<V: Visitor<'de>>(self, form: Form, visitor: V) -> Result<V::Value, DecodeError> {
        let Self { raw: &raw, mode } = self;
        match raw.kind() {
            Kind::String => match mode.text(string_bytes(raw)?)? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            Kind::Int32 => visitor.visit_i32(raw.as_i32()?),
            Kind::Int64 => visitor.visit_i64(raw.as_i64()?),
            Kind::Double => visitor.visit_f64(raw.as_f64()?),
            Kind::Bool => visitor.visit_bool(raw.as_bool()?),
            Kind::Null => visitor.visit_unit(),
            Kind::Binary => match raw.as_binary()? {
                (0, bytes) => visitor.visit_borrowed_bytes(bytes),
                (subtype, bytes) => visitor.visit_map(Shape::one("$binary", Part::Binary { subtype, bytes, form })),
            },
            _ => visitor.visit_map(Shape::of(raw, mode, form)?),
        }
    }

    /// The whole value for a type that holds BSON as bytes, if it is of the kind that the type holds.
    fn visit_only<V: Visitor<'de>>(self, kind: Kind, visitor: V) -> Result<V::Value, DecodeError> {
        if self.raw.kind() == kind {
            self.visit(Form::Raw, visitor)
        } else {
            Err(DecodeError::mismatch(format!("expected BSON {kind}, found {}", self.raw.kind())))
        }
    }

    /// A UUID, for the one type that asks by name: the type accepts plain bytes, too, and that is the shortest way.
    fn visit_uuid<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.raw.kind() != Kind::Binary {
            return self.visit(Form::Extended, visitor);
        }
        match self.raw.as_binary()? {
            (UUID, bytes) => visitor.visit_borrowed_bytes(bytes),
            (subtype, _) => {
                Err(DecodeError::mismatch(format!("expected binary subtype {UUID} (UUID), found {subtype}")))
            }
        }
    }
}

impl<'de> Deserializer<'de> for Value<'_, 'de> {
    type Error = DecodeError;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.visit(Form::Extended, visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.raw.kind() {
            Kind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.raw.kind() {
            Kind::Document => visitor.visit_map(Access::open(self.raw.bytes(), self.mode, fields)?),
            _ => self.deserialize_any(visitor),
        }
    }

    #[inline]
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.raw.kind() {
            // What an object id asks for.
            Kind::ObjectId => visitor.visit_borrowed_bytes(self.raw.bytes()),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.raw.kind() {
            Kind::String => match self.mode.text(string_bytes(*self.raw)?)? {
                Cow::Borrowed(variant) => visitor.visit_enum(BorrowedStrDeserializer::new(variant)),
                Cow::Owned(variant) => visitor.visit_enum(StringDeserializer::new(variant)),
            },
            Kind::Document => visitor.visit_enum(Access::open(self.raw.bytes(), self.mode, &[])?),
            other => Err(DecodeError::mismatch(format!("expected an enum, found BSON {other}"))),
        }
    }

    /// The types of the `bson` crate say by name what they want.
    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match name {
            RAW_BSON => self.visit(Form::Raw, visitor),
            RAW_DOCUMENT => self.visit_only(Kind::Document, visitor),
            RAW_ARRAY => self.visit_only(Kind::Array, visitor),
            UUID_TYPE => self.visit_uuid(visitor),
            HUMAN_READABLE => {
                self.mode = self.mode.human_readable();
                visitor.visit_newtype_struct(self)
            }
            UTF8_LOSSY => {
                self.mode = self.mode.lossy();
                visitor.visit_newtype_struct(self)
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        self.mode.is_human_readable()
    }

    forward_to_deserialize_any! {
        bool char str byte_buf unit unit_struct string identifier seq tuple tuple_struct map
        i8 i16 i32 i64 u8 u16 u32 u64 f32 f64
    }
}
