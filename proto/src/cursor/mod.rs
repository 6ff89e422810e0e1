//! A cursor: batches of documents, `getMore` for the next one, `killCursors` for the rest.
//!
//! ```text
//!   documents left --next_doc--> documents left, or batch empty
//!   batch empty, id != 0 --poll_command: getMore--> --handle_reply--> documents left, or batch empty
//!   batch empty, id == 0: exhausted
//!   any --handle_lost--> id == 0; the batch at hand can still be read
//!   any --close--> exhausted; returns killCursors if the server still has the cursor
//! ```

mod timeout;

use core::ops::Range;
use core::time::Duration;

use bytes::Bytes;
use stator_wire::bson::{BsonError, Doc, DocBuf, Kind, ValueBuf};

use crate::connection::Reply;
use crate::operation::{GetMore, KillCursors, Namespace, OperationError};

pub use timeout::CursorTimeout;

/// A reply with a cursor: its id, namespace and one batch. Documents are slices of the reply's frame.
#[derive(Clone, Debug)]
pub struct CursorReply {
    /// The cursor's id; 0 if the server has closed it.
    pub id: i64,
    /// The cursor's namespace, `database.collection`.
    pub namespace: Option<Namespace>,
    /// The batch.
    pub batch: DocBatch,
    /// `postBatchResumeToken`, for change streams.
    pub resume_token: Option<DocBuf>,
}

impl CursorReply {
    /// Reads `cursor: {id, ns, <batch_key>: [..]}`. `expected` is the namespace that the command named: a reply that
    /// names the same shares it.
    pub fn parse(reply: Reply, batch_key: &str, expected: Option<&Namespace>) -> Result<Self, OperationError> {
        let cursor = reply.body().get_doc("cursor")?.ok_or(OperationError::Reply("there is no `cursor`"))?;
        let (mut id, mut namespace, mut batch, mut resume_token) = (None, None, None, None);
        for element in cursor.iter() {
            let element = element?;
            let value = element.value();
            match element.key_bytes() {
                b"id" => id = Some(value.as_i64()?),
                b"ns" => {
                    let full = value.as_str()?;
                    let known = expected.filter(|expected| expected.full() == full).cloned();
                    namespace = known.or_else(|| Namespace::parse(full));
                }
                b"postBatchResumeToken" => resume_token = Some(DocBuf::slice_of(reply.frame(), value.as_doc()?)),
                key if key == batch_key.as_bytes() => {
                    batch = Some(DocBatch::elements(reply.frame(), value.as_array()?));
                }
                _ => {}
            }
        }
        let id = id.ok_or(OperationError::Reply("the cursor has no `id`"))?;
        let rest = batch.ok_or(OperationError::Reply("the cursor has no batch"))?;
        Ok(Self {
            id,
            namespace,
            // The frame itself: a second handle on it would be an allocation.
            batch: DocBatch { frame: reply.into_frame(), rest },
            resume_token,
        })
    }
}

/// The documents of one batch, as slices of the reply's frame.
#[derive(Clone, Debug, Default)]
pub struct DocBatch {
    frame: Bytes,
    /// The elements of the array that are still to be read.
    rest: Range<usize>,
}

impl DocBatch {
    /// A batch of the documents of `array`, which must be a slice of `frame`; otherwise it is empty.
    pub fn new(frame: Bytes, array: Doc<'_>) -> Self {
        Self { rest: Self::elements(&frame, array), frame }
    }

    /// Where the elements of `array` stand in `frame`.
    fn elements(frame: &Bytes, array: Doc<'_>) -> Range<usize> {
        let bytes = array.as_bytes();
        let start = (bytes.as_ptr() as usize).wrapping_sub(frame.as_ptr() as usize);
        if start.checked_add(bytes.len()).is_none_or(|end| end > frame.len()) {
            return 0..0;
        }
        start + 4..start + bytes.len() - 1
    }

    /// The next document's bytes in the frame; `None` after the last. Nothing follows an error.
    pub fn next_doc(&mut self) -> Option<Result<Doc<'_>, BsonError>> {
        match self.next_range()? {
            Ok(range) => Some(Doc::new(&self.frame[range])),
            Err(error) => Some(Err(error)),
        }
    }

    /// The next document, sharing the frame.
    pub fn next_doc_buf(&mut self) -> Option<Result<DocBuf, BsonError>> {
        match self.next_range()? {
            Ok(range) => Some(DocBuf::new(self.frame.slice(range))),
            Err(error) => Some(Err(error)),
        }
    }

    /// The next document as a range of [`frame`](Self::frame).
    pub fn next_range(&mut self) -> Option<Result<Range<usize>, BsonError>> {
        if self.rest.is_empty() {
            return None;
        }
        let bytes = &self.frame[self.rest.clone()];
        match Self::first_document(bytes) {
            Ok((at, length)) => {
                let start = self.rest.start + at;
                self.rest.start = start + length;
                Some(Ok(start..start + length))
            }
            Err(error) => {
                self.rest.start = self.rest.end;
                Some(Err(error))
            }
        }
    }

    /// The first element's document: where it begins and how long it is.
    fn first_document(bytes: &[u8]) -> Result<(usize, usize), BsonError> {
        let nul = match bytes {
            [3, key @ ..] => key.iter().position(|&byte| byte == 0),
            _ => None,
        };
        let Some(nul) = nul else {
            return Err(match bytes.first().map(|&byte| (byte, Kind::from_byte(byte))) {
                Some((3, _)) | None => BsonError::Truncated { offset: 0 },
                Some((_, Some(found))) => {
                    BsonError::WrongType { key: "".into(), expected: Kind::Document.name(), found }
                }
                Some((byte, None)) => BsonError::UnknownType { offset: 0, byte },
            });
        };
        let at = 1 + nul + 1;
        let (document, _) = Doc::read_prefix(&bytes[at..])?;
        Ok((at, document.as_bytes().len()))
    }

    /// How many documents are left.
    fn count(&self) -> u64 {
        let mut rest = self.clone();
        core::iter::from_fn(|| rest.next_range()).fold(0, |count, _| count + 1)
    }

    /// Whether no document is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The frame that the documents are slices of.
    pub const fn frame(&self) -> &Bytes {
        &self.frame
    }
}

