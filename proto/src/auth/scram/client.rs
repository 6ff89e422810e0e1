//! The client's side of the conversation, one type per phase.

use super::credentials::Credentials;
use super::crypto::{Hash, Key};
use super::keys::{KeyCacheKey, KeyParams, ScramKeys};
use super::message::{self, GS2_HEADER, Nonce, ServerFirst};
use crate::auth::AuthError;
use alloc::format;
use alloc::string::String;
use base64::{Engine, engine::general_purpose::STANDARD};

/// Has its first message ready; expects the server's first.
#[derive(Clone, Debug)]
pub struct ClientFirst {
    credentials: Credentials,
    nonce: Nonce,
    payload: String,
}

impl ClientFirst {
    /// Starts a conversation. `nonce` is used for this one only.
    pub fn new(credentials: &Credentials, nonce: Nonce) -> Self {
        let mut payload = format!("{GS2_HEADER}n=");
        message::escape_username(credentials.username(), &mut payload);
        payload.push_str(",r=");
        payload.push_str(nonce.as_str());
        Self { credentials: credentials.clone(), nonce, payload }
    }

    /// The client-first message: the payload of `saslStart`, speculative or not.
    pub fn payload(&self) -> &[u8] {
        self.payload.as_bytes()
    }

    /// The hash function of the mechanism.
    pub const fn hash(&self) -> Hash {
        self.credentials.hash()
    }

    /// Takes the server-first message and the `done` that came with it.
    ///
    /// # Errors
    /// [`AuthError::DoneTooEarly`], [`AuthError::Refused`], [`AuthError::Malformed`], [`AuthError::NonceMismatch`],
    /// [`AuthError::TooFewIterations`], [`AuthError::TooManyIterations`].
    pub fn next(self, server_first: &[u8], done: bool) -> Result<Challenge, AuthError> {
        let text = message::text(server_first).ok_or(AuthError::Malformed("length or encoding of server-first"))?;
        let parsed = ServerFirst::parse(text)?;
        if done {
            return Err(AuthError::DoneTooEarly);
        }
        // A server that adds nothing of its own would let a recorded conversation be played again.
        if parsed.nonce.strip_prefix(self.nonce.as_str()).is_none_or(str::is_empty) {
            return Err(AuthError::NonceMismatch);
        }
        let params = KeyParams::new(&parsed.salt, parsed.iterations)?;
        let cache_key = self.credentials.cache_key(&params);

        let without_proof = format!("c={},r={}", STANDARD.encode(GS2_HEADER), parsed.nonce);
        // Invariant: `new` put the GS2 header first, so the rest is client-first-message-bare.
        let bare = self.payload.strip_prefix(GS2_HEADER).unwrap_or_default();
        let auth_message = format!("{bare},{text},{without_proof}");
        Ok(Challenge { credentials: self.credentials, params, cache_key, without_proof, auth_message })
    }
}

/// Knows salt and iteration count; expects the keys that belong to them.
#[derive(Clone, Debug)]
pub struct Challenge {
    credentials: Credentials,
    params: KeyParams,
    cache_key: KeyCacheKey,
    without_proof: String,
    auth_message: String,
}

impl Challenge {
    /// Salt and iteration count.
    pub const fn params(&self) -> &KeyParams {
        &self.params
    }

    /// Whose keys they must be; with them one can [derive](Credentials::derive_keys) elsewhere.
    pub const fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The name under which a [`KeyCache`](super::KeyCache) may have the keys.
    pub const fn cache_key(&self) -> &KeyCacheKey {
        &self.cache_key
    }

    /// Derives the keys, here and now. Takes time in proportion to the iteration count: milliseconds with the
    /// servers' defaults, up to about a second at [`MAX_ITERATIONS`](super::MAX_ITERATIONS).
    pub fn derive_keys(&self) -> ScramKeys {
        self.credentials.derive_keys(&self.params)
    }

    /// Proves with `keys`, derived or cached, that the client knows the password.
    ///
    /// # Errors
    /// [`AuthError::KeysMismatch`] if the keys are not those that [`cache_key`](Self::cache_key) names.
    pub fn client_final(self, keys: ScramKeys) -> Result<ClientFinal, AuthError> {
        if *keys.cache_key() != self.cache_key {
            return Err(AuthError::KeysMismatch);
        }
        let hash = self.credentials.hash();
        let auth_message = self.auth_message.as_bytes();
        let proof = keys.client_key().xor(&hash.hmac(&keys.stored_key(), auth_message));
        let server_signature = hash.hmac(keys.server_key(), auth_message);
        let payload = format!("{},p={}", self.without_proof, STANDARD.encode(proof.as_bytes()));
        Ok(ClientFinal { hash, keys, payload, server_signature })
    }
}

/// Has its proof ready; expects the server's signature.
#[derive(Clone)]
pub struct ClientFinal {
    hash: Hash,
    keys: ScramKeys,
    payload: String,
    server_signature: Key,
}

impl ClientFinal {
    /// The client-final message: the payload of `saslContinue`.
    pub fn payload(&self) -> &[u8] {
        self.payload.as_bytes()
    }

    /// Takes the server-final message and the `done` that came with it, and verifies the signature.
    ///
    /// # Errors
    /// [`AuthError::Refused`], [`AuthError::Malformed`], [`AuthError::BadServerSignature`].
    pub fn finish(self, server_final: &[u8], done: bool) -> Result<Finish, AuthError> {
        let text = message::text(server_final).ok_or(AuthError::Malformed("length or encoding of server-final"))?;
        let signature = message::parse_server_final(text)?;
        let signature =
            Key::from_bytes(self.hash, &signature).ok_or(AuthError::Malformed("length of the server signature"))?;
        // `Key` compares in constant time.
        if signature != self.server_signature {
            return Err(AuthError::BadServerSignature);
        }
        let verified = Verified { keys: self.keys };
        Ok(if done { Finish::Done(verified) } else { Finish::EmptyExchange(EmptyExchange { verified }) })
    }
}

impl core::fmt::Debug for ClientFinal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // The payload holds the proof, against which guesses at the password can be tried.
        f.debug_struct("ClientFinal").field("hash", &self.hash).finish_non_exhaustive()
    }
}

/// The server has proved itself; the conversation may need one more exchange.
#[derive(Clone, Debug)]
pub enum Finish {
    /// The server said `done: true`: nothing is left to send.
    Done(Verified),
    /// The server said `done: false`, as those do that do not know `skipEmptyExchange` (before 4.4).
    EmptyExchange(EmptyExchange),
}

/// Both sides are known to each other; the server expects a `saslContinue` with an empty payload.
#[derive(Clone, Debug)]
pub struct EmptyExchange {
    verified: Verified,
}

impl EmptyExchange {
    /// The payload of the last `saslContinue`: no bytes.
    pub const fn payload(&self) -> &'static [u8] {
        &[]
    }

    /// Takes the payload and the `done` of the reply.
    ///
    /// # Errors
    /// [`AuthError::NotDone`] for `done: false`, [`AuthError::Malformed`] if the payload is not empty.
    pub fn handle_reply(self, payload: &[u8], done: bool) -> Result<Verified, AuthError> {
        if !payload.is_empty() {
            return Err(AuthError::Malformed("payload after the end"));
        }
        if !done {
            return Err(AuthError::NotDone);
        }
        Ok(self.verified)
    }
}

/// The conversation succeeded.
#[derive(Clone, Debug)]
pub struct Verified {
    keys: ScramKeys,
}

impl Verified {
    /// The keys that proved right, for a [`KeyCache`](super::KeyCache).
    pub fn into_keys(self) -> ScramKeys {
        self.keys
    }
}
