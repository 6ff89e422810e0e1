//! Any value: where it stands has been written, its type and its bytes follow.

use bson::error::Error;
use serde::ser::{Error as _, Serialize, Serializer};
use stator_wire::bson::{Doc, Kind};

use super::HasId;
use super::compound::{Compound, Struct};
use super::special::Special;
use crate::serde_names::{HUMAN_READABLE, RAW_ARRAY, RAW_DOCUMENT, UUID, UUID_TYPE};

/// Writes values one behind the other.
#[derive(Debug)]
pub(super) struct Encoder<'o> {
    pub(super) out: &'o mut Vec<u8>,
    /// Where the type of the next value belongs: it stands before the key, but is known only after it.
    pub(super) type_at: usize,
    /// What the bytes that come next are.
    bytes_are: Meaning,
    human_readable: bool,
    /// Where the outermost document begins.
    outermost: usize,
    /// Whether it may have an `_id`.
    pub(super) has_id: HasId,
}

#[derive(Clone, Copy, Debug)]
enum Meaning {
    Binary,
    Uuid,
    Document,
    Array,
}

/// From this capacity on, in bytes, a buffer grows by a quarter at a time.
const LARGE: usize = 1 << 20;

/// A place outside of every buffer: only a document may stand there.
pub(super) const NOWHERE: usize = usize::MAX;

impl<'o> Encoder<'o> {
    pub(super) const fn new(out: &'o mut Vec<u8>) -> Self {
        let outermost = out.len();
        Self { out, type_at: NOWHERE, bytes_are: Meaning::Binary, human_readable: false, outermost, has_id: HasId::No }
    }

    /// Whether what begins at `start` is the outermost document.
    #[inline]
    pub(super) const fn is_outermost(&self, start: usize) -> bool {
        start == self.outermost
    }

    /// Says of which type the next value is.
    #[inline]
    pub(super) fn kind(&mut self, kind: Kind) -> Result<(), Error> {
        match self.out.get_mut(self.type_at) {
            Some(place) => *place = kind.to_byte(),
            None if kind == Kind::Document => {}
            None => {
                return Err(Error::custom(format_args!(
                    "only a document can be encoded by itself, and this has the type {}",
                    kind.name()
                )));
            }
        }
        Ok(())
    }

    #[inline]
    pub(super) fn fixed<const N: usize>(&mut self, kind: Kind, bytes: [u8; N]) -> Result<(), Error> {
        self.kind(kind)?;
        self.out.extend_from_slice(&bytes);
        Ok(())
    }

    /// Makes room for so many bytes.
    #[inline]
    pub(super) fn reserve(&mut self, bytes: usize) {
        if self.out.capacity() - self.out.len() < bytes {
            self.grow(bytes);
        }
    }

    /// What is small doubles; of what is large, half would stay empty.
    #[cold]
    fn grow(&mut self, bytes: usize) {
        match self.out.capacity() {
            large @ LARGE.. => self.out.reserve_exact(bytes.max(large / 4)),
            _ => self.out.reserve(bytes),
        }
    }

    /// Length, text, NUL.
    #[inline]
    pub(super) fn text(&mut self, text: &str) -> Result<(), Error> {
        let length = length(text.len() + 1)?;
        self.reserve(4 + text.len() + 1);
        self.out.extend_from_slice(&length.to_le_bytes());
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(0);
        Ok(())
    }

    /// Length, subtype, bytes.
    #[inline]
    pub(super) fn binary(&mut self, subtype: u8, bytes: &[u8]) -> Result<(), Error> {
        let length = length(bytes.len())?;
        self.out.extend_from_slice(&length.to_le_bytes());
        self.out.push(subtype);
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// A document or array as it is.
    fn copy(&mut self, kind: Kind, bytes: &[u8]) -> Result<(), Error> {
        self.kind(kind)?;
        if self.is_outermost(self.out.len()) {
            self.has_id = HasId::Perhaps;
        }
        let document = Doc::new(bytes).map_err(Error::custom)?;
        self.out.extend_from_slice(document.as_bytes());
        Ok(())
    }

    /// Puts the length of what began at `start`, and ends here, in front of it.
    #[inline]
    pub(super) fn close(&mut self, start: usize) -> Result<(), Error> {
        let length = length(self.out.len() - start)?;
        if let Some(place) = self.out.get_mut(start..start + 4) {
            place.copy_from_slice(&length.to_le_bytes());
        }
        Ok(())
    }
}

#[inline]
fn length(len: usize) -> Result<i32, Error> {
    i32::try_from(len).map_err(|_| Error::custom(format_args!("{len} bytes are too long for BSON")))
}

impl<'e, 'o> Serializer for &'e mut Encoder<'o> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Compound<'e, 'o>;
    type SerializeTuple = Compound<'e, 'o>;
    type SerializeTupleStruct = Compound<'e, 'o>;
    type SerializeTupleVariant = Compound<'e, 'o>;
    type SerializeMap = Compound<'e, 'o>;
    type SerializeStruct = Struct<'e, 'o>;
    type SerializeStructVariant = Compound<'e, 'o>;