/// The machine of one cursor.
#[derive(Clone, Debug)]
pub struct Cursor {
    id: i64,
    namespace: Namespace,
    batch: DocBatch,
    batch_size: Option<u32>,
    /// How many documents may come after the current batch; `None` without a limit.
    left: Option<u64>,
    max_await_time: Option<Duration>,
    comment: Option<ValueBuf>,
    resume_token: Option<DocBuf>,
    exhaust: bool,
}

impl Cursor {
    /// A cursor that begins with the reply to its first command. `namespace` is used if the reply names none.
    pub fn new(
        reply: CursorReply,
        namespace: Namespace,
        batch_size: Option<u32>,
        max_await_time: Option<Duration>,
        comment: Option<ValueBuf>,
    ) -> Self {
        Self {
            id: reply.id,
            namespace: reply.namespace.unwrap_or(namespace),
            batch: reply.batch,
            batch_size,
            left: None,
            max_await_time,
            comment,
            resume_token: reply.resume_token,
            exhaust: false,
        }
    }

    /// Lets the server send batch after batch without being asked: the connection of the first `getMore` belongs to the
    /// cursor until the last reply.
    pub const fn with_exhaust(mut self, exhaust: bool) -> Self {
        self.exhaust = exhaust;
        self
    }

    /// Lets no batch be asked for that is larger than what is left of the command's `limit`; zero is no limit.
    pub fn with_limit(mut self, limit: u64) -> Self {
        self.left = (limit != 0).then(|| limit.saturating_sub(self.batch.count()));
        self
    }

    /// The size of the next batch. With nothing left there is still to be asked whether that was all, as servers since 5.0
    /// keep the cursor.
    fn next_batch_size(&self) -> Option<u32> {
        let left = self.left.filter(|left| *left != 0).map(|left| u32::try_from(left).unwrap_or(u32::MAX));
        self.batch_size.map(|size| left.map_or(size, |left| size.min(left)))
    }

    /// Whether replies may come unasked.
    pub const fn is_exhaust(&self) -> bool {
        self.exhaust
    }

    /// A cursor that has ended.
    pub fn ended(namespace: Namespace) -> Self {
        Self {
            id: 0,
            namespace,
            batch: DocBatch::default(),
            batch_size: None,
            left: None,
            max_await_time: None,
            comment: None,
            resume_token: None,
            exhaust: false,
        }
    }

    /// The cursor's id on the server; 0 when the server has none (any more).
    pub const fn id(&self) -> i64 {
        self.id
    }

    /// The cursor's namespace.
    pub const fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The documents of the current batch.
    pub const fn batch_mut(&mut self) -> &mut DocBatch {
        &mut self.batch
    }

    /// The documents of the current batch.
    pub const fn batch(&self) -> &DocBatch {
        &self.batch
    }

    /// The last `postBatchResumeToken`.
    pub const fn resume_token(&self) -> Option<&DocBuf> {
        self.resume_token.as_ref()
    }

    /// Whether no document is left and the server has none either.
    pub fn is_exhausted(&self) -> bool {
        self.id == 0 && self.batch.is_empty()
    }

    /// The command that fetches the next batch; `None` while the current one lasts, or if there is no other.
    pub fn poll_command(&self) -> Option<GetMore> {
        (self.batch.is_empty() && self.id != 0).then(|| GetMore {
            namespace: self.namespace.clone(),
            cursor_id: self.id,
            batch_size: self.next_batch_size(),
            max_await_time: self.max_await_time,
            comment: self.comment.clone(),
            exhaust: self.exhaust,
        })
    }

    /// The next batch is there.
    pub fn handle_reply(&mut self, reply: CursorReply) {
        self.id = reply.id;
        self.batch = reply.batch;
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(self.batch.count());
        }
        if reply.resume_token.is_some() {
            self.resume_token = reply.resume_token;
        }
    }

    /// The server does not know the cursor any more, or its connection is lost: there is nothing to kill.
    pub const fn handle_lost(&mut self) {
        self.id = 0;
    }

    /// Ends the cursor: the command that makes the server forget it, if the server still has it.
    pub fn close(&mut self) -> Option<KillCursors> {
        let id = core::mem::take(&mut self.id);
        self.batch = DocBatch::default();
        (id != 0).then(|| KillCursors::new(self.namespace.clone(), id))
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod timeout_tests;
