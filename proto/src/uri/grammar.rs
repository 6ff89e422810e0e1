//! The structure of a connection string: scheme, user information, hosts, database, options; and percent-encoding.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::UriError;

/// A connection string cut into its parts, still percent-encoded.
pub(super) struct Parts<'a> {
    /// Whether the scheme is `mongodb+srv`.
    pub(super) is_srv: bool,
    user_info: Option<&'a str>,
    /// The comma-separated hosts, not empty.
    pub(super) hosts: &'a str,
    database: Option<&'a str>,
    /// What follows the `?`.
    pub(super) options: &'a str,
}

/// Cuts a connection string, in the order of the specification's reference implementation.
pub(super) fn split(uri: &str) -> Result<Parts<'_>, UriError> {
    let (is_srv, rest) = if let Some(rest) = uri.strip_prefix("mongodb://") {
        (false, rest)
    } else if let Some(rest) = uri.strip_prefix("mongodb+srv://") {
        (true, rest)
    } else {
        return Err(UriError::Scheme);
    };
    // The slash between hosts and options may be missing.
    let (authority, database, options) = match rest.find(['/', '?']) {
        None => (rest, None, ""),
        Some(at) if rest[at..].starts_with('?') => (&rest[..at], None, &rest[at + 1..]),
        Some(at) => {
            let tail = &rest[at + 1..];
            let (database, options) = tail.split_once('?').unwrap_or((tail, ""));
            (&rest[..at], Some(database), options)
        }
    };
    let (user_info, hosts) = match authority.rsplit_once('@') {
        Some((user_info, hosts)) => (Some(user_info), hosts),
        // A slash in the password would otherwise be reported as a bad port.
        None if database.is_some_and(|database| database.contains('@')) => return Err(UriError::UserInfo),
        None => (None, authority),
    };
    if hosts.is_empty() {
        return Err(UriError::MissingHost);
    }
    Ok(Parts { is_srv, user_info, hosts, database, options })
}

impl Parts<'_> {
    /// User name and password, decoded; `None` when there is no `@`.
    pub(super) fn user_info(&self) -> Result<Option<(String, Option<String>)>, UriError> {
        let Some(user_info) = self.user_info else { return Ok(None) };
        let (username, password) = match user_info.split_once(':') {
            Some((username, password)) => (username, Some(password)),
            None => (user_info, None),
        };
        let decode = |text: &str| match text.contains(['@', ':']) {
            true => Err(UriError::UserInfo),
            false => percent_decode(text).map(Cow::into_owned).ok_or(UriError::UserInfo),
        };
        Ok(Some((decode(username)?, password.map(decode).transpose()?)))
    }

    /// The database's name, decoded; `None` when absent or empty.
    pub(super) fn database(&self) -> Result<Option<String>, UriError> {
        let Some(encoded) = self.database.filter(|name| !name.is_empty()) else { return Ok(None) };
        let name = percent_decode(encoded).ok_or(UriError::Escape("database"))?;
        match name.contains(['/', '\\', ' ', '"', '$', '\0']) {
            true => Err(UriError::Database),
            false => Ok(Some(name.into_owned())),
        }
    }
}

/// Keys as written and values decoded, in order. Empty places between `&` are passed over.
pub(super) fn pairs(options: &str) -> impl Iterator<Item = Result<(&str, Cow<'_, str>), UriError>> {
    options.split('&').enumerate().filter(|(_, pair)| !pair.is_empty()).map(|(at, pair)| {
        let index = at + 1;
        match pair.split_once('=') {
            None | Some(("", _)) => Err(UriError::Option { index }),
            Some((key, value)) => {
                let value = percent_decode(value).ok_or(UriError::Escape("value of an option"))?;
                Ok((key, value))
            }
        }
    })
}

/// Decodes `%XX`; `None` when a `%` begins no escape or the result is no UTF-8. `+` stands for itself.
pub(super) fn percent_decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    // A digit in base 16 is below 16, so the cast loses nothing.
    (digit as char).to_digit(16).map(|value| value as u8)
}

/// Appends `text` with everything percent-encoded but RFC 3986's unreserved characters and those in `kept`.
pub(super) fn percent_encode(text: &str, kept: &str, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        let character = byte as char;
        if byte.is_ascii_alphanumeric() || "-._~".contains(character) || (byte.is_ascii() && kept.contains(character)) {
            out.push(character);
        } else {
            out.push('%');
            out.push(DIGITS[usize::from(byte >> 4)] as char);
            out.push(DIGITS[usize::from(byte & 15)] as char);
        }
    }
}