    fn is_human_readable(&self) -> bool {
        self.human_readable
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.fixed(Kind::Bool, [u8::from(value)])
    }

    #[inline]
    fn serialize_i8(self, value: i8) -> Result<(), Error> {
        self.serialize_i32(value.into())
    }

    #[inline]
    fn serialize_i16(self, value: i16) -> Result<(), Error> {
        self.serialize_i32(value.into())
    }

    #[inline]
    fn serialize_i32(self, value: i32) -> Result<(), Error> {
        self.fixed(Kind::Int32, value.to_le_bytes())
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<(), Error> {
        self.fixed(Kind::Int64, value.to_le_bytes())
    }

    #[inline]
    fn serialize_u8(self, value: u8) -> Result<(), Error> {
        self.serialize_i32(value.into())
    }

    #[inline]
    fn serialize_u16(self, value: u16) -> Result<(), Error> {
        self.serialize_i32(value.into())
    }

    #[inline]
    fn serialize_u32(self, value: u32) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    #[inline]
    fn serialize_u64(self, value: u64) -> Result<(), Error> {
        match i64::try_from(value) {
            Ok(value) => self.serialize_i64(value),
            Err(_) => Err(Error::custom(format_args!("{value} is too large: integers of BSON are signed"))),
        }
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.serialize_f64(value.into())
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        self.fixed(Kind::Double, value.to_le_bytes())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.kind(Kind::String)?;
        self.text(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        let subtype = match self.bytes_are {
            Meaning::Document => return self.copy(Kind::Document, value),
            Meaning::Array => return self.copy(Kind::Array, value),
            Meaning::Binary => 0,
            Meaning::Uuid => UUID,
        };
        self.kind(Kind::Binary)?;
        self.binary(subtype, value)
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Error> {
        self.kind(Kind::Null)
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Error> {
        self.kind(Kind::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.kind(Kind::Null)
    }

    #[inline]
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), Error> {
        self.bytes_are = match name {
            UUID_TYPE => Meaning::Uuid,
            RAW_DOCUMENT => Meaning::Document,
            RAW_ARRAY => Meaning::Array,
            HUMAN_READABLE => {
                let before = core::mem::replace(&mut self.human_readable, true);
                let done = value.serialize(&mut *self);
                self.human_readable = before;
                return done;
            }
            _ => return value.serialize(self),
        };
        let done = value.serialize(&mut *self);
        self.bytes_are = Meaning::Binary;
        done
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let mut document = Compound::begin(self, Kind::Document)?;
        document.field(variant, value)?;
        document.finish()
    }

    #[inline]
    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'e, 'o>, Error> {
        Compound::begin(self, Kind::Array)
    }

    #[inline]
    fn serialize_tuple(self, _: usize) -> Result<Compound<'e, 'o>, Error> {
        Compound::begin(self, Kind::Array)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Compound<'e, 'o>, Error> {
        Compound::begin(self, Kind::Array)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'e, 'o>, Error> {
        Compound::begin_variant(self, variant, Kind::Array)
    }

    #[inline]
    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'e, 'o>, Error> {
        Compound::begin(self, Kind::Document)
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Struct<'e, 'o>, Error> {
        match Special::named(name) {
            Some(kind) => Special::begin(self, kind).map(Struct::Special),
            None => Compound::begin(self, Kind::Document).map(Struct::Document),
        }
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'e, 'o>, Error> {
        Compound::begin_variant(self, variant, Kind::Document)
    }
}
