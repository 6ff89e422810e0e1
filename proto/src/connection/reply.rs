//! Replies.

use core::fmt;
use core::ops::Range;

use bytes::{Buf, Bytes};
use stator_wire::bson::{Doc, DocBuf};
use stator_wire::op_msg::Flags;
use stator_wire::{Header, OpMsg, WireError};

/// A reply, owning its frame: documents are slices of it.
#[derive(Clone)]
pub struct Reply {
    header: Header,
    frame: Bytes,
    body: Range<usize>,
    more_to_come: bool,
    outline: Outline,
}

impl Reply {
    /// Reads a whole OP_MSG frame.
    pub fn parse(frame: Bytes) -> Result<Self, WireError> {
        let message = OpMsg::parse(&frame)?;
        let outline = Outline::of(message.body());
        let body = message.body().as_bytes();
        let start = body.as_ptr() as usize - frame.as_ptr() as usize;
        let body = start..start + body.len();
        let more_to_come = message.flags().contains(Flags::MORE_TO_COME);
        Ok(Self { header: message.header(), body, more_to_come, frame, outline })
    }

    /// The message's header.
    pub const fn header(&self) -> Header {
        self.header
    }

    /// The reply's document.
    pub fn body(&self) -> Doc<'_> {
        // `parse` took the range from a document, so the slice is one.
        Doc::new(&self.frame[self.body.clone()]).unwrap_or(Doc::EMPTY)
    }

    /// The reply's document, sharing the frame.
    pub fn to_doc_buf(&self) -> DocBuf {
        DocBuf::slice_of(&self.frame, self.body())
    }

    /// The reply's document, which takes the frame along.
    pub fn into_doc_buf(self) -> DocBuf {
        let mut bytes = self.frame;
        // Mostly it ends where the frame does; then nothing needs to know that the frame was longer.
        bytes.truncate(self.body.end);
        bytes.advance(self.body.start);
        // `parse` took the range from a document.
        DocBuf::new(bytes).unwrap_or_default()
    }

    /// The whole frame: what [`body`](Self::body) is a slice of.
    pub const fn frame(&self) -> &Bytes {
        &self.frame
    }

    /// The whole frame, without the reply around it.
    pub fn into_frame(self) -> Bytes {
        self.frame
    }

    /// Whether the server says that the command as a whole succeeded: all of the body's first level is sound, and its `ok` is 1.
    /// Writes in it may still have failed.
    pub const fn is_success(&self) -> bool {
        self.outline.success
    }

    /// Whether a write concern was not satisfied; looked for in replies that [succeeded](Self::is_success) only.
    pub const fn has_write_concern_error(&self) -> bool {
        self.outline.write_concern_error
    }

    /// Whether there are labels or cluster times in it, or something is wrong with it.
    pub(crate) const fn has_news(&self) -> bool {
        self.outline.news || !self.outline.success
    }

    /// Whether the server will send another reply without being asked.
    pub const fn more_to_come(&self) -> bool {
        self.more_to_come
    }
}

/// What one look at all fields finds. Most replies are successes without news: then nobody need look for it again.
#[derive(Clone, Copy, Default)]
struct Outline {
    success: bool,
    write_concern_error: bool,
    news: bool,
}

impl Outline {
    fn of(body: Doc<'_>) -> Self {
        let mut outline = Self::default();
        let mut ok = None;
        for element in body.iter() {
            // Whoever reads it says what is wrong.
            let Ok(element) = element else { return Self::default() };
            match element.key_bytes() {
                b"ok" => {
                    ok.get_or_insert(element.value().as_truthy() == Ok(true));
                }
                b"writeConcernError" => outline.write_concern_error = true,
                b"$clusterTime" | b"errorLabels" => outline.news = true,
                _ => {}
            }
        }
        outline.success = ok == Some(true);
        outline
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("bytes", &self.frame.len()).field("more_to_come", &self.more_to_come).finish()
    }
}
