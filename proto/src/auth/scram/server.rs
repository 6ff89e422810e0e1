//! The server's side of SCRAM, for fake servers, simulations and proxies.
//!
//! ```text
//!   Hello::parse(client_first) ── challenge(stored, nonce) ──▶ Challenged ── verify(client_final) ──▶ server-final
//!        │ username(): look up the StoredCredentials              │ payload(): server-first
//! ```
//!
//! As on the client's side, each phase is consumed by the next. The empty exchange that old servers make afterwards
//! has no content, so whoever writes the replies makes it or leaves it out. A MongoDB server reports a failure as a
//! command error (18, `AuthenticationFailed`) rather than as an `e=` message; [`Rejection`] serves for both.

use super::MAX_NONCE_LEN;
use super::credentials::Credentials;
use super::crypto::{Hash, Key};
use super::keys::KeyParams;
use super::message::{self, Nonce};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use base64::{Engine, engine::general_purpose::STANDARD};
use core::fmt;

/// What a server keeps of a user. The fields are open so that a fake server can ask for what a true one never would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCredentials {
    /// The hash function of the mechanism.
    pub hash: Hash,
    /// The user's salt, in bytes.
    pub salt: Vec<u8>,
    /// Rounds of HMAC.
    pub iterations: u32,
    /// `H(ClientKey)`, with which a proof is verified.
    pub stored_key: Key,
    /// `ServerKey`, with which the server signs.
    pub server_key: Key,
}

impl StoredCredentials {
    /// What a server computes when the user is created.
    pub fn derive(credentials: &Credentials, params: &KeyParams) -> Self {
        let keys = credentials.derive_keys(params);
        Self {
            hash: credentials.hash(),
            salt: params.salt().to_vec(),
            iterations: params.iterations(),
            stored_key: keys.stored_key(),
            server_key: keys.server_key().clone(),
        }
    }
}

/// Why the server ends the conversation: the values of `e=` in RFC 5802 section 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// The message breaks the grammar, or is too long, or is not UTF-8.
    InvalidEncoding,
    /// The client uses an extension that must be understood.
    ExtensionsNotSupported,
    /// The proof is wrong: the client does not know the password.
    InvalidProof,
    /// `c=` does not repeat what the first message said.
    ChannelBindingsDontMatch,
    /// The client asks for channel binding.
    ChannelBindingNotSupported,
    /// There is no such user.
    UnknownUser,
    /// The user name has a bad escape.
    InvalidUsernameEncoding,
    /// Anything else: an authorization identity, or a nonce of another conversation.
    OtherError,
}

impl Rejection {
    /// The value of the `e=` attribute.
    pub const fn value(self) -> &'static str {
        match self {
            Self::InvalidEncoding => "invalid-encoding",
            Self::ExtensionsNotSupported => "extensions-not-supported",
            Self::InvalidProof => "invalid-proof",
            Self::ChannelBindingsDontMatch => "channel-bindings-dont-match",
            Self::ChannelBindingNotSupported => "channel-binding-not-supported",
            Self::UnknownUser => "unknown-user",
            Self::InvalidUsernameEncoding => "invalid-username-encoding",
            Self::OtherError => "other-error",
        }
    }

    /// The message that says so: `e=value`.
    pub fn payload(self) -> Vec<u8> {
        format!("e={}", self.value()).into_bytes()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the client was rejected: {}", self.value())
    }
}

impl core::error::Error for Rejection {}

/// Has read the client-first message; expects what is stored about the user.
#[derive(Clone, Debug)]
pub struct Hello {
    username: String,
    nonce: String,
    gs2_header: String,
    bare: String,
}

