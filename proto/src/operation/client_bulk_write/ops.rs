//! The `ops` and `nsInfo` of a client bulk write, and how they are cut into batches.

use alloc::vec::Vec;
use core::ops::Range;

use bytes::Bytes;
use stator_wire::bson::DocWriter;

use crate::connection::Sequence;
use crate::hello::Limits;
use crate::operation::bulk_write::WriteModel;
use crate::operation::statements::Encoder;
use crate::operation::{DeleteStatement, Documents, Namespace, OperationError, Optional, UpdateStatement};

/// What the specification sets aside for what any command carries.
const MESSAGE_OVERHEAD: usize = 1000;

/// Where the number of the namespace stands in an operation's document: behind the length and an int32 whose key has six
/// letters, be it `insert`, `update` or `delete`.
const NAMESPACE_AT: Range<usize> = 12..16;

/// All operations, encoded, and the batch that is being sent.
#[derive(Clone, Debug)]
pub(super) struct Ops {
    /// With the numbers that the namespaces have in the order in which they appear.
    documents: Documents,
    /// The operations that may touch several documents, in rising order.
    many: Vec<usize>,
    /// The number of each one's namespace.
    namespace_of: Vec<u32>,
    /// The `nsInfo` documents.
    namespaces: Documents,
    done: usize,
    current: Range<usize>,
    sequences: [Sequence; 2],
}

impl Ops {
    /// Encodes operations.
    pub(super) fn new(writes: impl IntoIterator<Item = (Namespace, WriteModel)>) -> Result<Self, OperationError> {
        let (mut encoder, mut namespaces) = (Encoder::default(), Encoder::default());
        let (mut known, mut namespace_of) = (alloc::collections::BTreeMap::new(), Vec::new());
        for (namespace, model) in writes {
            model.check()?;
            let next = u32::try_from(known.len()).map_err(|_| TOO_MANY)?;
            let number = *known.entry(FullName(namespace.clone())).or_insert(next);
            if number == next {
                namespaces.push(false, |out| {
                    out.str("ns", namespace.full());
                })?;
            }
            namespace_of.push(number);
            let key = i32::try_from(number).map_err(|_| TOO_MANY)?;
            let many = match &model {
                WriteModel::Insert(_) => false,
                WriteModel::Update(statement) => statement.multi,
                WriteModel::Delete(statement) => !statement.limit_one,
            };
            encoder.push(many, |out| match &model {
                WriteModel::Insert(document) => {
                    out.i32("insert", key).doc("document", document.as_doc());
                }
                WriteModel::Update(statement) => write_update(statement, key, out),
                WriteModel::Delete(statement) => write_delete(statement, key, out),
            })?;
        }
        if encoder.len() == 0 {
            return Err(OperationError::InvalidArgument("there is no write to send"));
        }
        let (documents, many) = encoder.into_documents();
        let (namespaces, _) = namespaces.into_documents();
        let sequence = |identifier| Sequence { identifier, documents: Bytes::new() };
        Ok(Self {
            documents,
            many,
            namespace_of,
            namespaces,
            done: 0,
            current: 0..0,
            sequences: [sequence("ops"), sequence("nsInfo")],
        })
    }

    /// The operations of the current batch.
    pub(super) fn current(&self) -> Range<usize> {
        self.current.clone()
    }

    /// Whether each operation of the current batch touches one document at most.
    pub(super) fn is_single(&self) -> bool {
        let from = self.many.partition_point(|&index| index < self.current.start);
        self.many.get(from).is_none_or(|&index| index >= self.current.end.max(self.current.start + 1))
    }

    pub(super) const fn sequences(&self) -> &[Sequence] {
        &self.sequences
    }

    /// The current batch is over; whether another is to be sent.
    pub(super) const fn advance(&mut self) -> bool {
        self.done = self.current.end;
        self.done < self.documents.len()
    }

