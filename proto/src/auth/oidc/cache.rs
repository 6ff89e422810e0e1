//! The tokens of one client (specification *Authentication*, "Credential Caching").
//!
//! ```text
//!                                +--(a token is there)---------------> Cached
//!   poll_token --(nobody calls)--+--(human, no refresh token)--------> TwoStep
//!       |                        +--(called less than 100 ms ago)----> Wait
//!       |                        +--> Call --handle_tokens--> a token is there
//!       +--(somebody calls)--> Busy        \--handle_call_failed--> as before
//! ```

use core::time::Duration;

use super::{AccessToken, CallbackRequest, Flow, IdpInfo, OidcTokens, Origin, Rejected, TokenAnswer, TokenNeed};
use crate::Instant;
use crate::auth::AuthError;
use crate::uri::Secret;

/// What one client knows of tokens. One call of the callback at a time, and 100 ms at least from one to the next.
///
/// It is a value: the host keeps it behind a lock, which must not be held while the callback runs or a server is asked.
#[derive(Clone, Debug)]
pub struct TokenCache {
    flow: Flow,
    access: Option<AccessToken>,
    refresh: Option<Secret>,
    idp_info: Option<IdpInfo>,
    /// The call that is under way.
    calling: Option<Call>,
    /// When the callback was last called.
    called: Option<Instant>,
}

#[derive(Clone, Debug)]
struct Call {
    origin: Origin,
    idp_info: Option<IdpInfo>,
}

/// What to do to answer a [`TokenNeed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetch {
    /// Nothing: this is the answer.
    Answer(TokenAnswer),
    /// Wait until then and ask again.
    Wait(Instant),
    /// Somebody else's call is under way: ask again when it has ended.
    Busy,
    /// Call the callback, then [`TokenCache::handle_tokens`] or [`TokenCache::handle_call_failed`], whatever happens.
    Call(CallbackRequest),
}

impl TokenCache {
    /// The least time from one call to the next.
    pub const LEAST_INTERVAL: Duration = Duration::from_millis(100);
    /// What callbacks are told as the version of their interface.
    const VERSION: u32 = 1;

    /// A client's cache, with nothing in it.
    pub const fn new(flow: Flow) -> Self {
        Self { flow, access: None, refresh: None, idp_info: None, calling: None, called: None }
    }

    /// Whose tokens they are.
    pub const fn flow(&self) -> Flow {
        self.flow
    }

    /// The access token, for the speculation in hello.
    pub const fn access_token(&self) -> Option<&AccessToken> {
        self.access.as_ref()
    }

    /// Puts an access token in, as if the callback had returned it: one that was got elsewhere.
    pub fn put(&mut self, token: AccessToken) {
        self.access = Some(token);
    }

    /// Forgets a token that the server has refused, unless another has taken its place meanwhile.
    pub fn reject(&mut self, rejected: &Rejected) {
        if self.access.as_ref() == Some(&rejected.token) {
            self.access = None;
            if rejected.origin == Origin::Refreshed {
                self.refresh = None;
            }
        }
    }

    /// What to do about a need whose rejected token was [`reject`](Self::reject)ed.
    pub fn poll_token(&mut self, now: Instant, need: &TokenNeed) -> Fetch {
        if self.calling.is_some() {
            return Fetch::Busy;
        }
        if let Some(token) = &self.access {
            return Fetch::Answer(TokenAnswer::Token { token: token.clone(), origin: Origin::Cached });
        }
        let (origin, idp_info, refresh_token) = match (self.flow, &need.idp_info, &self.refresh) {
            (Flow::Machine, ..) => (Origin::Fresh, None, None),
            // A cached refresh token is not for a new conversation of two steps.
            (Flow::Human, Some(info), _) => (Origin::Fresh, Some(info.clone()), None),
            (Flow::Human, None, Some(token)) => (Origin::Refreshed, self.idp_info.clone(), Some(token.clone())),
            (Flow::Human, None, None) => return Fetch::Answer(TokenAnswer::TwoStep),
        };
        if let Some(next) = self.called.map(|called| called + Self::LEAST_INTERVAL)
            && now < next
        {
            return Fetch::Wait(next);
        }
        self.called = Some(now);
        self.calling = Some(Call { origin, idp_info: idp_info.clone() });
        Fetch::Call(CallbackRequest { version: Self::VERSION, idp_info, refresh_token })
    }

    /// The callback has returned. What it returned takes the place of everything that was known.
    ///
    /// # Errors
    /// [`AuthError::EmptyToken`]; then it is as if the call had failed.
    pub fn handle_tokens(&mut self, tokens: OidcTokens) -> Result<TokenAnswer, AuthError> {
        let call = self.calling.take();
        let token = AccessToken::new(tokens.access_token)?;
        self.access = Some(token.clone());
        let origin = call.as_ref().map_or(Origin::Fresh, |call| call.origin);
        if self.flow == Flow::Human {
            self.refresh = tokens.refresh_token;
            self.idp_info = call.and_then(|call| call.idp_info);
        }
        Ok(TokenAnswer::Token { token, origin })
    }

    /// Whether a call is under way.
    pub const fn is_calling(&self) -> bool {
        self.calling.is_some()
    }

    /// The callback has failed, was given up or ran out of time.
    pub fn handle_call_failed(&mut self) {
        self.calling = None;
    }
}
