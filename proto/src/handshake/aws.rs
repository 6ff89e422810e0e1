//! The steps of MONGODB-AWS.
//!
//! ```text
//!   need credentials --> saslStart --nonce, host--> saslContinue --> done
//! ```

use alloc::vec::Vec;
use core::time::Duration;

use stator_wire::bson::DocWriter;

use super::ConversationId;
use super::commands::{SaslReply, write_payload, write_sasl_continue};
use crate::auth::aws::{AwsCredentials, AwsFirst};
use crate::auth::{AuthError, Mechanism};

#[derive(Debug)]
pub(super) enum AwsStep {
    /// The host is to fetch the credentials.
    Credentials,
    Start {
        first: AwsFirst,
        credentials: AwsCredentials,
        unix_time: Duration,
    },
    Final {
        payload: Payload,
        conversation: ConversationId,
    },
}

/// A signed payload. It is not shown: with it somebody else could log in, for some minutes.
pub(super) struct Payload(Vec<u8>);

impl core::fmt::Debug for Payload {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Payload(..)")
    }
}

impl AwsStep {
    pub(super) const fn needs_credentials(&self) -> bool {
        matches!(self, Self::Credentials)
    }

    /// Whether they were needed.
    pub(super) fn handle_credentials(
        &mut self,
        credentials: AwsCredentials,
        first: AwsFirst,
        unix_time: Duration,
    ) -> bool {
        let needed = self.needs_credentials();
        if needed {
            *self = Self::Start { first, credentials, unix_time };
        }
        needed
    }

    /// The name of the command to be sent, if there is one.
    pub(super) const fn command(&self) -> Option<&'static str> {
        match self {
            Self::Credentials => None,
            Self::Start { .. } => Some("saslStart"),
            Self::Final { .. } => Some("saslContinue"),
        }
    }

    pub(super) fn write(&self, body: &mut DocWriter<'_>) {
        match self {
            Self::Credentials => {}
            Self::Start { first, .. } => write_payload(body, Mechanism::MongoDbAws, first.payload()),
            Self::Final { payload, conversation } => write_sasl_continue(body, *conversation, &payload.0),
        }
    }

    /// The next step; `None` when the user is logged in.
    pub(super) fn handle_reply(self, reply: &SaslReply<'_>) -> Result<Option<Self>, AuthError> {
        match self {
            Self::Start { first, credentials, unix_time } => {
                let challenge = first.next(reply.payload, reply.done)?;
                let payload = Payload(challenge.respond(&credentials, unix_time)?);
                Ok(Some(Self::Final { payload, conversation: reply.conversation }))
            }
            Self::Credentials | Self::Final { .. } if reply.done => Ok(None),
            Self::Credentials | Self::Final { .. } => Err(AuthError::NotDone),
        }
    }
}
