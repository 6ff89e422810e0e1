//! `insert_one` and `insert_many`.

use core::borrow::Borrow;
use core::future::Future;
use std::sync::Arc;

use bson::oid::ObjectId;
use bson::{Bson, Document};
use serde::Serialize;
use stator_proto::operation::{BulkWritten, Documents, Insert};
use stator_wire::bson::{Doc, DocBuf, Kind, RawValue};

use super::Doubt;
use crate::call::Call;
use crate::collection::Collection;
use crate::convert::{encode_into, from_value};
use crate::encode::HasId;
use crate::error::{Error, ErrorKind, Result};
use crate::inner::Core;
use crate::results::{BulkWriteResult, InsertManyResult, InsertOneResult, InsertedIds};
use crate::runtime::Runtime;

/// Inserts one document; see [`Collection::insert_one`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct InsertOne<R: Runtime> {
    collection: Collection<R>,
    op: Insert,
    id: Bson,
    call: Call<R>,
    doubt: Doubt,
}

/// Inserts documents; see [`Collection::insert_many`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct InsertMany<R: Runtime> {
    collection: Collection<R>,
    op: Insert,
    call: Call<R>,
    doubt: Doubt,
}

impl<R: Runtime> InsertOne<R> {
    pub(crate) fn new(collection: &Collection<R, Document>, document: &(impl Serialize + ?Sized)) -> Self {
        let mut encoded = Encoded::new(1);
        let id = encoded.push(collection.core(), document);
        let Encoded { bytes, ends, doubt, .. } = encoded;
        Self {
            op: Insert::new(collection.namespace().clone(), Documents::new(bytes, ends)),
            id,
            call: collection.call(),
            collection: collection.clone(),
            doubt,
        }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.collection.core()
    }

    // Not an `async fn`: its future would hold the action twice.
    fn execute(self) -> impl Future<Output = Result<InsertOneResult>> {
        let Self { collection, op, id, call, doubt } = self;
        async move {
            doubt.check()?;
            let inserted = collection.core().execute(op, call).await?;
            Ok(InsertOneResult { inserted_id: id, acknowledged: inserted.acknowledged })
        }
    }
}

impl<R: Runtime> InsertMany<R> {
    pub(crate) fn new<T: Serialize>(
        collection: &Collection<R, Document>,
        documents: impl IntoIterator<Item = impl Borrow<T>>,
    ) -> Self {
        let documents = documents.into_iter();
        let mut encoded = Encoded::new(documents.size_hint().0);
        for document in documents {
            encoded.push(collection.core(), Borrow::<T>::borrow(&document));
        }
        let Encoded { bytes, ends, doubt, .. } = encoded;
        Self {
            op: Insert::new(collection.namespace().clone(), Documents::new(bytes, ends)),
            call: collection.call(),
            collection: collection.clone(),
            doubt,
        }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.collection.core()
    }

    async fn execute(self) -> Result<InsertManyResult> {
        self.doubt.check()?;
        let mut op = self.op;
        let outcome = self.collection.core().execute(&mut op, self.call).await;
        match outcome {
            Ok(inserted) => {
                let inserted_ids = ids(&op.documents, 0..op.documents.len())?;
                Ok(InsertManyResult { inserted_ids, acknowledged: inserted.acknowledged })
            }
            Err(error) => {
                let noted = op.take_failure();
                let inserted_ids = ids(&op.documents, op.inserted(error.refused_writes(&noted)).into_iter())?;
                let written = BulkWritten { inserted: inserted_ids.len() as u64, ..BulkWritten::NOTHING };
                let partial = BulkWriteResult::new(written, inserted_ids)?;
                let is_nothing = partial.is_nothing();
                Err(error.into_bulk(noted, partial, is_nothing, ErrorKind::BulkWrite))
            }
        }
    }
}

/// Documents one behind the other, each with an `_id`, in front if it had none.
struct Encoded {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    doubt: Doubt,
    /// How many there will be, as far as their source knows.
    expected: usize,
}

impl Encoded {
    fn new(expected: usize) -> Self {
        // Room for a small document, so that the buffer does not grow in steps. Nobody's word is taken for more than some pages.
        let (bytes, ends) = (Vec::with_capacity(512), Vec::with_capacity(expected.min(16 * 1024)));
        Self { bytes, ends, doubt: Doubt::default(), expected }
    }

    /// Appends a document and says its `_id`; the first failure is kept instead, and nothing appended.
    fn push<R: Runtime>(&mut self, core: &Core<R>, document: &(impl Serialize + ?Sized)) -> Bson {
        self.make_room();
        let id = encode_one(document, &mut self.bytes, || core.new_object_id());
        if id.is_ok() {
            self.ends.push(self.bytes.len());
        }
        self.doubt.take(id)
    }

