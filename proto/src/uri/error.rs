//! What is wrong with a connection string: errors refuse it, warnings do not.
//!
//! Neither repeats the string's values: what looks like a bad port may be half a password.

use alloc::string::String;
use core::fmt;

use super::Mechanism;
use crate::concern::WriteConcernError;
use crate::read_preference::ReadPreferenceError;

/// Why a connection string, or a [`Config`](super::Config), is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UriError {
    /// It begins with neither `mongodb://` nor `mongodb+srv://`.
    Scheme,
    /// The user information holds an unescaped `@`, `:` or `/`, or a `%` that begins no escape.
    UserInfo,
    /// No host is named.
    MissingHost,
    /// A host is none that is supported; counted from 1.
    Host {
        /// Which host, counted from 1.
        index: usize,
        /// What is wrong with it.
        reason: HostError,
    },
    /// A `%` that two hexadecimal digits do not follow, or bytes that are no UTF-8, in the part named.
    Escape(&'static str),
    /// The database's name holds a character of `/\ "$` or a NUL.
    Database,
    /// An option without `=`, or without a name; counted from 1.
    Option {
        /// Which option, counted from 1.
        index: usize,
    },
    /// `authSource` is empty.
    EmptyAuthSource,
    /// `authMechanism` is none that is supported.
    UnknownMechanism,
    /// The credential lacks what its mechanism needs, or has what it forbids.
    Credential {
        /// The mechanism; `None` is the negotiated default.
        mechanism: Option<Mechanism>,
        /// What is wrong.
        reason: CredentialError,
    },
    /// Two options, or an option and the hosts, exclude each other.
    Conflict {
        /// One of both.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// An option needs another one, which is missing.
    Missing {
        /// The option that is there.
        option: &'static str,
        /// What it needs.
        needs: &'static str,
    },
    /// A proxy option appears more than once.
    RepeatedProxyOption(&'static str),
    /// The write concern is inconsistent.
    WriteConcern(WriteConcernError),
    /// The read preference is inconsistent.
    ReadPreference(ReadPreferenceError),
    /// Records that DNS returned for an SRV host are refused.
    Srv(super::srv::SrvError),
}

/// What is wrong with a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostError {
    /// It is empty.
    Empty,
    /// Its port is no number from 1 to 65535.
    Port,
    /// It is in brackets but no IPv6 address.
    IpLiteral,
    /// It holds a character that no host name has.
    Character,
    /// It is a path that does not end in `.sock`.
    Socket,
    /// An SRV host has a port.
    SrvPort,
    /// An SRV host is no host name.
    SrvName,
}

/// What is wrong with a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialError {
    /// A user name is needed.
    UsernameMissing,
    /// A user name is forbidden.
    UsernameForbidden,
    /// A password is forbidden.
    PasswordForbidden,
    /// Credentials of MONGODB-AWS come from the environment or a provider, never from the client's options.
    AwsCredentials,
    /// The source must be `$external`.
    Source,
    /// A property that the mechanism does not have.
    UnknownProperty,
    /// `CANONICALIZE_HOST_NAME` is none of `none`, `forward`, `forwardAndReverse`, `true`, `false`.
    Canonicalize,
    /// `ENVIRONMENT` is missing, and no callback stands in for it.
    EnvironmentMissing,
    /// `ENVIRONMENT` is none of `test`, `azure`, `gcp`, `k8s`.
    Environment,
    /// `ENVIRONMENT` is there, and a callback too.
    EnvironmentAndCallback,
    /// `TOKEN_RESOURCE` is missing.
    TokenResourceMissing,
    /// `TOKEN_RESOURCE` does not belong to this `ENVIRONMENT`.
    TokenResourceForbidden,
}

