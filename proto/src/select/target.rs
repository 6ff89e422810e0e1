//! What kind of server is wanted.

use core::fmt;

use crate::ServerAddress;
use crate::hello::ServerKind;
use crate::read_preference::{ReadPreference, ReadPreferenceMode};
use crate::topology::{TopologyDescription, TopologyKind};

/// The first servers whose secondaries execute pipelines that write (`maxWireVersion` of MongoDB 5.0).
const WIRE_VERSION_5_0: i32 = 13;

/// What an operation wants of its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// One that takes writes.
    Writable,
    /// One that serves reads.
    Readable(&'a ReadPreference),
    /// One that executes an `aggregate` with `$out` or `$merge`: the read preference counts unless a server that is
    /// known is older than MongoDB 5.0; then it is the primary's (specification *CRUD*, "Read preferences and server
    /// selection").
    OutputStage(&'a ReadPreference),
    /// This one, whatever it is, as long as it answers: pinned cursors and transactions.
    Address(&'a ServerAddress),
}

impl<'a> Target<'a> {
    /// The read preference by which a server is selected, and which is sent to it; `None` where none counts.
    pub fn read_preference<C>(&self, topology: &TopologyDescription<C>) -> Option<&'a ReadPreference> {
        match *self {
            Self::Writable | Self::Address(_) => None,
            Self::Readable(preference) => Some(preference),
            Self::OutputStage(preference) => (!has_old_server(topology)).then_some(preference),
        }
    }

    /// A copy that borrows nothing.
    pub fn to_buf(&self) -> TargetBuf {
        match *self {
            Self::Writable => TargetBuf::Writable,
            Self::Readable(preference) => TargetBuf::Readable(preference.clone()),
            Self::OutputStage(preference) => TargetBuf::OutputStage(preference.clone()),
            Self::Address(address) => TargetBuf::Address(address.clone()),
        }
    }
}

/// A [`Target`] that owns what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetBuf {
    /// [`Target::Writable`].
    Writable,
    /// [`Target::Readable`].
    Readable(ReadPreference),
    /// [`Target::OutputStage`].
    OutputStage(ReadPreference),
    /// [`Target::Address`].
    Address(ServerAddress),
}

impl TargetBuf {
    /// The target itself.
    pub const fn as_target(&self) -> Target<'_> {
        match self {
            Self::Writable => Target::Writable,
            Self::Readable(preference) => Target::Readable(preference),
            Self::OutputStage(preference) => Target::OutputStage(preference),
            Self::Address(address) => Target::Address(address),
        }
    }
}

/// Whether the read preference of an output stage does not count.
fn has_old_server<C>(topology: &TopologyDescription<C>) -> bool {
    let is_old = |hello: &crate::hello::HelloReply| hello.max_wire_version < WIRE_VERSION_5_0;
    topology.kind != TopologyKind::LoadBalanced
        && topology
            .servers
            .values()
            .filter(|server| server.kind != ServerKind::Unknown)
            .any(|server| server.hello.as_deref().is_some_and(is_old))
}

/// "writes", "reads with read preference secondary, tag sets [{dc: ny}], maxStalenessSeconds 120", ...
impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Writable => f.write_str("writes"),
            Self::Readable(preference) => {
                f.write_str("reads with ")?;
                show_preference(preference, f)
            }
            Self::OutputStage(preference) => {
                f.write_str("an aggregation with an output stage and ")?;
                show_preference(preference, f)
            }
            Self::Address(address) => write!(f, "an operation that is pinned to {address}"),
        }
    }
}

impl fmt::Display for TargetBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_target().fmt(f)
    }
}

fn show_preference(preference: &ReadPreference, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "read preference {}", preference.mode.as_str())?;
    if preference.mode == ReadPreferenceMode::Primary {
        return Ok(());
    }
    for (index, tags) in preference.tag_sets.iter().enumerate() {
        f.write_str(if index == 0 { ", tag sets [{" } else { ", {" })?;
        for (index, (key, value)) in tags.iter().enumerate() {
            write!(f, "{}{key}: {value}", if index == 0 { "" } else { ", " })?;
        }
        f.write_str("}")?;
    }
    if !preference.tag_sets.is_empty() {
        f.write_str("]")?;
    }
    match preference.max_staleness {
        Some(limit) => write!(f, ", maxStalenessSeconds {}", limit.as_secs()),
        None => Ok(()),
    }
}
