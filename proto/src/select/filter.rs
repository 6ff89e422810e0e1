//! Which servers are suitable: kind, staleness and tags, as a predicate that costs nothing to make or to copy.

use alloc::sync::Arc;

use super::{IDLE_WRITE_PERIOD, SelectError, SelectOptions, Target};
use crate::ServerAddress;
use crate::hello::ServerKind;
use crate::read_preference::{ReadPreference, ReadPreferenceError, ReadPreferenceMode, TagSet};
use crate::topology::{ServerDescription, TopologyDescription, TopologyKind};

/// Raises what no change of the topology but an upgrade can mend.
pub(super) fn check<C>(
    topology: &TopologyDescription<C>,
    target: &Target<'_>,
    options: &SelectOptions,
) -> Result<(), SelectError> {
    if let Some(incompatible) = &topology.incompatible {
        return Err(SelectError::Incompatible(incompatible.clone()));
    }
    let (Target::Readable(preference) | Target::OutputStage(preference)) = target else { return Ok(()) };
    match preference.validate() {
        // Only replica sets are asked for staleness; others pass the limit on to a router, or ignore it.
        Err(ReadPreferenceError::MaxStalenessTooSmall) if !topology.kind.is_replica_set() => return Ok(()),
        verdict => verdict?,
    }
    let least = options.heartbeat_frequency.saturating_add(IDLE_WRITE_PERIOD);
    match preference.max_staleness {
        Some(limit) if limit < least && topology.kind.is_replica_set() => {
            Err(SelectError::MaxStaleness { limit, heartbeat_frequency: options.heartbeat_frequency })
        }
        _ => Ok(()),
    }
}

/// Matches the suitable servers of the topology that it was found for.
#[derive(Debug)]
pub(super) struct Filter<'a> {
    kinds: Kinds,
    freshness: Freshness,
    tags: Option<&'a TagSet>,
    avoid: &'a [ServerAddress],
}

#[derive(Clone, Copy, Debug)]
enum Kinds {
    /// Whatever answers.
    Known,
    Mongos,
    Primary,
    Secondary,
    /// Primary or secondary.
    Member,
}

/// What a secondary must fulfil to be within the staleness limit. All in nanoseconds, and signed, because a server's
/// clock may be ahead of ours.
#[derive(Clone, Copy, Debug)]
enum Freshness {
    Any,
    /// With a primary: `lastUpdateTime - lastWriteDate` is this at most.
    Delay {
        most: i128,
    },
    /// Without one: `lastWriteDate` is this at least.
    Written {
        since: i128,
    },
}

impl<'a> Filter<'a> {
    /// The filter that at least one server of `topology` passes; `None` if none is suitable.
    pub(super) fn find<C>(
        topology: &TopologyDescription<C>,
        target: &Target<'a>,
        avoid: &'a [ServerAddress],
        options: &SelectOptions,
    ) -> Option<Self> {
        let others = || Self::find_outside(topology, target, avoid, options);
        let all = || Self::find_outside(topology, target, &[], options);
        if avoid.is_empty() { all() } else { others().or_else(all) }
    }

    fn find_outside<C>(
        topology: &TopologyDescription<C>,
        target: &Target<'a>,
        avoid: &'a [ServerAddress],
        options: &SelectOptions,
    ) -> Option<Self> {
        let of_kind = |kinds| Self { kinds, freshness: Freshness::Any, tags: None, avoid }.if_any(topology);
        match topology.kind {
            TopologyKind::Unknown => None,
            TopologyKind::Single | TopologyKind::LoadBalanced => of_kind(Kinds::Known),
            TopologyKind::Sharded => of_kind(Kinds::Mongos),
            TopologyKind::ReplicaSetNoPrimary | TopologyKind::ReplicaSetWithPrimary => {
                let preference = target.read_preference(topology);
                let eligible = |kinds| Self::find_eligible(topology, kinds, preference?, avoid, options);
                let primary = || of_kind(Kinds::Primary);
                match preference.map_or(ReadPreferenceMode::Primary, |preference| preference.mode) {
                    ReadPreferenceMode::Primary => primary(),
                    ReadPreferenceMode::PrimaryPreferred => primary().or_else(|| eligible(Kinds::Secondary)),
                    ReadPreferenceMode::Secondary => eligible(Kinds::Secondary),
                    ReadPreferenceMode::SecondaryPreferred => eligible(Kinds::Secondary).or_else(primary),
                    ReadPreferenceMode::Nearest => eligible(Kinds::Member),
                }
            }
        }
    }

