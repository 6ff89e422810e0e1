//! Names of mechanisms, and the choice of a default one.

use super::scram::Hash;
use core::fmt;

/// An authentication mechanism: every one that a connection string can name.
///
/// [`Handshake`](crate::Handshake) performs all of them but GSSAPI, which needs a library of the system's.
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
    MongoDbX509,
    /// `MONGODB-AWS`
    MongoDbAws,
    /// `MONGODB-OIDC`
    MongoDbOidc,
    /// `GSSAPI` (Kerberos)
    Gssapi,
}

impl Mechanism {
    /// Every mechanism.
    pub const ALL: [Self; 7] = [
        Self::ScramSha1,
        Self::ScramSha256,
        Self::Plain,
        Self::MongoDbX509,
        Self::MongoDbAws,
        Self::MongoDbOidc,
        Self::Gssapi,
    ];

    /// The mechanism's name on the wire and in connection strings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::Plain => "PLAIN",
            Self::MongoDbX509 => "MONGODB-X509",
            Self::MongoDbAws => "MONGODB-AWS",
            Self::MongoDbOidc => "MONGODB-OIDC",
            Self::Gssapi => "GSSAPI",
        }
    }

    /// The mechanism of this name, which is case-sensitive. MONGODB-CR left the servers with 4.0 and is not known.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.as_str() == name)
    }

    /// Whether its users live outside the server, in `$external`, always.
    pub const fn is_external(self) -> bool {
        matches!(self, Self::Gssapi | Self::MongoDbX509 | Self::MongoDbAws | Self::MongoDbOidc)
    }

    /// The SCRAM mechanism with this hash function.
    pub const fn scram(hash: Hash) -> Self {
        match hash {
            Hash::Sha1 => Self::ScramSha1,
            Hash::Sha256 => Self::ScramSha256,
        }
    }

    /// The hash function, if this is a SCRAM mechanism.
    pub const fn scram_hash(self) -> Option<Hash> {
        match self {
            Self::ScramSha1 => Some(Hash::Sha1),
            Self::ScramSha256 => Some(Hash::Sha256),
            Self::Plain | Self::MongoDbX509 | Self::MongoDbAws | Self::MongoDbOidc | Self::Gssapi => None,
        }
    }

    /// The default for a user whom the server's `saslSupportedMechs` describes (Authentication specification,
    /// "Default Authentication Methods"): SCRAM-SHA-256 if it is listed, otherwise SCRAM-SHA-1, listed or not.
    /// Other names are ignored. A reply without the field is an empty list.
    pub fn negotiate<'a>(supported: impl IntoIterator<Item = &'a str>) -> Self {
        let sha256 = supported.into_iter().any(|name| name == Self::ScramSha256.as_str());
        if sha256 { Self::ScramSha256 } else { Self::ScramSha1 }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_hashes_round_trip_and_others_are_unknown() {
        for mechanism in Mechanism::ALL {
            assert_eq!(Mechanism::from_name(mechanism.as_str()), Some(mechanism));
            assert_eq!(mechanism.scram_hash().map_or(mechanism, Mechanism::scram), mechanism);
        }
        for name in ["MONGODB-CR", "SCRAM-SHA-512", "scram-sha-1", ""] {
            assert_eq!(Mechanism::from_name(name), None);
        }
        let of = |mechanism: Mechanism| mechanism.scram_hash();
        assert_eq!((of(Mechanism::ScramSha1), of(Mechanism::ScramSha256)), (Some(Hash::Sha1), Some(Hash::Sha256)));
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
