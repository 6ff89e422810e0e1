//! The `_id`s of inserted documents.

use core::fmt;

use bson::Bson;
use bson::oid::ObjectId;

/// The `_id`s of inserted documents by their index, in rising order: `insertedIds` of the results of specification *CRUD*.
///
/// It is made to be small, as many documents may be inserted at once: ObjectIds, which most are, take twelve bytes each. What is asked
/// for is made then; who wants a map collects one.
///
/// ```
/// # async fn example(things: stator_client::Collection<impl stator_client::Runtime>) -> stator_client::Result<()> {
/// # use {std::collections::BTreeMap, stator_client::{Bson, doc}};
/// let done = things.insert_many([doc! { "_id": 7 }, doc! { "x": 1 }]).await?;
/// assert_eq!(done.inserted_ids.get(0), Some(Bson::Int32(7)));
/// let ids: BTreeMap<usize, Bson> = done.inserted_ids.into_iter().collect();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct InsertedIds {
    /// Where they are not 0, 1, 2 and so on.
    indexes: Option<Vec<usize>>,
    values: Values,
}

#[derive(Clone)]
enum Values {
    ObjectIds(Vec<ObjectId>),
    Any(Vec<Bson>),
}

impl Default for Values {
    fn default() -> Self {
        Self::ObjectIds(Vec::new())
    }
}

impl Values {
    fn get(&self, at: usize) -> Option<Bson> {
        match self {
            Self::ObjectIds(ids) => ids.get(at).copied().map(Bson::ObjectId),
            Self::Any(ids) => ids.get(at).cloned(),
        }
    }
}

impl InsertedIds {
    /// None yet, with room for so many.
    pub(crate) fn with_capacity(ids: usize) -> Self {
        Self { indexes: None, values: Values::ObjectIds(Vec::with_capacity(ids)) }
    }

    /// Adds one; its index is beyond all others.
    pub(crate) fn push(&mut self, index: usize, id: Bson) {
        let before = self.len();
        if self.indexes.is_none() && index != before {
            self.indexes = Some((0..before).collect());
        }
        if let Some(indexes) = &mut self.indexes {
            indexes.push(index);
        }
        match (&mut self.values, id) {
            (Values::ObjectIds(ids), Bson::ObjectId(id)) => ids.push(id),
            (Values::ObjectIds(ids), id) => {
                // Room was made for as many as there will be.
                let mut all = Vec::with_capacity(ids.capacity());
                all.extend(ids.iter().copied().map(Bson::ObjectId));
                all.push(id);
                self.values = Values::Any(all);
            }
            (Values::Any(ids), id) => ids.push(id),
        }
    }

    /// Leaves only those whose indexes are listed, in rising order.
    pub(crate) fn keep(&self, indexes: &[usize]) -> Self {
        let mut kept = Self::default();
        for (index, id) in self.iter().filter(|(index, _)| indexes.binary_search(index).is_ok()) {
            kept.push(index, id);
        }
        kept
    }

    /// How many documents were inserted.
    pub const fn len(&self) -> usize {
        match &self.values {
            Values::ObjectIds(ids) => ids.len(),
            Values::Any(ids) => ids.len(),
        }
    }

    /// Whether nothing was inserted.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The `_id` of the document with this index, if it was inserted.
    pub fn get(&self, index: usize) -> Option<Bson> {
        let at = match &self.indexes {
            Some(indexes) => indexes.binary_search(&index).ok()?,
            None => index,
        };
        self.values.get(at)
    }

    /// The indexes of the documents that were inserted.
    pub fn indexes(&self) -> impl ExactSizeIterator<Item = usize> {
        (0..self.len()).map(|at| self.index(at))
    }

    /// The `_id`s without their indexes.
    pub fn values(&self) -> impl ExactSizeIterator<Item = Bson> {
        self.iter().map(|(_, id)| id)
    }

    /// Index and `_id` of each document, in rising order.
    pub const fn iter(&self) -> InsertedIdsIter<'_> {
        InsertedIdsIter { ids: self, at: 0 }
    }

    fn index(&self, at: usize) -> usize {
        self.indexes.as_ref().and_then(|indexes| indexes.get(at).copied()).unwrap_or(at)
    }
}

impl fmt::Debug for InsertedIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl PartialEq for InsertedIds {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other)
    }
}

/// What [`InsertedIds::iter`] returns.
#[derive(Clone, Debug)]
pub struct InsertedIdsIter<'a> {
    ids: &'a InsertedIds,
    at: usize,
}

impl Iterator for InsertedIdsIter<'_> {
    type Item = (usize, Bson);

    fn next(&mut self) -> Option<Self::Item> {
        let id = self.ids.values.get(self.at)?;
        let index = self.ids.index(self.at);
        self.at += 1;
        Some((index, id))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.ids.len() - self.at;
        (left, Some(left))
    }
}

impl ExactSizeIterator for InsertedIdsIter<'_> {}

impl<'a> IntoIterator for &'a InsertedIds {
    type Item = (usize, Bson);
    type IntoIter = InsertedIdsIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
#[path = "inserted_ids_tests.rs"]
mod tests;
