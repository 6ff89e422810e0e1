//! What every command carries beside its own elements.

use core::iter;

use stator_wire::bson::{Doc, DocWriter, Timestamp};

use crate::concern::{ConcernValue, ReadConcern, ReadConcernLevel, WriteConcern};
use crate::hello::ServerKind;
use crate::read_preference::{ReadPreference, ReadPreferenceMode};
use crate::session::{ClusterTime, SessionId};
use crate::topology::TopologyKind;
use crate::uri::ServerApi;

/// The stamps of one attempt.
#[derive(Debug)]
pub(super) struct Stamps<'a> {
    pub(super) database: &'a str,
    pub(super) read_concern: ReadConcernStamp<'a>,
    pub(super) write_concern: Option<&'a WriteConcern>,
    pub(super) ignore_w_timeout: bool,
    pub(super) preference: PreferenceStamp<'a>,
    pub(super) max_time_ms: Option<i64>,
    pub(super) server_api: Option<&'a ServerApi>,
    pub(super) session: SessionStamp<'a>,
    pub(super) raw_data: Option<bool>,
}

/// `readConcern`: what the operation asks for, and what its session adds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ReadConcernStamp<'a> {
    pub(super) concern: Option<&'a ReadConcern>,
    /// Level `snapshot`, whatever the concern is.
    pub(super) snapshot: bool,
    /// `afterClusterTime`.
    pub(super) after: Option<Timestamp>,
    /// `atClusterTime`.
    pub(super) at: Option<Timestamp>,
}

/// What says which session and transaction the command is part of.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SessionStamp<'a> {
    pub(super) id: Option<SessionId>,
    pub(super) txn_number: Option<i64>,
    pub(super) in_transaction: bool,
    pub(super) starts_transaction: bool,
    pub(super) recovery_token: Option<Doc<'a>>,
    pub(super) cluster_time: Option<&'a ClusterTime>,
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
        self.read_concern.write(body);
        let mut concern = self
            .write_concern
            .into_iter()
            .flat_map(WriteConcern::fields)
            .filter(|(key, _)| !self.ignore_w_timeout || *key != WriteConcern::W_TIMEOUT);
        if let Some(first) = concern.next() {
            fields(&mut body.document("writeConcern"), iter::once(first).chain(concern));
        }
        if let Some(millis) = self.max_time_ms {
            body.i64("maxTimeMS", millis);
        }
        if let Some(raw_data) = self.raw_data {
            body.bool("rawData", raw_data);
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
        self.session.write(body);
    }
}

impl ReadConcernStamp<'_> {
    fn write(&self, body: &mut DocWriter<'_>) {
        let concern = self.concern.filter(|concern| !concern.is_server_default());
        if concern.is_none() && !self.snapshot && self.after.is_none() {
            return;
        }
        let mut doc = body.document("readConcern");
        match concern {
            _ if self.snapshot => {
                doc.str("level", ReadConcernLevel::Snapshot.as_str());
            }
            Some(concern) => fields(&mut doc, concern.fields()),
            None => {}
        }
        if let Some(time) = self.after {
            doc.timestamp("afterClusterTime", time);
        }
        if let Some(time) = self.at {
            doc.timestamp("atClusterTime", time);
        }
    }
}

impl SessionStamp<'_> {
    fn write(&self, body: &mut DocWriter<'_>) {
        if let Some(id) = self.id {
            id.write(body, "lsid");
            if let Some(number) = self.txn_number {
                body.i64("txnNumber", number);
            }
            if self.starts_transaction {
                body.bool("startTransaction", true);
            }
            if self.in_transaction {
                body.bool("autocommit", false);
            }
            if let Some(token) = self.recovery_token {
                body.doc("recoveryToken", token);
            }
        }
        if let Some(time) = self.cluster_time {
            body.doc("$clusterTime", time.as_doc());
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
