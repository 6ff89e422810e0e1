//! A server to talk to: the one that `MONGODB_URI` names, or one of our own.

use std::env;
use std::fmt;
use std::time::{Duration, Instant};

use stator_client::ClientOptions;

use crate::{Result, human};

#[cfg_attr(not(unix), path = "server/own_elsewhere.rs")]
mod own;

/// Whether a server of our own asks its users for a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It does not.
    Open,
    /// It does.
    Protected,
}

/// A server. One of our own disappears with this value.
#[derive(Debug)]
pub struct Server {
    uri: String,
    own: Option<own::Own>,
    took: Duration,
}

impl Server {
    /// The server that `MONGODB_URI` names; without it a real one is started on a free loopback port, and downloaded
    /// first if this machine has none.
    pub fn find(access: Access) -> Result<Self> {
        if let Some(uri) = env::var("MONGODB_URI").ok().filter(|uri| !uri.is_empty()) {
            return Ok(Self { uri, own: None, took: Duration::ZERO });
        }
        eprintln!("No MONGODB_URI: starting a MongoDB server (downloaded first if this machine has none) ...");
        let start = Instant::now();
        let own = own::Own::start(access)?;
        Ok(Self { uri: own.uri(), own: Some(own), took: start.elapsed() })
    }

    /// The connection string.
    pub fn uri(&self) -> &str {
        &self.uri
    }
}

/// The connection string without secrets, and where the server comes from.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match ClientOptions::parse(&self.uri) {
            Ok(options) => write!(f, "{}", options.config)?,
            Err(_) => f.write_str("(an unreadable connection string)")?,
        }
        match &self.own {
            Some(_) => write!(f, " (started for this run in {})", human(self.took)),
            None => f.write_str(" (from MONGODB_URI)"),
        }
    }
}
