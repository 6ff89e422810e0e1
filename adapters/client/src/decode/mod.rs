//! BSON to Rust: a [`serde`] deserializer over the bytes as they came, and a shorter way to [`Document`].
//!
//! All documents that the driver returns are decoded here. It accepts what `bson::deserialize_from_slice` accepts and gives the same
//! values, every special type of that crate included, but
//!
//! - an error names the path of the field, such as `user.tags.3`;
//! - documents nested deeper than [`MAX_DEPTH`](stator_wire::bson::MAX_DEPTH) are refused instead of overflowing the stack;
//! - a value that the type ignores is passed over by its length, whatever is in it;
//! - [`Document`], [`Bson`] and [`RawDocumentBuf`] as the outermost type are built from the bytes directly: the types of values are
//!   those of the bytes, also where an embedded document looks like Extended JSON, such as `{"$oid": ".."}`. Inside another type such
//!   a document is read as the `bson` crate does, as an object id.
//!
//! ```
//! use serde::Deserialize;
//! use stator_client::bson::{self, doc};
//! use stator_client::decode;
//!
//! #[derive(Deserialize)]
//! struct Ship<'a> {
//!     #[serde(borrow)]
//!     name: &'a str,
//!     decks: Vec<u32>,
//! }
//!
//! let bytes = bson::serialize_to_vec(&doc! { "name": "Ariel", "decks": [3, 4] })?;
//! let ship: Ship = decode::from_slice(&bytes)?;
//! assert_eq!((ship.name, ship.decks), ("Ariel", vec![3, 4]));
//!
//! let bytes = bson::serialize_to_vec(&doc! { "name": "Ariel", "decks": [3, "four"] })?;
//! let error = decode::from_slice::<Ship>(&bytes).err().expect("four is no number");
//! assert_eq!(error.path(), "decks.1");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod build;
mod error;
mod mode;
mod room;
mod shape;
mod value;

#[cfg(test)]
mod tests;

use core::any::Any;

use bson::{Bson, Document, RawDocumentBuf};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use stator_wire::bson::{Doc, Kind, RawValue};

pub use error::{DecodeError, DecodeReason};
use mode::Mode;
use value::Value;

/// Decodes a document; borrows from `bytes` where the type allows.
///
/// # Errors
///
/// `bytes` are not exactly one document, or the document does not fit the type.
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, DecodeError> {
    borrowed(Doc::new(bytes)?)
}

/// Decodes a document into a type that borrows nothing: [`Document`] and its like faster than [`from_slice`] does, the others the same.
///
/// # Errors
///
/// As for [`from_slice`].
pub fn from_slice_owned<T: DeserializeOwned + 'static>(bytes: &[u8]) -> Result<T, DecodeError> {
    owned(Doc::new(bytes)?)
}

/// Decodes a document through serde.
pub(crate) fn borrowed<'de, T: Deserialize<'de>>(doc: Doc<'de>) -> Result<T, DecodeError> {
    T::deserialize(Value::new(&RawValue::new(Kind::Document, doc.as_bytes())?, Mode::OUTERMOST))
}

/// Decodes a document; types that serde would only be in the way of are built directly.
#[inline]
pub(crate) fn owned<T: DeserializeOwned + 'static>(doc: Doc<'_>) -> Result<T, DecodeError> {
    // Which branch it is, the compiler knows: nothing of the comparisons is left in the program.
    let mut out: Option<T> = None;
    let slot: &mut dyn Any = &mut out;
    if let Some(slot) = slot.downcast_mut::<Option<Document>>() {
        *slot = Some(build::document(doc.as_bytes(), Mode::OUTERMOST)?);
    } else if let Some(slot) = slot.downcast_mut::<Option<Bson>>() {
        *slot = Some(Bson::Document(build::document(doc.as_bytes(), Mode::OUTERMOST)?));
    } else if let Some(slot) = slot.downcast_mut::<Option<RawDocumentBuf>>() {
        *slot = Some(RawDocumentBuf::from_bytes(doc.as_bytes().to_vec())?);
    }
    match out {
        Some(out) => Ok(out),
        None => borrowed(doc),
    }
}

/// Decodes one value.
pub(crate) fn value(raw: RawValue<'_>) -> Result<Bson, DecodeError> {
    build::value(raw, Mode::OUTERMOST)
}
