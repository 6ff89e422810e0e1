//! The grammar of values that have parts, as `nom` parsers.

use nom::bytes::complete::take;
use nom::error::{ErrorKind, ParseError};
use nom::number::complete::{le_i32, u8};
use nom::{Err, IResult, Parser};

use super::doc::find_nul;
use super::{BsonError, Doc};

/// The result of a parser over borrowed bytes.
pub(super) type Parsed<'a, T> = IResult<&'a [u8], T, Flaw>;

/// An error and how many bytes were left there: a parser does not know its offset.
#[derive(Debug)]
pub(super) struct Flaw {
    left: usize,
    error: BsonError,
}

impl ParseError<&[u8]> for Flaw {
    /// The parsers of `nom` used here fail only for want of bytes.
    fn from_error_kind(input: &[u8], _: ErrorKind) -> Self {
        Self { left: input.len(), error: BsonError::Truncated { offset: 0 } }
    }

    fn append(_: &[u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

fn fail<T>(at: &[u8], error: BsonError) -> Result<T, Err<Flaw>> {
    Err(Err::Error(Flaw { left: at.len(), error }))
}

/// Runs `parser` over the bytes of one value; offsets count from its start.
#[inline]
pub(super) fn run<'a, T>(bytes: &'a [u8], parser: impl Fn(&'a [u8]) -> Parsed<'a, T>) -> Result<T, BsonError> {
    match parser(bytes) {
        Ok((_, value)) => Ok(value),
        Err(Err::Error(flaw) | Err::Failure(flaw)) => Err(flaw.error.shifted(bytes.len() - flaw.left)),
        Err(Err::Incomplete(_)) => Err(BsonError::Truncated { offset: bytes.len() }),
    }
}

/// `text`, which begins where `from` does, as UTF-8; an error is that of the first wrong byte.
#[inline]
fn text<'a>(text: &'a [u8], from: &'a [u8]) -> Result<&'a str, Err<Flaw>> {
    core::str::from_utf8(text).or_else(|e| {
        let at = from.get(e.valid_up_to()..).unwrap_or_default();
        fail(at, BsonError::InvalidUtf8 { offset: 0 })
    })
}

/// `int32 n`, then `n` bytes of which the last is zero.
#[inline]
pub(super) fn string(input: &[u8]) -> Parsed<'_, &str> {
    let (body, length) = le_i32(input)?;
    let Some(len) = usize::try_from(length).ok().and_then(|n| n.checked_sub(1)) else {
        return fail(input, BsonError::BadLength { offset: 0, length });
    };
    let (end, bytes) = take(len)(body)?;
    match end.split_first() {
        Some((0, rest)) => Ok((rest, text(bytes, body)?)),
        Some(_) => fail(end, BsonError::MissingTerminator { offset: 0 }),
        None => fail(input, BsonError::Truncated { offset: 0 }),
    }
}

/// Bytes up to the next NUL.
pub(super) fn cstring(input: &[u8]) -> Parsed<'_, &str> {
    match find_nul(input) {
        Some(at) => Ok((&input[at + 1..], text(&input[..at], input)?)),
        None => fail(input, BsonError::MissingTerminator { offset: 0 }),
    }
}

/// Pattern and options.
pub(super) fn regex(input: &[u8]) -> Parsed<'_, (&str, &str)> {
    (cstring, cstring).parse(input)
}

/// Namespace and object id.
pub(super) fn db_pointer(input: &[u8]) -> Parsed<'_, (&str, [u8; 12])> {
    let (rest, namespace) = string(input)?;
    match rest.split_first_chunk::<12>() {
        Some((id, rest)) => Ok((rest, (namespace, *id))),
        None => fail(rest, BsonError::Truncated { offset: 0 }),
    }
}

/// Subtype and payload; the inner length of the old subtype 2 is checked and left out.
pub(super) fn binary(input: &[u8]) -> Parsed<'_, (u8, &[u8])> {
    let (rest, length) = le_i32(input)?;
    let Ok(len) = usize::try_from(length) else {
        return fail(input, BsonError::BadLength { offset: 0, length });
    };
    let (rest, subtype) = u8(rest)?;
    let (rest, payload) = take(len)(rest)?;
    if subtype != OLD_BINARY {
        return Ok((rest, (subtype, payload)));
    }
    let (inner, length) = le_i32(payload)?;
    if usize::try_from(length) != Ok(inner.len()) {
        return fail(payload, BsonError::BadLength { offset: 0, length });
    }
    Ok((rest, (subtype, inner)))
}

/// Code and scope; the first length must be that of the whole input.
pub(super) fn code_with_scope(input: &[u8]) -> Parsed<'_, (&str, Doc<'_>)> {
    let (rest, length) = le_i32(input)?;
    if usize::try_from(length) != Ok(input.len()) {
        return fail(input, BsonError::BadLength { offset: 0, length });
    }
    let (rest, code) = string(rest)?;
    match Doc::new(rest) {
        Ok(scope) => Ok((&rest[rest.len()..], (code, scope))),
        Err(error) => fail(rest, error),
    }
}

/// The binary subtype whose payload repeats its length.
pub(super) const OLD_BINARY: u8 = 0x02;
