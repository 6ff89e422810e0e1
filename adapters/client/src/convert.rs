//! Between the public BSON types and the bytes that the core speaks.

use std::cell::Cell;

use bson::{Bson, Document, RawDocument};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stator_wire::bson::{Doc, DocBuf, Kind, RawValue, ValueBuf};

use crate::decode::{self, DecodeError};
use crate::encode::{self, HasId};
use crate::error::{Error, ErrorKind, Phase, Result};

/// Encodes any value that becomes a document.
pub(crate) fn to_doc<T: Serialize + ?Sized>(value: &T) -> Result<DocBuf> {
    thread_local! {
        /// What filters and commands are encoded into. They keep a copy of their size: one allocation, whatever the size turns out to be.
        static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }
    /// The most that a thread keeps, in bytes.
    const MOST: usize = 4096;

    // Taken out, because a `Serialize` may do what it likes, encode something else too. None is there while a thread ends.
    let mut bytes = SCRATCH.try_with(Cell::take).unwrap_or_default();
    bytes.clear();
    encode_into(value, &mut bytes)?;
    if bytes.capacity() > MOST {
        return DocBuf::new(bytes).map_err(Error::from);
    }
    let document = DocBuf::new(Bytes::copy_from_slice(&bytes)).map_err(Error::from);
    let _ = SCRATCH.try_with(|scratch| scratch.set(bytes));
    document
}

/// Encodes a document behind what `out` holds. After an error part of it may stand there.
pub(crate) fn encode_into<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<HasId> {
    encode::append_noting_id(value, out).map_err(|error| Error::new(Phase::Prepare, ErrorKind::Encode(error)))
}

/// Encodes a list of documents as an array.
pub(crate) fn to_array(documents: &[Document]) -> Result<DocBuf> {
    to_value(&Bson::Array(documents.iter().cloned().map(Bson::Document).collect()))
        .and_then(|value| DocBuf::new(value.as_raw().bytes().to_vec()).map_err(Error::from))
}

/// Encodes any BSON value.
pub(crate) fn to_value(value: &Bson) -> Result<ValueBuf> {
    #[derive(Serialize)]
    struct Holder<'a> {
        v: &'a Bson,
    }
    let doc = to_doc(&Holder { v: value })?;
    let raw = doc.as_doc().get("v")?.ok_or_else(|| Error::invalid("the value is empty"))?;
    Ok(ValueBuf::from_raw(raw))
}

/// Decodes a document from bytes of the network.
pub(crate) fn from_doc<T: DeserializeOwned + 'static>(doc: Doc<'_>) -> Result<T> {
    decode::owned(doc).map_err(undecodable)
}

/// Decodes a document from bytes of the network; borrows from them where the type allows.
pub(crate) fn from_doc_borrowed<'a, T: Deserialize<'a>>(doc: Doc<'a>) -> Result<T> {
    decode::borrowed(doc).map_err(undecodable)
}

/// The document as it came, for others to decode: nested no deeper than they can bear, because they have no limit of their own.
pub(crate) fn to_raw(doc: Doc<'_>) -> Result<&RawDocument> {
    // Most documents need not be walked for that.
    if doc.may_be_too_deep() {
        doc.check_depth()?;
    }
    RawDocument::from_bytes(doc.as_bytes()).map_err(|error| Error::new(Phase::Decode, ErrorKind::Decode(error.into())))
}

/// Decodes one value from bytes of the network.
pub(crate) fn from_value(kind: Kind, bytes: &[u8]) -> Result<Bson> {
    decode::value(RawValue::new(kind, bytes)?).map_err(undecodable)
}

#[cold]
fn undecodable(error: DecodeError) -> Error {
    Error::new(Phase::Decode, ErrorKind::Decode(error))
}
