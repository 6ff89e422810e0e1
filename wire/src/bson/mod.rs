//! BSON as views over bytes, a validator and a back-patching writer.
//!
//! This module is what the protocol itself reads and writes: command bodies, replies, error documents. It
//! follows [bsonspec.org](https://bsonspec.org/spec.html) version 1.1 and the `bson-corpus` specification.
//!
//! # Reading
//!
//! [`Doc`] is a `Copy` view over the bytes of one document, made in constant time. [`Doc::iter`] checks the
//! bounds of one element after the other; text is checked for UTF-8 when it is read, never before.
//! [`Doc::validate`] checks everything at once, and [`DocBuf`] keeps a document by sharing its frame.
//!
//! ```
//! use stator_wire::bson::{Doc, DocWriter};
//!
//! let mut bytes = Vec::new();
//! let mut doc = DocWriter::new(&mut bytes);
//! doc.i32("ok", 1).str("setName", "rs0");
//! doc.array_of("hosts").str("a:27017").str("b:27017");
//! doc.finish()?;
//!
//! let reply = Doc::new(&bytes)?;
//! assert_eq!(reply.get_truthy("ok")?, Some(true));
//! assert_eq!(reply.get_str("setName")?, Some("rs0"));
//! assert_eq!(reply.get_str("absent")?, None);
//! for host in reply.get_array("hosts")?.unwrap_or(Doc::EMPTY) {
//!     assert!(host?.value().as_str()?.ends_with(":27017"));
//! }
//! # Ok::<(), stator_wire::bson::BsonError>(())
//! ```
//!
//! # Layout
//!
//! All integers are little-endian. A document is `int32 length`, elements, `00`; the length counts itself and the
//! terminator. An element is one type byte, the key as a `cstring` (bytes without NUL, then NUL) and a value:
//!
//! | byte | [`Kind`] | value |
//! |------|----------|-------|
//! | `01` | `Double` | 8 bytes, IEEE 754 |
//! | `02` | `String` | `int32 n`, `n` bytes of UTF-8 of which the last is `00` |
//! | `03` | `Document` | a document |
//! | `04` | `Array` | a document with the keys `"0"`, `"1"`, ... (keys are not checked) |
//! | `05` | `Binary` | `int32 n`, subtype byte, `n` bytes; in the old subtype 2 they begin with `int32 n - 4` |
//! | `06` | `Undefined` | nothing (deprecated) |
//! | `07` | `ObjectId` | 12 bytes |
//! | `08` | `Bool` | `00` or `01` |
//! | `09` | `DateTime` | `int64` milliseconds since 1970-01-01 UTC |
//! | `0a` | `Null` | nothing |
//! | `0b` | `Regex` | pattern `cstring`, options `cstring` |
//! | `0c` | `DbPointer` | string, 12 bytes (deprecated) |
//! | `0d` | `Code` | like a string |
//! | `0e` | `Symbol` | like a string (deprecated) |
//! | `0f` | `CodeWithScope` | `int32` length of the whole value, string, document (deprecated) |
//! | `10` | `Int32` | 4 bytes |
//! | `11` | `Timestamp` | `uint32 increment`, `uint32 time` in seconds |
//! | `12` | `Int64` | 8 bytes |
//! | `13` | `Decimal128` | 16 bytes, IEEE 754-2008 |
//! | `7f` | `MaxKey` | nothing |
//! | `ff` | `MinKey` | nothing |
//!
//! # Panics
//!
//! Nothing here panics, whatever the bytes are: reading reports [`BsonError`], and so does [`DocWriter::finish`].
//! Reading never allocates in proportion to a length that the bytes merely claim; nothing recurses deeper than
//! [`MAX_DEPTH`].

mod array_writer;
mod buf;
mod debug;
mod doc;
mod error;
mod getters;
mod kind;
mod parse;
mod raw;
mod validate;
mod value;
mod writer;

#[cfg(test)]
mod tests;

pub use array_writer::{ArrayWriter, Index};
pub use buf::{DocBuf, ValueBuf};
pub use doc::{Doc, Element, Elements, find_nul};
pub use error::BsonError;
pub use kind::Kind;
pub use raw::RawValue;
pub use value::{Timestamp, Value};
pub use writer::DocWriter;

/// How many documents may be nested in each other, the outermost one included.
///
/// Servers accept about 180 levels, so nothing that a server stores comes near this bound.
pub const MAX_DEPTH: usize = 200;
