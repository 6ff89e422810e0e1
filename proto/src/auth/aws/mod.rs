//! MONGODB-AWS: the client signs a request to Amazon's Security Token Service, and the server sends it there.
//!
//! ```text
//!   AwsFirst --server nonce, STS host--> AwsChallenge --credentials, time--> the last payload
//! ```
//!
//! The request is `GetCallerIdentity`; it is never sent by the client. Payloads are BSON documents. Nonces and the time are
//! arguments; credentials are fetched by the host, which may keep those that say when they end in an [`AwsCredentialCache`].
//!
//! ```
//! use core::time::Duration;
//! use stator_proto::auth::aws::{AwsCredentials, AwsFirst};
//! use stator_wire::bson::{Doc, DocWriter};
//!
//! let first = AwsFirst::new([7; 32]); // 32 unpredictable bytes in earnest
//! // The server's part: it adds 32 bytes of its own.
//! let mut reply = Vec::new();
//! let mut doc = DocWriter::new(&mut reply);
//! doc.binary("s", 0, &[7; 64]).str("h", "sts.eu-central-1.amazonaws.com");
//! doc.finish()?;
//!
//! let challenge = first.next(&reply, false)?;
//! assert_eq!(challenge.host().region(), "eu-central-1");
//! let credentials = AwsCredentials::new("AKIDEXAMPLE", "secret");
//! let last = challenge.respond(&credentials, Duration::from_secs(1_573_086_367))?;
//! assert_eq!(Doc::new(&last)?.get_str("d")?, Some("20191107T002607Z"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use alloc::vec::Vec;
use core::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use stator_wire::bson::{Doc, DocWriter};

use super::AuthError;

mod credentials;
mod date;
mod host;
mod sigv4;

pub use credentials::{AwsCredentialCache, AwsCredentials};
pub use host::StsHost;

/// The length of the client's nonce in bytes; the server's is twice as long.
pub const NONCE_LEN: usize = 32;
/// The length of the server's nonce in bytes.
const SERVER_NONCE_LEN: usize = 2 * NONCE_LEN;
/// `gs2-cb-flag`: the letter `n`, no channel binding.
const NO_CHANNEL_BINDING: i32 = b'n' as i32;
const BODY: &str = "Action=GetCallerIdentity&Version=2011-06-15";
/// The length of [`BODY`].
const BODY_LEN: &str = "43";

/// Has its first message ready; expects the server's nonce and STS host.
#[derive(Clone, Debug)]
pub struct AwsFirst {
    nonce: [u8; NONCE_LEN],
    payload: Vec<u8>,
}

impl AwsFirst {
    /// Starts a conversation. `nonce` is unpredictable and used for this one only.
    pub fn new(nonce: [u8; NONCE_LEN]) -> Self {
        let payload = document(|doc| {
            doc.binary("r", 0, &nonce).i32("p", NO_CHANNEL_BINDING);
        });
        Self { nonce, payload }
    }

    /// The payload of `saslStart`.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Takes the server's first payload and the `done` that came with it.
    ///
    /// # Errors
    /// [`AuthError::DoneTooEarly`], [`AuthError::Malformed`], [`AuthError::NonceMismatch`], [`AuthError::BadStsHost`].
    pub fn next(&self, payload: &[u8], done: bool) -> Result<AwsChallenge, AuthError> {
        if done {
            return Err(AuthError::DoneTooEarly);
        }
        let doc = Doc::new(payload).map_err(|_| AuthError::Malformed("the payload is no BSON document"))?;
        let (_, nonce) = doc.get_binary("s").ok().flatten().ok_or(AuthError::Malformed("`s`, the server's nonce"))?;
        let host = doc.get_str("h").ok().flatten().ok_or(AuthError::Malformed("`h`, the STS host"))?;
        if nonce.len() != SERVER_NONCE_LEN || !nonce.starts_with(&self.nonce) {
            return Err(AuthError::NonceMismatch);
        }
        Ok(AwsChallenge { nonce: STANDARD.encode(nonce), host: StsHost::new(host)? })
    }
}

/// Knows what to sign.
#[derive(Clone, Debug)]
pub struct AwsChallenge {
    /// The server's nonce in base 64.
    nonce: alloc::string::String,
    host: StsHost,
}

impl AwsChallenge {
    /// The host that the server will send the request to.
    pub const fn host(&self) -> &StsHost {
        &self.host
    }

    /// The payload of `saslContinue`, signed with the credentials. `unix_time` is the wall clock as the time since the Unix epoch;
    /// Amazon refuses signatures that are more than some minutes off.
    ///
    /// # Errors
    /// [`AuthError::BadAwsCredentials`].
    pub fn respond(&self, credentials: &AwsCredentials, unix_time: Duration) -> Result<Vec<u8>, AuthError> {
        credentials.validate()?;
        let date = date::amz_date(unix_time);
        let token = credentials.session_token.as_ref().map(|token| token.expose());
        // Headers are signed in the order of their names.
        let mut headers = alloc::vec![
            ("content-length", BODY_LEN),
            ("content-type", "application/x-www-form-urlencoded"),
            ("host", self.host.as_str()),
            ("x-amz-date", &date),
        ];
        headers.extend(token.map(|token| ("x-amz-security-token", token)));
        headers.extend([("x-mongodb-gs2-cb-flag", "n"), ("x-mongodb-server-nonce", &self.nonce)]);
        let request = sigv4::Request { method: "POST", path: "/", query: "", headers: &headers, body: BODY };
        let scope = sigv4::Scope {
            access_key_id: &credentials.access_key_id,
            secret_access_key: credentials.secret_access_key.expose(),
            date: &date,
            region: self.host.region(),
            service: "sts",
        };
        let authorization = sigv4::authorization(&request, &scope);
        Ok(document(|doc| {
            doc.str("a", &authorization).str("d", &date);
            if let Some(token) = token {
                doc.str("t", token);
            }
        }))
    }
}

fn document(write: impl FnOnce(&mut DocWriter<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut doc = DocWriter::new(&mut bytes);
    write(&mut doc);
    // Invariant: keys are literals without NUL, and no credential comes near 2 GiB; were it so, the payload would be malformed, and
    // the server would refuse it.
    let _ = doc.finish();
    bytes
}

#[cfg(test)]
mod tests;
