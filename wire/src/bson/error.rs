//! What can be wrong with BSON.

use alloc::boxed::Box;
use core::fmt;

use super::{Kind, MAX_DEPTH};

/// Why bytes are not the BSON that was asked for, or why a document could not be written.
///
/// Offsets count bytes from the start of what was read: of the outermost document for [`Doc`](super::Doc)
/// and its methods, of the value for methods of [`RawValue`](super::RawValue), of the key for
/// [`Element::key`](super::Element::key). Errors of writers count from the start of the buffer.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum BsonError {
    /// Something that begins at `offset` runs past the end of its document.
    Truncated {
        /// Where it begins.
        offset: usize,
    },
    /// A length that is smaller than its type allows, or that disagrees with what surrounds it.
    BadLength {
        /// Where the length stands.
        offset: usize,
        /// The length that was read.
        length: i32,
    },
    /// A document or string does not end with a zero byte.
    MissingTerminator {
        /// Where the zero byte should stand.
        offset: usize,
    },
    /// The first byte of an element is no element type.
    UnknownType {
        /// Where the byte stands.
        offset: usize,
        /// The byte.
        byte: u8,
    },
    /// A key or string is not UTF-8.
    InvalidUtf8 {
        /// Where the first wrong byte stands.
        offset: usize,
    },
    /// A boolean is neither 0 nor 1.
    InvalidBool {
        /// Where the byte stands.
        offset: usize,
        /// The byte.
        byte: u8,
    },
    /// Documents are nested deeper than [`MAX_DEPTH`].
    TooDeep {
        /// Where the first document that is too deep begins.
        offset: usize,
    },
    /// An element has another type than the one that was asked for.
    WrongType {
        /// The element's key; empty if the value was read without one.
        key: Box<str>,
        /// What was asked for.
        expected: &'static str,
        /// What is there.
        found: Kind,
    },
    /// A key, or a part of a regular expression, that was to be written contains NUL.
    ContainsNul {
        /// Where it was to be written.
        offset: usize,
    },
    /// A document, string or binary that was to be written is longer than `i32::MAX` bytes.
    TooLong {
        /// Where it begins.
        offset: usize,
    },
}

impl BsonError {
    pub(super) fn wrong_type(expected: &'static str, found: Kind) -> Self {
        Self::WrongType { key: Box::default(), expected, found }
    }

    /// The same error, `by` bytes later.
    pub(super) fn shifted(mut self, by: usize) -> Self {
        match &mut self {
            Self::Truncated { offset }
            | Self::BadLength { offset, .. }
            | Self::MissingTerminator { offset }
            | Self::UnknownType { offset, .. }
            | Self::InvalidUtf8 { offset }
            | Self::InvalidBool { offset, .. }
            | Self::TooDeep { offset }
            | Self::ContainsNul { offset }
            | Self::TooLong { offset } => *offset += by,
            Self::WrongType { .. } => {}
        }
        self
    }

    /// The same error; a wrong type is that of the element `name`.
    pub(super) fn keyed(mut self, name: &str) -> Self {
        if let Self::WrongType { key, .. } = &mut self {
            *key = name.into();
        }
        self
    }
}

impl fmt::Display for BsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { offset } => write!(f, "BSON at byte {offset} runs past the end of its document"),
            Self::BadLength { offset, length } => write!(f, "bad BSON length {length} at byte {offset}"),
            Self::MissingTerminator { offset } => write!(f, "missing zero byte in BSON at byte {offset}"),
            Self::UnknownType { offset, byte } => write!(f, "unknown BSON type 0x{byte:02x} at byte {offset}"),
            Self::InvalidUtf8 { offset } => write!(f, "invalid UTF-8 in BSON at byte {offset}"),
            Self::InvalidBool { offset, byte } => write!(f, "invalid BSON boolean 0x{byte:02x} at byte {offset}"),
            Self::TooDeep { offset } => write!(f, "BSON nested deeper than {MAX_DEPTH} levels at byte {offset}"),
            Self::WrongType { key, expected, found } if key.is_empty() => {
                write!(f, "expected BSON {expected}, found {found}")
            }
            Self::WrongType { key, expected, found } => {
                write!(f, "expected BSON {expected} in field {key:?}, found {found}")
            }
            Self::ContainsNul { offset } => write!(f, "BSON key or regular expression with NUL at byte {offset}"),
            Self::TooLong { offset } => write!(f, "BSON at byte {offset} is longer than an int32 can say"),
        }
    }
}

impl core::error::Error for BsonError {}
