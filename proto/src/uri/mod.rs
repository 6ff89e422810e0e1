//! The connection string and all its options (specifications "Connection String", "URI Options", "Authentication",
//! "Initial DNS Seedlist Discovery", "Load Balancer Support", "SOCKS5 Support").
//!
//! [`Config::parse`] reads a string into a [`Config`] and the warnings it earned. What is refused and what is only warned
//! of follows the specifications: structure, bad escapes and options that exclude each other are errors; an unknown
//! option, a bad value, a repeated or an old name is a warning, and what cannot be applied is ignored.
//!
//! ```
//! use stator_proto::uri::Config;
//!
//! let parsed = Config::parse("mongodb://ada:s3cret@db1,db2:27018/shop?replicaSet=rs&maxPoolSize=5")?;
//! assert_eq!(parsed.config.max_pool_size(), Some(5));
//! assert_eq!(
//!     parsed.config.to_string(),
//!     "mongodb://ada:***@db1:27017,db2:27018/shop?replicaSet=rs&maxPoolSize=5",
//! );
//! # Ok::<(), stator_proto::uri::UriError>(())
//! ```
//!
//! In values made of items (`authMechanismProperties`, `readPreferenceTags`) a comma always separates items, even a
//! percent-encoded one. A `TOKEN_RESOURCE` with a comma therefore cannot stand in a connection string: set
//! [`Credential::mechanism_properties`] instead.

mod checks;
mod config;
mod credential;
mod display;
mod draft;
mod error;
mod grammar;
mod hosts;
pub(crate) use hosts::parse_address;
mod kinds;
mod options;
pub mod srv;
mod values;

#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::str::FromStr;

pub use crate::auth::Mechanism;
pub use config::Config;
pub use credential::{Credential, MechanismProperties, Secret};
pub use error::{CredentialError, HostError, UriError, Warning};
pub use values::{
    Compressor, DriverInfo, ProxyOptions, ServerApi, ServerApiVersion, ServerMonitoringMode, SrvHost, TlsOptions,
    UuidRepresentation,
};

/// What a connection string said, and what in it the user should know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The settings.
    pub config: Config,
    /// What was ignored or should be written otherwise, in the order of the string, deprecated names last. Hosts are
    /// expected to log each at level WARN.
    pub warnings: Vec<Warning>,
}

impl Config {
    /// Parses a connection string.
    ///
    /// # Errors
    /// Everything that [`UriError`] lists. The string's values never appear in an error.
    pub fn parse(uri: &str) -> Result<Parsed, UriError> {
        Self::read(uri, false)
    }

    /// As [`parse`](Self::parse), for a host that has a callback for MONGODB-OIDC tokens: `ENVIRONMENT` must not be there then.
    ///
    /// # Errors
    /// As for [`parse`](Self::parse).
    pub fn parse_with_oidc_callback(uri: &str) -> Result<Parsed, UriError> {
        Self::read(uri, true)
    }

    fn read(uri: &str, has_callback: bool) -> Result<Parsed, UriError> {
        let parts = grammar::split(uri)?;
        let mut config = Self::without_hosts();
        if parts.is_srv {
            config.srv = Some(hosts::parse_srv(parts.hosts)?);
        } else {
            config.hosts = hosts::parse_list(parts.hosts)?;
        }
        config.default_database = parts.database()?;
        let mut draft = draft::Draft::new(config, parts.user_info()?);
        draft.apply_all(parts.options)?;
        let mut parsed = draft.finish()?;
        if let Some(credential) = &mut parsed.config.credential {
            credential.has_callback = has_callback;
        }
        parsed.config.validate()?;
        Ok(parsed)
    }
}

impl FromStr for Config {
    type Err = UriError;

    /// [`Config::parse`] without the warnings.
    fn from_str(uri: &str) -> Result<Self, UriError> {
        Self::parse(uri).map(|parsed| parsed.config)
    }
}
