//! Replies.

use core::fmt;
use core::ops::Range;

use bytes::Bytes;
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
}

impl Reply {
    /// Reads a whole OP_MSG frame.
    pub fn parse(frame: Bytes) -> Result<Self, WireError> {
        let message = OpMsg::parse(&frame)?;
        let body = message.body().as_bytes();
        let start = body.as_ptr() as usize - frame.as_ptr() as usize;
        let body = start..start + body.len();
        let more_to_come = message.flags().contains(Flags::MORE_TO_COME);
        Ok(Self { header: message.header(), body, more_to_come, frame })
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

    /// The whole frame: what [`body`](Self::body) is a slice of.
    pub const fn frame(&self) -> &Bytes {
        &self.frame
    }

    /// Whether the server will send another reply without being asked.
    pub const fn more_to_come(&self) -> bool {
        self.more_to_come
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("bytes", &self.frame.len()).field("more_to_come", &self.more_to_come).finish()
    }
}
