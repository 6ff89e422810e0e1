//! Commands to be sent, and how they become bytes.

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;
use stator_wire::bson::DocWriter;
use stator_wire::op_msg::{Builder, Flags};
use stator_wire::{OpCompressed, WireError};

use super::{Compression, ConnectionError, SendBuf, UNCOMPRESSED_COMMANDS};

/// Something that writes the body of a command.
pub trait WriteBody {
    /// Appends the command's elements; the command's name comes first.
    fn write_body(&self, body: &mut DocWriter<'_>);
}

impl<F: Fn(&mut DocWriter<'_>)> WriteBody for F {
    fn write_body(&self, body: &mut DocWriter<'_>) {
        self(body);
    }
}

/// Documents of a command that stand outside of its body (OP_MSG section kind 1).
#[derive(Clone, Debug, Default)]
pub struct Sequence {
    /// The field that they stand for, such as `documents`.
    pub identifier: &'static str,
    /// The documents, one behind the other.
    pub documents: Bytes,
}

/// One command to be sent.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The command's name: decides whether it may be compressed.
    pub name: &'a str,
    /// Writes the body.
    pub body: &'a dyn WriteBody,
    /// The document sequences: the first is sent from where it lies, any further ones are copied.
    pub sequences: &'a [Sequence],
    /// Whether the server may answer with several replies (exhaust).
    pub exhaust: bool,
    /// Whether no reply is wanted (unacknowledged writes).
    pub no_reply: bool,
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Request<'_> {
    /// Writes the request as one OP_MSG of at most `limit` bytes, compressed if that was negotiated and is allowed.
    pub(super) fn encode(
        &self,
        id: i32,
        limit: usize,
        compression: &Compression,
        out: &mut SendBuf,
    ) -> Result<(), ConnectionError> {
        let mut flags = Flags::NONE;
        if self.exhaust {
            flags = flags.union(Flags::EXHAUST_ALLOWED);
        }
        if self.no_reply {
            flags = flags.union(Flags::MORE_TO_COME);
        }
        out.clear();
        let mut builder = Builder::new(&mut out.head, id, 0, flags);
        let mut body = builder.body();
        self.body.write_body(&mut body);
        body.finish().map_err(ConnectionError::Encode)?;
        let mut elsewhere = 0;
        if let [first, rest @ ..] = self.sequences {
            builder.sequence_head(first.identifier, first.documents.len())?;
            let mut tail = Vec::new();
            for sequence in rest {
                let size = 4 + sequence.identifier.len() + 1 + sequence.documents.len();
                let size = i32::try_from(size).map_err(|_| WireError::TooLong(size))?;
                tail.push(1);
                tail.extend_from_slice(&size.to_le_bytes());
                tail.extend_from_slice(sequence.identifier.as_bytes());
                tail.push(0);
                tail.extend_from_slice(&sequence.documents);
            }
            elsewhere = first.documents.len() + tail.len();
            out.payload = first.documents.clone();
            out.tail = Bytes::from(tail);
        }
        let length = builder.finish_with(elsewhere)?;
        if length > limit {
            return Err(ConnectionError::TooLong { length, limit });
        }
        if let Some(id) = compression.requests
            && let Some(codec) = compression.codec(id)
            && !UNCOMPRESSED_COMMANDS.contains(&self.name)
        {
            let SendBuf { head, payload, tail, scratch, .. } = out;
            head.extend_from_slice(payload);
            head.extend_from_slice(tail);
            *payload = Bytes::new();
            *tail = Bytes::new();
            scratch.clear();
            OpCompressed::compress(head, id, codec, scratch)?;
            core::mem::swap(head, scratch);
        }
        Ok(())
    }
}
