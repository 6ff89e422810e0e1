//! Private keys in encrypted PKCS#8 (RFC 5958), opened with a password.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pkcs8::EncryptedPrivateKeyInfoRef;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// Why a key stays closed.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The bytes are no encrypted key.
    Malformed,
    /// The password is another one.
    WrongPassword,
    /// The encryption is not known.
    Unsupported(&'static str),
}

const ONLY_PBES2: &str = "its encryption is not PBES2 with AES; convert it with `openssl pkcs8 -topk8 -v2 aes-256-cbc`";

pub(super) fn decrypt(base64: &[u8], password: &str) -> Result<PrivateKeyDer<'static>, Refusal> {
    let der = STANDARD.decode(base64).map_err(|_| Refusal::Malformed)?;
    let encrypted =
        EncryptedPrivateKeyInfoRef::try_from(der.as_slice()).map_err(|_| Refusal::Unsupported(ONLY_PBES2))?;
    let key = encrypted.decrypt(password).map_err(|error| match error {
        pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::UnsupportedAlgorithm { .. }) => {
            Refusal::Unsupported(ONLY_PBES2)
        }
        // With a wrong password the padding, or what is under it, is almost never right.
        _ => Refusal::WrongPassword,
    })?;
    Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into())
}
