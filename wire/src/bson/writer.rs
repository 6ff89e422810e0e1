//! Appending documents to a growing buffer.

use alloc::vec::Vec;
use core::fmt;

use super::parse::OLD_BINARY;
use super::{ArrayWriter, BsonError, Doc, Kind, RawValue, Timestamp, Value};

/// Appends one document at the end of a buffer.
///
/// The length is filled in when the writer is finished or dropped, so the buffer holds a whole document
/// whenever no writer is alive. Nothing is allocated but room in the buffer.
///
/// A key with NUL, a regular expression with NUL, and whatever is longer than an `int32` can say cannot be
/// written. The key is then cut off at the NUL, and the oversized element or document left out or left
/// empty, so that the bytes stay well-formed; [`finish`](Self::finish) reports the first such error.
///
/// ```
/// use stator_wire::bson::{Doc, DocWriter};
///
/// let mut bytes = Vec::new();
/// let mut command = DocWriter::new(&mut bytes);
/// command.str("find", "inventory");
/// let mut filter = command.document("filter");
/// filter.document("qty").i32("$gt", 4);
/// filter.finish()?;
/// command.array_of("tags").str("a").i32(2);
/// command.finish()?;
/// assert_eq!(
///     format!("{:?}", Doc::new(&bytes)?),
///     r#"{find: "inventory", filter: {qty: {$gt: 4}}, tags: ["a", 2]}"#,
/// );
/// # Ok::<(), stator_wire::bson::BsonError>(())
/// ```
pub struct DocWriter<'b> {
    buf: &'b mut Vec<u8>,
    start: usize,
    open: bool,
    fault: Fault<'b>,
}

/// Where the first error is kept: the outermost writer owns the place.
#[derive(Debug)]
enum Fault<'b> {
    Own(Option<BsonError>),
    Parent(&'b mut Option<BsonError>),
}

impl Fault<'_> {
    #[inline]
    fn place(&mut self) -> &mut Option<BsonError> {
        match self {
            Self::Own(place) => place,
            Self::Parent(place) => place,
        }
    }
}

impl<'b> DocWriter<'b> {
    /// Begins a document at the end of `buf`.
    #[inline]
    pub fn new(buf: &'b mut Vec<u8>) -> Self {
        Self::begin(buf, Fault::Own(None))
    }

    #[inline]
    fn begin(buf: &'b mut Vec<u8>, fault: Fault<'b>) -> Self {
        let start = buf.len();
        buf.extend_from_slice(&[0; 4]);
        Self { buf, start, open: true, fault }
    }

