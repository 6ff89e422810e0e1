//! The elements of documents and arrays, as serde asks for them.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;
use stator_wire::bson::{Elements, RawValue};

use super::error::DecodeError;
use super::mode::{Mode, utf8};
use super::value::Value;

/// The elements of one document or array.
///
/// What was read stays here and is lent out: serde moves its arguments around a lot, which small ones survive best.
pub(super) struct Access<'de> {
    elements: Elements<'de>,
    /// The key that was read last, if keys are read.
    key: &'de str,
    /// The value that was read last.
    value: Option<RawValue<'de>>,
    /// How many elements were read.
    read: usize,
    /// The keys that the type knows and that did not come yet, if they come in this order.
    expected: &'static [&'static str],
    mode: Mode,
}

impl<'de> Access<'de> {
    /// Opens the document that `bytes` are; `mode` holds around it. `expected` are the keys that probably come.
    #[inline]
    pub(super) fn open(bytes: &'de [u8], mode: Mode, expected: &'static [&'static str]) -> Result<Self, DecodeError> {
        let (doc, mode) = mode.open(bytes)?;
        Ok(Self { elements: doc.iter(), key: "", value: None, read: 0, expected, mode })
    }

    /// Reads the next element with its key; `false` at the end.
    #[inline(never)]
    fn next_field(&mut self) -> Result<bool, DecodeError> {
        match self.elements.next() {
            None => Ok(self.end()),
            Some(Ok(element)) => {
                self.key = self.text(element.key_bytes())?;
                self.value = Some(element.value());
                Ok(true)
            }
            Some(Err(error)) => Err(error.into()),
        }
    }

    /// Reads the next element, whatever its key; `false` at the end.
    #[inline(never)]
    fn next_item(&mut self) -> Result<bool, DecodeError> {
        match self.elements.next() {
            None => Ok(self.end()),
            Some(Ok(element)) => {
                self.value = Some(element.value());
                self.read += 1;
                Ok(true)
            }
            Some(Err(error)) => Err(error.into()),
        }
    }

    fn end(&mut self) -> bool {
        self.value = None;
        false
    }

    /// A key as text. Documents that a type has written have its keys in its order, so it is one of the next: then it need not be
    /// checked, because the same text is in the program.
    #[inline]
    fn text(&mut self, key: &'de [u8]) -> Result<&'de str, DecodeError> {
        for (at, expected) in self.expected.iter().take(AHEAD).enumerate() {
            if expected.as_bytes() == key {
                self.expected = self.expected.get(at + 1..).unwrap_or_default();
                return Ok(expected);
            }
        }
        utf8(key)
    }

    /// The value that was read last.
    #[inline]
    fn value(&self) -> Result<Value<'_, 'de>, DecodeError> {
        match &self.value {
            Some(raw) => Ok(Value::new(raw, self.mode)),
            None => Err(DecodeError::mismatch("a value was asked for before its key, or after the last one")),
        }
    }

    /// `error`, found in the value that was read last.
    #[cold]
    fn within(&self, error: DecodeError) -> DecodeError {
        error.in_field(self.key)
    }
}

impl<'de> MapAccess<'de> for Access<'de> {
    type Error = DecodeError;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        if !self.next_field()? {
            return Ok(None);
        }
        seed.deserialize(Key(self.key)).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DecodeError> {
        match seed.deserialize(self.value()?) {
            Ok(value) => Ok(value),
            Err(error) => Err(self.within(error)),
        }
    }
}

impl<'de> SeqAccess<'de> for Access<'de> {
    type Error = DecodeError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        if !self.next_item()? {
            return Ok(None);
        }
        match seed.deserialize(self.value()?) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(error.in_element(self.read - 1)),
        }
    }
}

/// A document as an enum: the first key is the variant, its value the content.
impl<'de> EnumAccess<'de> for Access<'de> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(mut self, seed: V) -> Result<(V::Value, Self), DecodeError> {
        match self.next_key_seed(seed)? {
            Some(variant) => Ok((variant, self)),
            None => Err(DecodeError::mismatch("expected a variant's name, found an empty document")),
        }
    }
}

impl<'de> VariantAccess<'de> for Access<'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        Err(DecodeError::mismatch("expected a variant without content, which is a string, found a document"))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(mut self, seed: T) -> Result<T::Value, DecodeError> {
        self.next_value_seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.value()?.deserialize_seq(visitor).map_err(|error| self.within(error))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.value()?.deserialize_map(visitor).map_err(|error| self.within(error))
    }
}

/// A key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<'de>(pub(super) &'de str);

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = DecodeError;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_enum(BorrowedStrDeserializer::new(self.0))
    }

    fn is_human_readable(&self) -> bool {
        true
    }

    forward_to_deserialize_any! {
        bool u8 u16 u32 u64 i8 i16 i32 i64 f32 f64 char str string seq bytes byte_buf map struct option unit ignored_any
        unit_struct tuple_struct tuple identifier
    }
}

/// At how many of the expected keys to look: absent ones are left out.
const AHEAD: usize = 4;
