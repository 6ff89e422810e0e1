//! Types of BSON that serde does not know. They come as structs of certain names, whose fields are Extended JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bson::Decimal128;
use bson::error::Error;
use bson::oid::ObjectId;
use serde::ser::{Error as _, Impossible, Serialize, SerializeMap, SerializeStruct, Serializer};
use stator_wire::bson::{Kind, find_nul};

use super::compound::Compound;
use super::value::{Encoder, NOWHERE};
use super::{refuse, refuse_compounds};
use crate::serde_names::RAW_DOCUMENT;

/// Takes the parts of one value, in their order, and writes each as it comes.
#[derive(Debug)]
pub(super) struct Special<'e, 'o> {
    encoder: &'e mut Encoder<'o>,
    kind: Kind,
    /// How many parts have come.
    parts: u8,
    /// Where the value's bytes begin.
    start: usize,
}

impl<'e, 'o> Special<'e, 'o> {
    /// The type that a struct of this name is.
    #[inline]
    pub(super) fn named(name: &str) -> Option<Kind> {
        if !name.starts_with('$') {
            return None;
        }
        Some(match name {
            "$oid" => Kind::ObjectId,
            "$date" => Kind::DateTime,
            "$binary" => Kind::Binary,
            "$timestamp" => Kind::Timestamp,
            "$minKey" => Kind::MinKey,
            "$maxKey" => Kind::MaxKey,
            "$code" => Kind::Code,
            "$codeWithScope" => Kind::CodeWithScope,
            "$symbol" => Kind::Symbol,
            "$undefined" => Kind::Undefined,
            "$regularExpression" => Kind::Regex,
            "$dbPointer" => Kind::DbPointer,
            "$numberDecimal" => Kind::Decimal128,
            _ => return None,
        })
    }

    pub(super) fn begin(encoder: &'e mut Encoder<'o>, kind: Kind) -> Result<Self, Error> {
        encoder.kind(kind)?;
        let start = encoder.out.len();
        Ok(Self { encoder, kind, parts: 0, start })
    }

    pub(super) fn finish(self) -> Result<(), Error> {
        let expected = match self.kind {
            Kind::Binary | Kind::Timestamp | Kind::CodeWithScope | Kind::Regex | Kind::DbPointer => 2,
            _ => 1,
        };
        if self.parts != expected {
            return Err(Error::custom(format_args!("a {} lacks a part of it", self.kind.name())));
        }
        Ok(())
    }

    fn str(&mut self, text: &str) -> Result<(), Error> {
        let out = &mut *self.encoder.out;
        match (self.kind, self.parts) {
            (Kind::ObjectId, 0) | (Kind::DbPointer, 1) => {
                out.extend_from_slice(&ObjectId::parse_str(text)?.bytes());
            }
            (Kind::DateTime, 0) => out.extend_from_slice(&text.parse::<i64>().map_err(Error::custom)?.to_le_bytes()),
            (Kind::Code | Kind::Symbol | Kind::DbPointer, 0) => self.encoder.text(text)?,
            (Kind::CodeWithScope, 0) => {
                // The length of the whole value comes first.
                out.extend_from_slice(&[0; 4]);
                self.encoder.text(text)?;
            }
            (Kind::Regex, 0) => self.cstring(text.as_bytes())?,
            (Kind::Regex, 1) => {
                // The order is the specification's.
                let mut options: Vec<char> = text.chars().collect();
                options.sort_unstable();
                self.cstring(String::from_iter(options).as_bytes())?;
            }
            (Kind::Binary, 0) => {
                let bytes = STANDARD.decode(text).map_err(Error::custom)?;
                self.encoder.binary(0, &bytes)?;
            }
            (Kind::Binary, 1) => {
                let subtype = u8::from_str_radix(text, 16).map_err(Error::custom)?;
                self.subtype(subtype)?;
            }
            (Kind::Decimal128, 0) => out.extend_from_slice(&text.parse::<Decimal128>()?.bytes()),
            _ => return Err(self.refused("serialize_str")),
        }
        self.parts += 1;
        Ok(())
    }

