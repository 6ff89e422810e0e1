//! How a server is to be started.

use std::{ffi::OsString, time::Duration};

use super::{Mongod, ServerError, ServerTls, Version};

/// How a server is to be started; [`start`](Self::start) starts it.
#[derive(Clone, Debug)]
pub struct MongodOptions {
    pub(super) version: Option<Version>,
    pub(super) auth: bool,
    pub(super) unix_socket: bool,
    pub(super) parameters: Vec<(String, String)>,
    pub(super) args: Vec<OsString>,
    pub(super) limit: Duration,
    pub(super) replica_set: Option<Membership>,
    pub(super) tls: Option<ServerTls>,
    pub(super) port: Option<u16>,
}

/// The replica set a server belongs to.
#[derive(Clone, Debug)]
pub(super) struct Membership {
    pub(super) name: String,
    /// The key file's text, with access control.
    pub(super) key: Option<String>,
}

impl MongodOptions {
    /// The default version, no access control, a Unix socket, 60 s to start.
    pub fn new() -> Self {
        Self {
            version: None,
            auth: false,
            unix_socket: true,
            parameters: Vec::new(),
            args: Vec::new(),
            limit: Duration::from_secs(60),
            replica_set: None,
            tls: None,
            port: None,
        }
    }

    /// A series or one release; without it `STATOR_MONGOD_VERSION` decides, else whatever is found, else 6.0.
    #[must_use]
    pub fn version(mut self, version: Version) -> Self {
        self.version = Some(version);
        self
    }

    /// Access control, with the [`USERS`](super::USERS).
    #[must_use]
    pub fn auth(mut self, auth: bool) -> Self {
        self.auth = auth;
        self
    }

    /// Whether the server also listens on a Unix socket in its temporary folder.
    #[must_use]
    pub fn unix_socket(mut self, unix_socket: bool) -> Self {
        self.unix_socket = unix_socket;
        self
    }

    /// Adds server parameters, as `--setParameter name=value`.
    #[must_use]
    pub fn parameters<N: Into<String>, V: Into<String>>(
        mut self,
        parameters: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.parameters.extend(parameters.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// TLS and nothing else. Connection strings name the files of the authority and of a client's certificate.
    #[must_use]
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// A port of your own; without one the server gets one that is free.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Adds command line arguments. For TLS use [`tls`](Self::tls): the administration must know of it.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// How long a start, a restart or an election may take.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Starts a standalone server and waits until it answers.
    ///
    /// # Errors
    ///
    /// No binary, a server that ends or does not answer in time (with the end of its log), users that cannot be created.
    pub fn start(self) -> Result<Mongod, ServerError> {
        Mongod::start(self)
    }
}

impl Default for MongodOptions {
    fn default() -> Self {
        Self::new()
    }
}
