//! Logging in once more on a connection, after error 391.
//!
//! ```text
//!   Connection --reauthenticate--> the login's own steps --> finish --> Connection
//! ```

use stator_wire::bson::DocBuf;

use super::{Handshake, HandshakeOptions, Login, Phase};
use crate::Instant;
use crate::auth::Mechanism;
use crate::auth::oidc::{Origin, Rejected};
use crate::auth::scram::{ClientFirst, Nonce};
use crate::connection::{Compression, Connection};
use crate::uri::ServerApi;

/// `ReauthenticationRequired`: the server's error for a login whose time is over.
pub const REAUTHENTICATION_REQUIRED: i32 = 391;

impl Handshake {
    /// A handshake on a connection that is established and idle: hello is not sent again and nothing is speculated on, only the
    /// authentication is done anew. [`finish`](Self::finish) gives the connection back. If it fails, the connection is lost: close
    /// it, for its user is not logged in any more.
    ///
    /// `login` is as for [`new`](Self::new), except that the token of [`Login::Oidc`] is the one that the connection was logged
    /// in with: it is not used, but reported as rejected.
    pub fn reauthenticate(
        connection: Connection,
        login: Option<Login>,
        server_api: Option<ServerApi>,
        deadline: Instant,
        nonce: Nonce,
    ) -> Self {
        let first = match &login {
            Some(Login::Negotiate { sha1, sha256, .. }) => {
                let names = connection.hello().sasl_supported_mechs.iter().flatten();
                let credentials = match Mechanism::negotiate(names.map(|name| name.as_str())) {
                    Mechanism::ScramSha256 => sha256,
                    _ => sha1,
                };
                Some(ClientFirst::new(credentials, nonce))
            }
            Some(Login::Scram { credentials, .. }) => Some(ClientFirst::new(credentials, nonce)),
            _ => None,
        };
        let rejected = match &login {
            Some(Login::Oidc { token: Some(token), .. }) => {
                Some(Rejected { token: token.clone(), origin: Origin::Cached })
            }
            _ => None,
        };
        let options = HandshakeOptions {
            metadata: DocBuf::default(),
            login,
            compressors: alloc::vec![],
            compression: Compression::none(),
            load_balanced: false,
            server_api,
            deadline,
        };
        let mut machine = Self {
            connection,
            mechanism: options.mechanism(first.as_ref()),
            options,
            phase: Phase::Done,
            unsent: false,
            greeted: true,
            keys: None,
            token: None,
        };
        machine.begin(first, rejected);
        machine
    }
}
