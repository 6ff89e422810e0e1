//! Documents and arrays, and the enum variants that are documents around one of them.

use bson::error::Error;
use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};
use stator_wire::bson::{Index, Kind, find_nul};

use super::HasId;
use super::key::Key;
use super::special::Special;
use super::value::{Encoder, NOWHERE};

/// A document or an array under way.
#[derive(Debug)]
pub(super) struct Compound<'e, 'o> {
    pub(super) encoder: &'e mut Encoder<'o>,
    start: usize,
    /// Where the document around it begins that belongs to an enum's variant; [`NOWHERE`] if there is none.
    around: usize,
    /// The index of an array's next element.
    index: u32,
}

/// What a struct becomes.
#[derive(Debug)]
pub(super) enum Struct<'e, 'o> {
    Document(Compound<'e, 'o>),
    /// A type of BSON that serde does not know.
    Special(Special<'e, 'o>),
}

impl<'o> Encoder<'o> {
    /// Begins an element: room for its type, and its key.
    #[inline]
    pub(super) fn key(&mut self, key: &str) -> Result<(), Error> {
        if find_nul(key.as_bytes()).is_some() {
            return Err(Error::custom(format_args!("the key {key:?} contains NUL")));
        }
        // With what most values take.
        self.reserve(key.len() + 2 + 8);
        self.type_at = self.out.len();
        self.out.push(0);
        self.out.extend_from_slice(key.as_bytes());
        self.out.push(0);
        Ok(())
    }
}

impl<'e, 'o> Compound<'e, 'o> {
    #[inline]
    pub(super) fn begin(encoder: &'e mut Encoder<'o>, kind: Kind) -> Result<Self, Error> {
        encoder.kind(kind)?;
        let start = encoder.out.len();
        encoder.out.extend_from_slice(&[0; 4]);
        Ok(Self { encoder, start, around: NOWHERE, index: 0 })
    }

    /// Begins a document with one field, and what stands there.
    pub(super) fn begin_variant(encoder: &'e mut Encoder<'o>, variant: &str, kind: Kind) -> Result<Self, Error> {
        let mut outer = Self::begin(encoder, Kind::Document)?;
        let around = outer.start;
        outer.begin_field(variant)?;
        let inner = Self::begin(outer.encoder, kind)?;
        Ok(Self { around, ..inner })
    }

    #[inline]
    pub(super) fn finish(self) -> Result<(), Error> {
        self.end_document().map(drop)
    }

    /// Ends it, for a caller who goes on writing.
    #[inline]
    pub(super) fn end_document(self) -> Result<&'e mut Encoder<'o>, Error> {
        self.encoder.out.push(0);
        self.encoder.close(self.start)?;
        if self.around != NOWHERE {
            self.encoder.out.push(0);
            self.encoder.close(self.around)?;
        }
        Ok(self.encoder)
    }

    /// Begins a field.
    #[inline]
    pub(super) fn begin_field(&mut self, key: &str) -> Result<(), Error> {
        if key == "_id" && self.encoder.is_outermost(self.start) {
            self.encoder.has_id = HasId::Perhaps;
        }
        self.encoder.key(key)
    }

    #[inline]
    pub(super) fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Error> {
        self.begin_field(key)?;
        value.serialize(&mut *self.encoder)
    }

    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        // Before a `u32` of elements there are too many bytes.
        let index = Index::new(self.index);
        self.index = self.index.wrapping_add(1);
        self.encoder.key(index.as_str())?;
        value.serialize(&mut *self.encoder)
    }
}

macro_rules! elements {
    ($($name:ident::$method:ident;)*) => {$(
        impl $name for Compound<'_, '_> {
            type Ok = ();
            type Error = Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.element(value)
            }

            #[inline]
            fn end(self) -> Result<(), Error> {
                self.finish()
            }
        }
    )*};
}

elements! {
    SerializeSeq::serialize_element;
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
    SerializeTupleVariant::serialize_field;
}

impl SerializeMap for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        key.serialize(Key(self))
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut *self.encoder)
    }

    #[inline]
    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}

impl SerializeStruct for Struct<'_, '_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
        match self {
            Self::Document(document) => document.field(key, value),
            Self::Special(special) => value.serialize(special),
        }
    }

    #[inline]
    fn end(self) -> Result<(), Error> {
        match self {
            Self::Document(document) => document.finish(),
            Self::Special(special) => special.finish(),
        }
    }
}

impl SerializeStructVariant for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
        self.field(key, value)
    }

    #[inline]
    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}
