//! A handshake and a server in virtual time, without a socket.

extern crate std;

mod aws;
mod external;
mod failures;
mod hello;
mod hostile;
mod mechanisms;
mod needs;
mod oidc;
mod reauth;
mod server;
mod transport;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};
use std::sync::OnceLock;

use self::server::{CONVERSATION, Field, Fields, Server, failure, set};
use stator_wire::bson::{BsonError, Doc};

use super::*;
use crate::auth::AuthError;
use crate::auth::scram::{Credentials, Hash, KeyCache, KeyParams, Prepared, server::StoredCredentials};
use crate::connection::Compression;
use crate::operation::{CommandError, OperationError};
use crate::uri::ServerApi;

/// Both ends of one handshake.
struct Pair {
    client: Handshake,
    out: SendBuf,
    input: Deframer,
    server: Server,
    /// What the server has said and the client has not yet read.
    wire: Vec<u8>,
    cache: KeyCache,
    /// How often keys had to be derived.
    derived: usize,
    /// What answers needs.
    host: needs::TestHost,
    /// The most bytes that one write or one read moves.
    piece: usize,
    /// After how many bytes of its own the server closes the stream.
    closes_after: Option<usize>,
    now: Instant,
}

impl Pair {
    fn new(options: HandshakeOptions, server: Server) -> Self {
        Self {
            client: Handshake::new(options, Nonce::from_random(&[7; 24])),
            out: SendBuf::new(),
            input: Deframer::new(48_000_000),
            server,
            wire: vec![],
            cache: KeyCache::new(),
            derived: 0,
            host: needs::TestHost::default(),
            piece: usize::MAX,
            closes_after: None,
            now: Instant::ORIGIN,
        }
    }

    /// With the keys of the test's user at hand, so that nothing is derived.
    fn with_keys(mut self) -> Self {
        known().iter().for_each(|(_, keys)| self.cache.insert(keys.clone()));
        self
    }

    /// The loop of a host, until the handshake is done or has failed; then the error must stick.
    fn drive(&mut self) -> Result<(), HandshakeError> {
        let outcome = self.drive_once();
        match &outcome {
            Ok(()) => assert!(self.client.is_done() && self.client.error().is_none()),
            Err(error) => {
                assert_eq!(self.client.error(), Some(error));
                assert!(!self.client.is_done());
                assert!(!self.client.poll_transmit(self.now, &mut self.out), "nothing is sent after an error");
                assert_eq!(self.client.handle_recv(self.now, &mut self.input), Err(error.clone()));
                assert_eq!(self.client.handle_closed(self.now, &self.input), *error);
            }
        }
        outcome
    }

    fn drive_once(&mut self) -> Result<(), HandshakeError> {
        while !self.step()? {}
        Ok(())
    }

    /// One round of the loop; whether it was the last. The handshake must not fail.
    fn drive_step(&mut self) -> bool {
        self.step().unwrap()
    }

    /// One round of the loop: keys, all that is to be written, one read.
    fn step(&mut self) -> Result<bool, HandshakeError> {
        if let Some(challenge) = self.client.poll_keys() {
            let cached = self.cache.get(challenge.cache_key());
            self.derived += usize::from(cached.is_none());
            let keys = cached.unwrap_or_else(|| challenge.derive_keys());
            self.client.handle_keys(keys)?;
        }
        if let Some(need) = self.client.poll_need() {
            self.fulfil(need);
        }
        self.client.poll_transmit(self.now, &mut self.out);
        while !self.out.is_empty() {
            let bytes = self.out.slices().concat();
            let count = self.piece.min(bytes.len());
            self.server.handle(&bytes[..count], &mut self.wire);
            self.client.handle_sent(self.now, &mut self.out, count);
        }
        let count = self.piece.min(self.wire.len()).min(self.closes_after.unwrap_or(usize::MAX));
        if count == 0 {
            return Err(self.client.handle_closed(self.now, &self.input));
        }
        self.closes_after = self.closes_after.map(|left| left - count);
        self.input.push(&self.wire[..count]);
        self.wire.drain(..count);
        self.client.handle_recv(self.now, &mut self.input)?;
        Ok(self.client.is_done())
    }

    /// Drives it to its end; the server must agree that somebody is logged in.
    #[track_caller]
    fn logged_in(mut self) -> (Self, Connection, Option<ScramKeys>) {
        self.drive().unwrap();
        assert!(self.server.is_logged_in());
        assert_eq!(self.client.poll_timeout(), None);
        let client = core::mem::replace(&mut self.client, Handshake::new(options(None), nonce()));
        let (connection, keys) = client.finish().unwrap();
        assert!(connection.is_idle());
        (self, connection, keys)
    }
}

fn nonce() -> Nonce {
    Nonce::from_random(&[9; 24])
}

fn options(login: Option<Login>) -> HandshakeOptions {
    HandshakeOptions {
        metadata: ClientMetadata::default().to_doc(),
        login,
        compressors: vec![],
        compression: Compression::none(),
        load_balanced: false,
        server_api: None,
        deadline: Instant::FAR_FUTURE,
    }
}

fn credentials(hash: Hash) -> Credentials {
    match hash {
        Hash::Sha1 => Credentials::sha1("user", "pencil").unwrap(),
        Hash::Sha256 => Credentials::sha256("user", Prepared::ascii("pencil").unwrap()).unwrap(),
    }
}

/// What servers store of the test's user, and the keys that belong to it. Deriving is slow, so it is done once.
fn known() -> &'static [(StoredCredentials, ScramKeys); 2] {
    static KNOWN: OnceLock<[(StoredCredentials, ScramKeys); 2]> = OnceLock::new();
    KNOWN.get_or_init(|| {
        [Hash::Sha1, Hash::Sha256].map(|hash| {
            let params = KeyParams::new(b"a salt of some length", 4096).unwrap();
            let keys = credentials(hash).derive_keys(&params);
            let stored = StoredCredentials {
                hash,
                salt: params.salt().to_vec(),
                iterations: params.iterations(),
                stored_key: keys.stored_key(),
                server_key: keys.server_key().clone(),
            };
            (stored, keys)
        })
    })
}

fn stored(hash: Hash) -> StoredCredentials {
    known().iter().find(|(stored, _)| stored.hash == hash).unwrap().0.clone()
}

fn negotiate() -> Login {
    Login::Negotiate { sha1: credentials(Hash::Sha1), sha256: credentials(Hash::Sha256), source: "admin".into() }
}

fn scram(hash: Hash) -> Login {
    Login::Scram { credentials: credentials(hash), source: "users".into() }
}
