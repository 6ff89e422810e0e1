//! What operations return.

use bson::Bson;

mod bulk;
mod inserted_ids;

pub(crate) use bulk::ModelKind;
pub use bulk::{
    BulkWriteResult, ClientBulkWriteResult, VerboseDeleteResult, VerboseInsertResult, VerboseResults,
    VerboseUpdateResult,
};
pub use inserted_ids::{InsertedIds, InsertedIdsIter};

/// The result of `insert_one`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct InsertOneResult {
    /// The document's `_id`: its own, or the one that the driver made.
    pub inserted_id: Bson,
    /// Whether the server confirmed the write; `false` under write concern `w: 0`.
    pub acknowledged: bool,
}

/// The result of `insert_many`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct InsertManyResult {
    /// The documents' `_id`s by their index.
    pub inserted_ids: InsertedIds,
    /// Whether the server confirmed the writes.
    pub acknowledged: bool,
}

/// The result of `update_one`, `update_many` and `replace_one`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UpdateResult {
    /// How many documents matched the filter.
    pub matched_count: u64,
    /// How many were changed by it.
    pub modified_count: u64,
    /// The `_id` of the document that an upsert inserted.
    pub upserted_id: Option<Bson>,
    /// Whether the server confirmed the write; if not, the counts are 0.
    pub acknowledged: bool,
}

/// The result of `delete_one` and `delete_many`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeleteResult {
    /// How many documents were deleted.
    pub deleted_count: u64,
    /// Whether the server confirmed the write; if not, the count is 0.
    pub acknowledged: bool,
}
