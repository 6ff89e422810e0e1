//! Tokens, and the questions and answers about them.

use core::fmt;
use core::time::Duration;

use super::IdpInfo;
use crate::auth::AuthError;
use crate::uri::Secret;

/// Whose tokens they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flow {
    /// Tokens come without anybody's help: a callback of the program's, or a token file.
    Machine,
    /// A human logs in at the identity provider.
    Human,
}

impl Flow {
    /// How long a callback may take. A human has five minutes, whatever `timeoutMS` says. A machine has what is left, `left`, if
    /// `timeoutMS` is in force, and a minute if not.
    pub fn callback_timeout(self, left: Option<Duration>) -> Duration {
        const HUMAN: Duration = Duration::from_secs(5 * 60);
        const MACHINE: Duration = Duration::from_secs(60);
        match self {
            Self::Human => HUMAN,
            Self::Machine => left.unwrap_or(MACHINE),
        }
    }
}

/// An OIDC access token: a signed text that is nobody's business but the server's. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(Secret);

impl AccessToken {
    /// Wraps a token.
    ///
    /// # Errors
    /// [`AuthError::EmptyToken`]. Nothing else is known of what a token looks like.
    pub fn new(token: Secret) -> Result<Self, AuthError> {
        if token.expose().is_empty() { Err(AuthError::EmptyToken) } else { Ok(Self(token)) }
    }

    /// The token itself.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(***)")
    }
}

/// What a callback is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallbackRequest {
    /// The version of this interface: 1.
    pub version: u32,
    /// The server's identity provider; humans only.
    pub idp_info: Option<IdpInfo>,
    /// A token with which the provider may give a new access token without asking the human again; humans only.
    pub refresh_token: Option<Secret>,
}

/// What a callback returns.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OidcTokens {
    /// The access token.
    pub access_token: Secret,
    /// How long the access token is good. It is not used today: the server says when a token has ended.
    pub expires_in: Option<Duration>,
    /// A token for the next call; humans only.
    pub refresh_token: Option<Secret>,
}

impl OidcTokens {
    /// An access token alone.
    pub fn new(access_token: impl Into<Secret>) -> Self {
        Self { access_token: access_token.into(), expires_in: None, refresh_token: None }
    }

    /// With how long the access token is good.
    #[must_use]
    pub const fn expires_in(mut self, time: Duration) -> Self {
        self.expires_in = Some(time);
        self
    }

    /// With a token for the next call.
    #[must_use]
    pub fn refresh_token(mut self, token: impl Into<Secret>) -> Self {
        self.refresh_token = Some(token.into());
        self
    }
}

/// Where a token comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The client had it already.
    Cached,
    /// The callback was given a refresh token.
    Refreshed,
    /// The callback has just returned it.
    Fresh,
}

/// A token that is not to be used any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The token.
    pub token: AccessToken,
    /// Where it came from: with a refreshed one, the refresh token has had its time too.
    pub origin: Origin,
}

/// What a handshake must know to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenNeed {
    /// The server has refused this token.
    pub rejected: Option<Rejected>,
    /// A conversation of two steps was begun, and this is the server's identity provider: a token is needed now. Without
    /// it, [`TokenAnswer::TwoStep`] is an answer too.
    pub idp_info: Option<IdpInfo>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenAnswer {
    /// A token.
    Token {
        /// The token.
        token: AccessToken,
        /// Where it comes from: it decides what happens if the server refuses it.
        origin: Origin,
    },
    /// There is none, and a human cannot be asked before the server has named its identity provider.
    TwoStep,
}
