//! Open cursors: what is left of their results.

use std::collections::{BTreeMap, VecDeque};

use bson::{Bson, Document, doc};

use super::error::{CURSOR_NOT_FOUND, Failed, UNAUTHORIZED};
use super::value::integer;
use super::{Engine, count_field, length};
use crate::rng::mix;
use crate::server::request::Request;

#[derive(Debug, Default)]
pub(super) struct Cursors {
    open: BTreeMap<i64, Open>,
    made: u64,
}

#[derive(Debug)]
struct Open {
    namespace: String,
    left: VecDeque<Document>,
    end: End,
}

/// What the server knows of the end of a result when it fills a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Only trying to read on tells: after a batch that is exactly full the cursor stays open, and the next may be empty.
    Unknown,
    /// A limit was reached, or everything is in memory.
    Known,
    /// There is one batch, whatever is left.
    OneBatch,
}

impl Cursors {
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// The reply to a command that opens a cursor.
    pub(super) fn open(&mut self, namespace: &str, results: Vec<Document>, size: usize, end: End) -> Document {
        let mut left = VecDeque::from(results);
        let batch = take_batch(&mut left, size);
        let mut id = 0;
        let full = batch.len() == size && (end == End::Unknown || size == 0);
        if end != End::OneBatch && (!left.is_empty() || full) {
            self.made += 1;
            // Looks like a server's, is never 0 and never negative.
            id = (mix(self.made) >> 1 | 1).cast_signed();
            self.open.insert(id, Open { namespace: namespace.to_owned(), left, end });
        }
        reply(id, namespace, "firstBatch", batch)
    }
}

impl Engine {
    pub(super) fn get_more(&mut self, request: &Request) -> Result<Document, Failed> {
        let id = request.body.get("getMore").and_then(integer).ok_or_else(|| Failed::field("getMore"))?;
        let collection = request.body.get_str("collection").map_err(|_| Failed::field("collection"))?;
        let size = count_field(&request.body, "batchSize")?.filter(|size| *size > 0);
        let cursor = self.cursors.open.get_mut(&id);
        let cursor = cursor.ok_or_else(|| Failed::new(CURSOR_NOT_FOUND, format!("cursor id {id} not found")))?;
        let namespace = format!("{}.{collection}", request.database());
        if cursor.namespace != namespace {
            let why = format!("Requested getMore on namespace '{namespace}', but cursor belongs to another namespace");
            return Err(Failed::new(UNAUTHORIZED, why));
        }
        let size = size.unwrap_or(usize::MAX);
        let batch = take_batch(&mut cursor.left, size);
        let exhausted = cursor.left.is_empty() && (cursor.end == End::Known || batch.len() < size);
        if exhausted {
            self.cursors.open.remove(&id);
        }
        Ok(reply(if exhausted { 0 } else { id }, &namespace, "nextBatch", batch))
    }

    pub(super) fn kill_cursors(&mut self, request: &Request) -> Result<Document, Failed> {
        let ids = request.body.get_array("cursors").map_err(|_| Failed::field("cursors"))?;
        let (mut killed, mut missing) = (Vec::new(), Vec::new());
        for id in ids {
            let found = integer(id).and_then(|id| self.cursors.open.remove(&id));
            if found.is_some() { killed.push(id.clone()) } else { missing.push(id.clone()) }
        }
        let none: Vec<Bson> = Vec::new();
        Ok(doc! {
            "cursorsKilled": killed, "cursorsNotFound": missing, "cursorsAlive": none.clone(), "cursorsUnknown": none,
            "ok": 1.0,
        })
    }
}

/// Up to `size` documents, up to the bytes of a batch; one at least, however long it is.
fn take_batch(left: &mut VecDeque<Document>, size: usize) -> Vec<Bson> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while batch.len() < size {
        let Some(next) = left.front() else { break };
        bytes += length(next);
        if bytes > MAX_BATCH && !batch.is_empty() {
            break;
        }
        batch.extend(left.pop_front().map(Bson::Document));
    }
    batch
}

fn reply(id: i64, namespace: &str, field: &str, batch: Vec<Bson>) -> Document {
    doc! { "cursor": { field: batch, "id": id, "ns": namespace }, "ok": 1.0 }
}

/// Bytes of documents in one batch.
const MAX_BATCH: usize = 16 * 1024 * 1024;
/// Documents in a first batch whose size is not given.
pub(super) const FIRST_BATCH: usize = 101;
