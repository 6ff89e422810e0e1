//! `insert_one` and `insert_many`.

use core::borrow::Borrow;
use core::future::Future;
use std::collections::BTreeMap;
use std::sync::Arc;

use bson::oid::ObjectId;
use bson::{Bson, Document};
use serde::Serialize;
use stator_proto::operation::{BulkWritten, Documents, Insert};
use stator_wire::bson::{Doc, DocBuf, Kind};

use super::Doubt;
use crate::call::Call;
use crate::collection::Collection;
use crate::convert::{encode_into, from_value};
use crate::encode::HasId;
use crate::error::{Error, ErrorKind, Result};
use crate::inner::Core;
use crate::results::{BulkWriteResult, InsertManyResult, InsertOneResult};
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
    ids: Vec<Bson>,
    call: Call<R>,
    doubt: Doubt,
}

impl<R: Runtime> InsertOne<R> {
    pub(crate) fn new(collection: &Collection<R, Document>, document: &(impl Serialize + ?Sized)) -> Self {
        let (documents, mut ids, doubt) = encode(collection.core(), [document]);
        Self {
            op: Insert::new(collection.namespace().clone(), documents),
            id: ids.pop().unwrap_or(Bson::Null),
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
        let (documents, ids, doubt) = encode(collection.core(), documents.into_iter().map(Owned::<_, T>::new));
        Self {
            op: Insert::new(collection.namespace().clone(), documents),
            ids,
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
        let mut inserted_ids: BTreeMap<usize, Bson> = self.ids.into_iter().enumerate().collect();
        match outcome {
            Ok(inserted) => Ok(InsertManyResult { inserted_ids, acknowledged: inserted.acknowledged }),
            Err(error) => {
                let noted = op.take_failure();
                let done = op.inserted(error.refused_writes(&noted));
                inserted_ids.retain(|index, _| done.binary_search(index).is_ok());
                let written = BulkWritten { inserted: inserted_ids.len() as u64, ..BulkWritten::NOTHING };
                let partial = BulkWriteResult::new(written, inserted_ids)?;
                let is_nothing = partial.is_nothing();
                Err(error.into_bulk(noted, partial, is_nothing, ErrorKind::BulkWrite))
            }
        }
    }
}

/// A document that its caller may have lent or given.
struct Owned<B, T> {
    document: B,
    of: core::marker::PhantomData<fn() -> T>,
}

impl<B, T> Owned<B, T> {
    const fn new(document: B) -> Self {
        Self { document, of: core::marker::PhantomData }
    }
}

impl<B: Borrow<T>, T: Serialize> Serialize for Owned<B, T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> core::result::Result<S::Ok, S::Error> {
        self.document.borrow().serialize(serializer)
    }
}

/// Encodes documents one behind the other, each with an `_id`, in front if it had none.
fn encode<R: Runtime>(
    core: &Core<R>,
    documents: impl IntoIterator<Item = impl Serialize>,
) -> (Documents, Vec<Bson>, Doubt) {
    // Room for a small document, so that the buffer does not grow in steps.
    let (mut bytes, mut ends, mut ids, mut doubt) = (Vec::with_capacity(512), Vec::new(), Vec::new(), Doubt::default());
    for document in documents {
        match encode_one(&document, &mut bytes, || core.new_object_id()) {
            Ok(id) => {
                ids.push(id);
                ends.push(bytes.len());
            }
            Err(error) => doubt.take(Err(error)),
        }
    }
    (Documents::new(bytes, ends), ids, doubt)
}

/// Encodes a document behind what `out` holds, once and in place, and says its `_id`. An error leaves `out` as it was.
fn encode_one(document: &impl Serialize, out: &mut Vec<u8>, new_id: impl FnOnce() -> ObjectId) -> Result<Bson> {
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
        let id = match (id.kind(), id.as_object_id()) {
            (Kind::ObjectId, Ok(id)) => Bson::ObjectId(ObjectId::from_bytes(id)),
            _ => from_value(id.kind(), id.bytes())?,
        };
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
