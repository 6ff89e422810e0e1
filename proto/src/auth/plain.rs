//! PLAIN: the one message of RFC 4616.

use super::AuthError;
use alloc::vec::Vec;

/// The payload of `saslStart` for PLAIN: `NUL user NUL password`, without an authorization identity.
///
/// The payload holds the password in the clear; use it under TLS only, and do not log it.
///
/// # Errors
/// [`AuthError::EmptyUsername`]; [`AuthError::NulInUsername`] and [`AuthError::NulInPassword`], because a NUL would
/// shift the fields and so name another user.
pub fn plain_payload(username: &str, password: &str) -> Result<Vec<u8>, AuthError> {
    if username.is_empty() {
        return Err(AuthError::EmptyUsername);
    }
    if username.contains('\0') {
        return Err(AuthError::NulInUsername);
    }
    if password.contains('\0') {
        return Err(AuthError::NulInPassword);
    }
    let mut payload = Vec::with_capacity(2 + username.len() + password.len());
    payload.push(0);
    payload.extend_from_slice(username.as_bytes());
    payload.push(0);
    payload.extend_from_slice(password.as_bytes());
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::STANDARD};

    #[test]
    fn the_specifications_example() {
        assert_eq!(plain_payload("user", "pencil").unwrap(), STANDARD.decode("AHVzZXIAcGVuY2ls").unwrap());
    }

    #[test]
    fn a_field_that_would_shift_the_others_is_refused() {
        assert_eq!(plain_payload("", "x"), Err(AuthError::EmptyUsername));
        assert_eq!(plain_payload("a\0b", "x"), Err(AuthError::NulInUsername));
        assert_eq!(plain_payload("a", "x\0"), Err(AuthError::NulInPassword));
    }
}
