//! Why there is no server.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{AdminError, Version};

/// Why a server could not be found, started or administered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ServerError {
    /// No usable `mongod` binary: what was tried, and what to install or set.
    Binary(String),
    /// This version can neither be found on this machine nor be fetched.
    UnknownVersion(Version),
    /// A version's text is not `major.minor` or `major.minor.patch`.
    InvalidVersion(String),
    /// The server ended before it could be used; `log` is the end of its log.
    Start {
        /// What happened.
        reason: String,
        /// The last lines of the server's output and log.
        log: String,
    },
    /// A wait reached its deadline.
    Timeout {
        /// What was waited for.
        waiting_for: String,
        /// How long.
        after: Duration,
        /// The last lines of the server's log, where there is one.
        log: String,
    },
    /// A request that makes no sense, such as thawing a server that was killed.
    Misuse(String),
    /// An administrative command failed.
    Admin(AdminError),
    /// The operating system refused.
    Io {
        /// What was attempted.
        action: String,
        /// The system's answer.
        source: Arc<io::Error>,
    },
}

impl ServerError {
    /// A closure for `map_err` that says what was attempted.
    pub(super) fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        move |error| Self::Io { action, source: Arc::new(error) }
    }

    /// As [`io`](Self::io), for an action upon a path.
    pub(super) fn path(verb: &str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        Self::io(format!("{verb} {}", PathBuf::from(path).display()))
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Binary(reason) => write!(f, "no mongod: {reason}"),
            Self::UnknownVersion(version) => {
                write!(f, "mongod {version} is not on this machine and cannot be fetched; fetchable:")?;
                super::binary::fetchable().try_for_each(|known| write!(f, " {known}"))?;
                write!(f, "; or set STATOR_MONGOD to a binary of that version")
            }
            Self::InvalidVersion(text) => write!(f, "{text:?} is not a version such as 4.4 or 6.0.5"),
            Self::Start { reason, log } => write!(f, "mongod did not start: {reason}\n{log}"),
            Self::Timeout { waiting_for, after, log } => {
                write!(f, "no {waiting_for} within {} s\n{log}", after.as_secs())
            }
            Self::Misuse(reason) => f.write_str(reason),
            Self::Admin(error) => write!(f, "administrative command: {error}"),
            Self::Io { action, source } => write!(f, "cannot {action}: {source}"),
        }
    }
}

impl std::error::Error for ServerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Admin(error) => Some(error),
            Self::Io { source, .. } => Some(&**source),
            _ => None,
        }
    }
}

impl From<AdminError> for ServerError {
    fn from(error: AdminError) -> Self {
        Self::Admin(error)
    }
}
