//! From a fresh stream to a usable [`Connection`]: hello, then authentication.
//!
//! ```text
//!  hello --+--(no login)--------------------------------------------------------> done
//!          +--(SCRAM)----> [saslStart] --> keys --> saslContinue --> [empty] ---> done
//!          +--(PLAIN)----> saslStart --------------------------------------------> done
//!          +--(X.509)----> [authenticate] ---------------------------------------> done
//!          +--(AWS)------> credentials --> saslStart --> saslContinue -----------> done
//!          +--(OIDC)-----> [token --> saslStart] --------------------------------> done
//!          +--(a human)--> saslStart --> token --> saslContinue -----------------> done
//! ```
//!
//! Steps in brackets are left out when the server has answered them in its hello reply (speculative
//! authentication) or can do without (`skipEmptyExchange`).
//!
//! The loop of a host: [`Handshake::poll_transmit`] into a [`SendBuf`], write it, [`Handshake::handle_sent`]; read,
//! [`Handshake::handle_recv`]; if [`Handshake::poll_keys`] asks, derive the keys or take them from a cache and
//! [`Handshake::handle_keys`]; if [`Handshake::poll_need`] asks, fetch it and answer; until [`Handshake::is_done`], then
//! [`Handshake::finish`].
//!
//! A server that answers a command with error 391 wants the user to log in again: [`Handshake::reauthenticate`] takes the
//! connection and goes the same way without hello.

use stator_wire::Deframer;
use stator_wire::bson::DocWriter;

use crate::Instant;
use crate::auth::Mechanism;
use crate::auth::oidc::AccessToken;
use crate::auth::scram::{Challenge, ClientFinal, ClientFirst, EmptyExchange, Nonce, ScramKeys};
use crate::connection::{Connection, ConnectionError, Request, SendBuf};
use crate::operation::stamps::write_server_api;

mod aws;
mod commands;
mod error;
mod metadata;
mod need;
mod oidc;
mod options;
mod reauth;
mod replies;

pub use error::{AuthFailure, HandshakeError};
pub use metadata::{ClientMetadata, EnvInfo, OsInfo};
pub use need::Need;
pub use options::{HandshakeOptions, Login, PlainPayload};
pub use reauth::REAUTHENTICATION_REQUIRED;

pub use crate::uri::DriverInfo;

use self::aws::AwsStep;
use self::commands::{write_sasl_continue, write_sasl_start};
use self::oidc::OidcStep;

/// The oldest wire version that is spoken here: MongoDB 4.2.
pub const MIN_WIRE_VERSION: i32 = 8;
/// The newest wire version that is known here; servers speak old versions for years.
pub const MAX_WIRE_VERSION: i32 = 29;

/// The machine of one handshake.
#[derive(Debug)]
pub struct Handshake {
    connection: Connection,
    options: HandshakeOptions,
    /// The mechanism in use, the one speculated on to begin with; means nothing without a login.
    mechanism: Mechanism,
    phase: Phase,
    /// Whether the request of `phase` is still to be sent.
    unsent: bool,
    /// Whether hello was answered as it should.
    greeted: bool,
    keys: Option<ScramKeys>,
    /// The token that is with the server, or was accepted by it.
    token: Option<AccessToken>,
}

#[derive(Debug)]
enum Phase {
    /// hello, with the beginning of a SCRAM conversation if one is speculated on.
    Hello {
        first: Option<ClientFirst>,
        nonce: Option<Nonce>,
    },
    ScramStart {
        first: ClientFirst,
    },
    ScramKeys {
        challenge: Challenge,
        conversation: ConversationId,
    },
    ScramFinal {
        last: ClientFinal,
        conversation: ConversationId,
    },
    ScramEmpty {
        empty: EmptyExchange,
        conversation: ConversationId,
    },
    Plain,
    X509,
    Aws(AwsStep),
    Oidc(OidcStep),
    Done,
    Failed(HandshakeError),
}

/// `conversationId` as the server gave it: any number.
type ConversationId = i32;

impl Handshake {
    /// A handshake on a fresh stream. `nonce` is the client's SCRAM nonce, unpredictable and used once.
    pub fn new(options: HandshakeOptions, nonce: Nonce) -> Self {
        let first = match &options.login {
            // Without a mechanism, SCRAM-SHA-256 is speculated on (specification *MongoDB Handshake*).
            Some(Login::Negotiate { sha256, .. }) => Some(ClientFirst::new(sha256, nonce.clone())),
            Some(Login::Scram { credentials, .. }) => Some(ClientFirst::new(credentials, nonce.clone())),
            _ => None,
        };
        Self {
            connection: Connection::new(options.compression.clone()),
            mechanism: options.mechanism(first.as_ref()),
            options,
            phase: Phase::Hello { first, nonce: Some(nonce) },
            unsent: true,
            greeted: false,
            keys: None,
            token: None,
        }
    }