impl Hello {
    /// Reads a client-first message.
    ///
    /// # Errors
    /// Every [`Rejection`] but `InvalidProof`, `ChannelBindingsDontMatch` and `UnknownUser`.
    pub fn parse(client_first: &[u8]) -> Result<Self, Rejection> {
        let text = message::text(client_first).ok_or(Rejection::InvalidEncoding)?;
        let (flag, rest) = text.split_once(',').ok_or(Rejection::InvalidEncoding)?;
        let (authzid, bare) = rest.split_once(',').ok_or(Rejection::InvalidEncoding)?;
        match flag {
            "n" | "y" => {}
            _ if flag.starts_with("p=") => return Err(Rejection::ChannelBindingNotSupported),
            _ => return Err(Rejection::InvalidEncoding),
        }
        if !authzid.is_empty() {
            return Err(Rejection::OtherError);
        }

        let mut parts = bare.split(',');
        let name = match message::attribute(parts.next()) {
            Some(('n', name)) => name,
            Some(('m', _)) => return Err(Rejection::ExtensionsNotSupported),
            _ => return Err(Rejection::InvalidEncoding),
        };
        let username = message::unescape_username(name).ok_or(Rejection::InvalidUsernameEncoding)?;
        let Some(('r', nonce)) = message::attribute(parts.next()) else { return Err(Rejection::InvalidEncoding) };
        if !message::is_nonce(nonce) || nonce.len() > MAX_NONCE_LEN || !message::are_extensions(parts) {
            return Err(Rejection::InvalidEncoding);
        }
        Ok(Self { username, nonce: nonce.into(), gs2_header: format!("{flag},,"), bare: bare.into() })
    }

    /// The name that the client gives, unescaped.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// Answers with the user's salt and iteration count. `nonce` is used for this conversation only.
    ///
    /// # Errors
    /// [`Rejection::UnknownUser`] if nothing is stored. (This tells a client which users exist, as MongoDB does not;
    /// a server that minds goes on with made-up credentials.)
    pub fn challenge(self, stored: Option<&StoredCredentials>, nonce: &Nonce) -> Result<Challenged, Rejection> {
        let stored = stored.ok_or(Rejection::UnknownUser)?;
        let nonce = format!("{}{}", self.nonce, nonce.as_str());
        let payload = format!("r={nonce},s={},i={}", STANDARD.encode(&stored.salt), stored.iterations);
        let signed = format!("{},{payload},", self.bare);
        Ok(Challenged { stored: stored.clone(), nonce, gs2_header: self.gs2_header, payload, signed })
    }
}

/// Has its first message ready; expects the client's proof.
#[derive(Clone, Debug)]
pub struct Challenged {
    stored: StoredCredentials,
    nonce: String,
    gs2_header: String,
    payload: String,
    /// The authentication message up to the client's last part.
    signed: String,
}

impl Challenged {
    /// The server-first message.
    pub fn payload(&self) -> &[u8] {
        self.payload.as_bytes()
    }

    /// Verifies the client-final message and gives the server-final message, which ends the conversation.
    ///
    /// # Errors
    /// `InvalidEncoding`, `ChannelBindingsDontMatch`, `OtherError` (another nonce) and `InvalidProof` of
    /// [`Rejection`].
    pub fn verify(self, client_final: &[u8]) -> Result<Vec<u8>, Rejection> {
        let text = message::text(client_final).ok_or(Rejection::InvalidEncoding)?;
        let (without_proof, proof) = text.rsplit_once(",p=").ok_or(Rejection::InvalidEncoding)?;

        let mut parts = without_proof.split(',');
        let Some(('c', binding)) = message::attribute(parts.next()) else { return Err(Rejection::InvalidEncoding) };
        let Some(('r', nonce)) = message::attribute(parts.next()) else { return Err(Rejection::InvalidEncoding) };
        if !message::are_extensions(parts) {
            return Err(Rejection::InvalidEncoding);
        }
        if binding != STANDARD.encode(&self.gs2_header) {
            return Err(Rejection::ChannelBindingsDontMatch);
        }
        if nonce != self.nonce {
            return Err(Rejection::OtherError);
        }

        let hash = self.stored.hash;
        let proof = STANDARD.decode(proof).map_err(|_| Rejection::InvalidEncoding)?;
        let proof = Key::from_bytes(hash, &proof).ok_or(Rejection::InvalidEncoding)?;
        let auth_message = self.signed + without_proof;
        let client_key = proof.xor(&hash.hmac(&self.stored.stored_key, auth_message.as_bytes()));
        if hash.digest(client_key.as_bytes()) != self.stored.stored_key {
            return Err(Rejection::InvalidProof);
        }
        let signature = hash.hmac(&self.stored.server_key, auth_message.as_bytes());
        Ok(format!("v={}", STANDARD.encode(signature.as_bytes())).into_bytes())
    }
}
