//! The results of bulk writes.

use std::collections::BTreeMap;

use bson::Bson;
use stator_proto::operation::{BulkWritten, ClientBulkWritten};
use stator_wire::bson::ValueBuf;

use super::InsertedIds;
use crate::convert::from_value;
use crate::error::Result;

/// The result of [`Collection::bulk_write`](crate::Collection::bulk_write). Indexes are those of the list of models.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct BulkWriteResult {
    /// How many documents were inserted by inserts.
    pub inserted_count: u64,
    /// How many documents matched the filters of updates and replacements; upserted ones are not counted.
    pub matched_count: u64,
    /// How many documents were changed thereby.
    pub modified_count: u64,
    /// How many documents were deleted.
    pub deleted_count: u64,
    /// How many documents were inserted because nothing matched an update or replacement.
    pub upserted_count: u64,
    /// The `_id`s of the inserted documents.
    pub inserted_ids: InsertedIds,
    /// The `_id`s of the upserted documents.
    pub upserted_ids: BTreeMap<usize, Bson>,
    /// Whether the server confirmed the writes; if not, the counts are 0.
    pub acknowledged: bool,
}

impl BulkWriteResult {
    /// `inserted_ids`: those of the inserts that were carried out.
    pub(crate) fn new(written: BulkWritten, inserted_ids: InsertedIds) -> Result<Self> {
        let mut upserted_ids = BTreeMap::new();
        for (index, id) in &written.upserted {
            upserted_ids.insert(*index, decoded(id)?);
        }
        Ok(Self {
            inserted_count: written.inserted,
            matched_count: written.matched,
            modified_count: written.modified,
            deleted_count: written.deleted,
            upserted_count: written.upserted.len() as u64,
            inserted_ids,
            upserted_ids,
            acknowledged: written.acknowledged,
        })
    }

    /// Whether nothing at all was done.
    pub(crate) fn is_nothing(&self) -> bool {
        let counts = [self.inserted_count, self.matched_count, self.deleted_count, self.upserted_count];
        counts == [0; 4] && self.inserted_ids.is_empty()
    }
}

/// The result of [`Client::bulk_write`](crate::Client::bulk_write). Indexes are those of the list of models.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ClientBulkWriteResult {
    /// How many documents were inserted by inserts.
    pub inserted_count: u64,
    /// How many documents were inserted because nothing matched an update or replacement.
    pub upserted_count: u64,
    /// How many documents matched the filters of updates and replacements; upserted ones are not counted.
    pub matched_count: u64,
    /// How many documents were changed thereby.
    pub modified_count: u64,
    /// How many documents were deleted.
    pub deleted_count: u64,
    /// What each write has done; only if
    /// [`verbose_results`](crate::action::ClientBulkWrite::verbose_results) were asked for.
    pub verbose_results: Option<VerboseResults>,
    /// Whether the server confirmed the writes; if not, the counts are 0.
    pub acknowledged: bool,
}

/// What each successful write of a client bulk write has done, by its index in the list of models.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct VerboseResults {
    /// What the inserts have done.
    pub insert_results: BTreeMap<usize, VerboseInsertResult>,
    /// What the updates and replacements have done.
    pub update_results: BTreeMap<usize, VerboseUpdateResult>,
    /// What the deletions have done.
    pub delete_results: BTreeMap<usize, VerboseDeleteResult>,
}

/// What one insert of a client bulk write has done.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct VerboseInsertResult {
    /// The document's `_id`: its own, or the one that the driver made.
    pub inserted_id: Bson,
}

/// What one update or replacement of a client bulk write has done.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct VerboseUpdateResult {
    /// How many documents matched the filter; the server counts one that it upserts here too.
    pub matched_count: u64,
    /// How many were changed by it.
    pub modified_count: u64,
    /// The `_id` of the document that an upsert inserted.
    pub upserted_id: Option<Bson>,
}

/// What one deletion of a client bulk write has done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerboseDeleteResult {
    /// How many documents were deleted.
    pub deleted_count: u64,
}

/// What a model of a client bulk write is, for the outcome that a server tells by its index only.
#[derive(Clone, Debug)]
pub(crate) enum ModelKind {
    /// With the document's `_id`.
    Insert(Bson),
    Update,
    Delete,
}

impl ClientBulkWriteResult {
    /// `kinds`: what the models are; `None` without verbose results.
    pub(crate) fn new(written: &ClientBulkWritten, kinds: Option<&[ModelKind]>) -> Result<Self> {
        let mut verbose = VerboseResults::default();
        for (index, outcome) in &written.outcomes {
            // A server that tells of what it was not asked to do is not believed.
            match kinds.and_then(|kinds| kinds.get(*index)) {
                Some(ModelKind::Insert(id)) => {
                    verbose.insert_results.insert(*index, VerboseInsertResult { inserted_id: id.clone() });
                }
                Some(ModelKind::Update) => {
                    let result = VerboseUpdateResult {
                        matched_count: outcome.count,
                        modified_count: outcome.modified,
                        upserted_id: outcome.upserted.as_ref().map(decoded).transpose()?,
                    };
                    verbose.update_results.insert(*index, result);
                }
                Some(ModelKind::Delete) => {
                    verbose.delete_results.insert(*index, VerboseDeleteResult { deleted_count: outcome.count });
                }
                None => {}
            }
        }
        Ok(Self {
            inserted_count: written.inserted,
            upserted_count: written.upserted,
            matched_count: written.matched,
            modified_count: written.modified,
            deleted_count: written.deleted,
            verbose_results: kinds.map(|_| verbose),
            acknowledged: written.acknowledged,
        })
    }
}

fn decoded(value: &ValueBuf) -> Result<Bson> {
    from_value(value.kind(), value.as_raw().bytes())
}