    /// Ends the document.
    ///
    /// # Errors
    ///
    /// The first error of this writer or of any writer with the same outermost one, ended or not. The buffer
    /// holds a well-formed document all the same.
    pub fn finish(mut self) -> Result<(), BsonError> {
        self.close();
        match self.fault.place() {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// How many bytes of the document are written so far, its length included and its terminator not.
    #[inline]
    pub fn written(&self) -> usize {
        self.buf.len() - self.start
    }

    /// Text.
    #[inline]
    pub fn str(&mut self, key: &str, value: &str) -> &mut Self {
        self.text(Kind::String, key, value)
    }

    /// A 32-bit integer.
    #[inline]
    pub fn i32(&mut self, key: &str, value: i32) -> &mut Self {
        self.fixed(Kind::Int32, key, &value.to_le_bytes())
    }

    /// A 64-bit integer.
    #[inline]
    pub fn i64(&mut self, key: &str, value: i64) -> &mut Self {
        self.fixed(Kind::Int64, key, &value.to_le_bytes())
    }

    /// A double.
    #[inline]
    pub fn f64(&mut self, key: &str, value: f64) -> &mut Self {
        self.fixed(Kind::Double, key, &value.to_le_bytes())
    }

    /// A boolean.
    #[inline]
    pub fn bool(&mut self, key: &str, value: bool) -> &mut Self {
        self.fixed(Kind::Bool, key, &[u8::from(value)])
    }

    /// Null.
    #[inline]
    pub fn null(&mut self, key: &str) -> &mut Self {
        self.fixed(Kind::Null, key, &[])
    }

    /// A copy of a document.
    #[inline]
    pub fn doc(&mut self, key: &str, value: Doc<'_>) -> &mut Self {
        self.fixed(Kind::Document, key, value.as_bytes())
    }

    /// A copy of an array, given as the document that it is encoded as.
    #[inline]
    pub fn array(&mut self, key: &str, value: Doc<'_>) -> &mut Self {
        self.fixed(Kind::Array, key, value.as_bytes())
    }

    /// Bytes; for the old subtype 2 the inner length is added.
    pub fn binary(&mut self, key: &str, subtype: u8, value: &[u8]) -> &mut Self {
        let inner = if subtype == OLD_BINARY { 4 } else { 0 };
        let Some(length) = self.length(value.len() + inner) else { return self };
        self.head(Kind::Binary, key);
        self.buf.extend_from_slice(&length.to_le_bytes());
        self.buf.push(subtype);
        if subtype == OLD_BINARY {
            self.buf.extend_from_slice(&(length - 4).to_le_bytes());
        }
        self.buf.extend_from_slice(value);
        self
    }

    /// An object id.
    #[inline]
    pub fn object_id(&mut self, key: &str, value: [u8; 12]) -> &mut Self {
        self.fixed(Kind::ObjectId, key, &value)
    }

    /// Milliseconds since 1970-01-01 UTC.
    #[inline]
    pub fn datetime(&mut self, key: &str, value: i64) -> &mut Self {
        self.fixed(Kind::DateTime, key, &value.to_le_bytes())
    }

    /// The server's internal timestamp.
    #[inline]
    pub fn timestamp(&mut self, key: &str, value: Timestamp) -> &mut Self {
        let both = u64::from(value.time) << 32 | u64::from(value.increment);
        self.fixed(Kind::Timestamp, key, &both.to_le_bytes())
    }

    /// A copy of a value of any type, byte by byte.
    #[inline]
    pub fn value(&mut self, key: &str, value: RawValue<'_>) -> &mut Self {
        self.fixed(value.kind(), key, value.bytes())
    }

    /// A decoded value of any type. The options of a regular expression are put in alphabetical order, as the
    /// specification demands of encoders.
    pub fn typed(&mut self, key: &str, value: Value<'_>) -> &mut Self {
        match value {
            Value::Double(value) => self.f64(key, value),
            Value::String(value) => self.str(key, value),
            Value::Document(value) => self.doc(key, value),
            Value::Array(value) => self.array(key, value),
            Value::Binary { subtype, bytes } => self.binary(key, subtype, bytes),
            Value::ObjectId(value) => self.object_id(key, value),
            Value::Bool(value) => self.bool(key, value),
            Value::DateTime(value) => self.datetime(key, value),
            Value::Regex { pattern, options } => self.regex(key, pattern, options),
            Value::DbPointer { namespace, id } => {
                let before = self.buf.len();
                self.text(Kind::DbPointer, key, namespace);
                if self.buf.len() > before {
                    self.buf.extend_from_slice(&id);
                }
                self
            }
            Value::Code(value) => self.text(Kind::Code, key, value),
            Value::Symbol(value) => self.text(Kind::Symbol, key, value),
            Value::CodeWithScope { code, scope } => self.code_with_scope(key, code, scope),
            Value::Int32(value) => self.i32(key, value),
            Value::Timestamp(value) => self.timestamp(key, value),
            Value::Int64(value) => self.i64(key, value),
            Value::Decimal128(value) => self.fixed(Kind::Decimal128, key, &value),
            Value::Undefined | Value::Null | Value::MaxKey | Value::MinKey => self.fixed(value.kind(), key, &[]),
        }
    }

    /// Copies of all elements of `doc`, in their order and without looking at them.
    #[inline]
    pub fn elements(&mut self, doc: Doc<'_>) -> &mut Self {
        self.buf.extend_from_slice(doc.body());
        self
    }

    /// Begins an embedded document, which ends when the returned writer is finished or dropped.
    #[inline]
    pub fn document(&mut self, key: &str) -> DocWriter<'_> {
        self.head(Kind::Document, key);
        self.nested()
    }

    /// Begins an array, which ends when the returned writer is finished or dropped.
    #[inline]
    pub fn array_of(&mut self, key: &str) -> ArrayWriter<'_> {
        self.head(Kind::Array, key);
        ArrayWriter::begin(self.nested())
    }

