//! What a handshake is to negotiate, and with whose credentials.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use stator_wire::bson::DocBuf;

use crate::Instant;
use crate::auth::Mechanism;
use crate::auth::oidc::{AccessToken, Flow};
use crate::auth::scram::{ClientFirst, Credentials};
use crate::connection::Compression;
use crate::uri::ServerApi;

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
    /// MONGODB-AWS: credentials are [needed](crate::handshake::Need::AwsCredentials) when their time has come.
    Aws,
    /// MONGODB-OIDC: tokens are [needed](crate::handshake::Need::OidcToken) when their time has come. Whether the server may see
    /// one ([`AllowedHosts`](crate::auth::oidc::AllowedHosts)) is for the host to decide before it connects.
    Oidc {
        /// Whose tokens they are.
        flow: Flow,
        /// The principal's name, if there is one.
        username: Option<String>,
        /// The token that the client has already: it is tried with hello.
        token: Option<AccessToken>,
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

impl HandshakeOptions {
    /// The mechanism in use, the one speculated on to begin with; means nothing without a login.
    pub(super) fn mechanism(&self, first: Option<&ClientFirst>) -> Mechanism {
        match (first, &self.login) {
            (Some(first), _) => Mechanism::scram(first.hash()),
            (None, Some(Login::X509 { .. })) => Mechanism::MongoDbX509,
            (None, Some(Login::Aws)) => Mechanism::MongoDbAws,
            (None, Some(Login::Oidc { .. })) => Mechanism::MongoDbOidc,
            (None, _) => Mechanism::Plain,
        }
    }
}
