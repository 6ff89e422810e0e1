//! Why DNS was of no help.

use core::fmt;
use std::io;
use std::net::SocketAddr;

use stator_proto::uri::srv::SrvError;

/// A name that DNS could not resolve, or with records that are refused.
#[derive(Debug)]
#[non_exhaustive]
pub struct DnsError {
    /// The name that was asked for.
    pub name: String,
    /// The name server that was asked last; `None` if none was.
    pub server: Option<SocketAddr>,
    /// What went wrong.
    pub failure: DnsFailure,
}

/// What went wrong with a name.
#[derive(Debug)]
#[non_exhaustive]
pub enum DnsFailure {
    /// There is no such name (NXDOMAIN).
    NoSuchName,
    /// The name exists and has no record of the type that was asked for.
    NoRecords,
    /// The name is none that DNS can be asked for.
    InvalidName,
    /// The name server could not or would not answer; its response code (RFC 1035, section 4.1.1).
    Refused(u8),
    /// No name server answered in time.
    Timeout,
    /// The network failed on the way to the name server.
    Io(io::Error),
    /// The answer breaks the protocol; says how.
    Malformed(&'static str),
    /// The records are refused.
    Srv(SrvError),
}

impl DnsFailure {
    /// Whether a name server said with authority that there is nothing.
    #[cfg(feature = "srv")]
    pub(super) const fn is_absence(&self) -> bool {
        matches!(self, Self::NoSuchName | Self::NoRecords)
    }
}

impl fmt::Display for DnsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchName => f.write_str("there is no such name (NXDOMAIN)"),
            Self::NoRecords => f.write_str("the name has no record of this type"),
            Self::InvalidName => f.write_str("this is no name that DNS can be asked for"),
            Self::Refused(1) => f.write_str("the name server did not understand the question (FORMERR)"),
            Self::Refused(2) => f.write_str("the name server failed (SERVFAIL)"),
            Self::Refused(4) => f.write_str("the name server does not support the question (NOTIMP)"),
            Self::Refused(5) => f.write_str("the name server refused the question (REFUSED)"),
            Self::Refused(code) => write!(f, "the name server answered with error {code}"),
            Self::Timeout => f.write_str("no name server answered in time"),
            Self::Io(error) => write!(f, "the name server cannot be reached: {error}"),
            Self::Malformed(what) => write!(f, "the name server's answer is malformed: {what}"),
            Self::Srv(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for DnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DNS, {}: {}", self.name, self.failure)?;
        match self.server {
            Some(server) => write!(f, " [asked {server}]"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for DnsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.failure {
            DnsFailure::Io(error) => Some(error),
            DnsFailure::Srv(error) => Some(error),
            _ => None,
        }
    }
}
