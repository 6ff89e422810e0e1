//! Names of mechanisms, and the choice of a default one.

use super::AuthError;
use super::scram::Hash;
use core::fmt;

/// An authentication mechanism that this crate implements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mechanism {
    /// `SCRAM-SHA-1`
    ScramSha1,
    /// `SCRAM-SHA-256`
    ScramSha256,
    /// `PLAIN`, used for LDAP.
    Plain,
    /// `MONGODB-X509`
    X509,
}

impl Mechanism {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ScramSha1, Self::ScramSha256, Self::Plain, Self::X509];

    /// The mechanism of this (case-sensitive) name.
    ///
    /// # Errors
    /// [`AuthError::Unsupported`] for every other name.
    pub fn from_name(name: &str) -> Result<Self, AuthError> {
        Self::ALL.into_iter().find(|it| it.name() == name).ok_or_else(|| AuthError::Unsupported(name.into()))
    }

    /// The name as servers and connection strings spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::Plain => "PLAIN",
            Self::X509 => "MONGODB-X509",
        }
    }

    /// The hash function, if this is a SCRAM mechanism.
    pub const fn scram_hash(self) -> Option<Hash> {
        match self {
            Self::ScramSha1 => Some(Hash::Sha1),
            Self::ScramSha256 => Some(Hash::Sha256),
            Self::Plain | Self::X509 => None,
        }
    }

    /// The default for a user whom the server's `saslSupportedMechs` describes (Authentication specification,
    /// "Default Authentication Methods"): SCRAM-SHA-256 if it is listed, otherwise SCRAM-SHA-1, listed or not.
    /// Other names are ignored. A reply without the field is an empty list.
    pub fn negotiate<'a>(supported: impl IntoIterator<Item = &'a str>) -> Self {
        let sha256 = supported.into_iter().any(|name| name == Self::ScramSha256.name());
        if sha256 { Self::ScramSha256 } else { Self::ScramSha1 }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_others_are_unsupported() {
        for mechanism in Mechanism::ALL {
            assert_eq!(Mechanism::from_name(mechanism.name()), Ok(mechanism));
        }
        for name in ["MONGODB-AWS", "MONGODB-OIDC", "GSSAPI", "scram-sha-1", ""] {
            assert_eq!(Mechanism::from_name(name), Err(AuthError::Unsupported(name.into())));
        }
    }

    #[test]
    fn the_default_is_sha_256_if_listed_and_sha_1_otherwise() {
        assert_eq!(Mechanism::negotiate(["SCRAM-SHA-1", "SCRAM-SHA-256"]), Mechanism::ScramSha256);
        assert_eq!(Mechanism::negotiate(["SCRAM-SHA-256"]), Mechanism::ScramSha256);
        assert_eq!(Mechanism::negotiate(["SCRAM-SHA-1"]), Mechanism::ScramSha1);
        assert_eq!(Mechanism::negotiate(["SCRAM-SHA-512", "PLAIN"]), Mechanism::ScramSha1);
        assert_eq!(Mechanism::negotiate([]), Mechanism::ScramSha1);
    }
}
