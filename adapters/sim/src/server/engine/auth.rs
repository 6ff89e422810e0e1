//! Logins: SCRAM, served by the state machine of `stator_proto`, and the way to other mechanisms.

use core::fmt;
use std::collections::BTreeMap;

use bson::spec::BinarySubtype;
use bson::{Binary, Bson, Document, doc};
use stator_proto::auth::scram::server::{Challenged, Hello, StoredCredentials};
use stator_proto::auth::scram::{Credentials, KeyParams, Nonce, Prepared};

use super::Engine;
use super::error::{AUTHENTICATION_FAILED, Failed, PROTOCOL_ERROR};
use super::external::External;
use super::value::{integer, truthy};
use crate::rng::Rng;

/// What the server remembers of a connection.
#[derive(Debug)]
pub struct Peer {
    connection_id: i64,
    pub(super) conversation: Conversation,
    pub(super) user: Option<String>,
}

impl Peer {
    /// A new connection; the number is told in the hello reply.
    pub fn new(connection_id: i64) -> Self {
        Self { connection_id, conversation: Conversation::None, user: None }
    }

    /// `connectionId` of the hello reply.
    pub fn connection_id(&self) -> i64 {
        self.connection_id
    }

    /// Whether a login has succeeded.
    pub fn is_authenticated(&self) -> bool {
        self.user.is_some()
    }

    /// The `database.user` that has logged in.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }
}

pub(super) enum Conversation {
    None,
    /// The client's proof is awaited.
    Challenged {
        state: Box<Challenged>,
        user: String,
        skip_empty: bool,
    },
    /// A signature is awaited.
    Aws {
        nonce: Vec<u8>,
    },
    /// An OIDC token is awaited.
    Principal,
    /// The client's empty message is awaited.
    Empty {
        user: String,
    },
}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Challenged { .. } => "Challenged",
            Self::Aws { .. } => "Aws",
            Self::Principal => "Principal",
            Self::Empty { .. } => "Empty",
        })
    }
}

/// The users by `database.name`: what is stored for SCRAM-SHA-1 and SCRAM-SHA-256.
#[derive(Default)]
pub(super) struct Users {
    known: BTreeMap<String, [StoredCredentials; 2]>,
    nonces: u64,
    pub(super) external: External,
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Users").field(&self.known.keys()).finish()
    }
}

impl Users {
    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty() && self.external.is_empty()
    }

    /// The mechanisms of a `database.user`; none if there is no such user.
    pub(super) fn mechanisms(&self, user: &str) -> Vec<Bson> {
        self.known.get(user).into_iter().flat_map(|_| MECHANISMS).map(Bson::from).collect()
    }
}

impl Engine {
    /// Adds a user who may log in with SCRAM-SHA-1 and SCRAM-SHA-256. As soon as there is one, commands other than
    /// those of the handshake need a login. Returns `false`, and adds nobody, if the name or the password is not
    /// acceptable: passwords must be ASCII.
    #[must_use]
    pub fn add_user(&mut self, database: &str, name: &str, password: &str) -> bool {
        let stored = || {
            let params = KeyParams::new(format!("salt of {name}").as_bytes(), ITERATIONS).ok()?;
            let sha1 = Credentials::sha1(name, password).ok()?;
            let sha256 = Credentials::sha256(name, Prepared::ascii(password)?).ok()?;
            Some([sha1, sha256].map(|credentials| StoredCredentials::derive(&credentials, &params)))
        };
        let stored = stored();
        let added = stored.is_some();
        self.users.known.extend(stored.map(|stored| (format!("{database}.{name}"), stored)));
        added
    }

    pub(super) fn sasl_start(&mut self, peer: &mut Peer, body: &Document) -> Result<Document, Failed> {
        peer.conversation = Conversation::None;
        let mechanism = body.get_str("mechanism").map_err(|_| Failed::field("mechanism"))?;
        match mechanism {
            "MONGODB-AWS" => return Self::start_aws(peer, payload(body)?),
            "MONGODB-OIDC" => return self.start_oidc(peer, payload(body)?),
            _ => {}
        }
        let mechanism = MECHANISMS.iter().position(|name| *name == mechanism);
        let mechanism =
            mechanism.ok_or_else(|| Failed::bad_value("Received authentication for an unknown mechanism"))?;
        let database = body.get_str("$db").or_else(|_| body.get_str("db")).unwrap_or("admin");
        let hello = Hello::parse(payload(body)?).map_err(|_| refused())?;
        let user = format!("{database}.{}", hello.username());
        let mut random = [0; Nonce::RANDOM_LEN];
        self.users.nonces += 1;
        Rng::new(self.users.nonces, peer.connection_id.cast_unsigned()).fill(&mut random);
        let stored = self.users.known.get(&user).map(|stored| &stored[mechanism]);
        let state = hello.challenge(stored, &Nonce::from_random(&random)).map_err(|_| refused())?;
        let reply = sasl_reply(false, state.payload());
        let skip_empty = body.get_document("options").is_ok_and(|options| truthy(options.get("skipEmptyExchange")));
        peer.conversation = Conversation::Challenged { state: Box::new(state), user, skip_empty };
        Ok(reply)
    }

    pub(super) fn sasl_continue(&self, peer: &mut Peer, body: &Document) -> Result<Document, Failed> {
        let conversation = core::mem::replace(&mut peer.conversation, Conversation::None);
        if body.get("conversationId").and_then(integer) != Some(i64::from(CONVERSATION)) {
            return Err(Failed::new(PROTOCOL_ERROR, "No SASL session state found"));
        }
        match conversation {
            Conversation::None => Err(Failed::new(PROTOCOL_ERROR, "No SASL session state found")),
            Conversation::Challenged { state, user, skip_empty } => {
                let last = state.verify(payload(body)?).map_err(|_| refused())?;
                if skip_empty {
                    peer.user = Some(user);
                } else {
                    peer.conversation = Conversation::Empty { user };
                }
                Ok(sasl_reply(skip_empty, &last))
            }
            Conversation::Aws { nonce } => self.finish_aws(peer, &nonce, payload(body)?),
            Conversation::Principal => self.take_token(peer, payload(body)?),
            Conversation::Empty { user } => {
                peer.user = Some(user);
                Ok(sasl_reply(true, b""))
            }
        }
    }
}

fn payload(body: &Document) -> Result<&[u8], Failed> {
    match body.get("payload") {
        Some(Bson::Binary(payload)) => Ok(&payload.bytes),
        _ => Err(Failed::field("payload")),
    }
}

pub(super) fn refused() -> Failed {
    Failed::new(AUTHENTICATION_FAILED, "Authentication failed.")
}

pub(super) fn sasl_reply(done: bool, payload: &[u8]) -> Document {
    let payload = Binary { subtype: BinarySubtype::Generic, bytes: payload.to_vec() };
    doc! { "conversationId": CONVERSATION, "done": done, "payload": payload, "ok": 1.0 }
}

/// In the order of [`Users`]' credentials.
const MECHANISMS: [&str; 2] = ["SCRAM-SHA-1", "SCRAM-SHA-256"];
/// One conversation at a time on a connection, as a server has it.
const CONVERSATION: i32 = 1;
/// The least that clients accept: logins of a simulation should be quick.
const ITERATIONS: u32 = 4096;
