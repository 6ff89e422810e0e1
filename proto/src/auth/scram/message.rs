//! The grammar of SCRAM messages (RFC 5802 section 7), as both sides read it.

use super::{MAX_MESSAGE_LEN, MAX_NONCE_LEN};
use crate::auth::AuthError;
use alloc::string::String;
use alloc::vec::Vec;
use base64::{Engine, engine::general_purpose::STANDARD};

/// `c=` of every client-final message: base64 of the GS2 header `n,,`, for we never bind channels.
pub(super) const GS2_HEADER: &str = "n,,";

/// One side's part of the nonce: printable ASCII without commas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// How many random bytes a nonce is made of.
    pub const RANDOM_LEN: usize = 24;

    /// The nonce for 24 bytes, which must come from a cryptographic random source and be used once only.
    pub fn from_random(random: &[u8; Self::RANDOM_LEN]) -> Self {
        Self(STANDARD.encode(random))
    }

    /// A nonce spelled out, to replay a known conversation. `None` if it is empty, contains anything but printable
    /// ASCII or a comma, or is longer than half of [`MAX_NONCE_LEN`].
    pub fn from_text(text: &str) -> Option<Self> {
        (is_nonce(text) && text.len() <= MAX_NONCE_LEN / 2).then(|| Self(text.into()))
    }

    /// The text, as messages carry it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the server said first: `r=nonce,s=salt,i=count`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServerFirst<'a> {
    pub(super) nonce: &'a str,
    pub(super) salt: Vec<u8>,
    /// `u32::MAX` if the count was greater.
    pub(super) iterations: u32,
}

impl<'a> ServerFirst<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, AuthError> {
        let mut parts = text.split(',');
        let nonce = match attribute(parts.next()) {
            Some(('r', nonce)) => nonce,
            Some(('e', value)) => return Err(refused(value)),
            // RFC 5802 section 5.1: an extension that must be understood and is not ends the conversation.
            Some(('m', _)) => return Err(AuthError::Malformed("unknown mandatory extension")),
            _ => return Err(AuthError::Malformed("nonce")),
        };
        if !is_nonce(nonce) || nonce.len() > MAX_NONCE_LEN {
            return Err(AuthError::Malformed("nonce"));
        }
        let Some(('s', salt)) = attribute(parts.next()) else { return Err(AuthError::Malformed("salt")) };
        let salt = STANDARD.decode(salt).map_err(|_| AuthError::Malformed("salt"))?;
        let Some(('i', count)) = attribute(parts.next()) else { return Err(AuthError::Malformed("iteration count")) };
        let iterations = count_of(count).ok_or(AuthError::Malformed("iteration count"))?;
        if !are_extensions(parts) {
            return Err(AuthError::Malformed("extensions"));
        }
        Ok(Self { nonce, salt, iterations })
    }
}

/// What the server said last: the bytes of `v=signature`.
pub(super) fn parse_server_final(text: &str) -> Result<Vec<u8>, AuthError> {
    let mut parts = text.split(',');
    let signature = match attribute(parts.next()) {
        Some(('v', signature)) => signature,
        Some(('e', value)) => return Err(refused(value)),
        _ => return Err(AuthError::Malformed("server signature")),
    };
    let signature = STANDARD.decode(signature).map_err(|_| AuthError::Malformed("server signature"))?;
    if !are_extensions(parts) {
        return Err(AuthError::Malformed("extensions"));
    }
    Ok(signature)
}

/// A peer's message as text, if it is short enough and UTF-8.
pub(super) fn text(payload: &[u8]) -> Option<&str> {
    if payload.len() > MAX_MESSAGE_LEN {
        return None;
    }
    core::str::from_utf8(payload).ok()
}

/// Splits `x=value`; the letter is ASCII, the value may be empty.
pub(super) fn attribute(part: Option<&str>) -> Option<(char, &str)> {
    let (name, value) = part?.split_once('=')?;
    let mut letters = name.chars();
    let letter = letters.next().filter(char::is_ascii_alphabetic)?;
    letters.next().is_none().then_some((letter, value))
}

/// Whether each part is an attribute with a value: optional extensions, which we do not know and so ignore.
pub(super) fn are_extensions<'a>(mut parts: impl Iterator<Item = &'a str>) -> bool {
    parts.all(|part| attribute(Some(part)).is_some_and(|(_, value)| !value.is_empty() && !value.contains('\0')))
}

/// One or more characters that a nonce may have: printable ASCII but the comma.
pub(super) fn is_nonce(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
}

/// `saslname`: a user name with `=` and `,` escaped.
pub(super) fn escape_username(username: &str, out: &mut String) {
    for char in username.chars() {
        match char {
            '=' => out.push_str("=3D"),
            ',' => out.push_str("=2C"),
            _ => out.push(char),
        }
    }
}

/// The user name of a `saslname`; `None` if it is empty, has a NUL or an `=` that escapes nothing.
pub(super) fn unescape_username(escaped: &str) -> Option<String> {
    if escaped.is_empty() || escaped.contains('\0') {
        return None;
    }
    let mut pieces = escaped.split('=');
    let mut out = String::from(pieces.next()?);
    for piece in pieces {
        if let Some(rest) = piece.strip_prefix("2C") {
            out.push(',');
            out.push_str(rest);
        } else {
            out.push('=');
            out.push_str(piece.strip_prefix("3D")?);
        }
    }
    Some(out)
}

/// `posit-number`: digits only, the first not zero. Saturates.
fn count_of(text: &str) -> Option<u32> {
    if text.is_empty() || text.starts_with('0') || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u32::MAX))
}

fn refused(value: &str) -> AuthError {
    AuthError::Refused(value.chars().take(128).collect())
}
