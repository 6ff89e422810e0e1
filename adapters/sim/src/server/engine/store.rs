//! Collections: documents in the order of their insertion, with a unique index on `_id`.

use std::collections::BTreeMap;

use bson::{Bson, Document};

use super::error::Failed;
use super::filter::{matches, operators};
use super::value::{Key, compare, first, integer};

#[derive(Debug, Default)]
pub(super) struct Collection {
    documents: BTreeMap<u64, Document>,
    ids: BTreeMap<Key, u64>,
    next: u64,
}

impl Collection {
    /// Fails, with the `_id`, if it is taken.
    pub(super) fn insert(&mut self, document: Document) -> Result<(), Bson> {
        let id = document.get("_id").cloned().unwrap_or(Bson::Null);
        if self.ids.contains_key(&Key(id.clone())) {
            return Err(id);
        }
        self.ids.insert(Key(id), self.next);
        self.documents.insert(self.next, document);
        self.next += 1;
        Ok(())
    }

    /// Replaces a document by one with the same `_id`.
    pub(super) fn replace(&mut self, position: u64, document: Document) {
        self.documents.insert(position, document);
    }

    pub(super) fn remove(&mut self, position: u64) -> Option<Document> {
        let document = self.documents.remove(&position)?;
        self.ids.remove(&Key(document.get("_id").cloned().unwrap_or(Bson::Null)));
        Some(document)
    }

    pub(super) fn get(&self, position: u64) -> Option<&Document> {
        self.documents.get(&position)
    }

    pub(super) fn documents(&self) -> impl Iterator<Item = &Document> {
        self.documents.values()
    }

    /// The positions of the documents that match, at most `limit` (0 is no limit), in the order of `sort`.
    pub(super) fn select(&self, filter: &Document, sort: &Document, limit: usize) -> Result<Vec<u64>, Failed> {
        let limit = if limit == 0 { usize::MAX } else { limit };
        let mut found = Vec::new();
        let by_id = filter.get("_id").filter(|id| operators(id).is_none());
        let only = by_id.map(|id| self.ids.get(&Key(id.clone())).copied());
        let candidates: &mut dyn Iterator<Item = (&u64, &Document)> = match only {
            Some(position) => &mut position.and_then(|at| self.documents.get_key_value(&at)).into_iter(),
            None => &mut self.documents.iter(),
        };
        for (position, document) in candidates {
            if matches(document, filter)? {
                found.push((*position, document));
                if sort.is_empty() && found.len() == limit {
                    break;
                }
            }
        }
        sort_by(&mut found, |(_, document)| document, sort);
        found.truncate(limit);
        Ok(found.into_iter().map(|(position, _)| position).collect())
    }
}

/// Sorts stably; missing fields come where nulls do.
pub(super) fn sort_by<T>(items: &mut [T], document: impl Fn(&T) -> &Document, sort: &Document) {
    if sort.is_empty() {
        return;
    }
    items.sort_by(|a, b| {
        let orders = sort.iter().map(|(path, direction)| {
            let a = first(document(a), path).unwrap_or(&Bson::Null);
            let b = first(document(b), path).unwrap_or(&Bson::Null);
            if integer(direction).is_some_and(|direction| direction < 0) { compare(b, a) } else { compare(a, b) }
        });
        orders.into_iter().find(|order| order.is_ne()).unwrap_or(core::cmp::Ordering::Equal)
    });
}