/// What in a connection string was not applied, or should be written otherwise. It is valid nevertheless.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// No option has this name; it was ignored.
    UnknownOption {
        /// The name as written.
        key: String,
    },
    /// The value is not one the option takes; it was ignored.
    InvalidValue {
        /// The option.
        key: &'static str,
        /// What it takes.
        expected: &'static str,
    },
    /// Part of a list was ignored; the rest was applied.
    InvalidItem {
        /// The option.
        key: &'static str,
        /// What an item must be.
        expected: &'static str,
    },
    /// The option was there before; this one was ignored.
    Repeated {
        /// The option.
        key: &'static str,
    },
    /// A name of old times. Applied, unless the name that replaced it is there too.
    Deprecated {
        /// The old name.
        key: &'static str,
        /// What replaced it, if anything.
        replacement: Option<&'static str>,
        /// Whether it was applied.
        applied: bool,
    },
    /// A boolean written otherwise than `true` or `false`; it was applied.
    DeprecatedBoolean {
        /// The option.
        key: &'static str,
        /// How to write it.
        write: &'static str,
    },
    /// The option exists but does nothing in this driver.
    NoEffect {
        /// The option.
        key: &'static str,
    },
}

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connection string: ")?;
        match self {
            Self::Scheme => f.write_str("it must begin with mongodb:// or mongodb+srv://"),
            Self::UserInfo => f.write_str("user name and password must be percent-encoded (RFC 3986)"),
            Self::MissingHost => f.write_str("no host is named"),
            Self::Host { index, reason } => write!(f, "host {index}: {reason}"),
            Self::Escape(part) => write!(f, "the {part} has a bad percent-encoding"),
            Self::Database => f.write_str("the database's name holds a character of '/\\ \"$' or a NUL"),
            Self::Option { index } => write!(f, "option {index} is not of the form key=value"),
            Self::EmptyAuthSource => f.write_str("authSource is empty"),
            Self::UnknownMechanism => f.write_str("authMechanism is none that is supported"),
            Self::Credential { mechanism, reason } => {
                let name = mechanism.map_or("the default mechanism", Mechanism::as_str);
                write!(f, "{name}: {reason}")
            }
            Self::Conflict { first, second } => write!(f, "{first} cannot be combined with {second}"),
            Self::Missing { option, needs } => write!(f, "{option} needs {needs}"),
            Self::RepeatedProxyOption(option) => write!(f, "{option} appears more than once"),
            Self::WriteConcern(error) => error.fmt(f),
            Self::ReadPreference(error) => error.fmt(f),
            Self::Srv(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for UriError {}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it is empty (paths of Unix domain sockets must be percent-encoded)",
            Self::Port => "the port must be a number from 1 to 65535",
            Self::IpLiteral => "in brackets stands no IPv6 address",
            Self::Character => "a character that no host name has",
            Self::Socket => "the path of a Unix domain socket must end in .sock",
            Self::SrvPort => "mongodb+srv takes no port",
            Self::SrvName => "mongodb+srv takes a host name",
        })
    }
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UsernameMissing => "a user name is needed",
            Self::UsernameForbidden => "a user name is not allowed",
            Self::PasswordForbidden => "a password is not allowed",
            Self::AwsCredentials => "keys and session tokens come from the environment or a provider, not from options",
            Self::Source => "authSource must be $external",
            Self::UnknownProperty => "a property of authMechanismProperties does not belong to it",
            Self::Canonicalize => "CANONICALIZE_HOST_NAME must be none, forward or forwardAndReverse",
            Self::EnvironmentMissing => "the property ENVIRONMENT, or a callback, is needed",
            Self::Environment => "ENVIRONMENT must be test, azure, gcp or k8s",
            Self::EnvironmentAndCallback => "the property ENVIRONMENT and a callback exclude each other",
            Self::TokenResourceMissing => "this ENVIRONMENT needs the property TOKEN_RESOURCE",
            Self::TokenResourceForbidden => "this ENVIRONMENT takes no TOKEN_RESOURCE",
        })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownOption { key } => write!(f, "unsupported option {key:?} was ignored"),
            Self::InvalidValue { key, expected } => {
                write!(f, "unsupported value of {key} was ignored: it must be {expected}")
            }
            Self::InvalidItem { key, expected } => write!(f, "part of {key} was ignored: each must be {expected}"),
            Self::Repeated { key } => write!(f, "{key} appears more than once: the first one counts"),
            Self::Deprecated { key, replacement: None, .. } => write!(f, "deprecated option {key}"),
            Self::Deprecated { key, replacement: Some(new), applied: true } => {
                write!(f, "deprecated option {key} has been replaced with {new}")
            }
            Self::Deprecated { key, replacement: Some(new), applied: false } => {
                write!(f, "deprecated option {key} was ignored, as {new} is there")
            }
            Self::DeprecatedBoolean { key, write } => {
                write!(f, "deprecated boolean value of {key}: write {key}={write}")
            }
            Self::NoEffect { key } => write!(f, "{key} has no effect in this driver"),
        }
    }
}