    /// Cuts the next batch: as many operations as `limits` allow beside a command of `command` bytes. Until
    /// [`advance`](Self::advance) it is the same batch again, cut by the limits of another connection perhaps. An operation
    /// that fits into no message is refused with the first batch, so that nothing is done at all.
    pub(super) fn cut(&mut self, limits: &Limits, command: usize) -> Result<(), OperationError> {
        let room = limits.max_message_size.saturating_sub(MESSAGE_OVERHEAD + command);
        let start = self.done;
        if start == 0 {
            self.check(room)?;
        }
        // The numbers that the namespaces have in this batch.
        let mut numbers: Vec<Option<i32>> = alloc::vec![None; self.namespaces.len()];
        let (mut named, mut next, mut size, mut end) = (Vec::new(), 0i32, 0usize, start);
        while end < self.documents.len() && end - start < limits.max_write_batch_size.max(1) {
            let global = self.namespace_of[end] as usize;
            let is_new = numbers[global].is_none();
            let name = if is_new { self.namespaces.document(global).len() } else { 0 };
            let added = self.documents.document(end).len() + name;
            if size.saturating_add(added) > room {
                break;
            }
            if is_new {
                numbers[global] = Some(next);
                next += 1;
                named.push(global);
            }
            size += added;
            end += 1;
        }
        if end == start {
            // Another server has taken over, which accepts less than the one that took the first batch.
            return Err(self.too_large(start, room));
        }
        self.current = start..end;
        let (ops, names) = if start == 0 {
            // Here the namespaces have the numbers that they were encoded with.
            (self.documents.slice(self.current()), self.namespaces.slice(0..named.len()))
        } else {
            let names = named.iter().flat_map(|&global| self.namespaces.document(global)).copied().collect::<Vec<_>>();
            (self.renumbered(&numbers), Bytes::from(names))
        };
        let [first, second] = &mut self.sequences;
        first.documents = ops;
        second.documents = names;
        Ok(())
    }

    /// The operations of the current batch with other numbers for their namespaces.
    fn renumbered(&self, numbers: &[Option<i32>]) -> Bytes {
        let mut ops = Vec::from(self.documents.slice(self.current()));
        let mut at = 0;
        for index in self.current() {
            if let Some(number) = numbers[self.namespace_of[index] as usize]
                && let Some(place) = ops.get_mut(at + NAMESPACE_AT.start..at + NAMESPACE_AT.end)
            {
                place.copy_from_slice(&number.to_le_bytes());
            }
            at += self.documents.document(index).len();
        }
        Bytes::from(ops)
    }

    fn check(&self, room: usize) -> Result<(), OperationError> {
        let over = (0..self.documents.len()).find(|&index| self.size(index) > room);
        over.map_or(Ok(()), |index| Err(self.too_large(index, room)))
    }

    /// What an operation takes in a batch of its own.
    fn size(&self, index: usize) -> usize {
        let namespace = self.namespaces.document(self.namespace_of[index] as usize);
        self.documents.document(index).len() + namespace.len()
    }

    fn too_large(&self, index: usize, limit: usize) -> OperationError {
        OperationError::DocumentTooLarge { index, length: self.size(index), limit }
    }
}

const TOO_MANY: OperationError = OperationError::InvalidArgument("there are too many namespaces");

/// A namespace, ordered by its full name.
#[derive(PartialEq, Eq)]
struct FullName(Namespace);

impl PartialOrd for FullName {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for FullName {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.0.full().cmp(other.0.full())
    }
}

fn write_update(statement: &UpdateStatement, namespace: i32, out: &mut DocWriter<'_>) {
    out.i32("update", namespace).doc("filter", statement.filter.as_doc());
    statement.change.write("updateMods", out);
    out.bool("multi", statement.multi)
        .opt_bool("upsert", statement.upsert)
        .opt_array("arrayFilters", statement.array_filters.as_ref())
        .opt_value("hint", statement.hint.as_ref())
        .opt_doc("collation", statement.collation.as_ref())
        .opt_doc("sort", statement.sort.as_ref());
}

fn write_delete(statement: &DeleteStatement, namespace: i32, out: &mut DocWriter<'_>) {
    out.i32("delete", namespace)
        .doc("filter", statement.filter.as_doc())
        .bool("multi", !statement.limit_one)
        .opt_value("hint", statement.hint.as_ref())
        .opt_doc("collation", statement.collation.as_ref());
}
