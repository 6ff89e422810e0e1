//! The host of the driver's machines: the loop that every adapter has, with function calls in place of a socket.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use stator_proto::auth::AuthError;
use stator_proto::auth::scram::{Credentials, KeyParams, Nonce, Prepared, server::StoredCredentials};
use stator_proto::connection::{Compression, ConnectionError, SendBuf};
use stator_proto::handshake::{ClientMetadata, Handshake, HandshakeError, HandshakeOptions, Login};
use stator_proto::hello::Limits;
use stator_proto::operation::{Exec, Find, Namespace, OperationError, Reached, Settings, Step};
use stator_proto::topology::TopologyKind;
use stator_proto::retry::{Failure, FailureClass};
use stator_proto::{Config, Connection, Instant};
use stator_wire::Deframer;
use stator_wire::bson::{BsonError, DocBuf};

use crate::server::Server;

/// Logs in and finds; returns how many documents came.
pub fn find_as_user() -> Result<usize, Error> {
    // A real host reads its clock. This one has none.
    let now = Instant::ORIGIN;
    let config: Config = "mongodb://user:pencil@localhost".parse().map_err(|_| Error::Unexpected("a bad string"))?;
    let credential = config.credential.as_ref().ok_or(Error::Unexpected("no credential"))?;
    let password = credential.password.as_ref().map_or("", |password| password.expose());
    let prepared = Prepared::ascii(password).ok_or(Error::Unexpected("a password that needs SASLprep"))?;
    let credentials = Credentials::sha256(credential.username.as_deref().unwrap_or(""), prepared)?;

    let stored = StoredCredentials::derive(&credentials, &KeyParams::new(b"salt of a user", 4096)?);
    let mut wire = Wire { out: SendBuf::new(), input: Deframer::new(Limits::MAX_FRAME), server: Server::new(stored) };

    let mut connection = shake_hands(now, credentials, &mut wire)?;
    find(now, &mut connection, &mut wire)
}

/// Both ends of the stream and what is between them.
struct Wire {
    out: SendBuf,
    input: Deframer,
    server: Server,
}

impl Wire {
    /// Carries the request to the server and its reply back; returns how much was sent.
    fn carry(&mut self) -> Result<usize, Error> {
        let request = self.out.slices().concat();
        let reply = self.server.answer(&request).map_err(Error::Server)?;
        // In two pieces, for streams keep no boundaries.
        let (first, second) = reply.split_at(reply.len() / 2);
        self.input.push(first);
        self.input.push(second);
        Ok(request.len())
    }
}

fn shake_hands(now: Instant, credentials: Credentials, wire: &mut Wire) -> Result<Connection, Error> {
    let options = HandshakeOptions {
        metadata: ClientMetadata::default().to_doc(),
        login: Some(Login::Scram { credentials, source: String::from("admin") }),
        compressors: Vec::new(),
        compression: Compression::none(),
        load_balanced: false,
        server_api: None,
        deadline: Instant::FAR_FUTURE,
    };
    // A real host draws 24 random bytes.
    let mut handshake = Handshake::new(options, Nonce::from_random(&[7; Nonce::RANDOM_LEN]));
    while !handshake.is_done() {
        if let Some(challenge) = handshake.poll_keys() {
            let keys = challenge.derive_keys();
            handshake.handle_keys(keys)?;
        } else if handshake.poll_transmit(now, &mut wire.out) {
            let sent = wire.carry()?;
            handshake.handle_sent(now, &mut wire.out, sent);
            handshake.handle_recv(now, &mut wire.input)?;
        } else {
            return Err(Error::Unexpected("the handshake has nothing to do"));
        }
    }
    match handshake.finish() {
        Some((connection, Some(_))) if wire.server.knows_the_client() => Ok(connection),
        _ => Err(Error::Unexpected("nobody was authenticated")),
    }
}

fn find(now: Instant, connection: &mut Connection, wire: &mut Wire) -> Result<usize, Error> {
    let find = Find::new(Namespace::new("shop", "orders"), DocBuf::default());
    let mut exec = Exec::<_, Error>::new(now, find, Settings::default(), None);
    loop {
        match exec.poll_step() {
            Step::CheckOut => exec.handle_checked_out(now, Reached::new(TopologyKind::Single)),
            Step::Exchange => {
                exec.send(now, connection, &mut wire.out);
                let sent = wire.carry()?;
                connection.handle_sent(now, &mut wire.out, sent);
                let reply = connection.handle_recv(now, &mut wire.input)?;
                exec.handle_reply(now, reply.ok_or(Error::Unexpected("half a reply"))?);
            }
            Step::Reauthenticate => return Err(Error::Unexpected("the server wants another login")),
            Step::Sleep(_) | Step::Expired => return Err(Error::Unexpected("there is no clock to go by")),
            Step::Done => break,
        }
    }
    let mut cursor = exec.finish().ok_or(Error::Unexpected("no result"))??;
    let mut documents = 0;
    while let Some(document) = cursor.batch.next_doc() {
        match document?.get_i32("n")? {
            Some(n) if n == documents => documents += 1,
            _ => return Err(Error::Unexpected("another document than was sent")),
        }
    }
    usize::try_from(documents).map_err(|_| Error::Unexpected("a negative count"))
}

/// Whatever can go wrong.
pub enum Error {
    Auth(AuthError),
    Bson(BsonError),
    Connection(ConnectionError),
    Handshake(Box<HandshakeError>),
    Operation(OperationError),
    Server(&'static str),
    Unexpected(&'static str),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auth(error) => error.fmt(f),
            Self::Bson(error) => error.fmt(f),
            Self::Connection(error) => error.fmt(f),
            Self::Handshake(error) => error.fmt(f),
            Self::Operation(error) => error.fmt(f),
            Self::Server(what) | Self::Unexpected(what) => f.write_str(what),
        }
    }
}

impl Failure for Error {
    fn class(&self) -> FailureClass {
        match self {
            Self::Connection(error) => error.class(),
            Self::Operation(error) => error.class(),
            Self::Handshake(_) => FailureClass::Network,
            Self::Auth(_) | Self::Bson(_) | Self::Server(_) | Self::Unexpected(_) => FailureClass::Other,
        }
    }
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Self {
        Self::Auth(error)
    }
}

impl From<BsonError> for Error {
    fn from(error: BsonError) -> Self {
        Self::Bson(error)
    }
}

impl From<ConnectionError> for Error {
    fn from(error: ConnectionError) -> Self {
        Self::Connection(error)
    }
}

impl From<HandshakeError> for Error {
    fn from(error: HandshakeError) -> Self {
        Self::Handshake(Box::new(error))
    }
}

impl From<OperationError> for Error {
    fn from(error: OperationError) -> Self {
        Self::Operation(error)
    }
}
