//! Where a server is: a host name with a port, or a Unix domain socket.

use alloc::string::String;
use core::fmt;

/// The address of one MongoDB server, as the topology names it (SDAM).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ServerAddress {
    /// A host name or IP literal (IPv6 without brackets, lower case) and a port.
    Tcp {
        /// Host name or IP literal, lower case, without brackets.
        host: String,
        /// TCP port, 1 to 65535.
        port: u16,
    },
    /// The path of a Unix domain socket.
    Unix {
        /// The socket's path, percent-decoded.
        path: String,
    },
}

impl ServerAddress {
    /// Reads an address as servers and users write it: `host`, `host:port`, `[::1]:port` or a path; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        crate::uri::parse_address(text)
    }

    /// The port that a host without one gets.
    pub const DEFAULT_PORT: u16 = 27017;
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix { path } => f.write_str(path),
        }
    }
}
