//! Which name servers to ask, and how patiently.

use core::time::Duration;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};

/// The system's resolver configuration, or what replaces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResolverConfig {
    /// Never empty.
    pub(super) servers: Vec<SocketAddr>,
    /// How long one server has to answer.
    pub(super) timeout: Duration,
    /// How often each server is asked.
    pub(super) attempts: u32,
    /// Whether to begin with any of the servers instead of the first.
    pub(super) rotate: bool,
}

/// Where systems that have it keep it.
const FILE: &str = "/etc/resolv.conf";
const PORT: u16 = 53;
/// More servers than that are not asked: the first ones answer, or the network is down.
const MOST_SERVERS: usize = 8;

impl Default for ResolverConfig {
    /// The values of resolv.conf(5) for what a file does not say: a server on this machine, 5 s, twice.
    fn default() -> Self {
        let servers = vec![SocketAddr::new(Ipv4Addr::LOCALHOST.into(), PORT)];
        Self { servers, timeout: Duration::from_secs(5), attempts: 2, rotate: false }
    }
}

impl ResolverConfig {
    /// These servers, or the system's. Reads one small file, each time, as it changes with the network.
    pub(crate) fn new(servers: Option<&[SocketAddr]>) -> Self {
        match servers {
            Some(servers @ [_, ..]) => Self { servers: servers.to_vec(), ..Self::default() },
            // No file is a system without one, or a container without a network: then there is only this machine to ask.
            _ => fs::read(FILE).map(|text| Self::parse(&String::from_utf8_lossy(&text))).unwrap_or_default(),
        }
    }

    /// Reads a resolv.conf(5). Lines that make no sense are ignored, as the system's resolver does; `search` is no matter, as
    /// the names asked for are complete.
    pub(super) fn parse(text: &str) -> Self {
        let mut config = Self { servers: Vec::new(), ..Self::default() };
        for line in text.lines() {
            let line = line.split(['#', ';']).next().unwrap_or_default();
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => config.servers.extend(words.next().and_then(server)),
                Some("options") => words.for_each(|option| config.set(option)),
                _ => {}
            }
        }
        config.servers.truncate(MOST_SERVERS);
        if config.servers.is_empty() {
            config.servers = Self::default().servers;
        }
        config
    }

    /// The limits are those of resolv.conf(5).
    fn set(&mut self, option: &str) {
        let (name, value) = option.split_once(':').unwrap_or((option, ""));
        match (name, value.parse::<u32>()) {
            ("timeout", Ok(seconds)) => self.timeout = Duration::from_secs(seconds.clamp(1, 30).into()),
            ("attempts", Ok(attempts)) => self.attempts = attempts.clamp(1, 5),
            ("rotate", _) => self.rotate = true,
            _ => {}
        }
    }
}

/// An address, of which a link-local one may have a zone: `fe80::1%2`. Zones with names need the system to say their number, so
/// they are tried without.
fn server(text: &str) -> Option<SocketAddr> {
    let (ip, zone) = text.split_once('%').unwrap_or((text, ""));
    Some(match ip.parse().ok()? {
        IpAddr::V6(ip) => SocketAddrV6::new(ip, PORT, 0, zone.parse().unwrap_or(0)).into(),
        ip => SocketAddr::new(ip, PORT),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_its_manual_says() {
        let text = "# local\nsearch a.b c.d\nnameserver 10.0.0.2 # first\nnameserver fe80::1%3\n\tnameserver ::1;x\n\
                    nameserver nonsense\noptions ndots:5 timeout:2 attempts:9 rotate edns0 timeout:x\nfoo bar\n";
        let config = ResolverConfig::parse(text);
        let servers: Vec<String> = config.servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["10.0.0.2:53", "[fe80::1%3]:53", "[::1]:53"]);
        assert_eq!((config.timeout, config.attempts, config.rotate), (Duration::from_secs(2), 5, true));
    }

    #[test]
    fn without_servers_this_machine_is_asked() {
        let config = ResolverConfig::parse("options timeout:0 attempts:0\nnameserver");
        assert_eq!(config.servers, ["127.0.0.1:53".parse().unwrap()]);
        assert_eq!((config.timeout, config.attempts), (Duration::from_secs(1), 1));
        assert_eq!(ResolverConfig::parse(""), ResolverConfig::default());
        assert!(!ResolverConfig::new(None).servers.is_empty());
        assert!(!ResolverConfig::new(Some(&[])).servers.is_empty());
        let own = ["10.0.0.7:5353".parse().unwrap()];
        assert_eq!(ResolverConfig::new(Some(&own)).servers, own);
    }

    #[test]
    fn a_long_list_is_cut() {
        assert_eq!(ResolverConfig::parse(&"nameserver 1.1.1.1\n".repeat(100)).servers.len(), MOST_SERVERS);
    }
}
