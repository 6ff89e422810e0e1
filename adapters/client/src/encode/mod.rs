//! Rust to BSON: a [`serde`] serializer that writes into a buffer which is there already.
//!
//! All documents that the driver sends are encoded here. It accepts what `bson::serialize_to_vec` accepts and writes the same bytes, for
//! the special types of that crate too, but
//!
//! - a document or text of 2 GiB is refused instead of getting a wrong length;
//! - decimals inside `HumanReadable` are encoded instead of refused.
//!
//! ```
//! use serde::Serialize;
//! use stator_client::bson::doc;
//! use stator_client::{decode, encode};
//!
//! #[derive(Serialize)]
//! struct Ship<'a> {
//!     name: &'a str,
//!     decks: [u32; 2],
//! }
//!
//! let bytes = encode::to_vec(&Ship { name: "Ariel", decks: [3, 4] })?;
//! assert_eq!(decode::from_slice_owned::<bson::Document>(&bytes)?, doc! { "name": "Ariel", "decks": [3_i64, 4_i64] });
//!
//! // What is not a document cannot stand alone.
//! assert!(encode::to_vec("text").is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod compound;
mod key;
mod special;
mod value;

#[cfg(test)]
mod tests;

use bson::error::Error;
use serde::Serialize;

use value::Encoder;

/// Encodes a document.
///
/// # Errors
///
/// The value does not become a document, or not one that BSON can express: keys that are no text or contain NUL, integers beyond 64
/// signed bits, 2 GiB and more. Errors of its own `Serialize` come through.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(ROOM);
    append(value, &mut out)?;
    Ok(out)
}

/// Encodes a document behind what `out` holds. After an error, part of it may stand there.
///
/// # Errors
///
/// As for [`to_vec`].
pub fn append<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
    append_noting_id(value, out).map(drop)
}

/// As [`append`]; says whether the document has an `_id`, where that can be known without looking at its bytes.
pub(crate) fn append_noting_id<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<HasId, Error> {
    let mut encoder = Encoder::new(out);
    value.serialize(&mut encoder)?;
    Ok(encoder.has_id)
}

/// Whether a document has an `_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HasId {
    No,
    /// It has, or was copied as a whole.
    Perhaps,
}

/// Room for a small document, in bytes, so that the buffer does not grow in steps.
const ROOM: usize = 128;

/// Serializer methods that are errors, as `Self::refused` words them.
macro_rules! refuse {
    ($($method:ident($($of:ty),*);)*) => {$(
        #[cold]
        fn $method(self, $(_: $of),*) -> Result<(), Error> {
            Err(self.refused(stringify!($method)))
        }
    )*};
}

/// The methods for what contains something else, as errors.
macro_rules! refuse_compounds {
    () => {
        type SerializeSeq = Impossible<(), Error>;
        type SerializeTuple = Impossible<(), Error>;
        type SerializeTupleStruct = Impossible<(), Error>;
        type SerializeTupleVariant = Impossible<(), Error>;
        type SerializeStructVariant = Impossible<(), Error>;

        fn serialize_newtype_variant<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: &T,
        ) -> Result<(), Error> {
            Err(self.refused("serialize_newtype_variant"))
        }

        fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Error> {
            Err(self.refused("serialize_seq"))
        }

        fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
            Err(self.refused("serialize_tuple"))
        }

        fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Error> {
            Err(self.refused("serialize_tuple_struct"))
        }

        fn serialize_tuple_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeTupleVariant, Error> {
            Err(self.refused("serialize_tuple_variant"))
        }

        fn serialize_struct_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeStructVariant, Error> {
            Err(self.refused("serialize_struct_variant"))
        }
    };
}

use {refuse, refuse_compounds};
