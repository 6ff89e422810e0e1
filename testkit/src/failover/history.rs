//! What is in the set at the end, against what writers were told.

use std::collections::{HashMap, HashSet};

use bson::{Document, doc};
use stator_client::options::{Overrides, ReadConcern, ReadConcernLevel};

use super::bank::{self, ACCOUNTS, BALANCE, COLLECTIONS};
use super::load::{Bank, NAMESPACE};
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

/// The ledger explains the balances, has every transfer that was acknowledged, and none that was said to be aborted.
pub(super) fn check_bank(set: &ReplicaSet, told: &Bank, outcome: &mut Outcome) -> Result<(), ServerError> {
    let (accounts, transfers) =
        read_bank(set).map_err(|error| ServerError::Misuse(format!("the accounts cannot be read back: {error}")))?;
    let number = |document: &Document, key: &str| document.get_i64(key).unwrap_or_default();
    let mut balances = vec![BALANCE; ACCOUNTS as usize];
    for transfer in &transfers {
        let sum = number(transfer, "sum");
        balances[number(transfer, "from") as usize % ACCOUNTS as usize] -= sum;
        balances[number(transfer, "to") as usize % ACCOUNTS as usize] += sum;
    }
    let there: Vec<_> = accounts.iter().map(|account| number(account, "sum")).collect();
    outcome.partial = usize::from(balances != there || !bank::is_whole(&there));
    let ledger: HashSet<&str> = transfers.iter().filter_map(|transfer| transfer.get_str("_id").ok()).collect();
    let has = |&(task, number): &(usize, i64)| ledger.contains(bank::name(task, number).as_str());
    outcome.lost += told.committed.iter().filter(|transfer| !has(transfer)).count();
    outcome.risen = told.aborted.iter().filter(|transfer| has(transfer)).count();
    Ok(())
}

fn read_bank(set: &ReplicaSet) -> stator_client::Result<(Vec<Document>, Vec<Document>)> {
    let client = stator_blocking::Client::new(set.uri())?;
    let read_concern = Some(ReadConcern { level: Some(ReadConcernLevel::Majority) });
    let overrides = Overrides { read_concern, ..Overrides::default() };
    let all = |name| {
        let collection = client.database(NAMESPACE.0).collection_with::<Document>(name, &overrides);
        collection.find(doc! {}).sort(doc! { "_id": 1 }).run()?.collect::<stator_client::Result<Vec<_>>>()
    };
    Ok((all(COLLECTIONS.0)?, all(COLLECTIONS.1)?))
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
