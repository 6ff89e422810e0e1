//! Who the client is: credentials, mechanisms, secrets (specification "Authentication").

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::auth::Mechanism;

/// Text that must not be shown: `Debug` and `Display` print `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What to authenticate with (`MongoCredential`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credential {
    /// User name, percent-decoded; never an empty string when parsed.
    pub username: Option<String>,
    /// Password, percent-decoded; an empty one is a password too.
    pub password: Option<Secret>,
    /// `authSource` as given; [`Credential::source`] applies the defaults.
    pub source: Option<String>,
    /// `authMechanism`; `None` negotiates between SCRAM-SHA-256 and SCRAM-SHA-1.
    pub mechanism: Option<Mechanism>,
    /// `authMechanismProperties` as given.
    pub mechanism_properties: MechanismProperties,
    /// Whether the host has a callback that supplies MONGODB-OIDC tokens, which takes the place of the property
    /// `ENVIRONMENT`. Not a connection string option.
    pub has_callback: bool,
}

impl Credential {
    /// The database to authenticate against, given the database named in the connection string.
    ///
    /// `$external` for GSSAPI, MONGODB-X509, MONGODB-AWS and MONGODB-OIDC, and PLAIN without a database; else `source`,
    /// the database, `admin`, whichever is there first.
    pub fn source<'a>(&'a self, default_database: Option<&'a str>) -> &'a str {
        let (database, fallback) = match self.mechanism {
            Some(mechanism) if mechanism.is_external() => (None, "$external"),
            Some(Mechanism::Plain) => (default_database, "$external"),
            _ => (default_database, "admin"),
        };
        self.source.as_deref().or(database).unwrap_or(fallback)
    }

    /// GSSAPI's `SERVICE_NAME`, `mongodb` by default.
    pub fn service_name(&self) -> &str {
        self.mechanism_properties.get("SERVICE_NAME").unwrap_or("mongodb")
    }
}

/// The properties of a mechanism, in the order given. Names are compared without regard to ASCII case; `Debug` shows
/// only names.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct MechanismProperties(Vec<(String, String)>);

impl MechanismProperties {
    /// The value of a property.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Adds a property, or replaces the one of this name.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let name = name.into();
        match self.0.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
            Some((_, old)) => *old = value.into(),
            None => self.0.push((name, value.into())),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Name and value of each.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Debug for MechanismProperties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(name, _)| (name, format_args!("***")))).finish()
    }
}
