//! The hash functions and what SCRAM builds of them: `H`, `HMAC`, `Hi` and `XOR` of RFC 5802 section 2.2.

use core::fmt;
use ctutils::CtEq;
use hmac::{EagerHash, Hmac, KeyInit, Mac};
use sha1::{Digest, Sha1};
use sha2::Sha256;

/// The longest output of a [`Hash`], in bytes.
const MAX_LEN: usize = 32;

/// The hash function of a SCRAM mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SHA-1, 20 bytes: `SCRAM-SHA-1`.
    Sha1,
    /// SHA-256, 32 bytes: `SCRAM-SHA-256`.
    Sha256,
}

impl Hash {
    /// The length of its output, in bytes.
    pub const fn output_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// The name of its SCRAM mechanism.
    pub const fn mechanism_name(self) -> &'static str {
        match self {
            Self::Sha1 => "SCRAM-SHA-1",
            Self::Sha256 => "SCRAM-SHA-256",
        }
    }

    /// `H(data)`.
    pub(super) fn digest(self, data: &[u8]) -> Key {
        match self {
            Self::Sha1 => Key::of(&Sha1::digest(data)),
            Self::Sha256 => Key::of(&Sha256::digest(data)),
        }
    }

    /// `HMAC(key, data)`.
    pub(super) fn hmac(self, key: &Key, data: &[u8]) -> Key {
        match self {
            Self::Sha1 => hmac::<Sha1>(key.as_bytes(), data),
            Self::Sha256 => hmac::<Sha256>(key.as_bytes(), data),
        }
    }

    /// `Hi(password, salt, iterations)`: PBKDF2 with one block of output.
    pub(super) fn salt_password(self, password: &[u8], salt: &[u8], iterations: u32) -> Key {
        let mut key = Key { bytes: [0; MAX_LEN], len: self.output_len() };
        match self {
            Self::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, iterations, key.as_mut_bytes()),
            Self::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, iterations, key.as_mut_bytes()),
        }
        key
    }
}

fn hmac<D: EagerHash>(key: &[u8], data: &[u8]) -> Key
where
    Hmac<D>: KeyInit + Mac,
{
    // Invariant: HMAC takes keys of every length (RFC 2104), so there is no error to have.
    let mac = <Hmac<D> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of every length");
    Key::of(&mac.chain_update(data).finalize().into_bytes())
}

/// A key, signature or proof of SCRAM: as many bytes as the hash puts out. `Debug` hides them, comparison takes
/// the same time whatever they are.
#[derive(Clone)]
pub struct Key {
    bytes: [u8; MAX_LEN],
    /// At most [`MAX_LEN`].
    len: usize,
}

impl Key {
    /// The key with these bytes; `None` if they are not as many as `hash` puts out.
    pub fn from_bytes(hash: Hash, bytes: &[u8]) -> Option<Self> {
        (bytes.len() == hash.output_len()).then(|| Self::of(bytes))
    }

    /// The bytes themselves.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// `self XOR other`.
    pub(super) fn xor(&self, other: &Self) -> Self {
        let mut out = self.clone();
        for (byte, by) in out.as_mut_bytes().iter_mut().zip(other.as_bytes()) {
            *byte ^= by;
        }
        out
    }

    fn as_mut_bytes(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }

    /// Keeps at most [`MAX_LEN`] bytes; callers pass the output of a [`Hash`].
    fn of(output: &[u8]) -> Self {
        let len = output.len().min(MAX_LEN);
        let mut bytes = [0; MAX_LEN];
        bytes[..len].copy_from_slice(&output[..len]);
        Self { bytes, len }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}
