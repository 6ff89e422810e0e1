//! Who authenticates, and with what secret.

use super::crypto::Hash;
use super::keys::{KeyCacheKey, KeyParams, ScramKeys};
use crate::auth::AuthError;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use md5::{Digest, Md5};

/// A password as SASLprep (RFC 4013) leaves it, which is what SCRAM-SHA-256 hashes.
///
/// The tables of SASLprep are too big for this crate, so whoever has them prepares; ASCII needs none.
#[derive(Clone, Copy)]
pub struct Prepared<'a>(&'a str);

impl<'a> Prepared<'a> {
    /// A password of printable ASCII characters, which SASLprep leaves as they are. `None` for every other password:
    /// it must go through SASLprep, which maps some characters and prohibits others, ASCII control characters
    /// among them.
    pub fn ascii(password: &'a str) -> Option<Self> {
        password.bytes().all(|byte| matches!(byte, b' '..=b'~')).then_some(Self(password))
    }

    /// The output of SASLprep, taken on trust.
    pub const fn already(password: &'a str) -> Self {
        Self(password)
    }

    /// The prepared password.
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

impl fmt::Debug for Prepared<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prepared(..)")
    }
}

/// A user name and the secret that SCRAM salts. `Debug` shows no secret.
#[derive(Clone)]
pub struct Credentials {
    hash: Hash,
    username: String,
    secret: Vec<u8>,
}

impl Credentials {
    /// For SCRAM-SHA-1. The secret is MongoDB's digest, the hexadecimal MD5 of `user:mongo:password`; neither the
    /// name nor the password goes through SASLprep.
    ///
    /// # Errors
    /// [`AuthError::EmptyUsername`], [`AuthError::NulInUsername`].
    pub fn sha1(username: &str, password: &str) -> Result<Self, AuthError> {
        let md5 = Md5::new().chain_update(username).chain_update(":mongo:").chain_update(password).finalize();
        Self::raw(Hash::Sha1, username, &hex(&md5))
    }

    /// For SCRAM-SHA-256. The name does not go through SASLprep, the password does.
    ///
    /// # Errors
    /// [`AuthError::EmptyUsername`], [`AuthError::NulInUsername`].
    pub fn sha256(username: &str, password: Prepared<'_>) -> Result<Self, AuthError> {
        Self::raw(Hash::Sha256, username, password.0.as_bytes())
    }

    /// SCRAM as the RFCs have it: the secret is salted as it is given.
    pub(super) fn raw(hash: Hash, username: &str, secret: &[u8]) -> Result<Self, AuthError> {
        if username.is_empty() {
            return Err(AuthError::EmptyUsername);
        }
        if username.contains('\0') {
            return Err(AuthError::NulInUsername);
        }
        Ok(Self { hash, username: username.into(), secret: secret.to_vec() })
    }

    /// The hash function of the mechanism.
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// The user's name, as given.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// Salts the secret: the slow step, [`KeyParams::iterations`] rounds of HMAC. The keys are for this mechanism's
    /// hash, and only a [`Challenge`](super::Challenge) of these credentials with these parameters takes them.
    pub fn derive_keys(&self, params: &KeyParams) -> ScramKeys {
        let salted = self.hash.salt_password(&self.secret, params.salt(), params.iterations());
        ScramKeys::from_salted_password(self.hash, &salted, self.cache_key(params))
    }

    /// The name under which a cache keeps what [`derive_keys`](Self::derive_keys) gives for `params`.
    pub fn cache_key(&self, params: &KeyParams) -> KeyCacheKey {
        KeyCacheKey::new(self.hash, &self.secret, params)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("hash", &self.hash)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
}
