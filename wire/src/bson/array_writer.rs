//! Appending arrays to a growing buffer.

use super::{BsonError, Doc, DocWriter, RawValue, Timestamp, Value};

/// Appends one array; the keys are counted up without being allocated.
///
/// Made by [`DocWriter::array_of`]; the remarks on [`DocWriter`] hold here too.
#[derive(Debug)]
pub struct ArrayWriter<'b> {
    doc: DocWriter<'b>,
    next: u32,
}

impl<'b> ArrayWriter<'b> {
    #[inline]
    pub(super) fn begin(doc: DocWriter<'b>) -> Self {
        Self { doc, next: 0 }
    }

    /// Ends the array.
    ///
    /// # Errors
    ///
    /// As for [`DocWriter::finish`].
    pub fn finish(self) -> Result<(), BsonError> {
        self.doc.finish()
    }

    /// How many elements were begun.
    #[inline]
    pub fn count(&self) -> u32 {
        self.next
    }

    /// Text.
    #[inline]
    pub fn str(&mut self, value: &str) -> &mut Self {
        self.keyed(|doc, key| {
            doc.str(key, value);
        })
    }

    /// A 32-bit integer.
    #[inline]
    pub fn i32(&mut self, value: i32) -> &mut Self {
        self.keyed(|doc, key| {
            doc.i32(key, value);
        })
    }

    /// A 64-bit integer.
    #[inline]
    pub fn i64(&mut self, value: i64) -> &mut Self {
        self.keyed(|doc, key| {
            doc.i64(key, value);
        })
    }

    /// A double.
    #[inline]
    pub fn f64(&mut self, value: f64) -> &mut Self {
        self.keyed(|doc, key| {
            doc.f64(key, value);
        })
    }

    /// A boolean.
    #[inline]
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.keyed(|doc, key| {
            doc.bool(key, value);
        })
    }

    /// Null.
    #[inline]
    pub fn null(&mut self) -> &mut Self {
        self.keyed(|doc, key| {
            doc.null(key);
        })
    }

    /// A copy of a document.
    #[inline]
    pub fn doc(&mut self, value: Doc<'_>) -> &mut Self {
        self.keyed(|doc, key| {
            doc.doc(key, value);
        })
    }

    /// A copy of an array, given as the document that it is encoded as.
    #[inline]
    pub fn array(&mut self, value: Doc<'_>) -> &mut Self {
        self.keyed(|doc, key| {
            doc.array(key, value);
        })
    }

    /// Bytes; for the old subtype 2 the inner length is added.
    #[inline]
    pub fn binary(&mut self, subtype: u8, value: &[u8]) -> &mut Self {
        self.keyed(|doc, key| {
            doc.binary(key, subtype, value);
        })
    }

    /// An object id.
    #[inline]
    pub fn object_id(&mut self, value: [u8; 12]) -> &mut Self {
        self.keyed(|doc, key| {
            doc.object_id(key, value);
        })
    }

    /// Milliseconds since 1970-01-01 UTC.
    #[inline]
    pub fn datetime(&mut self, value: i64) -> &mut Self {
        self.keyed(|doc, key| {
            doc.datetime(key, value);
        })
    }

    /// The server's internal timestamp.
    #[inline]
    pub fn timestamp(&mut self, value: Timestamp) -> &mut Self {
        self.keyed(|doc, key| {
            doc.timestamp(key, value);
        })
    }

    /// A copy of a value of any type, byte by byte.
    #[inline]
    pub fn value(&mut self, value: RawValue<'_>) -> &mut Self {
        self.keyed(|doc, key| {
            doc.value(key, value);
        })
    }

    /// A decoded value of any type; see [`DocWriter::typed`].
    #[inline]
    pub fn typed(&mut self, value: Value<'_>) -> &mut Self {
        self.keyed(|doc, key| {
            doc.typed(key, value);
        })
    }

    /// Copies of the values of all elements of `array`, in their order, under new keys.
    ///
    /// # Errors
    ///
    /// The first element of `array` that does not fit into it; those before it are written.
    pub fn values(&mut self, array: Doc<'_>) -> Result<&mut Self, BsonError> {
        for element in array {
            self.value(element?.value());
        }
        Ok(self)
    }

    /// Begins an embedded document, which ends when the returned writer is finished or dropped.
    #[inline]
    pub fn document(&mut self) -> DocWriter<'_> {
        let key = Index::new(self.count_up());
        self.doc.document(key.as_str())
    }

    /// Begins an embedded array, which ends when the returned writer is finished or dropped.
    #[inline]
    pub fn array_of(&mut self) -> ArrayWriter<'_> {
        let key = Index::new(self.count_up());
        self.doc.array_of(key.as_str())
    }

    #[inline]
    fn keyed(&mut self, write: impl FnOnce(&mut DocWriter<'b>, &str)) -> &mut Self {
        let key = Index::new(self.count_up());
        write(&mut self.doc, key.as_str());
        self
    }

    /// The index of the next element. An element takes 3 bytes, so an `i32` of bytes ends before a `u32` of them.
    #[inline]
    fn count_up(&mut self) -> u32 {
        let index = self.next;
        self.next = index.wrapping_add(1);
        index
    }
}

/// The decimal digits of an array index, which are the key of its element.
///
/// ```
/// assert_eq!(stator_wire::bson::Index::new(42).as_str(), "42");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Index {
    digits: [u8; Self::MOST],
    start: usize,
}

impl Index {
    /// The digits of `u32::MAX`.
    const MOST: usize = 10;

    /// The digits of `index`.
    #[inline]
    pub fn new(mut index: u32) -> Self {
        let mut digits = [b'0'; Self::MOST];
        let mut start = Self::MOST;
        for (i, digit) in digits.iter_mut().enumerate().rev() {
            *digit = b'0' + (index % 10) as u8;
            index /= 10;
            start = i;
            if index == 0 {
                break;
            }
        }
        Self { digits, start }
    }

    /// The digits as text.
    #[inline]
    pub fn as_str(&self) -> &str {
        // Digits are UTF-8, and `start` is within them.
        core::str::from_utf8(&self.digits[self.start..]).unwrap_or_default()
    }
}