    /// Appends the next request to `out` if there is one; `out` must be empty.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut SendBuf) -> bool {
        if !core::mem::take(&mut self.unsent) {
            return false;
        }
        match self.write(now, out) {
            Ok(written) => written,
            Err(error) => {
                self.phase = Phase::Failed(error.into());
                false
            }
        }
    }

    fn write(&mut self, now: Instant, out: &mut SendBuf) -> Result<bool, ConnectionError> {
        let options = &self.options;
        let database = options.source();
        let (name, body): (_, &dyn Fn(&mut DocWriter<'_>)) = match &self.phase {
            Phase::Hello { first, .. } => {
                let name = if options.uses_hello() { "hello" } else { "isMaster" };
                (name, &|body| options.write_hello(body, first.as_ref()))
            }
            Phase::ScramStart { first } => ("saslStart", &|body| {
                write_sasl_start(body, first, None);
                body.str("$db", database);
            }),
            Phase::ScramFinal { last, conversation } => ("saslContinue", &|body| {
                write_sasl_continue(body, *conversation, last.payload());
                body.str("$db", database);
            }),
            Phase::ScramEmpty { empty, conversation } => ("saslContinue", &|body| {
                write_sasl_continue(body, *conversation, empty.payload());
                body.str("$db", database);
            }),
            Phase::Plain => ("saslStart", &|body| {
                if let Some(Login::Plain { payload, .. }) = &options.login {
                    body.i32("saslStart", 1).str("mechanism", "PLAIN").binary("payload", 0, &payload.0);
                }
                body.str("$db", database);
            }),
            Phase::X509 => ("authenticate", &|body| {
                options.write_authenticate(body);
                body.str("$db", "$external");
            }),
            Phase::Aws(step) => {
                let Some(name) = step.command() else { return Ok(false) };
                (name, &|body| {
                    step.write(body);
                    body.str("$db", database);
                })
            }
            Phase::Oidc(step) => {
                let Some(name) = step.command() else { return Ok(false) };
                (name, &|body| {
                    step.write(body);
                    body.str("$db", database);
                })
            }
            Phase::ScramKeys { .. } | Phase::Done | Phase::Failed(_) => return Ok(false),
        };
        let body = |doc: &mut DocWriter<'_>| {
            body(doc);
            if let Some(api) = &options.server_api {
                write_server_api(api, doc);
            }
        };
        let request = Request { name, body: &body, sequences: &[], exhaust: false, no_reply: false };
        self.connection.send(now, &request, options.deadline, out)?;
        Ok(true)
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) has something to write.
    pub const fn has_request(&self) -> bool {
        self.unsent && !matches!(self.phase, Phase::Failed(_))
    }

    /// Says that `count` bytes of `out` were written to the stream.
    pub fn handle_sent(&mut self, now: Instant, out: &mut SendBuf, count: usize) {
        self.connection.handle_sent(now, out, count);
    }

    /// Reads what has come. The first error sticks.
    pub fn handle_recv(&mut self, now: Instant, input: &mut Deframer) -> Result<(), HandshakeError> {
        if let Phase::Failed(error) = &self.phase {
            return Err(error.clone());
        }
        let outcome = match self.connection.handle_recv(now, input) {
            Ok(None) => return Ok(()),
            Ok(Some(reply)) => self.handle_reply(&reply),
            Err(error) => Err(error.into()),
        };
        outcome.inspect_err(|error| self.phase = Phase::Failed(error.clone()))
    }

    /// Says that the stream has ended. Returns why the handshake failed: an earlier error sticks.
    pub fn handle_closed(&mut self, now: Instant, input: &Deframer) -> HandshakeError {
        if let Phase::Failed(error) = &self.phase {
            return error.clone();
        }
        let error = HandshakeError::from(self.connection.handle_closed(now, input));
        self.phase = Phase::Failed(error.clone());
        error
    }

    const fn auth_error(&self, cause: AuthFailure) -> HandshakeError {
        HandshakeError::Auth { mechanism: self.mechanism, cause }
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.unsent = true;
    }

    /// The challenge whose keys are needed: derive them ([`Challenge::derive_keys`] takes milliseconds of computing) or
    /// take them from a cache by [`Challenge::cache_key`].
    pub const fn poll_keys(&self) -> Option<&Challenge> {
        match &self.phase {
            Phase::ScramKeys { challenge, .. } => Some(challenge),
            _ => None,
        }
    }

    /// The keys that [`poll_keys`](Self::poll_keys) asked for.
    pub fn handle_keys(&mut self, keys: ScramKeys) -> Result<(), HandshakeError> {
        match core::mem::replace(&mut self.phase, Phase::Done) {
            Phase::ScramKeys { challenge, conversation } => match challenge.client_final(keys) {
                Ok(last) => {
                    self.enter(Phase::ScramFinal { last, conversation });
                    Ok(())
                }
                Err(error) => {
                    let error = self.auth_error(AuthFailure::Mechanism(error));
                    self.phase = Phase::Failed(error.clone());
                    Err(error)
                }
            },
            other => {
                self.phase = other;
                Ok(())
            }
        }
    }

    /// When the handshake must be over.
    pub fn poll_timeout(&self) -> Option<Instant> {
        (!self.options.deadline.is_far_future() && !self.is_done()).then_some(self.options.deadline)
    }

    /// Whether everything is negotiated and the user is logged in.
    pub const fn is_done(&self) -> bool {
        matches!(self.phase, Phase::Done)
    }

    /// Whether hello was answered: what fails from here on is authentication.
    pub const fn is_authenticating(&self) -> bool {
        self.greeted
    }

    /// How it authenticates, if at all.
    pub const fn login(&self) -> Option<&Login> {
        self.options.login.as_ref()
    }

    /// Why the handshake failed, if it did.
    pub const fn error(&self) -> Option<&HandshakeError> {
        match &self.phase {
            Phase::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// The connection, and the SCRAM keys that the server has proved, for a cache; `None` before
    /// [`is_done`](Self::is_done).
    pub fn finish(self) -> Option<(Connection, Option<ScramKeys>)> {
        self.is_done().then_some((self.connection, self.keys))
    }
}

#[cfg(test)]
mod tests;
