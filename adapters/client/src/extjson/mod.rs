//! MongoDB Extended JSON, version 2: BSON as JSON text (feature `extjson`).
//!
//! The conversions are those of the `bson` crate. Around them stand the checks and forms of the specifications
//! *Extended JSON* and *BSON Decimal128* that it lacks:
//!
//! | | the `bson` crate | here |
//! |---|---|---|
//! | `$numberDecimal` | takes `""`, `"."`, `"E1"`, `"-+1"`, `"sNaN"` | the specification's grammar only |
//! | `$numberDouble` | takes `"inf"`, `"-NaN"` and the like | decimal numbers, `Infinity`, `-Infinity`, `NaN` |
//! | `$date` | takes a bare number | a date as text, or `$numberLong` |
//! | `$code` | takes `"$scope": null`, leaves a `$scope` alone | `$scope` is a document and needs `$code` |
//! | `$binary` | wants two digits of `subType` | one or two |
//! | keys | may contain NUL, which BSON cannot encode | an error |
//! | the outermost object | may be a type wrapper | is a document for [`parse`], as the specification says |
//! | writing a double | forgets `$numberDouble` on subnormal ones; `-NaN` | canonical is canonical; `NaN` |
//! | writing a date, relaxed | wrong after the year 9999; drops zeros of a fraction | `$numberLong`; three digits |
//! | the order of keys | needs a feature of `serde_json` that changes the whole program | kept |
//!
//! ```
//! use stator_client::{Bson, doc, extjson};
//!
//! let order = extjson::parse(r#"{"_id": {"$numberLong": "7"}, "total": {"$numberDecimal": "19.90"}, "items": 3}"#)?;
//! assert_eq!(order["_id"], Bson::Int64(7));
//! assert_eq!(order["items"], Bson::Int32(3));
//! assert_eq!(extjson::to_relaxed(&order), r#"{"_id":7,"total":{"$numberDecimal":"19.90"},"items":3}"#);
//! assert_eq!(extjson::to_canonical(&doc! { "n": 1 }), r#"{"n":{"$numberInt":"1"}}"#);
//! # Ok::<(), extjson::Error>(())
//! ```
//!
//! As the specification says, JSON cannot tell a document whose keys begin with `$` from a type wrapper: such documents
//! do not survive the way there and back.

use std::fmt;

use bson::{Bson, Document};

use crate::decode;

mod decimal;
mod direct;
mod json;
mod raw;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use decimal::parse_decimal128;
pub use raw::{parse_raw, raw_to_canonical, raw_to_relaxed};
pub use write::{ValueRef, to_canonical, to_relaxed};

/// How deep arrays and objects may be nested in what is parsed. Type wrappers count.
pub const MAX_DEPTH: usize = 200;

/// Why text is no Extended JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// It is no JSON.
    Syntax {
        /// Where, in bytes from the beginning.
        offset: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// It is nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// A type wrapper has other keys than its own, or a value that its type cannot have.
    Value {
        /// The key that names the type, such as `$oid`.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A key contains NUL, which BSON cannot hold.
    NulInKey,
    /// The outermost value is no object, so it is no document.
    NotADocument,
    /// The BSON is malformed or nested deeper than [`MAX_DEPTH`], or would be too large.
    Bson {
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    fn value(key: &'static str, reason: impl fmt::Display) -> Self {
        Self::Value { key, reason: reason.to_string() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { offset, what } => write!(f, "not JSON at byte {offset}: {what}"),
            Self::TooDeep => write!(f, "the JSON is nested deeper than {MAX_DEPTH} levels"),
            Self::Value { key, reason } => write!(f, "bad {key} in Extended JSON: {reason}"),
            Self::NulInKey => f.write_str("a key in Extended JSON contains NUL"),
            Self::NotADocument => f.write_str("the JSON is no object, so it is no document"),
            Self::Bson { reason } => write!(f, "no BSON for Extended JSON: {reason}"),
        }
    }
}

impl std::error::Error for Error {}

/// Reads a document, canonical or relaxed. Of a key that is there twice, the last value counts.
///
/// The outermost object is always a document, whatever its keys.
///
/// # Errors
///
/// Every variant of [`Error`].
pub fn parse(text: &str) -> Result<Document, Error> {
    match direct::document(text) {
        // Writing bytes and reading them takes less than a tree does.
        Some(bytes) => decode::from_slice_owned(&bytes).map_err(raw::unsound),
        None => parse_by_tree(text),
    }
}

/// As [`parse`], by way of a tree of the whole text: slow, and what the other ways are compared with.
///
/// # Errors
///
/// As for [`parse`].
#[doc(hidden)]
pub fn parse_by_tree(text: &str) -> Result<Document, Error> {
    match json::parse(text)? {
        json::Json::Object(entries) => read::document(entries),
        _ => Err(Error::NotADocument),
    }
}

/// Reads any value, canonical or relaxed; an outermost object may be a type wrapper.
///
/// ```
/// use stator_client::{Bson, extjson};
///
/// assert_eq!(extjson::parse_value(r#"{"$numberLong": "5"}"#)?, Bson::Int64(5));
/// assert_eq!(extjson::parse_value("5")?, Bson::Int32(5));
/// assert_eq!(extjson::parse_value("5.0")?, Bson::Double(5.0));
/// # Ok::<(), extjson::Error>(())
/// ```
///
/// # Errors
///
/// Every variant of [`Error`] but [`NotADocument`](Error::NotADocument).
pub fn parse_value(text: &str) -> Result<Bson, Error> {
    read::value(json::parse(text)?)
}
