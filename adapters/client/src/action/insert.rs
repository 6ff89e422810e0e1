//! `insert_one` and `insert_many`.

use core::borrow::Borrow;
use std::sync::Arc;

use bson::{Bson, Document};
use serde::Serialize;
use stator_proto::operation::{Documents, Insert, Settings};
use stator_wire::bson::{Doc, Kind};

use super::Doubt;
use crate::collection::Collection;
use crate::convert::from_value;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::inner::Core;
use crate::results::{InsertManyResult, InsertOneResult};
use crate::runtime::Runtime;

/// Inserts one document; see [`Collection::insert_one`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct InsertOne<R: Runtime> {
    collection: Collection<R>,
    op: Insert,
    id: Bson,
    settings: Settings,
    doubt: Doubt,
}

/// Inserts documents; see [`Collection::insert_many`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct InsertMany<R: Runtime> {
    collection: Collection<R>,
    op: Insert,
    ids: Vec<Bson>,
    settings: Settings,
    doubt: Doubt,
}

impl<R: Runtime> InsertOne<R> {
    pub(crate) fn new(collection: &Collection<R, Document>, document: &(impl Serialize + ?Sized)) -> Self {
        let (documents, mut ids, doubt) = encode(collection.core(), [document]);
        Self {
            op: Insert::new(collection.namespace().clone(), documents),
            id: ids.pop().unwrap_or(Bson::Null),
            settings: collection.settings().clone(),
            collection: collection.clone(),
            doubt,
        }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.collection.core()
    }

    async fn execute(self) -> Result<InsertOneResult> {
        self.doubt.check()?;
        let inserted = self.collection.core().execute(self.op, self.settings).await?;
        Ok(InsertOneResult { inserted_id: self.id, acknowledged: inserted.acknowledged })
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
            settings: collection.settings().clone(),
            collection: collection.clone(),
            doubt,
        }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.collection.core()
    }

    async fn execute(self) -> Result<InsertManyResult> {
        self.doubt.check()?;
        let inserted = self.collection.core().execute(self.op, self.settings).await?;
        let inserted_ids = self.ids.into_iter().enumerate().collect();
        Ok(InsertManyResult { inserted_ids, acknowledged: inserted.acknowledged })
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
    let (mut bytes, mut ends, mut ids, mut doubt) = (Vec::new(), Vec::new(), Vec::new(), Doubt::default());
    for document in documents {
        match encode_one(core, &document, &mut bytes) {
            Ok(id) => {
                ids.push(id);
                ends.push(bytes.len());
            }
            Err(error) => doubt.take(Err(error)),
        }
    }
    (Documents::new(bytes, ends), ids, doubt)
}

fn encode_one<R: Runtime>(core: &Core<R>, document: &impl Serialize, out: &mut Vec<u8>) -> Result<Bson> {
    let bytes =
        bson::serialize_to_vec(document).map_err(|error| Error::new(Phase::Prepare, ErrorKind::Encode(error)))?;
    if let Some(id) = Doc::new(&bytes)?.get("_id")? {
        let id = match (id.kind(), id.as_object_id()) {
            (Kind::ObjectId, Ok(id)) => Bson::ObjectId(bson::oid::ObjectId::from_bytes(id)),
            _ => from_value(id.kind(), id.bytes())?,
        };
        if out.is_empty() {
            *out = bytes;
        } else {
            out.extend_from_slice(&bytes);
        }
        return Ok(id);
    }
    const KEY: &[u8; 5] = b"\x07_id\0";
    let id = core.new_object_id();
    let length =
        i32::try_from(bytes.len() + KEY.len() + 12).map_err(|_| Error::invalid("a document is longer than 2 GiB"))?;
    out.reserve(bytes.len() + KEY.len() + 12);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(KEY);
    out.extend_from_slice(&id.bytes());
    out.extend_from_slice(&bytes[4..]);
    Ok(Bson::ObjectId(id))
}

setters! { InsertOne:
    /// Whether to skip the collection's validation rules.
    bool bypass_document_validation => op.bypass_document_validation;
    /// Shown in the server's log and profile.
    value comment => op.comment;
    /// Instead of the collection's write concern.
    write_concern write_concern => settings.write_concern;
    /// The time for the whole operation; zero is no limit.
    duration timeout => settings.timeout;
}

setters! { InsertMany:
    /// Whether to stop at the first error; default true.
    bool ordered => op.ordered;
    /// Whether to skip the collection's validation rules.
    bool bypass_document_validation => op.bypass_document_validation;
    /// Shown in the server's log and profile.
    value comment => op.comment;
    /// Instead of the collection's write concern.
    write_concern write_concern => settings.write_concern;
    /// The time for the whole operation; zero is no limit.
    duration timeout => settings.timeout;
}

awaitable!(InsertOne => InsertOneResult);
awaitable!(InsertMany => InsertManyResult);
