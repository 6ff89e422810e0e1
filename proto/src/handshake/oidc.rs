//! The steps of MONGODB-OIDC.
//!
//! ```text
//!         +----------(refused, and it was not fresh)-----------+
//!         v                                                    |
//!   need a token --token--------------------> saslStart {jwt} -+--> done
//!         |                                                    |
//!         +--two steps--> saslStart {n} --IdpInfo--> need a token --> saslContinue {jwt} --> done
//! ```

use alloc::string::String;

use stator_wire::bson::DocWriter;

use super::ConversationId;
use super::commands::{SaslReply, write_payload, write_sasl_continue};
use crate::auth::oidc::{
    AccessToken, Flow, IdpInfo, Origin, Rejected, TokenAnswer, TokenNeed, jwt_payload, principal_payload,
};
use crate::auth::{AuthError, Mechanism};

#[derive(Debug)]
pub(super) struct OidcStep {
    username: Option<String>,
    /// How many tokens may yet be refused before that is an error.
    retries: u8,
    at: At,
}

#[derive(Debug)]
enum At {
    /// The host is to fetch a token; `conversation` if one was begun.
    Token {
        need: TokenNeed,
        conversation: Option<ConversationId>,
    },
    /// The server is asked for its identity provider.
    Principal,
    Jwt {
        token: AccessToken,
        origin: Origin,
        conversation: Option<ConversationId>,
    },
}

impl OidcStep {
    /// The code of `AuthenticationFailed`.
    pub(super) const REFUSED: i32 = 18;

    /// Begins, with a token that must not be used any more if there is one.
    pub(super) fn new(flow: Flow, username: Option<String>, rejected: Option<Rejected>) -> Self {
        // A machine's cached token; for humans, the refreshed one too, and one cached by another connection meanwhile.
        let retries = match flow {
            Flow::Machine => 1,
            Flow::Human => 3,
        };
        let need = TokenNeed { rejected, idp_info: None };
        Self { username, retries, at: At::Token { need, conversation: None } }
    }

    pub(super) const fn need(&self) -> Option<&TokenNeed> {
        match &self.at {
            At::Token { need, .. } => Some(need),
            _ => None,
        }
    }

    /// The token that is with the server.
    pub(super) const fn token(&self) -> Option<&AccessToken> {
        match &self.at {
            At::Jwt { token, .. } => Some(token),
            _ => None,
        }
    }

    /// Whether there is a command to be sent now.
    pub(super) fn handle_answer(&mut self, answer: TokenAnswer) -> bool {
        let At::Token { need, conversation } = &self.at else { return false };
        self.at = match answer {
            TokenAnswer::Token { token, origin } => At::Jwt { token, origin, conversation: *conversation },
            TokenAnswer::TwoStep if need.idp_info.is_none() => At::Principal,
            TokenAnswer::TwoStep => return false,
        };
        true
    }

    /// The name of the command to be sent, if there is one.
    pub(super) const fn command(&self) -> Option<&'static str> {
        match &self.at {
            At::Token { .. } => None,
            At::Principal | At::Jwt { conversation: None, .. } => Some("saslStart"),
            At::Jwt { conversation: Some(_), .. } => Some("saslContinue"),
        }
    }

    pub(super) fn write(&self, body: &mut DocWriter<'_>) {
        match &self.at {
            At::Token { .. } => {}
            At::Principal => {
                write_payload(body, Mechanism::MongoDbOidc, &principal_payload(self.username.as_deref()));
            }
            At::Jwt { token, conversation: None, .. } => {
                write_payload(body, Mechanism::MongoDbOidc, &jwt_payload(token));
            }
            At::Jwt { token, conversation: Some(conversation), .. } => {
                write_sasl_continue(body, *conversation, &jwt_payload(token));
            }
        }
    }

    /// The next step; `None` when the user is logged in.
    pub(super) fn handle_reply(mut self, reply: &SaslReply<'_>) -> Result<Option<Self>, AuthError> {
        match self.at {
            At::Principal if reply.done => Err(AuthError::DoneTooEarly),
            At::Principal => {
                let need = TokenNeed { rejected: None, idp_info: Some(IdpInfo::parse(reply.payload)?) };
                self.at = At::Token { need, conversation: Some(reply.conversation) };
                Ok(Some(self))
            }
            At::Jwt { .. } | At::Token { .. } if reply.done => Ok(None),
            At::Jwt { .. } | At::Token { .. } => Err(AuthError::NotDone),
        }
    }

    /// The server has refused the token: the step with which to try again, unless there is no better token to be had.
    pub(super) fn handle_refused(mut self) -> Option<Self> {
        let retries = self.retries.checked_sub(1)?;
        match self.at {
            At::Jwt { token, origin: origin @ (Origin::Cached | Origin::Refreshed), .. } => {
                let need = TokenNeed { rejected: Some(Rejected { token, origin }), idp_info: None };
                self.at = At::Token { need, conversation: None };
                Some(Self { retries, ..self })
            }
            At::Jwt { .. } | At::Token { .. } | At::Principal => None,
        }
    }
}
