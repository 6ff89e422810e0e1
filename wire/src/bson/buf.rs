//! Owned documents and values that share their frame.

use bytes::Bytes;
use core::fmt;

use super::{BsonError, Doc, Kind, RawValue};

/// An owned document, cheap to clone: it shares the buffer that it came in.
///
/// ```
/// use stator_wire::bson::{DocBuf, DocWriter};
///
/// let mut bytes = Vec::new();
/// let mut doc = DocWriter::new(&mut bytes);
/// doc.i32("a", 1);
/// doc.finish()?;
/// let doc = DocBuf::new(bytes)?;
/// assert_eq!(format!("{doc:?}"), "{a: 1}");
/// # Ok::<(), stator_wire::bson::BsonError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DocBuf(Bytes);

impl DocBuf {
    /// Takes `bytes`, which must be exactly one document.
    ///
    /// # Errors
    ///
    /// As for [`Doc::new`].
    pub fn new(bytes: impl Into<Bytes>) -> Result<Self, BsonError> {
        let bytes = bytes.into();
        Doc::new(&bytes)?;
        Ok(Self(bytes))
    }

    /// Keeps `doc` by sharing `frame`, of which it should be a part; copies it if it is not.
    pub fn slice_of(frame: &Bytes, doc: Doc<'_>) -> Self {
        Self(share(frame, doc.as_bytes()))
    }

    /// A view over the document.
    #[inline]
    pub fn as_doc(&self) -> Doc<'_> {
        // Every constructor takes the bytes from a `Doc` or checks that they make one.
        Doc::new(&self.0).unwrap_or(Doc::EMPTY)
    }

    /// The bytes of the document.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes of the document, without copying.
    #[inline]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl Default for DocBuf {
    /// The empty document.
    fn default() -> Self {
        Self(Bytes::from_static(Doc::EMPTY.as_bytes()))
    }
}

impl From<Doc<'_>> for DocBuf {
    /// Copies the document.
    fn from(doc: Doc<'_>) -> Self {
        Self(Bytes::copy_from_slice(doc.as_bytes()))
    }
}

impl AsRef<[u8]> for DocBuf {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq<Doc<'_>> for DocBuf {
    fn eq(&self, other: &Doc<'_>) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl fmt::Debug for DocBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_doc().fmt(f)
    }
}

/// An owned value, cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ValueBuf {
    kind: Kind,
    bytes: Bytes,
}

impl ValueBuf {
    /// Copies a value.
    pub fn from_raw(value: RawValue<'_>) -> Self {
        Self { kind: value.kind(), bytes: Bytes::copy_from_slice(value.bytes()) }
    }

    /// Keeps `value` by sharing `frame`, of which it should be a part; copies it if it is not.
    pub fn slice_of(frame: &Bytes, value: RawValue<'_>) -> Self {
        Self { kind: value.kind(), bytes: share(frame, value.bytes()) }
    }

    /// A view over the value.
    #[inline]
    pub fn as_raw(&self) -> RawValue<'_> {
        RawValue::measured(self.kind, &self.bytes)
    }

    /// The element type.
    #[inline]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    fn fixed(kind: Kind, bytes: &[u8]) -> Self {
        Self { kind, bytes: Bytes::copy_from_slice(bytes) }
    }
}

impl From<RawValue<'_>> for ValueBuf {
    fn from(value: RawValue<'_>) -> Self {
        Self::from_raw(value)
    }
}

impl From<&str> for ValueBuf {
    /// Text. If it is longer than `i32::MAX - 1` bytes, reading or writing the value is an error.
    fn from(text: &str) -> Self {
        let length = i32::try_from(text.len() + 1).unwrap_or(i32::MAX);
        let mut bytes = alloc::vec::Vec::with_capacity(text.len() + 5);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
        Self { kind: Kind::String, bytes: bytes.into() }
    }
}

impl From<i32> for ValueBuf {
    fn from(value: i32) -> Self {
        Self::fixed(Kind::Int32, &value.to_le_bytes())
    }
}

impl From<i64> for ValueBuf {
    fn from(value: i64) -> Self {
        Self::fixed(Kind::Int64, &value.to_le_bytes())
    }
}

impl From<f64> for ValueBuf {
    fn from(value: f64) -> Self {
        Self::fixed(Kind::Double, &value.to_le_bytes())
    }
}

impl From<bool> for ValueBuf {
    fn from(value: bool) -> Self {
        Self::fixed(Kind::Bool, &[u8::from(value)])
    }
}

impl From<Doc<'_>> for ValueBuf {
    fn from(doc: Doc<'_>) -> Self {
        Self::fixed(Kind::Document, doc.as_bytes())
    }
}

impl From<DocBuf> for ValueBuf {
    fn from(doc: DocBuf) -> Self {
        Self { kind: Kind::Document, bytes: doc.into_bytes() }
    }
}

impl fmt::Debug for ValueBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_raw().fmt(f)
    }
}

/// `part` as a slice of `frame`, or a copy of it if it lies elsewhere.
fn share(frame: &Bytes, part: &[u8]) -> Bytes {
    let (outer, inner) = (frame.as_ptr_range(), part.as_ptr_range());
    if outer.start <= inner.start && inner.end <= outer.end {
        frame.slice_ref(part)
    } else {
        Bytes::copy_from_slice(part)
    }
}
