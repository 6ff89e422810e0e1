//! The view over one document and its iterator.

use core::iter::FusedIterator;

use super::BsonError;
use super::kind::{SHAPES, Size};
use super::raw::RawValue;

/// A view over the bytes of one document.
///
/// Made in constant time; what is inside is checked when it is read, or at once by
/// [`validate`](Self::validate). Two views are equal if their bytes are.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Doc<'a>(&'a [u8]);

impl<'a> Doc<'a> {
    /// The document without elements.
    pub const EMPTY: Doc<'static> = Doc(&[5, 0, 0, 0, 0]);

    /// Views `bytes`, which must be exactly one document.
    ///
    /// # Errors
    ///
    /// The length is not that of `bytes` or less than 5, or the last byte is not zero.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Result<Self, BsonError> {
        let length = prefix(bytes)?;
        if usize::try_from(length) != Ok(bytes.len()) || bytes.len() < MIN_LEN {
            return Err(BsonError::BadLength { offset: 0, length });
        }
        match bytes.last() {
            Some(0) => Ok(Self(bytes)),
            _ => Err(BsonError::MissingTerminator { offset: bytes.len() - 1 }),
        }
    }

    /// Views the document at the beginning of `bytes`; also returns what follows it.
    ///
    /// # Errors
    ///
    /// The document is longer than `bytes`, or what [`new`](Self::new) reports.
    #[inline]
    pub fn read_prefix(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), BsonError> {
        let length = prefix(bytes)?;
        let len = usize::try_from(length).map_err(|_| BsonError::BadLength { offset: 0, length })?;
        let (doc, rest) = bytes.split_at_checked(len).ok_or(BsonError::Truncated { offset: 0 })?;
        if len < MIN_LEN {
            return Err(BsonError::BadLength { offset: 0, length });
        }
        Ok((Self::new(doc)?, rest))
    }

    /// The bytes of the document.
    #[inline]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Whether the document has no elements.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0.len() == MIN_LEN
    }

    /// The elements in their order. After an error the iterator is at its end.
    #[inline]
    pub fn iter(self) -> Elements<'a> {
        let rest = self.body();
        Elements { rest, end: 4 + rest.len() }
    }

    /// The value of the first element with this key.
    ///
    /// # Errors
    ///
    /// An element before it, or the element itself, does not fit into the document.
    #[inline]
    pub fn get(self, key: &str) -> Result<Option<RawValue<'a>>, BsonError> {
        for element in self.iter() {
            let element = element?;
            if element.key == key.as_bytes() {
                return Ok(Some(element.value));
            }
        }
        Ok(None)
    }

    /// The elements without length and terminator.
    #[inline]
    pub(super) fn body(self) -> &'a [u8] {
        // Both constructors make sure that there are 5 bytes; the fallback is never taken.
        self.0.get(4..self.0.len() - 1).unwrap_or_default()
    }

    /// Where `part`, a slice of this document, begins in it.
    pub(super) fn offset_of(self, part: &[u8]) -> usize {
        part.as_ptr().addr().saturating_sub(self.0.as_ptr().addr())
    }
}

impl Default for Doc<'_> {
    fn default() -> Self {
        Doc::EMPTY
    }
}

impl<'a> IntoIterator for Doc<'a> {
    type Item = Result<Element<'a>, BsonError>;
    type IntoIter = Elements<'a>;

    #[inline]
    fn into_iter(self) -> Elements<'a> {
        self.iter()
    }
}

impl<'a> TryFrom<&'a [u8]> for Doc<'a> {
    type Error = BsonError;

    fn try_from(bytes: &'a [u8]) -> Result<Self, BsonError> {
        Self::new(bytes)
    }
}

/// One element: a key and a value whose bytes lie within the document.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Element<'a> {
    key: &'a [u8],
    value: RawValue<'a>,
}

impl<'a> Element<'a> {
    /// The key.
    ///
    /// # Errors
    ///
    /// The key is not UTF-8.
    #[inline]
    pub fn key(&self) -> Result<&'a str, BsonError> {
        core::str::from_utf8(self.key).map_err(|e| BsonError::InvalidUtf8 { offset: e.valid_up_to() })
    }

    /// The key's bytes, without the NUL that ends them.
    #[inline]
    pub fn key_bytes(&self) -> &'a [u8] {
        self.key
    }

    /// The value.
    #[inline]
    pub fn value(&self) -> RawValue<'a> {
        self.value
    }
}

