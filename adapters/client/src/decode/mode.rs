//! What holds for a value because of where it stands, and text as that demands it.

use std::borrow::Cow;

use stator_wire::bson::{BsonError, Doc, MAX_DEPTH, RawValue};

use super::error::DecodeError;

/// What holds for a value because of where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mode {
    /// How many documents are around the value.
    depth: u16,
    /// Whether types may ask for text that people read.
    pub(super) human_readable: bool,
    /// Whether wrong UTF-8 becomes replacement characters.
    pub(super) lossy: bool,
}

impl Mode {
    /// Around the outermost document.
    pub(super) const OUTERMOST: Self = Self { depth: 0, human_readable: false, lossy: false };

    /// Opens a document or array at `bytes`, and says what holds for the values in it.
    #[inline]
    pub(super) fn open(self, bytes: &[u8]) -> Result<(Doc<'_>, Self), DecodeError> {
        if usize::from(self.depth) >= MAX_DEPTH {
            return Err(BsonError::TooDeep { offset: 0 }.into());
        }
        Ok((Doc::new(bytes)?, Self { depth: self.depth + 1, ..self }))
    }

    /// Text from `bytes`.
    #[inline]
    pub(super) fn text(self, bytes: &[u8]) -> Result<Cow<'_, str>, DecodeError> {
        if self.lossy {
            return Ok(String::from_utf8_lossy(bytes));
        }
        utf8(bytes).map(Cow::Borrowed)
    }
}

/// `bytes` as UTF-8.
#[inline]
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, DecodeError> {
    match core::str::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) => Err(BsonError::InvalidUtf8 { offset: error.valid_up_to() }.into()),
    }
}

/// The text of a string, code or symbol: between the length and the zero byte.
#[inline]
pub(super) fn string_bytes(raw: RawValue<'_>) -> Result<&[u8], DecodeError> {
    match raw.bytes() {
        [_, _, _, _, text @ .., 0] => Ok(text),
        // The length was measured, so it is the zero byte that is missing.
        other => Err(BsonError::MissingTerminator { offset: other.len().saturating_sub(1) }.into()),
    }
}