    fn int(&mut self, value: i64) -> Result<(), Error> {
        let out = &mut *self.encoder.out;
        match (self.kind, self.parts) {
            (Kind::Timestamp, 0) => {
                let time = u32::try_from(value).map_err(Error::custom)?;
                // The increment, which comes next, stands first.
                out.extend_from_slice(&[0; 4]);
                out.extend_from_slice(&time.to_le_bytes());
            }
            (Kind::Timestamp, 1) => {
                let increment = u32::try_from(value).map_err(Error::custom)?;
                if let Some(place) = out.get_mut(self.start..self.start + 4) {
                    place.copy_from_slice(&increment.to_le_bytes());
                }
            }
            (Kind::Binary, 1) => self.subtype(u8::try_from(value).map_err(Error::custom)?)?,
            // Their value is their type.
            (Kind::MinKey | Kind::MaxKey, 0) => {}
            _ => return Err(self.refused("serialize_i64")),
        }
        self.parts += 1;
        Ok(())
    }

    /// Corrects the subtype of the binary that stands here.
    fn subtype(&mut self, subtype: u8) -> Result<(), Error> {
        if subtype == OLD_BINARY {
            // It has a second length in it.
            let bytes = self.encoder.out.split_off(self.start);
            let inner = bytes.get(..4).unwrap_or_default();
            let rest = bytes.get(5..).unwrap_or_default();
            return self.encoder.binary(OLD_BINARY, &[inner, rest].concat());
        }
        if let Some(place) = self.encoder.out.get_mut(self.start + 4) {
            *place = subtype;
        }
        Ok(())
    }

    fn cstring(&mut self, text: &[u8]) -> Result<(), Error> {
        if find_nul(text).is_some() {
            return Err(Error::custom("a regular expression contains NUL"));
        }
        self.encoder.out.extend_from_slice(text);
        self.encoder.out.push(0);
        Ok(())
    }

    /// The scope of code, for which the value is not under a key.
    fn scope(&mut self) -> Result<&mut Encoder<'o>, Error> {
        if (self.kind, self.parts) != (Kind::CodeWithScope, 1) {
            return Err(self.refused("serialize_map"));
        }
        self.parts += 1;
        self.encoder.type_at = NOWHERE;
        Ok(&mut *self.encoder)
    }

    #[cold]
    fn refused(&self, method: &str) -> Error {
        let kind = method.trim_start_matches("serialize_");
        Error::custom(format_args!("serde's type {kind} is no part of a {}", self.kind.name()))
    }
}

/// The binary subtype whose bytes begin with their length.
const OLD_BINARY: u8 = 2;

impl<'s, 'o> Serializer for &'s mut Special<'_, 'o> {
    type Ok = ();
    type Error = Error;
    type SerializeMap = Scope<'s, 'o>;
    type SerializeStruct = Self;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_str(self, text: &str) -> Result<(), Error> {
        self.str(text)
    }

    fn serialize_u8(self, value: u8) -> Result<(), Error> {
        self.int(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Error> {
        self.int(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Error> {
        self.int(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Error> {
        self.int(value)
    }

    fn serialize_bool(self, _: bool) -> Result<(), Error> {
        if (self.kind, self.parts) != (Kind::Undefined, 0) {
            return Err(self.refused("serialize_bool"));
        }
        self.parts += 1;
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Error> {
        match (self.kind, self.parts) {
            (Kind::Binary, 0) => self.encoder.binary(0, bytes)?,
            (Kind::Decimal128, 0) if bytes.len() == 16 => self.encoder.out.extend_from_slice(bytes),
            _ => return Err(self.refused("serialize_bytes")),
        }
        self.parts += 1;
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), Error> {
        if name != RAW_DOCUMENT {
            return value.serialize(self);
        }
        let start = self.start;
        let encoder = self.scope()?;
        encoder.serialize_newtype_struct(name, value)?;
        encoder.close(start)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Error> {
        let start = self.start;
        Ok(Scope { document: Compound::begin(self.scope()?, Kind::Document)?, start })
    }

    /// The value's parts are in it.
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        Ok(self)
    }

    refuse! {
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_u16(u16);
        serialize_u64(u64);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }
    refuse_compounds!();
}

impl SerializeStruct for &mut Special<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}

/// The scope of code under way.
#[derive(Debug)]
pub(super) struct Scope<'s, 'o> {
    document: Compound<'s, 'o>,
    /// Where the code's value begins.
    start: usize,
}

impl SerializeMap for Scope<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.document.serialize_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.document.serialize_value(value)
    }

    fn end(self) -> Result<(), Error> {
        self.document.end_document()?.close(self.start)
    }
}
