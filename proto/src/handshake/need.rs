//! What only the host can fetch: credentials and tokens.

use core::time::Duration;

use super::{AuthFailure, Handshake, HandshakeError, Phase};
use crate::Instant;
use crate::auth::aws::{AwsCredentials, AwsFirst, NONCE_LEN};
use crate::auth::oidc::{AccessToken, TokenAnswer, TokenNeed};

/// What a handshake waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// MONGODB-AWS: answer with [`Handshake::handle_aws_credentials`].
    AwsCredentials,
    /// MONGODB-OIDC: tell the client's [`TokenCache`](crate::auth::oidc::TokenCache) of the rejected token if there is one,
    /// ask it, and answer with [`Handshake::handle_token`].
    OidcToken(TokenNeed),
}

impl Handshake {
    /// What the handshake waits for, until it is answered: by the method that [`Need`] names, or by
    /// [`handle_need_failed`](Self::handle_need_failed).
    pub fn poll_need(&self) -> Option<Need> {
        match &self.phase {
            Phase::Aws(step) => step.needs_credentials().then_some(Need::AwsCredentials),
            Phase::Oidc(step) => step.need().cloned().map(Need::OidcToken),
            _ => None,
        }
    }

    /// Whether [`poll_need`](Self::poll_need) has something.
    pub fn has_need(&self) -> bool {
        match &self.phase {
            Phase::Aws(step) => step.needs_credentials(),
            Phase::Oidc(step) => step.need().is_some(),
            _ => false,
        }
    }

    /// The credentials of MONGODB-AWS, with 32 unpredictable bytes that are used once, and with the wall clock as the time since
    /// the Unix epoch. Does nothing where no credentials are needed.
    pub fn handle_aws_credentials(&mut self, credentials: AwsCredentials, nonce: [u8; NONCE_LEN], unix_time: Duration) {
        if let Phase::Aws(step) = &mut self.phase {
            self.unsent |= step.handle_credentials(credentials, AwsFirst::new(nonce), unix_time);
        }
    }

    /// The answer to [`Need::OidcToken`]. Does nothing where none is needed. [`TokenAnswer::TwoStep`] after the server has named
    /// its identity provider is no answer: it is still needed.
    pub fn handle_token(&mut self, answer: TokenAnswer) {
        if let Phase::Oidc(step) = &mut self.phase {
            self.unsent |= step.handle_answer(answer);
            self.token = step.token().cloned();
        }
    }

    /// What is needed cannot be had: the handshake has failed. The host knows why.
    pub fn handle_need_failed(&mut self) -> HandshakeError {
        if let Phase::Failed(error) = &self.phase {
            return error.clone();
        }
        let error = self.auth_error(AuthFailure::NeedFailed);
        self.phase = Phase::Failed(error.clone());
        error
    }

    /// The token that the user was logged in with (the specification's *Connection Cache*): keep it with the connection, for
    /// [`reauthenticate`](Self::reauthenticate).
    pub const fn token(&self) -> Option<&AccessToken> {
        self.token.as_ref()
    }

    /// When the handshake must be over, from here on: a human who logs in takes longer than a server.
    pub const fn set_deadline(&mut self, deadline: Instant) {
        self.options.deadline = deadline;
    }

    /// When the handshake must be over.
    pub const fn deadline(&self) -> Instant {
        self.options.deadline
    }
}