    /// Makes room for what is still expected, if it is like what came before, but no more than there is already: so many small documents
    /// neither move often nor leave half of the buffer empty.
    fn make_room(&mut self) {
        let (length, documents) = (self.bytes.len(), self.ends.len());
        let Some(average) = length.checked_div(documents) else { return };
        let left = self.expected.saturating_sub(documents);
        if self.bytes.capacity() - length < average && left > 0 {
            self.bytes.reserve_exact(average.saturating_mul(left).min(length).max(average));
        }
    }
}

/// The `_id`s of some documents, read from where they were written: a list of their own would have to be kept until then.
fn ids(documents: &Documents, indexes: impl ExactSizeIterator<Item = usize>) -> Result<InsertedIds> {
    let mut ids = InsertedIds::with_capacity(indexes.len());
    for index in indexes {
        let id = Doc::new(documents.document(index))?.get("_id")?;
        ids.push(index, id.map_or(Ok(Bson::Null), id_value)?);
    }
    Ok(ids)
}

fn id_value(id: RawValue<'_>) -> Result<Bson> {
    match (id.kind(), id.as_object_id()) {
        (Kind::ObjectId, Ok(id)) => Ok(Bson::ObjectId(ObjectId::from_bytes(id))),
        _ => from_value(id.kind(), id.bytes()),
    }
}

/// Encodes a document behind what `out` holds, once and in place, and says its `_id`. An error leaves `out` as it was.
fn encode_one(
    document: &(impl Serialize + ?Sized),
    out: &mut Vec<u8>,
    new_id: impl FnOnce() -> ObjectId,
) -> Result<Bson> {
    let start = out.len();
    // Most documents come without an `_id`: what it takes is left free before the first element.
    out.resize(start + GENERATED_ID, 0);
    encode_into(document, out).and_then(|has| settle_id(out, start, has, new_id)).inspect_err(|_| out.truncate(start))
}

/// An encoded document with an `_id`, in front if it had none, and what that is.
pub(super) fn with_id(document: &DocBuf, new_id: impl FnOnce() -> ObjectId) -> Result<(DocBuf, Bson)> {
    let mut out = vec![0; GENERATED_ID];
    out.extend_from_slice(document.as_bytes());
    let id = settle_id(&mut out, 0, HasId::Perhaps, new_id)?;
    Ok((DocBuf::new(out)?, id))
}

/// The document stands [`GENERATED_ID`] bytes behind `start`: moves it there, or puts a new `_id` in front of it.
fn settle_id(out: &mut Vec<u8>, start: usize, has_id: HasId, new_id: impl FnOnce() -> ObjectId) -> Result<Bson> {
    let document = Doc::new(&out[start + GENERATED_ID..])?;
    let length = document.as_bytes().len();
    let known = match has_id {
        HasId::No => None,
        HasId::Perhaps => document.get("_id")?,
    };
    if let Some(id) = known {
        let id = id_value(id)?;
        out.copy_within(start + GENERATED_ID.., start);
        out.truncate(start + length);
        return Ok(id);
    }
    let id = new_id();
    let length = i32::try_from(length + GENERATED_ID).map_err(|_| Error::invalid("a document is longer than 2 GiB"))?;
    // The new element takes the free bytes and those of the old length.
    let (head, element) = out[start..start + 4 + GENERATED_ID].split_at_mut(4);
    let (key, value) = element.split_at_mut(ID_KEY.len());
    head.copy_from_slice(&length.to_le_bytes());
    key.copy_from_slice(ID_KEY);
    value.copy_from_slice(&id.bytes());
    Ok(Bson::ObjectId(id))
}

/// The type and the key of an `_id` that is an ObjectId.
const ID_KEY: &[u8; 5] = b"\x07_id\0";
/// The size of that element.
const GENERATED_ID: usize = ID_KEY.len() + 12;

setters! { InsertOne:
    /// Whether to skip the collection's validation rules.
    bool bypass_document_validation => op.bypass_document_validation;
    /// Shown in the server's log and profile.
    value comment => op.comment;
    /// Instead of the collection's write concern.
    write_concern write_concern => call.given.write_concern;
    /// The time for the whole operation; zero is no limit.
    duration timeout => call.given.timeout;
}

setters! { InsertMany:
    /// Whether to stop at the first error; default true.
    bool ordered => op.ordered;
    /// Whether to skip the collection's validation rules.
    bool bypass_document_validation => op.bypass_document_validation;
    /// Shown in the server's log and profile.
    value comment => op.comment;
    /// Instead of the collection's write concern.
    write_concern write_concern => call.given.write_concern;
    /// The time for the whole operation; zero is no limit.
    duration timeout => call.given.timeout;
}

awaitable!(InsertOne => InsertOneResult);
awaitable!(InsertMany => InsertManyResult);

#[cfg(test)]
#[path = "insert_tests.rs"]
mod tests;