/// The elements of a document, in their order.
#[derive(Clone)]
pub struct Elements<'a> {
    rest: &'a [u8],
    /// Where `rest` ends in its document.
    end: usize,
}

impl<'a> Elements<'a> {
    /// Where the next element begins, in bytes from the start of the document.
    #[inline]
    pub fn offset(&self) -> usize {
        self.end - self.rest.len()
    }

    #[cold]
    fn fail(&mut self, at: &[u8], error: BsonError) -> BsonError {
        self.rest = &[];
        error.shifted(self.end - at.len())
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Element<'a>, BsonError>;

    // Inlined always: what it returns is large, and moving it through memory takes longer than finding it.
    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let start = self.rest;
        let (&byte, rest) = start.split_first()?;
        let shape = SHAPES[usize::from(byte)];
        let Some(kind) = shape.kind else {
            return Some(Err(self.fail(start, BsonError::UnknownType { offset: 0, byte })));
        };
        let Some(nul) = find_nul(rest) else {
            return Some(Err(self.fail(rest, BsonError::MissingTerminator { offset: rest.len() })));
        };
        let (key, after) = (&rest[..nul], &rest[nul + 1..]);
        let split = match measure(shape.size, after) {
            Ok(size) => after.split_at_checked(size).ok_or(BsonError::Truncated { offset: 0 }),
            Err(error) => Err(error),
        };
        match split {
            Ok((bytes, rest)) => {
                self.rest = rest;
                Some(Ok(Element { key, value: RawValue::measured(kind, bytes) }))
            }
            Err(error) => Some(Err(self.fail(after, error))),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // The smallest element is a type byte and an empty key.
        (usize::from(!self.rest.is_empty()), Some(self.rest.len() / 2 + 1))
    }
}

impl FusedIterator for Elements<'_> {}

/// The size of the value at the beginning of `bytes`, which may be shorter than it.
#[inline(always)]
pub(super) fn measure(size: Size, bytes: &[u8]) -> Result<usize, BsonError> {
    match size {
        Size::Fixed(size) => Ok(usize::from(size)),
        Size::Prefixed { least, extra } => {
            let length = prefix(bytes)?;
            match usize::try_from(length) {
                // Saturates only where `usize` is 32 bits wide; no slice is that long.
                Ok(len) if length >= i32::from(least) => Ok(len.saturating_add(usize::from(extra))),
                _ => Err(BsonError::BadLength { offset: 0, length }),
            }
        }
        Size::TwoCStrings => {
            let missing = BsonError::MissingTerminator { offset: bytes.len() };
            let Some(first) = find_nul(bytes) else { return Err(missing) };
            let Some(second) = find_nul(&bytes[first + 1..]) else { return Err(missing) };
            Ok(first + second + 2)
        }
    }
}

/// The `int32` at the beginning of `bytes`.
#[inline]
fn prefix(bytes: &[u8]) -> Result<i32, BsonError> {
    match bytes.first_chunk::<4>() {
        Some(length) => Ok(i32::from_le_bytes(*length)),
        None => Err(BsonError::Truncated { offset: 0 }),
    }
}

/// The index of the first zero byte; looks at eight bytes at a time.
#[inline]
pub fn find_nul(bytes: &[u8]) -> Option<usize> {
    let (words, tail) = bytes.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        if let Some(at) = nul_in(u64::from_le_bytes(*word)) {
            return Some(i * 8 + at);
        }
    }
    if tail.is_empty() {
        return None;
    }
    // The last bytes once more, with those before them: there is no zero among these.
    if let Some(word) = bytes.last_chunk::<8>() {
        return nul_in(u64::from_le_bytes(*word)).map(|at| bytes.len() - 8 + at);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let word = u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32;
        return nul_in(word).map(|at| if at < 4 { at } else { bytes.len() + at - 8 });
    }
    bytes.iter().position(|&byte| byte == 0)
}

/// The index of the lowest zero byte.
#[inline]
const fn nul_in(word: u64) -> Option<usize> {
    const LOW: u64 = u64::MAX / 255;
    const HIGH: u64 = LOW << 7;
    // The lowest marked byte is the first zero; marks above it may be false.
    let zeros = word.wrapping_sub(LOW) & !word & HIGH;
    if zeros == 0 { None } else { Some(zeros.trailing_zeros() as usize / 8) }
}

/// Length and terminator.
const MIN_LEN: usize = 5;
