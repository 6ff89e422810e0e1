//! MONGODB-OIDC: the payloads of its conversations, who may see tokens, and the tokens that a client keeps.
//!
//! ```text
//!   one step:   {jwt} -----------------------------------------------> done
//!   two steps:  {n} --IdpInfo--> a human logs in at the provider --> {jwt} --> done
//! ```
//!
//! Tokens come from a callback of the host's: a machine's, which needs nothing but itself, or one that sends a human to an
//! identity provider. Which conversation is held and when the callback is called is decided by the handshake, whose
//! [`Need::OidcToken`](crate::handshake::Need::OidcToken) the host answers with the help of the client's [`TokenCache`].

use alloc::string::String;
use alloc::vec::Vec;

use stator_wire::bson::{Doc, DocWriter};

use super::AuthError;

mod cache;
mod hosts;
mod token;

pub use cache::{Fetch, TokenCache};
pub use hosts::AllowedHosts;
pub use token::{AccessToken, CallbackRequest, Flow, OidcTokens, Origin, Rejected, TokenAnswer, TokenNeed};

/// `JwtStepRequest`: the payload that presents a token.
pub fn jwt_payload(token: &AccessToken) -> Vec<u8> {
    document(|doc| {
        doc.str("jwt", token.expose());
    })
}

/// `PrincipalStepRequest`: the payload that asks for the identity provider of a user, or of all users.
pub fn principal_payload(username: Option<&str>) -> Vec<u8> {
    document(|doc| {
        if let Some(name) = username {
            doc.str("n", name);
        }
    })
}

fn document(write: impl FnOnce(&mut DocWriter<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut doc = DocWriter::new(&mut bytes);
    write(&mut doc);
    // Invariant: keys are literals without NUL, and a token near 2 GiB does not fit into a message anyway: the command is refused
    // as too long.
    let _ = doc.finish();
    bytes
}

/// What a server says of its identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdpInfo {
    /// A URL that names the authorization server: the `iss` of its access tokens (RFC 8414, RFC 9207).
    pub issuer: String,
    /// This client's id there; providers for machines have none.
    pub client_id: Option<String>,
    /// Further scopes to ask for.
    pub request_scopes: Vec<String>,
}

impl IdpInfo {
    /// Reads the server's payload.
    ///
    /// # Errors
    /// [`AuthError::Malformed`].
    pub fn parse(payload: &[u8]) -> Result<Self, AuthError> {
        let doc = Doc::new(payload).map_err(|_| AuthError::Malformed("the payload is no BSON document"))?;
        let issuer = doc.get_str("issuer").ok().flatten().ok_or(AuthError::Malformed("`issuer`"))?;
        let client_id = doc.get_str("clientId").map_err(|_| AuthError::Malformed("`clientId`"))?;
        let scopes = doc.get_array("requestScopes").map_err(|_| AuthError::Malformed("`requestScopes`"))?;
        let mut request_scopes = Vec::new();
        for scope in scopes.unwrap_or(Doc::EMPTY) {
            let scope = scope.and_then(|scope| scope.value().as_str());
            request_scopes.push(scope.map_err(|_| AuthError::Malformed("`requestScopes`"))?.into());
        }
        Ok(Self { issuer: issuer.into(), client_id: client_id.map(String::from), request_scopes })
    }
}

#[cfg(test)]
mod tests;
