//! Versions of the server.

use std::{fmt, str::FromStr};

use super::ServerError;

/// A server's version: a series (`6.0`), or one release of it (`6.0.5`).
///
/// The order is the natural one, a series before its releases, so `mongod.version() >= Version::V5_0` asks for a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// First number.
    pub major: u16,
    /// Second number.
    pub minor: u16,
    /// Third number; `None` means any release of the series when asked for.
    pub patch: Option<u16>,
}

impl Version {
    /// The 4.2 series.
    pub const V4_2: Self = Self::series(4, 2);
    /// The 4.4 series.
    pub const V4_4: Self = Self::series(4, 4);
    /// The 5.0 series.
    pub const V5_0: Self = Self::series(5, 0);
    /// The 6.0 series; what is fetched when nothing else is asked for.
    pub const V6_0: Self = Self::series(6, 0);

    /// Any release of one series.
    pub const fn series(major: u16, minor: u16) -> Self {
        Self { major, minor, patch: None }
    }

    /// One release.
    pub const fn release(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch: Some(patch) }
    }

    /// Whether `found` satisfies a request for `self`.
    pub fn accepts(self, found: Self) -> bool {
        (self.major, self.minor) == (found.major, found.minor) && (self.patch.is_none() || self.patch == found.patch)
    }

    /// Reads the first line of `mongod --version`: `db version v6.0.5`, perhaps with a suffix such as `-rc1`.
    pub(super) fn from_banner(banner: &str) -> Option<Self> {
        let text = banner.lines().find_map(|line| line.trim().strip_prefix("db version v"))?;
        text.split(['-', ' ']).next()?.parse().ok()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        self.patch.map_or(Ok(()), |patch| write!(f, ".{patch}"))
    }
}

impl FromStr for Version {
    type Err = ServerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || ServerError::InvalidVersion(text.into());
        let mut numbers = text.trim().split('.').map(|part| part.parse().map_err(|_| invalid()));
        let major = numbers.next().ok_or_else(invalid)??;
        let minor = numbers.next().ok_or_else(invalid)??;
        let patch = numbers.next().transpose()?;
        match numbers.next() {
            None => Ok(Self { major, minor, patch }),
            Some(_) => Err(invalid()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn a_series_accepts_its_releases_and_a_release_only_itself() {
        let series: Version = "6.0".parse().unwrap();
        assert!(series.accepts(Version::release(6, 0, 27)));
        assert!(!series.accepts(Version::release(6, 1, 0)));
        let release: Version = "6.0.5".parse().unwrap();
        assert!(release.accepts(Version::release(6, 0, 5)));
        assert!(!release.accepts(Version::release(6, 0, 27)));
        assert!(Version::release(4, 4, 2) >= Version::V4_4);
        assert!(Version::release(4, 4, 2) < Version::V5_0);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "6", "6.", "6.0.5.1", "six.0", "6.0.-1", "70000.0"] {
            assert!(text.parse::<Version>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_banner_is_read() {
        let banner = "db version v4.2.6\ngit version: 20364840b8f1af16917e4c23c1b5f5efd8b352f8\n";
        assert_eq!(Version::from_banner(banner), Some(Version::release(4, 2, 6)));
        assert_eq!(Version::from_banner("db version v7.0.0-rc1\n"), Some(Version::release(7, 0, 0)));
        assert_eq!(Version::from_banner("mongos version v4.2.6\n"), None);
    }
}