    /// Staleness first, then the first tag set that anything matches.
    fn find_eligible<C>(
        topology: &TopologyDescription<C>,
        kinds: Kinds,
        preference: &'a ReadPreference,
        avoid: &'a [ServerAddress],
        options: &SelectOptions,
    ) -> Option<Self> {
        let freshness = Freshness::of(topology, preference, options);
        let with = |tags| Self { kinds, freshness, tags, avoid }.if_any(topology);
        match &preference.tag_sets[..] {
            [] => with(None),
            sets => sets.iter().find_map(|tags| with(Some(tags))),
        }
    }

    fn if_any<C>(self, topology: &TopologyDescription<C>) -> Option<Self> {
        topology.servers.values().any(|server| self.matches(server)).then_some(self)
    }

    /// The suitable servers.
    pub(super) fn servers<'f, 't, C>(
        &'f self,
        topology: &'t TopologyDescription<C>,
    ) -> impl Iterator<Item = &'t Arc<ServerDescription<C>>> + Clone + use<'f, 't, C> {
        topology.servers.values().filter(move |server| self.matches(server))
    }

    fn matches<C>(&self, server: &ServerDescription<C>) -> bool {
        let of_kind = match (self.kinds, server.kind) {
            (Kinds::Known, kind) => kind != ServerKind::Unknown,
            (Kinds::Mongos, ServerKind::Mongos)
            | (Kinds::Primary | Kinds::Member, ServerKind::RsPrimary)
            | (Kinds::Secondary | Kinds::Member, ServerKind::RsSecondary) => true,
            _ => false,
        };
        of_kind
            && self.freshness.matches(server)
            && self.tags.is_none_or(|tags| has_tags(server, tags))
            && !self.avoid.contains(&server.address)
    }
}

/// Whether the server has every tag of the set.
fn has_tags<C>(server: &ServerDescription<C>, wanted: &TagSet) -> bool {
    let tags = server.hello.as_ref().map_or(&[][..], |hello| &hello.tags);
    wanted.tags.iter().all(|tag| tags.contains(tag))
}

impl Freshness {
    /// The staleness formulas, solved for what can be asked of one secondary. Servers to avoid take part: how stale a
    /// secondary is does not depend on whether another has failed.
    fn of<C>(topology: &TopologyDescription<C>, preference: &ReadPreference, options: &SelectOptions) -> Self {
        let Some(limit) = preference.max_staleness else { return Self::Any };
        let nanos = |duration: core::time::Duration| i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX / 4);
        // What may lie between the write that a secondary has seen last and the newest one known.
        let lag = nanos(limit) - nanos(options.heartbeat_frequency);
        let secondaries = topology.servers.values().filter(|server| server.kind == ServerKind::RsSecondary);
        match topology.primary().and_then(|primary| delay(primary)) {
            Some(primary) => Self::Delay { most: primary + lag },
            None => match secondaries.filter_map(|server| last_write(server)).max() {
                Some(newest) => Self::Written { since: newest - lag },
                None => Self::Any,
            },
        }
    }

    /// Only secondaries can be stale. One that does not say when it was written to last is.
    fn matches<C>(self, server: &ServerDescription<C>) -> bool {
        match self {
            Self::Any => true,
            _ if server.kind != ServerKind::RsSecondary => true,
            Self::Delay { most } => delay(server).is_some_and(|delay| delay <= most),
            Self::Written { since } => last_write(server).is_some_and(|last| last >= since),
        }
    }
}

/// `lastWriteDate` since the Unix epoch.
fn last_write<C>(server: &ServerDescription<C>) -> Option<i128> {
    Some(i128::from(server.hello.as_ref()?.last_write_date?) * 1_000_000)
}

/// `lastUpdateTime - lastWriteDate`. The two clocks have different origins, which cancel out between two servers.
fn delay<C>(server: &ServerDescription<C>) -> Option<i128> {
    Some(i128::from(server.last_update.as_nanos()) - last_write(server)?)
}
