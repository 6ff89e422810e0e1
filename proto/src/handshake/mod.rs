//! From a fresh stream to a usable [`Connection`]: hello, then authentication.
//!
//! ```text
//!  hello --+--(no login)--------------------------------------------------------> done
//!          +--(SCRAM)----> [saslStart] --> keys --> saslContinue --> [empty] ---> done
//!          +--(PLAIN)----> saslStart --------------------------------------------> done
//!          +--(X.509)----> [authenticate] ---------------------------------------> done
//! ```
//!
//! Steps in brackets are left out when the server has answered them in its hello reply (speculative
//! authentication) or can do without (`skipEmptyExchange`).
//!
//! The loop of a host: [`Handshake::poll_transmit`] into a [`SendBuf`], write it, [`Handshake::handle_sent`]; read,
//! [`Handshake::handle_recv`]; if [`Handshake::poll_keys`] asks, derive the keys or take them from a cache and
//! [`Handshake::handle_keys`]; until [`Handshake::is_done`], then [`Handshake::finish`].

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use stator_wire::Deframer;
use stator_wire::bson::{BsonError, Doc, DocBuf, DocWriter};

use crate::Instant;
use crate::auth::scram::{Challenge, ClientFinal, ClientFirst, Credentials, EmptyExchange, Finish, Nonce, ScramKeys};
use crate::auth::{AuthError, Mechanism};
use crate::connection::{Compression, Connection, ConnectionError, Reply, Request, SendBuf};
use crate::hello::HelloReply;
use crate::operation::stamps::write_server_api;
use crate::operation::{CommandError, OperationError};
use crate::uri::ServerApi;

mod metadata;

pub use metadata::{ClientMetadata, EnvInfo, OsInfo};

pub use crate::uri::DriverInfo;

/// How to authenticate. Passwords are prepared by the host (SASLprep for SCRAM-SHA-256).
#[derive(Clone, Debug)]
pub enum Login {
    /// Whichever SCRAM mechanism the server prefers for the user (`saslSupportedMechs`).
    Negotiate {
        /// For SCRAM-SHA-1.
        sha1: Credentials,
        /// For SCRAM-SHA-256.
        sha256: Credentials,
        /// The database that knows the user.
        source: String,
    },
    /// The SCRAM mechanism of the credentials.
    Scram {
        /// The user and the prepared password.
        credentials: Credentials,
        /// The database that knows the user.
        source: String,
    },
    /// PLAIN (LDAP): the payload holds the password in clear.
    Plain {
        /// From [`plain_payload`](crate::auth::plain_payload).
        payload: PlainPayload,
        /// The database that knows the user, usually `$external`.
        source: String,
    },
    /// The certificate of the TLS connection.
    X509 {
        /// The subject's name, if the server is not to take it from the certificate.
        username: Option<String>,
    },
}

/// A PLAIN payload; its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct PlainPayload(pub Vec<u8>);

impl fmt::Debug for PlainPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainPayload(..)")
    }
}

/// What a handshake is to negotiate.
#[derive(Clone, Debug)]
pub struct HandshakeOptions {
    /// The `client` document.
    pub metadata: DocBuf,
    /// How to authenticate, if at all.
    pub login: Option<Login>,
    /// The names of the compressors wanted, best first, each with its id.
    pub compressors: Vec<(&'static str, u8)>,
    /// The codecs that the host has.
    pub compression: Compression,
    /// Whether a load balancer stands between.
    pub load_balanced: bool,
    /// The Stable API version to declare.
    pub server_api: Option<ServerApi>,
    /// When the handshake must be over.
    pub deadline: Instant,
}

/// The oldest wire version that is spoken here: MongoDB 4.2.
pub const MIN_WIRE_VERSION: i32 = 8;
/// The newest wire version that is known here; servers speak old versions for years.
pub const MAX_WIRE_VERSION: i32 = 29;

/// Why a handshake failed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The stream or the wire protocol failed.
    Connection(ConnectionError),
    /// The server refused hello.
    Hello(OperationError),
    /// The server refused the credentials, or the conversation went wrong.
    Auth {
        /// The mechanism in use.
        mechanism: Mechanism,
        /// What went wrong.
        cause: AuthFailure,
    },
    /// The server is too old or too new.
    Incompatible {
        /// The server's `minWireVersion`.
        min: i32,
        /// The server's `maxWireVersion`.
        max: i32,
    },
    /// `loadBalanced=true`, but the server names no `serviceId`.
    NotLoadBalanced,
}

/// What went wrong in authentication.
#[derive(Clone, Debug, PartialEq)]
pub enum AuthFailure {
    /// The server's answer to a command: usually code 18, wrong user or password.
    Refused(CommandError),
    /// The conversation broke the mechanism's rules.
    Mechanism(AuthError),
    /// The reply lacks a field of the conversation.
    Reply(OperationError),
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(error) => error.fmt(f),
            Self::Hello(error) => write!(f, "hello failed: {error}"),
            Self::Auth { mechanism, cause } => {
                write!(f, "authentication with {} failed: ", mechanism.as_str())?;
                match cause {
                    AuthFailure::Refused(error) => error.fmt(f),
                    AuthFailure::Mechanism(error) => error.fmt(f),
                    AuthFailure::Reply(error) => error.fmt(f),
                }
            }
            Self::Incompatible { min, max } => write!(
                f,
                "the server speaks wire versions {min} to {max}; this driver speaks {MIN_WIRE_VERSION} (MongoDB 4.2) to \
                 {MAX_WIRE_VERSION}"
            ),
            Self::NotLoadBalanced => f.write_str("loadBalanced=true, but the server is not behind a load balancer"),
        }
    }
}

