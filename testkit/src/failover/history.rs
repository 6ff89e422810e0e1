//! What is in the set at the end, against what writers were told.

use std::collections::HashMap;

use bson::{Document, doc};
use stator_client::options::{Overrides, ReadConcern, ReadConcernLevel};

use super::load::NAMESPACE;
use super::outcome::Outcome;
use crate::server::{ReplicaSet, ServerError};

/// Reads every document back, with majority read concern from the primary, and counts what is missing and what is too much.
pub(super) fn check(set: &ReplicaSet, acknowledged: &[(usize, i64)], outcome: &mut Outcome) -> Result<(), ServerError> {
    set.wait_until_whole()?;
    let there =
        read(set).map_err(|error| ServerError::Misuse(format!("the documents cannot be read back: {error}")))?;
    outcome.lost = acknowledged.iter().filter(|written| !there.contains_key(written)).count();
    outcome.duplicated = there.values().filter(|count| **count > 1).count();
    Ok(())
}

fn read(set: &ReplicaSet) -> stator_client::Result<HashMap<(usize, i64), u32>> {
    let client = stator_blocking::Client::new(set.uri())?;
    let read_concern = Some(ReadConcern { level: Some(ReadConcernLevel::Majority) });
    let overrides = Overrides { read_concern, ..Overrides::default() };
    let collection = client.database(NAMESPACE.0).collection_with::<Document>(NAMESPACE.1, &overrides);
    let mut there = HashMap::new();
    for document in collection.find(doc! {}).run()? {
        let document = document?;
        let (task, number) = (document.get_i64("task"), document.get_i64("number"));
        if let (Ok(task), Ok(number)) = (task, number) {
            *there.entry((task as usize, number)).or_insert(0) += 1;
        }
    }
    Ok(there)
}
