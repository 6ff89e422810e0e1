//! What holds for a value because of where it stands, and text as that demands it.

use std::borrow::Cow;

use stator_wire::bson::{BsonError, Doc, MAX_DEPTH, RawValue};

use super::error::DecodeError;

/// What holds for a value because of where it stands, in one register.
///
/// The lower half counts the documents around the value; above it stand the flags.
#[derive(Clone, Copy)]
pub(super) struct Mode(u32);

const DEPTH: u32 = 0xffff;
/// From this many levels on a document is suspicious, and all that is in it is looked at once.
const SUSPICIOUS: usize = 32;
const HUMAN_READABLE: u32 = 1 << 16;
const LOSSY: u32 = 1 << 17;

impl Mode {
    /// Around the outermost document.
    pub(super) const OUTERMOST: Self = Self(0);

    /// For types that want text that people read.
    pub(super) const fn human_readable(self) -> Self {
        Self(self.0 | HUMAN_READABLE)
    }

    /// For types in which wrong UTF-8 becomes replacement characters.
    pub(super) const fn lossy(self) -> Self {
        Self(self.0 | LOSSY)
    }

    #[inline]
    pub(super) const fn is_human_readable(self) -> bool {
        self.0 & HUMAN_READABLE != 0
    }

    /// Opens the document or array that `bytes` are, and says what holds for the values in it.
    #[inline]
    pub(super) fn open(self, bytes: &[u8]) -> Result<(Doc<'_>, Self), DecodeError> {
        let depth = (self.0 & DEPTH) as usize;
        let doc = Doc::new(bytes)?;
        if depth >= SUSPICIOUS {
            refuse_if_too_deep(doc, depth)?;
        }
        Ok((doc, Self(self.0 + 1)))
    }

    /// Text from `bytes`.
    #[inline]
    pub(super) fn text(self, bytes: &[u8]) -> Result<Cow<'_, str>, DecodeError> {
        if self.0 & LOSSY != 0 {
            return Ok(String::from_utf8_lossy(bytes));
        }
        utf8(bytes).map(Cow::Borrowed)
    }
}

/// Documents that are nested deeper than they may be are refused while there is stack left: in unoptimized programs a level of a
/// [`Document`](bson::Document) takes 11 KB of it, so that the last levels that are allowed may not fit into a thread of 2 MB.
#[cold]
fn refuse_if_too_deep(doc: Doc<'_>, depth: usize) -> Result<(), DecodeError> {
    if depth >= MAX_DEPTH {
        return Err(BsonError::TooDeep { offset: 0 }.into());
    }
    if depth > SUSPICIOUS {
        return Ok(());
    }
    match doc.check_depth_below(depth) {
        Err(error @ BsonError::TooDeep { .. }) => Err(error.into()),
        // Any other error the decoder will meet, unless it is in a value that the type ignores.
        _ => Ok(()),
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
