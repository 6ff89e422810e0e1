//! Telling messages apart.

use crate::op_compressed::OpCompressed;
use crate::op_msg::OpMsg;
use crate::{Header, OpCode, WireError};

/// A frame with its meaning, as far as this crate reads it.
#[derive(Clone, Copy, Debug)]
pub enum Message<'a> {
    /// A command or its reply.
    Msg(OpMsg<'a>),
    /// Another message, compressed.
    Compressed(OpCompressed<'a>),
    /// A message of another kind: its header and the bytes behind it.
    Opaque(Header, &'a [u8]),
}

impl<'a> Message<'a> {
    /// Reads one whole frame, as [`Deframer::next_frame`](crate::Deframer::next_frame) gives it.
    pub fn parse(frame: &'a [u8]) -> Result<Self, WireError> {
        let (header, rest) = Header::parse_frame(frame)?;
        match header.op_code {
            OpCode::Msg => OpMsg::parse(frame).map(Self::Msg),
            OpCode::Compressed => OpCompressed::parse(frame).map(Self::Compressed),
            _ => Ok(Self::Opaque(header, rest)),
        }
    }

    /// The message's header.
    pub const fn header(&self) -> Header {
        match self {
            Self::Msg(message) => message.header(),
            Self::Compressed(message) => message.header(),
            Self::Opaque(header, _) => *header,
        }
    }
}
