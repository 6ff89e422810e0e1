//! What is derived from a password, and from what else.

use super::crypto::{Hash, Key};
use super::{MAX_ITERATIONS, MAX_SALT_LEN, MIN_ITERATIONS};
use crate::auth::AuthError;
use alloc::vec::Vec;
use core::fmt;
use sha2::{Digest, Sha256};

/// The salt and iteration count that a server keeps for a user; always within the bounds of this module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyParams {
    salt: Vec<u8>,
    iterations: u32,
}

impl KeyParams {
    /// Checks and keeps a salt and an iteration count.
    ///
    /// # Errors
    /// [`AuthError::Malformed`] if the salt has no bytes or more than [`MAX_SALT_LEN`];
    /// [`AuthError::TooFewIterations`] below [`MIN_ITERATIONS`], [`AuthError::TooManyIterations`] above
    /// [`MAX_ITERATIONS`].
    pub fn new(salt: &[u8], iterations: u32) -> Result<Self, AuthError> {
        if salt.is_empty() || salt.len() > MAX_SALT_LEN {
            return Err(AuthError::Malformed("length of the salt"));
        }
        if iterations < MIN_ITERATIONS {
            return Err(AuthError::TooFewIterations(iterations));
        }
        if iterations > MAX_ITERATIONS {
            return Err(AuthError::TooManyIterations(iterations));
        }
        Ok(Self { salt: salt.to_vec(), iterations })
    }

    /// The salt, 1 to [`MAX_SALT_LEN`] bytes.
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// Rounds of HMAC, [`MIN_ITERATIONS`] to [`MAX_ITERATIONS`].
    pub const fn iterations(&self) -> u32 {
        self.iterations
    }
}

/// `ClientKey` and `ServerKey` of RFC 5802, which is all that a client needs of a password once they are derived.
/// They are as good as the password for whoever has them; `Debug` hides them. A clone copies some 120 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramKeys {
    hash: Hash,
    id: KeyCacheKey,
    client_key: Key,
    server_key: Key,
}

impl ScramKeys {
    pub(super) fn from_salted_password(hash: Hash, salted: &Key, id: KeyCacheKey) -> Self {
        let client_key = hash.hmac(salted, b"Client Key");
        let server_key = hash.hmac(salted, b"Server Key");
        Self { hash, id, client_key, server_key }
    }

    /// What the keys were derived from.
    pub const fn cache_key(&self) -> &KeyCacheKey {
        &self.id
    }

    /// `ClientKey`.
    pub const fn client_key(&self) -> &Key {
        &self.client_key
    }

    /// `ServerKey`.
    pub const fn server_key(&self) -> &Key {
        &self.server_key
    }

    /// `StoredKey`, i.e. `H(ClientKey)`: with it a server can verify a proof but not make one.
    pub fn stored_key(&self) -> Key {
        self.hash.digest(self.client_key.as_bytes())
    }
}

impl fmt::Debug for ScramKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramKeys").field("hash", &self.hash).finish_non_exhaustive()
    }
}

/// Identifies [`ScramKeys`] by all that they depend on: mechanism, secret, salt and iteration count. For SCRAM-SHA-1
/// the secret contains the user's name; for SCRAM-SHA-256 the keys do not depend on the name.
///
/// It is a SHA-256 digest of these, so it does not contain the password. It can be tried against guesses quicker
/// than the keys can, so it is as secret as they are and `Debug` hides it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyCacheKey([u8; 32]);

impl KeyCacheKey {
    pub(super) fn new(hash: Hash, secret: &[u8], params: &KeyParams) -> Self {
        // Each part but the last has a fixed length, an end mark or its length before it: no two inputs read alike.
        let digest = Sha256::new()
            .chain_update(hash.mechanism_name())
            .chain_update([0])
            .chain_update(params.iterations.to_be_bytes())
            .chain_update((params.salt.len() as u64).to_be_bytes())
            .chain_update(&params.salt)
            .chain_update(secret)
            .finalize();
        Self(digest.into())
    }
}

impl fmt::Debug for KeyCacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyCacheKey(..)")
    }
}
