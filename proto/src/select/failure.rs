//! What to tell the user when no server could be selected in time.

use alloc::sync::Arc;
use core::fmt;

use super::{SelectOptions, Target, TargetBuf, suitable};
use crate::hello::ServerKind;
use crate::read_preference::{ReadPreference, ReadPreferenceMode};
use crate::topology::{ServerDescription, TopologyDescription, TopologyKind};

/// What was wanted, and what there was instead. As text it names every server with its kind and its last root cause,
/// and says what may help:
///
/// ```text
/// no server is suitable for writes: [a:27017 (RSSecondary), b:27017 (Unknown: connection refused)], topology
/// ReplicaSetNoPrimary of set rs; the set has no primary now
/// ```
#[derive(Clone, Debug)]
pub struct SelectionFailure<C> {
    /// The deployment, as it was last seen.
    pub topology: Arc<TopologyDescription<C>>,
    /// What was wanted of a server.
    pub target: TargetBuf,
    /// The options of the selection.
    pub options: SelectOptions,
}

impl<C> SelectionFailure<C> {
    /// Keeps a snapshot and a copy of the target.
    pub fn new(topology: Arc<TopologyDescription<C>>, target: &Target<'_>, options: SelectOptions) -> Self {
        Self { topology, target: target.to_buf(), options }
    }

    /// The root cause of one server that is unknown: of the one in question, or of the first.
    pub fn cause(&self) -> Option<&C> {
        match &self.target {
            TargetBuf::Address(address) => self.topology.server(address)?.error.as_ref(),
            _ => self.topology.servers.values().find_map(|server| server.error.as_ref()),
        }
    }

    /// What may help, where the description shows it.
    pub fn hint(&self) -> Option<&'static str> {
        let topology = &*self.topology;
        if let TargetBuf::Address(address) = &self.target {
            let gone = topology.server(address).is_none();
            return gone.then_some("that server has left the deployment");
        }
        let has = |kind| self.has(kind);
        if topology.servers.is_empty() {
            return Some(match topology.set_name {
                Some(_) => {
                    "no server was a member of the set: check the host names, and whether replicaSet is the name that \
                     rs.status() shows"
                }
                None => "no server fitted: a deployment of several hosts cannot have standalone servers among them",
            });
        }
        match topology.kind {
            TopologyKind::Unknown if has(ServerKind::RsGhost) => {
                Some("a member is not initiated: run rs.initiate(), with directConnection=true to reach it alone")
            }
            TopologyKind::ReplicaSetNoPrimary | TopologyKind::ReplicaSetWithPrimary => self.hint_of_set(),
            _ => None,
        }
    }

    fn hint_of_set(&self) -> Option<&'static str> {
        if !self.has_any(|server| server.kind != ServerKind::Unknown) {
            return Some(
                "members are reached by the host names of the set's own configuration, which must resolve and be \
                 reachable from here; directConnection=true keeps to the one given host",
            );
        }
        let preference = self.target.as_target().read_preference(&self.topology);
        match preference {
            Some(preference) if preference.mode != ReadPreferenceMode::Primary => self.hint_of_preference(preference),
            _ if !self.has(ServerKind::RsPrimary) => Some("the set has no primary now"),
            _ => None,
        }
    }

    fn hint_of_preference(&self, preference: &ReadPreference) -> Option<&'static str> {
        if preference.mode == ReadPreferenceMode::Secondary && !self.has(ServerKind::RsSecondary) {
            return Some("no secondary is available; secondaryPreferred takes the primary then");
        }
        let fits = |preference: &ReadPreference| {
            let found = suitable(&self.topology, &Target::Readable(preference), &[], &self.options);
            found.is_ok_and(|servers| !servers.is_empty())
        };
        let any_age = ReadPreference { max_staleness: None, ..preference.clone() };
        if preference.max_staleness.is_some() && fits(&any_age) {
            return Some("servers that would do lag behind by more than maxStalenessSeconds");
        }
        let untagged = ReadPreference { tag_sets: alloc::vec::Vec::new(), ..any_age };
        (!preference.tag_sets.is_empty() && fits(&untagged))
            .then_some("no server has the tags of any tag set; an empty tag set at the end matches every server")
    }

    fn has(&self, kind: ServerKind) -> bool {
        self.has_any(|server| server.kind == kind)
    }

    fn has_any(&self, test: impl Fn(&ServerDescription<C>) -> bool) -> bool {
        self.topology.servers.values().any(|server| test(server))
    }
}

impl<C: fmt::Display> fmt::Display for SelectionFailure<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no server is suitable for {}: [", self.target)?;
        for (index, server) in self.topology.servers.values().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{} ({}", server.address, server.kind.as_str())?;
            match &server.error {
                Some(error) => write!(f, ": {error})")?,
                None if server.kind == ServerKind::Unknown => f.write_str(": no answer yet)")?,
                None => f.write_str(")")?,
            }
        }
        write!(f, "], topology {}", self.topology.kind.as_str())?;
        if let Some(name) = &self.topology.set_name {
            write!(f, " of set {name}")?;
        }
        match self.hint() {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

/// The causes are part of the message, hence not a `source` too; see [`SelectionFailure::cause`].
impl<C: fmt::Debug + fmt::Display> core::error::Error for SelectionFailure<C> {}
