//! Which servers a human's token may be shown to.

use alloc::string::String;
use alloc::vec::Vec;

use crate::ServerAddress;

/// `ALLOWED_HOSTS`: host names and addresses, of which `*.example.com` means every host below `example.com`, however deep, but
/// not itself. Ports do not matter, and neither does the case of letters. Paths of Unix sockets are compared whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHosts(Vec<String>);

impl Default for AllowedHosts {
    /// MongoDB's own cloud, and this machine.
    fn default() -> Self {
        Self::new([
            "*.mongodb.net",
            "*.mongodb-qa.net",
            "*.mongodb-dev.net",
            "*.mongodbgov.net",
            "localhost",
            "127.0.0.1",
            "::1",
            "*.mongo.com",
        ])
    }
}

impl AllowedHosts {
    /// These hosts and no others.
    pub fn new<T: Into<String>>(hosts: impl IntoIterator<Item = T>) -> Self {
        Self(hosts.into_iter().map(Into::into).collect())
    }

    /// Whether tokens may be shown to this server. Ask with the address that is dialled: after SRV records were resolved.
    pub fn allows(&self, server: &ServerAddress) -> bool {
        match server {
            ServerAddress::Tcp { host, .. } => self.0.iter().any(|pattern| matches(pattern, host)),
            ServerAddress::Unix { path } => self.0.iter().any(|pattern| pattern == path),
        }
    }
}

fn matches(pattern: &str, host: &str) -> bool {
    let host = host.as_bytes();
    match pattern.strip_prefix('*') {
        Some(suffix) if suffix.starts_with('.') => host
            .len()
            .checked_sub(suffix.len())
            .is_some_and(|at| at > 0 && host[at..].eq_ignore_ascii_case(suffix.as_bytes())),
        _ => host.eq_ignore_ascii_case(pattern.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(hosts: &AllowedHosts, server: &str) -> bool {
        hosts.allows(&ServerAddress::parse(server).unwrap())
    }

    #[test]
    fn the_default_is_the_specifications() {
        let hosts = AllowedHosts::default();
        for good in ["localhost", "localhost:1", "127.0.0.1:27018", "[::1]:27017", "a.mongodb.net", "a.b.mongo.com:1"] {
            assert!(allows(&hosts, good), "{good}");
        }
        for bad in [
            "mongodb.net",
            "amongodb.net",
            "mongodb.net.evil.com",
            "evil.com",
            "127.0.0.2",
            "[::2]",
            "/tmp/a.mongodb.net.sock",
        ] {
            assert!(!allows(&hosts, bad), "{bad}");
        }
    }

    #[test]
    fn a_list_of_ones_own() {
        assert!(!allows(&AllowedHosts::new(Vec::<String>::new()), "localhost"));
        let hosts = AllowedHosts::new(["example.com", "*.Example.org", "*", "*evil.com", "/tmp/a.sock"]);
        for good in ["example.com:1", "EXAMPLE.com", "deep.in.example.ORG", "/tmp/a.sock"] {
            assert!(allows(&hosts, good), "{good}");
        }
        // A star stands for labels before a dot, and for nothing else.
        for bad in ["localhost", "notevil.com", "a.example.com", "/tmp/b.sock"] {
            assert!(!allows(&hosts, bad), "{bad}");
        }
        assert!(!matches("*.\u{e9}", "\u{e9}") && !matches("*.x", ".x"));
    }
}
