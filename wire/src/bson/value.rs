//! Decoded values.

use super::{Doc, Kind};

/// The server's internal timestamp, for example a cluster time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Timestamp {
    /// Seconds since 1970-01-01 UTC.
    pub time: u32,
    /// The place among the operations of one second.
    pub increment: u32,
}

/// A decoded value; text and documents are borrowed.
///
/// Embedded documents are views: what is in them is not yet checked.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Value<'a> {
    /// 64-bit floating point.
    Double(f64),
    /// Text.
    String(&'a str),
    /// An embedded document.
    Document(Doc<'a>),
    /// An array; the keys are indexes, or should be.
    Array(Doc<'a>),
    /// Bytes.
    Binary {
        /// What the bytes mean; 0 is generic, 128 and above belong to users.
        subtype: u8,
        /// The payload, without the inner length of the old subtype 2.
        bytes: &'a [u8],
    },
    /// Deprecated.
    Undefined,
    /// 12 bytes, usually an `_id`.
    ObjectId([u8; 12]),
    /// True or false.
    Bool(bool),
    /// Milliseconds since 1970-01-01 UTC.
    DateTime(i64),
    /// Null.
    Null,
    /// A regular expression.
    Regex {
        /// The pattern; cannot contain NUL.
        pattern: &'a str,
        /// The options, one letter each, in alphabetical order if the encoder was correct.
        options: &'a str,
    },
    /// Deprecated: a reference to a document.
    DbPointer {
        /// The collection.
        namespace: &'a str,
        /// The document.
        id: [u8; 12],
    },
    /// JavaScript.
    Code(&'a str),
    /// Deprecated: text.
    Symbol(&'a str),
    /// Deprecated: JavaScript with the values of its free variables.
    CodeWithScope {
        /// The code.
        code: &'a str,
        /// The variables.
        scope: Doc<'a>,
    },
    /// 32-bit integer.
    Int32(i32),
    /// The server's internal timestamp.
    Timestamp(Timestamp),
    /// 64-bit integer.
    Int64(i64),
    /// 128-bit decimal floating point, as its little-endian bytes.
    Decimal128([u8; 16]),
    /// Sorts after everything.
    MaxKey,
    /// Sorts before everything.
    MinKey,
}

impl Value<'_> {
    /// The element type.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Double(_) => Kind::Double,
            Self::String(_) => Kind::String,
            Self::Document(_) => Kind::Document,
            Self::Array(_) => Kind::Array,
            Self::Binary { .. } => Kind::Binary,
            Self::Undefined => Kind::Undefined,
            Self::ObjectId(_) => Kind::ObjectId,
            Self::Bool(_) => Kind::Bool,
            Self::DateTime(_) => Kind::DateTime,
            Self::Null => Kind::Null,
            Self::Regex { .. } => Kind::Regex,
            Self::DbPointer { .. } => Kind::DbPointer,
            Self::Code(_) => Kind::Code,
            Self::Symbol(_) => Kind::Symbol,
            Self::CodeWithScope { .. } => Kind::CodeWithScope,
            Self::Int32(_) => Kind::Int32,
            Self::Timestamp(_) => Kind::Timestamp,
            Self::Int64(_) => Kind::Int64,
            Self::Decimal128(_) => Kind::Decimal128,
            Self::MaxKey => Kind::MaxKey,
            Self::MinKey => Kind::MinKey,
        }
    }
}
