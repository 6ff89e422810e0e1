//! What every command carries beside its own elements.

use stator_wire::bson::DocWriter;

use crate::concern::{ConcernValue, ReadConcern, WriteConcern};
use crate::hello::ServerKind;
use crate::read_preference::{ReadPreference, ReadPreferenceMode};
use crate::topology::TopologyKind;
use crate::uri::ServerApi;

/// The stamps of one attempt.
#[derive(Debug)]
pub(super) struct Stamps<'a> {
    pub(super) database: &'a str,
    pub(super) read_concern: Option<&'a ReadConcern>,
    pub(super) write_concern: Option<&'a WriteConcern>,
    pub(super) preference: PreferenceStamp<'a>,
    pub(super) max_time_ms: Option<i64>,
    pub(super) server_api: Option<&'a ServerApi>,
}

/// `$readPreference` as server selection demands it for the kind of the server reached.
#[derive(Clone, Copy, Debug)]
pub(super) enum PreferenceStamp<'a> {
    None,
    /// A member reached directly must answer although it may be a secondary.
    PrimaryPreferred,
    Given(&'a ReadPreference),
}

impl<'a> PreferenceStamp<'a> {
    pub(super) fn of(preference: Option<&'a ReadPreference>, kind: ServerKind, topology: TopologyKind) -> Self {
        let preference = preference.filter(|preference| preference.mode != ReadPreferenceMode::Primary);
        match (kind, preference) {
            (ServerKind::Standalone | ServerKind::Unknown, _) => Self::None,
            (_, Some(preference)) => Self::Given(preference),
            (ServerKind::Mongos | ServerKind::LoadBalancer, None) => Self::None,
            (_, None) if topology == TopologyKind::Single => Self::PrimaryPreferred,
            (_, None) => Self::None,
        }
    }
}

impl Stamps<'_> {
    pub(super) fn write(&self, body: &mut DocWriter<'_>) {
        if let Some(concern) = self.read_concern.filter(|concern| !concern.is_server_default()) {
            fields(&mut body.document("readConcern"), concern.fields());
        }
        if let Some(concern) = self.write_concern.filter(|concern| !concern.is_server_default()) {
            fields(&mut body.document("writeConcern"), concern.fields());
        }
        if let Some(millis) = self.max_time_ms {
            body.i64("maxTimeMS", millis);
        }
        body.str("$db", self.database);
        match self.preference {
            PreferenceStamp::None => {}
            PreferenceStamp::PrimaryPreferred => {
                body.document("$readPreference").str("mode", "primaryPreferred");
            }
            PreferenceStamp::Given(preference) => write_preference(preference, body),
        }
        if let Some(api) = self.server_api {
            write_server_api(api, body);
        }
    }
}

fn fields<'a>(doc: &mut DocWriter<'_>, fields: impl Iterator<Item = (&'static str, ConcernValue<'a>)>) {
    for (key, value) in fields {
        match value {
            ConcernValue::Int32(value) => doc.i32(key, value),
            ConcernValue::Int64(value) => doc.i64(key, value),
            ConcernValue::Bool(value) => doc.bool(key, value),
            ConcernValue::Text(value) => doc.str(key, value),
        };
    }
}

fn write_preference(preference: &ReadPreference, body: &mut DocWriter<'_>) {
    let mut doc = body.document("$readPreference");
    doc.str("mode", preference.mode.as_str());
    if !preference.tag_sets.is_empty() {
        let mut sets = doc.array_of("tags");
        for set in &preference.tag_sets {
            let mut tags = sets.document();
            for (key, value) in set.iter() {
                tags.str(key, value);
            }
        }
    }
    if let Some(staleness) = preference.max_staleness {
        doc.i64("maxStalenessSeconds", i64::try_from(staleness.as_secs()).unwrap_or(i64::MAX));
    }
    if let Some(enabled) = preference.hedge {
        doc.document("hedge").bool("enabled", enabled);
    }
}

/// The Stable API fields (specification *Stable API*).
pub(crate) fn write_server_api(api: &ServerApi, body: &mut DocWriter<'_>) {
    body.str("apiVersion", api.version.as_str());
    if let Some(strict) = api.strict {
        body.bool("apiStrict", strict);
    }
    if let Some(errors) = api.deprecation_errors {
        body.bool("apiDeprecationErrors", errors);
    }
}
