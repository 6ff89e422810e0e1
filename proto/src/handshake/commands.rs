//! The commands of a handshake as documents, and the replies to its SASL steps.

use stator_wire::bson::{BsonError, Doc, DocWriter};

use super::{AuthFailure, ConversationId, HandshakeOptions, Login};
use crate::auth::Mechanism;
use crate::auth::oidc::jwt_payload;
use crate::auth::scram::ClientFirst;
use crate::operation::OperationError;

impl HandshakeOptions {
    pub(super) fn source(&self) -> &str {
        match &self.login {
            Some(Login::Negotiate { source, .. } | Login::Scram { source, .. } | Login::Plain { source, .. }) => source,
            _ => "$external",
        }
    }

    /// The Stable API and load balancers demand `hello`; else the first message is legacy hello.
    pub(super) const fn uses_hello(&self) -> bool {
        self.server_api.is_some() || self.load_balanced
    }

    pub(super) fn write_hello(&self, body: &mut DocWriter<'_>, first: Option<&ClientFirst>) {
        if self.uses_hello() {
            body.i32("hello", 1);
        } else {
            body.i32("isMaster", 1);
        }
        body.bool("helloOk", true).str("backpressure", "2").doc("client", self.metadata.as_doc());
        let mut compression = body.array_of("compression");
        for (name, _) in &self.compressors {
            compression.str(name);
        }
        drop(compression);
        if self.load_balanced {
            body.bool("loadBalanced", true);
        }
        if let Some(Login::Negotiate { sha256, source, .. }) = &self.login {
            let user = [source.as_str(), ".", sha256.username()].concat();
            body.str("saslSupportedMechs", &user);
        }
        match &self.login {
            Some(Login::Negotiate { source, .. } | Login::Scram { source, .. }) => {
                if let Some(first) = first {
                    let mut speculative = body.document("speculativeAuthenticate");
                    write_sasl_start(&mut speculative, first, Some(source));
                }
            }
            Some(Login::X509 { .. }) => {
                let mut speculative = body.document("speculativeAuthenticate");
                self.write_authenticate(&mut speculative);
                speculative.str("db", "$external");
            }
            Some(Login::Oidc { token: Some(token), .. }) => {
                let mut speculative = body.document("speculativeAuthenticate");
                write_payload(&mut speculative, Mechanism::MongoDbOidc, &jwt_payload(token));
                speculative.str("db", "$external");
            }
            Some(Login::Plain { .. } | Login::Aws | Login::Oidc { token: None, .. }) | None => {}
        }
        body.str("$db", "admin");
    }

    pub(super) fn write_authenticate(&self, body: &mut DocWriter<'_>) {
        body.i32("authenticate", 1).str("mechanism", "MONGODB-X509");
        if let Some(Login::X509 { username: Some(username) }) = &self.login {
            body.str("user", username);
        }
    }
}

pub(super) fn write_sasl_start(body: &mut DocWriter<'_>, first: &ClientFirst, db: Option<&str>) {
    let mechanism = Mechanism::scram(first.hash());
    write_payload(body, mechanism, first.payload());
    body.document("options").bool("skipEmptyExchange", true);
    if let Some(db) = db {
        body.str("db", db);
    }
}

/// `saslStart` with its first payload.
pub(super) fn write_payload(body: &mut DocWriter<'_>, mechanism: Mechanism, payload: &[u8]) {
    body.i32("saslStart", 1).str("mechanism", mechanism.as_str()).binary("payload", 0, payload);
}

pub(super) fn write_sasl_continue(body: &mut DocWriter<'_>, conversation: ConversationId, payload: &[u8]) {
    body.i32("saslContinue", 1).i32("conversationId", conversation).binary("payload", 0, payload);
}

/// A reply to saslStart or saslContinue.
pub(super) struct SaslReply<'a> {
    pub(super) conversation: ConversationId,
    pub(super) payload: &'a [u8],
    pub(super) done: bool,
}

impl<'a> SaslReply<'a> {
    pub(super) fn parse(reply: Doc<'a>) -> Result<Self, AuthFailure> {
        let bad = |error: BsonError| AuthFailure::Reply(error.into());
        let missing = |what| AuthFailure::Reply(OperationError::Reply(what));
        let conversation = reply.get_number_i64("conversationId").map_err(bad)?.unwrap_or(1);
        let payload = match reply.get("payload").map_err(bad)? {
            None => return Err(missing("there is no `payload`")),
            Some(value) => match value.as_binary() {
                Ok((_, bytes)) => bytes,
                Err(_) => value.as_str().map_err(bad)?.as_bytes(),
            },
        };
        let done = reply.get_truthy("done").map_err(bad)?.ok_or_else(|| missing("there is no `done`"))?;
        let conversation = i32::try_from(conversation).map_err(|_| missing("`conversationId` is no int32"))?;
        Ok(Self { conversation, payload, done })
    }
}