    #[inline]
    fn nested(&mut self) -> DocWriter<'_> {
        DocWriter::begin(self.buf, Fault::Parent(self.fault.place()))
    }

    /// Pattern and options, which may not contain NUL.
    fn regex(&mut self, key: &str, pattern: &str, options: &str) -> &mut Self {
        self.head(Kind::Regex, key);
        self.cstring(pattern);
        let start = self.buf.len();
        self.cstring(options);
        let end = self.buf.len() - 1;
        if let Some(options) = self.buf.get_mut(start..end).filter(|options| options.is_ascii()) {
            options.sort_unstable();
        }
        self
    }

    fn code_with_scope(&mut self, key: &str, code: &str, scope: Doc<'_>) -> &mut Self {
        let scope = scope.as_bytes();
        let Some(length) = self.length(4 + 4 + code.len() + 1 + scope.len()) else { return self };
        self.head(Kind::CodeWithScope, key);
        self.buf.extend_from_slice(&length.to_le_bytes());
        // Shorter than the whole, which was just seen to fit.
        self.string_body(code, code.len() as i32 + 1);
        self.buf.extend_from_slice(scope);
        self
    }

    #[inline]
    fn text(&mut self, kind: Kind, key: &str, value: &str) -> &mut Self {
        let Some(length) = self.length(value.len() + 1) else { return self };
        self.head(kind, key);
        self.string_body(value, length);
        self
    }

    #[inline]
    fn string_body(&mut self, value: &str, length: i32) {
        self.buf.extend_from_slice(&length.to_le_bytes());
        self.buf.extend_from_slice(value.as_bytes());
        self.buf.push(0);
    }

    #[inline]
    fn fixed(&mut self, kind: Kind, key: &str, value: &[u8]) -> &mut Self {
        self.head(kind, key);
        self.buf.extend_from_slice(value);
        self
    }

    #[inline]
    fn head(&mut self, kind: Kind, key: &str) {
        // With what most values take.
        self.buf.reserve(key.len() + 2 + 8);
        self.buf.push(kind.to_byte());
        self.cstring(key);
    }

    /// Text and NUL; text that contains NUL ends there, and that is an error.
    fn cstring(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let bytes = if bytes.contains(&0) { self.cut(bytes) } else { bytes };
        self.buf.extend_from_slice(bytes);
        self.buf.push(0);
    }

    #[cold]
    fn cut<'t>(&mut self, text: &'t [u8]) -> &'t [u8] {
        self.fail(BsonError::ContainsNul { offset: self.buf.len() });
        text.split(|&byte| byte == 0).next().unwrap_or_default()
    }

    /// A length as it is written, or an error and `None`.
    #[inline]
    fn length(&mut self, len: usize) -> Option<i32> {
        let length = i32::try_from(len).ok();
        if length.is_none() {
            self.fail(BsonError::TooLong { offset: self.buf.len() });
        }
        length
    }

    #[cold]
    fn fail(&mut self, error: BsonError) {
        self.fault.place().get_or_insert(error);
    }

    /// Writes terminator and length, once.
    #[inline]
    fn close(&mut self) {
        if !core::mem::take(&mut self.open) {
            return;
        }
        if let Err(error) = close(self.buf, self.start, i32::MAX) {
            self.fail(error);
        }
    }
}

impl fmt::Debug for DocWriter<'_> {
    /// Shows how much is written, not what.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DocWriter").field("written", &self.written()).field("fault", &self.fault).finish()
    }
}

impl Drop for DocWriter<'_> {
    #[inline]
    fn drop(&mut self) {
        self.close();
    }
}

/// Ends the document that begins at `start`; if it would be longer than `max` bytes, it is made empty.
#[inline]
pub(super) fn close(buf: &mut Vec<u8>, start: usize, max: i32) -> Result<(), BsonError> {
    buf.push(0);
    let length = i32::try_from(buf.len() - start).ok().filter(|length| *length <= max);
    let Some(length) = length else {
        buf.truncate(start);
        buf.extend_from_slice(Doc::EMPTY.as_bytes());
        return Err(BsonError::TooLong { offset: start });
    };
    if let Some(prefix) = buf.get_mut(start..start + 4) {
        prefix.copy_from_slice(&length.to_le_bytes());
    }
    Ok(())
}
