//! What replies mean: hello's, and those of the steps of authentication.

use alloc::string::String;

use stator_wire::bson::Doc;

use super::aws::AwsStep;
use super::commands::SaslReply;
use super::oidc::OidcStep;
use super::{AuthFailure, Handshake, HandshakeError, Login, MAX_WIRE_VERSION, MIN_WIRE_VERSION, Phase};
use crate::auth::oidc::Rejected;
use crate::auth::scram::{ClientFirst, Finish};
use crate::auth::{AuthError, Mechanism};
use crate::connection::Reply;
use crate::hello::HelloReply;
use crate::operation::{CommandError, OperationError};

/// The server's number for a command that it does not have.
const COMMAND_NOT_FOUND: i32 = 59;

impl Handshake {
    pub(super) fn handle_reply(&mut self, reply: &Reply) -> Result<(), HandshakeError> {
        let phase = core::mem::replace(&mut self.phase, Phase::Done);
        let command = CommandError::from_reply(reply);
        if !matches!(phase, Phase::Hello { .. }) {
            let outcome = match command {
                Ok(None) => self.handle_step(phase, reply.body()),
                Ok(Some(error)) => self.handle_refused(phase, error),
                Err(error) => Err(AuthFailure::Reply(error)),
            };
            return outcome.map_err(|cause| self.auth_error(cause));
        }
        match command {
            Ok(None) => {}
            // A server that does not know `hello` (before 4.4.2) knows nothing of load balancers.
            Ok(Some(error)) if self.options.load_balanced && error.code == COMMAND_NOT_FOUND => {
                return Err(HandshakeError::NotLoadBalanced);
            }
            Ok(Some(error)) => return Err(HandshakeError::Hello(OperationError::Command(error))),
            Err(error) => return Err(HandshakeError::Hello(error)),
        }
        let hello = HelloReply::parse(reply.body()).map_err(|error| HandshakeError::Hello(error.into()))?;
        self.handle_hello(phase, hello)
    }

    fn handle_hello(&mut self, phase: Phase, hello: HelloReply) -> Result<(), HandshakeError> {
        let (min, max) = (hello.min_wire_version, hello.max_wire_version);
        if max < MIN_WIRE_VERSION || min > MAX_WIRE_VERSION {
            return Err(HandshakeError::Incompatible { min, max });
        }
        if self.options.load_balanced && hello.service_id.is_none() {
            return Err(HandshakeError::NotLoadBalanced);
        }
        let wanted = &self.options.compressors;
        let compressor = hello
            .compression
            .iter()
            .find_map(|name| wanted.iter().find(|(wanted, _)| wanted == name))
            .map(|(_, id)| *id);
        let speculative = hello.speculative_authenticate.clone();
        let supported = hello.sasl_supported_mechs.clone();
        self.connection.set_hello(hello, compressor);
        self.greeted = true;
        let (first, nonce) = match phase {
            Phase::Hello { first, nonce } => (first, nonce),
            _ => (None, None),
        };
        let first = match (first, speculative, &self.options.login) {
            (_, Some(_), Some(Login::X509 { .. })) => return Ok(()),
            (_, Some(answer), Some(Login::Oidc { token: Some(token), .. })) => {
                // Anything else than success is as if nothing had been speculated on.
                if SaslReply::parse(answer.as_doc()).is_ok_and(|answer| answer.done) {
                    self.token = Some(token.clone());
                    return Ok(());
                }
                None
            }
            (Some(first), Some(answer), _) => {
                let outcome = self.handle_step(Phase::ScramStart { first }, answer.as_doc());
                return outcome.map_err(|cause| self.auth_error(cause));
            }
            (Some(first), None, Some(Login::Negotiate { sha1, .. })) => {
                let names = supported.iter().flatten().map(String::as_str);
                match (Mechanism::negotiate(names), nonce) {
                    (Mechanism::ScramSha1, Some(nonce)) => Some(ClientFirst::new(sha1, nonce)),
                    _ => Some(first),
                }
            }
            (first, ..) => first,
        };
        self.begin(first, None);
        Ok(())
    }

    /// Begins to authenticate, with nothing speculated on; `first` is there for SCRAM.
    pub(super) fn begin(&mut self, first: Option<ClientFirst>, rejected: Option<Rejected>) {
        match (&self.options.login, first) {
            (None, _) => self.phase = Phase::Done,
            (Some(Login::Plain { .. }), _) => self.enter(Phase::Plain),
            (Some(Login::X509 { .. }), _) => self.enter(Phase::X509),
            (Some(Login::Aws), _) => self.phase = Phase::Aws(AwsStep::Credentials),
            (Some(Login::Oidc { flow, username, .. }), _) => {
                self.phase = Phase::Oidc(OidcStep::new(*flow, username.clone(), rejected));
            }
            (Some(Login::Negotiate { .. } | Login::Scram { .. }), Some(first)) => {
                self.mechanism = Mechanism::scram(first.hash());
                self.enter(Phase::ScramStart { first });
            }
            // Whoever calls has made one for SCRAM.
            (Some(Login::Negotiate { .. } | Login::Scram { .. }), None) => {
                self.phase = Phase::Failed(self.auth_error(AuthFailure::NeedFailed));
            }
        }
    }

    /// The server has refused a step. An old token may be refused: then a new one is needed.
    fn handle_refused(&mut self, phase: Phase, error: CommandError) -> Result<(), AuthFailure> {
        self.token = None;
        let again = match phase {
            Phase::Oidc(step) if error.code == OidcStep::REFUSED => step.handle_refused(),
            _ => None,
        };
        self.phase = Phase::Oidc(again.ok_or(AuthFailure::Refused(error))?);
        Ok(())
    }

    /// The reply to a step of the authentication, or its speculative equivalent.
    fn handle_step(&mut self, phase: Phase, reply: Doc<'_>) -> Result<(), AuthFailure> {
        match phase {
            Phase::ScramStart { first } => {
                let step = SaslReply::parse(reply)?;
                let challenge = first.next(step.payload, step.done).map_err(AuthFailure::Mechanism)?;
                self.phase = Phase::ScramKeys { challenge, conversation: step.conversation };
            }
            Phase::ScramFinal { last, conversation } => {
                let step = SaslReply::parse(reply)?;
                match last.finish(step.payload, step.done).map_err(AuthFailure::Mechanism)? {
                    Finish::Done(verified) => self.keys = Some(verified.into_keys()),
                    Finish::EmptyExchange(empty) => self.enter(Phase::ScramEmpty { empty, conversation }),
                }
            }
            Phase::ScramEmpty { empty, .. } => {
                let step = SaslReply::parse(reply)?;
                let verified = empty.handle_reply(step.payload, step.done).map_err(AuthFailure::Mechanism)?;
                self.keys = Some(verified.into_keys());
            }
            Phase::Plain => {
                if !SaslReply::parse(reply)?.done {
                    return Err(AuthFailure::Mechanism(AuthError::NotDone));
                }
            }
            Phase::Aws(step) => {
                let reply = SaslReply::parse(reply)?;
                if let Some(next) = step.handle_reply(&reply).map_err(AuthFailure::Mechanism)? {
                    self.enter(Phase::Aws(next));
                }
            }
            Phase::Oidc(step) => {
                let reply = SaslReply::parse(reply)?;
                if let Some(next) = step.handle_reply(&reply).map_err(AuthFailure::Mechanism)? {
                    self.phase = Phase::Oidc(next);
                }
            }
            Phase::X509 | Phase::Hello { .. } | Phase::ScramKeys { .. } | Phase::Done | Phase::Failed(_) => {}
        }
        Ok(())
    }
}