impl core::error::Error for HandshakeError {}

impl From<ConnectionError> for HandshakeError {
    fn from(error: ConnectionError) -> Self {
        Self::Connection(error)
    }
}

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
        let mechanism = match (&first, &options.login) {
            (Some(first), _) => Mechanism::scram(first.hash()),
            (None, Some(Login::X509 { .. })) => Mechanism::MongoDbX509,
            (None, _) => Mechanism::Plain,
        };
        Self {
            connection: Connection::new(options.compression.clone()),
            options,
            mechanism,
            phase: Phase::Hello { first, nonce: Some(nonce) },
            unsent: true,
            greeted: false,
            keys: None,
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

    fn handle_reply(&mut self, reply: &Reply) -> Result<(), HandshakeError> {
        let phase = core::mem::replace(&mut self.phase, Phase::Done);
        let command = CommandError::from_reply(reply);
        if !matches!(phase, Phase::Hello { .. }) {
            let outcome = match command {
                Ok(None) => self.handle_step(phase, reply.body()),
                Ok(Some(error)) => Err(AuthFailure::Refused(error)),
                Err(error) => Err(AuthFailure::Reply(error)),
            };
            return outcome.map_err(|cause| self.auth_error(cause));
        }
        match command {
            Ok(None) => {}
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
        match &self.options.login {
            None => self.phase = Phase::Done,
            Some(Login::Plain { .. }) => self.enter(Phase::Plain),
            Some(Login::X509 { .. }) if speculative.is_some() => self.phase = Phase::Done,
            Some(Login::X509 { .. }) => self.enter(Phase::X509),
            Some(Login::Negotiate { .. } | Login::Scram { .. }) => {
                let Some(first) = first else { return Ok(()) };
                if let Some(answer) = speculative {
                    let outcome = self.handle_step(Phase::ScramStart { first }, answer.as_doc());
                    return outcome.map_err(|cause| self.auth_error(cause));
                }
                let first = match (&self.options.login, nonce) {
                    (Some(Login::Negotiate { sha1, .. }), Some(nonce)) => {
                        let names = supported.iter().flatten().map(String::as_str);
                        match Mechanism::negotiate(names) {
                            Mechanism::ScramSha1 => ClientFirst::new(sha1, nonce),
                            _ => first,
                        }
                    }
                    _ => first,
                };
                self.mechanism = Mechanism::scram(first.hash());
                self.enter(Phase::ScramStart { first });
            }
        }
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
            Phase::X509 | Phase::Hello { .. } | Phase::ScramKeys { .. } | Phase::Done | Phase::Failed(_) => {}
        }
        Ok(())
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

impl HandshakeOptions {
    fn source(&self) -> &str {
        match &self.login {
            Some(Login::Negotiate { source, .. } | Login::Scram { source, .. } | Login::Plain { source, .. }) => source,
            _ => "$external",
        }
    }

    /// The Stable API and load balancers demand `hello`; else the first message is legacy hello.
    const fn uses_hello(&self) -> bool {
        self.server_api.is_some() || self.load_balanced
    }

    fn write_hello(&self, body: &mut DocWriter<'_>, first: Option<&ClientFirst>) {
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
            Some(Login::Plain { .. }) | None => {}
        }
        body.str("$db", "admin");
    }

    fn write_authenticate(&self, body: &mut DocWriter<'_>) {
        body.i32("authenticate", 1).str("mechanism", "MONGODB-X509");
        if let Some(Login::X509 { username: Some(username) }) = &self.login {
            body.str("user", username);
        }
    }
}

fn write_sasl_start(body: &mut DocWriter<'_>, first: &ClientFirst, db: Option<&str>) {
    let mechanism = Mechanism::scram(first.hash());
    body.i32("saslStart", 1).str("mechanism", mechanism.as_str()).binary("payload", 0, first.payload());
    body.document("options").bool("skipEmptyExchange", true);
    if let Some(db) = db {
        body.str("db", db);
    }
}

fn write_sasl_continue(body: &mut DocWriter<'_>, conversation: ConversationId, payload: &[u8]) {
    body.i32("saslContinue", 1).i32("conversationId", conversation).binary("payload", 0, payload);
}

/// A reply to saslStart or saslContinue.
struct SaslReply<'a> {
    conversation: ConversationId,
    payload: &'a [u8],
    done: bool,
}

impl<'a> SaslReply<'a> {
    fn parse(reply: Doc<'a>) -> Result<Self, AuthFailure> {
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

#[cfg(test)]
mod tests;
