//! Which members may serve a read (specification "Server Selection", section "Read Preference").

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

/// Mode, tag sets, staleness limit and hedging. The default is `primary` with nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ReadPreference {
    /// Which kinds of member are candidates.
    pub mode: ReadPreferenceMode,
    /// Tried in order until one matches a member; no tag set at all, or an empty one, matches every member.
    pub tag_sets: Vec<TagSet>,
    /// How far a secondary may lag, in whole seconds, at least [`ReadPreference::SMALLEST_MAX_STALENESS`]; `None` is no limit.
    pub max_staleness: Option<Duration>,
    /// Whether mongos may hedge the read; `None` sends nothing. Deprecated since MongoDB 8.0.
    pub hedge: Option<bool>,
}

/// The `mode` of a [`ReadPreference`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReadPreferenceMode {
    /// The primary only.
    #[default]
    Primary,
    /// The primary, or a secondary when there is none.
    PrimaryPreferred,
    /// A secondary only.
    Secondary,
    /// A secondary, or the primary when there is none.
    SecondaryPreferred,
    /// Any of both, whichever is near.
    Nearest,
}

/// Tags that a member must all carry, in the order they were given. Keys and values are compared exactly.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TagSet {
    /// Key and value of each tag.
    pub tags: Vec<(String, String)>,
}

impl ReadPreference {
    /// The least staleness limit that servers accept (`smallestMaxStalenessSeconds`).
    pub const SMALLEST_MAX_STALENESS: Duration = Duration::from_secs(90);

    /// A read preference with only a mode.
    pub const fn new(mode: ReadPreferenceMode) -> Self {
        Self { mode, tag_sets: Vec::new(), max_staleness: None, hedge: None }
    }

    /// The primary only.
    pub const fn primary() -> Self {
        Self::new(ReadPreferenceMode::Primary)
    }

    /// The primary, or a secondary when there is none.
    pub const fn primary_preferred() -> Self {
        Self::new(ReadPreferenceMode::PrimaryPreferred)
    }

    /// A secondary only.
    pub const fn secondary() -> Self {
        Self::new(ReadPreferenceMode::Secondary)
    }

    /// A secondary, or the primary when there is none.
    pub const fn secondary_preferred() -> Self {
        Self::new(ReadPreferenceMode::SecondaryPreferred)
    }

    /// Any member, whichever is near.
    pub const fn nearest() -> Self {
        Self::new(ReadPreferenceMode::Nearest)
    }

    /// Finds what the specification forbids: anything beside mode `primary`, and a staleness limit below 90 seconds.
    /// Limits that depend on the heartbeat frequency are checked at server selection.
    pub fn validate(&self) -> Result<(), ReadPreferenceError> {
        if self.mode == ReadPreferenceMode::Primary {
            if self.tag_sets.iter().any(|tags| !tags.is_empty()) {
                return Err(ReadPreferenceError::PrimaryWithTags);
            }
            if self.max_staleness.is_some() {
                return Err(ReadPreferenceError::PrimaryWithMaxStaleness);
            }
            if self.hedge.is_some() {
                return Err(ReadPreferenceError::PrimaryWithHedge);
            }
        }
        match self.max_staleness {
            Some(limit) if limit < Self::SMALLEST_MAX_STALENESS => Err(ReadPreferenceError::MaxStalenessTooSmall),
            _ => Ok(()),
        }
    }
}

impl ReadPreferenceMode {
    /// Every mode.
    pub const ALL: [Self; 5] =
        [Self::Primary, Self::PrimaryPreferred, Self::Secondary, Self::SecondaryPreferred, Self::Nearest];

    /// The mode's name on the wire and in connection strings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::PrimaryPreferred => "primaryPreferred",
            Self::Secondary => "secondary",
            Self::SecondaryPreferred => "secondaryPreferred",
            Self::Nearest => "nearest",
        }
    }

    /// The mode of this name, which is case-sensitive.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }
}

impl TagSet {
    /// Whether it asks for nothing, and so matches every member.
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }

    /// The tags in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for TagSet {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(tags: I) -> Self {
        Self { tags: tags.into_iter().map(|(key, value)| (key.into(), value.into())).collect() }
    }
}

/// Why a [`ReadPreference`] cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadPreferenceError {
    /// Mode `primary` with a tag set that is not empty.
    PrimaryWithTags,
    /// Mode `primary` with a staleness limit.
    PrimaryWithMaxStaleness,
    /// Mode `primary` with hedging.
    PrimaryWithHedge,
    /// A staleness limit below 90 seconds.
    MaxStalenessTooSmall,
}

impl fmt::Display for ReadPreferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PrimaryWithTags => "read preference primary cannot have tags",
            Self::PrimaryWithMaxStaleness => "read preference primary cannot have a maximum staleness",
            Self::PrimaryWithHedge => "read preference primary cannot be hedged",
            Self::MaxStalenessTooSmall => "a read preference's maximum staleness must be at least 90 seconds",
        })
    }
}

impl core::error::Error for ReadPreferenceError {}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn primary_stands_alone() {
        let tags = TagSet::from_iter([("dc", "ny")]);
        let tagged = ReadPreference { tag_sets: vec![tags.clone()], ..ReadPreference::primary() };
        assert_eq!(tagged.validate(), Err(ReadPreferenceError::PrimaryWithTags));
        let empty = ReadPreference { tag_sets: vec![TagSet::default()], ..ReadPreference::primary() };
        assert_eq!(empty.validate(), Ok(()));
        let hedged = ReadPreference { hedge: Some(true), ..ReadPreference::primary() };
        assert_eq!(hedged.validate(), Err(ReadPreferenceError::PrimaryWithHedge));
        let elsewhere = ReadPreference { tag_sets: vec![tags], hedge: Some(true), ..ReadPreference::nearest() };
        assert_eq!(elsewhere.validate(), Ok(()));
    }

    #[test]
    fn staleness_is_at_least_90_seconds() {
        let of =
            |seconds| ReadPreference { max_staleness: Some(Duration::from_secs(seconds)), ..ReadPreference::nearest() };
        assert_eq!(of(89).validate(), Err(ReadPreferenceError::MaxStalenessTooSmall));
        assert_eq!(of(90).validate(), Ok(()));
    }
}
