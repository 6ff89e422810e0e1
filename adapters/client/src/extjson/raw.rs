//! Between JSON text and BSON bytes, without a tree in between.

use bson::{Bson, Document, RawDocument, RawDocumentBuf};
use stator_wire::bson::{Doc, Kind, RawValue};

use super::write::{Mode, separate, write_string, write_value};
use super::{Error, MAX_DEPTH, direct, parse_by_tree};
use crate::convert::from_value;
use crate::encode;

/// Reads a document, canonical or relaxed, straight into the bytes that are stored: several times as fast as [`parse`](super::parse), for whoever
/// imports much.
///
/// It takes and refuses what [`parse`](super::parse) does. A key that is there twice may stay there twice.
///
/// ```
/// use stator_client::extjson;
///
/// let raw = extjson::parse_raw(r#"{"_id": {"$oid": "5f0000000000000000000001"}, "n": [1, 2.5]}"#)?;
/// assert_eq!(extjson::raw_to_relaxed(&raw)?, r#"{"_id":{"$oid":"5f0000000000000000000001"},"n":[1,2.5]}"#);
/// # Ok::<(), extjson::Error>(())
/// ```
///
/// # Errors
///
/// Every variant of [`Error`].
pub fn parse_raw(text: &str) -> Result<RawDocumentBuf, Error> {
    let bytes = match direct::document(text) {
        Some(bytes) => bytes,
        None => encode::to_vec::<Document>(&parse_by_tree(text)?).map_err(unsound)?,
    };
    RawDocumentBuf::from_bytes(bytes).map_err(unsound)
}

/// Writes canonical Extended JSON, as [`to_canonical`](super::to_canonical) does, from the bytes of a document.
///
/// # Errors
///
/// [`Error::Bson`]: the bytes are malformed, or nested deeper than [`MAX_DEPTH`].
pub fn raw_to_canonical(document: &RawDocument) -> Result<String, Error> {
    write(document, Mode::Canonical)
}

/// Writes relaxed Extended JSON, as [`to_relaxed`](super::to_relaxed) does, from the bytes of a document.
///
/// # Errors
///
/// As for [`raw_to_canonical`].
pub fn raw_to_relaxed(document: &RawDocument) -> Result<String, Error> {
    write(document, Mode::Relaxed)
}

fn write(document: &RawDocument, mode: Mode) -> Result<String, Error> {
    let bytes = document.as_bytes();
    let mut out = String::with_capacity(bytes.len());
    write_document(&mut out, Doc::new(bytes).map_err(unsound)?, mode, 0)?;
    Ok(out)
}

fn write_document(out: &mut String, document: Doc<'_>, mode: Mode, depth: usize) -> Result<(), Error> {
    check(depth)?;
    out.push('{');
    for (at, element) in document.iter().enumerate() {
        let element = element.map_err(unsound)?;
        separate(out, at);
        write_string(out, element.key().map_err(unsound)?);
        out.push(':');
        write_raw(out, element.value(), mode, depth)?;
    }
    out.push('}');
    Ok(())
}

fn write_raw(out: &mut String, value: RawValue<'_>, mode: Mode, depth: usize) -> Result<(), Error> {
    match value.kind() {
        Kind::String => write_string(out, value.as_str().map_err(unsound)?),
        Kind::Document => write_document(out, value.as_doc().map_err(unsound)?, mode, depth + 1)?,
        Kind::Array => {
            check(depth + 1)?;
            out.push('[');
            for (at, element) in value.as_array().map_err(unsound)?.iter().enumerate() {
                separate(out, at);
                write_raw(out, element.map_err(unsound)?.value(), mode, depth + 1)?;
            }
            out.push(']');
        }
        _ => write_value(out, &leaf(value)?, mode),
    }
    Ok(())
}

fn leaf(value: RawValue<'_>) -> Result<Bson, Error> {
    from_value(value.kind(), value.bytes()).map_err(unsound)
}

fn check(depth: usize) -> Result<(), Error> {
    if depth >= MAX_DEPTH { Err(unsound(format_args!("it is nested deeper than {MAX_DEPTH} levels"))) } else { Ok(()) }
}

pub(super) fn unsound(reason: impl core::fmt::Display) -> Error {
    Error::Bson { reason: reason.to_string() }
}
