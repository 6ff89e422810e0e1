//! Cutting many writes into commands that a server accepts.

use alloc::vec::Vec;
use core::ops::Range;

use bytes::Bytes;

use super::OperationError;
use crate::hello::Limits;

/// Encoded documents, one behind the other, with the place where each ends.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    bytes: Bytes,
    ends: Vec<usize>,
}

impl Documents {
    /// Documents whose ends are `ends`, in rising order; the last is the length of `bytes`.
    pub fn new(bytes: impl Into<Bytes>, ends: Vec<usize>) -> Self {
        let bytes = bytes.into();
        debug_assert!(ends.last().copied().unwrap_or(0) == bytes.len() && ends.is_sorted());
        Self { bytes, ends }
    }

    /// How many documents there are.
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of some of them, sharing the allocation.
    pub fn slice(&self, range: Range<usize>) -> Bytes {
        if range.is_empty() {
            return Bytes::new();
        }
        self.bytes.slice(self.start(range.start)..self.ends[range.end - 1])
    }

    /// The bytes of one of them.
    pub fn document(&self, index: usize) -> &[u8] {
        &self.bytes[self.start(index)..self.ends[index]]
    }

    /// Whether each document can be stored by a server with these limits; `overhead` is what it may have beyond them.
    pub(super) fn check(&self, limits: &Limits, overhead: usize) -> Result<(), OperationError> {
        let limit = limits.max_bson_object_size.saturating_add(overhead);
        match self.lengths().enumerate().find(|(_, length)| *length > limit) {
            Some((index, length)) => Err(OperationError::DocumentTooLarge { index, length, limit }),
            None => Ok(()),
        }
    }

    /// The length of each, in bytes.
    pub(super) fn lengths(&self) -> impl Iterator<Item = usize> {
        let starts = core::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(start, end)| end - start)
    }

    fn start(&self, index: usize) -> usize {
        index.checked_sub(1).map_or(0, |before| self.ends[before])
    }
}

/// Where a write with many documents stands.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Documents of batches that are over.
    done: usize,
    current: Range<usize>,
}

impl Batch {
    /// The room that a command's head takes at most; what is left of `maxMessageSizeBytes` is for documents.
    const HEAD: usize = 16 * 1024;

    /// The documents of the current batch.
    pub fn current(&self) -> Range<usize> {
        self.current.clone()
    }

    /// How many documents the batches before the current one had.
    pub const fn done(&self) -> usize {
        self.done
    }

    /// Cuts the next batch: as many documents as `limits` allow, at least one. Until [`advance`](Self::advance) it is the same
    /// batch again, cut by the limits of another connection perhaps: so a retry leaves nothing out. A stored document may be as
    /// long as `maxBsonObjectSize`; `overhead` is what a statement may have beyond it (16 KiB for updates). One that is
    /// longer is refused with the first batch, so that such an operation has no effect at all.
    pub fn next(&mut self, documents: &Documents, limits: &Limits, overhead: usize) -> Result<(), OperationError> {
        let start = self.done;
        let room = limits.max_message_size.saturating_sub(Self::HEAD);
        if start == 0 {
            documents.check(limits, overhead)?;
        }
        let (mut end, mut size) = (start, 0usize);
        while end < documents.len() && end - start < limits.max_write_batch_size {
            let length = documents.document(end).len();
            if size + length > room && end > start {
                break;
            }
            size += length;
            end += 1;
        }
        self.current = start..end;
        Ok(())
    }

    /// The current batch is over: the next one begins behind it. Whether there is one.
    pub const fn advance(&mut self, documents: &Documents) -> bool {
        self.done = self.current.end;
        self.has_more(documents)
    }

    /// Whether documents are left after the current batch.
    pub const fn has_more(&self, documents: &Documents) -> bool {
        self.current.end < documents.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn documents(lengths: &[usize]) -> Documents {
        let mut end = 0;
        let ends = lengths
            .iter()
            .map(|length| {
                end += length;
                end
            })
            .collect();
        Documents::new(vec![0; end], ends)
    }

    fn batches(lengths: &[usize], limits: &Limits) -> Result<Vec<Range<usize>>, OperationError> {
        let documents = documents(lengths);
        let (mut batch, mut seen) = (Batch::default(), vec![]);
        loop {
            batch.next(&documents, limits, 0)?;
            seen.push(batch.current());
            if !batch.advance(&documents) {
                return Ok(seen);
            }
        }
    }

    #[test]
    fn batches_are_cut_by_count_and_by_size() {
        let limits = Limits { max_bson_object_size: 60, max_message_size: Batch::HEAD + 100, max_write_batch_size: 3 };
        assert_eq!(batches(&[5; 7], &limits).unwrap(), [0..3, 3..6, 6..7]);
        assert_eq!(batches(&[50, 50, 50], &limits).unwrap(), [0..2, 2..3]);
        assert_eq!(batches(&[60, 60, 10], &limits).unwrap(), [0..1, 1..3]);
    }

    #[test]
    fn a_batch_that_is_cut_again_leaves_nothing_out() {
        let limits = |max_write_batch_size| Limits { max_write_batch_size, ..Limits::default() };
        let (all, mut batch) = (documents(&[5; 7]), Batch::default());
        batch.next(&all, &limits(3), 0).unwrap();
        assert!(batch.advance(&all));
        batch.next(&all, &limits(3), 0).unwrap();
        // Its connection failed; the next one's server accepts less.
        batch.next(&all, &limits(2), 0).unwrap();
        assert_eq!(batch.current(), 3..5);
        assert!(batch.advance(&all));
        batch.next(&all, &limits(2), 0).unwrap();
        assert_eq!((batch.current(), batch.advance(&all)), (5..7, false));
    }

    #[test]
    fn a_document_over_the_limit_is_named_before_anything_is_sent() {
        let limits = Limits { max_bson_object_size: 60, max_message_size: Batch::HEAD + 100, max_write_batch_size: 1 };
        let error = OperationError::DocumentTooLarge { index: 2, length: 61, limit: 60 };
        assert_eq!(batches(&[10, 60, 61, 99], &limits), Err(error));
    }
}
