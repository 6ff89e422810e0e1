//! What stands in for the decryption of private keys where the driver is built without it.

use rustls::pki_types::PrivateKeyDer;

/// Why a key stays closed.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The bytes are no encrypted key. Never said here.
    #[expect(dead_code, reason = "the real thing says it")]
    Malformed,
    /// The password is another one. Never said here.
    #[expect(dead_code, reason = "the real thing says it")]
    WrongPassword,
    /// The encryption is not known.
    Unsupported(&'static str),
}

pub(super) fn decrypt(_base64: &[u8], _password: &str) -> Result<PrivateKeyDer<'static>, Refusal> {
    Err(Refusal::Unsupported(
        "build the program with the feature `tls-encrypted-keys`, or decrypt the key with `openssl pkey`",
    ))
}
