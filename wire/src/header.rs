//! The 16-byte header that begins every message.
//!
//! ```text
//! 0        4           8           12       16
//! +--------+-----------+-----------+--------+
//! | length | requestID | responseTo| opCode |   four little-endian int32
//! +--------+-----------+-----------+--------+
//! ```

use nom::Parser as _;
use nom::number::complete::le_i32;

use crate::WireError;

/// Offsets of the header's fields, in wire order.
pub mod field {
    use core::ops::Range;

    /// Length of the whole message, header included.
    pub const LENGTH: Range<usize> = 0..4;
    /// The sender's number for this message.
    pub const REQUEST_ID: Range<usize> = 4..8;
    /// The number of the message that this one answers.
    pub const RESPONSE_TO: Range<usize> = 8..12;
    /// What follows the header.
    pub const OP_CODE: Range<usize> = 12..16;
}

/// The kind of a message. Kinds that this crate does not read pass through it as opaque frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OpCode {
    /// 1: the reply to OP_QUERY.
    Reply,
    /// 2004: the legacy query, still used by old clients for the first hello.
    Query,
    /// 2012: another message, compressed.
    Compressed,
    /// 2013: a command or its reply.
    Msg,
    /// Any other opcode.
    Other(i32),
}

impl OpCode {
    /// The opcode of a number.
    pub const fn from_i32(code: i32) -> Self {
        match code {
            1 => Self::Reply,
            2004 => Self::Query,
            2012 => Self::Compressed,
            2013 => Self::Msg,
            other => Self::Other(other),
        }
    }

    /// The number of an opcode.
    pub const fn to_i32(self) -> i32 {
        match self {
            Self::Reply => 1,
            Self::Query => 2004,
            Self::Compressed => 2012,
            Self::Msg => 2013,
            Self::Other(code) => code,
        }
    }
}

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// Length of the whole message in bytes, these 16 included, as the sender claims it.
    pub length: i32,
    /// The sender's number for this message.
    pub request_id: i32,
    /// In a reply the `request_id` of the request; else 0.
    pub response_to: i32,
    /// What follows.
    pub op_code: OpCode,
}

impl Header {
    /// Length of a header in bytes.
    pub const SIZE: usize = 16;

    /// Reads a header from the beginning of `bytes`. The length field is not judged.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let mut four = (le_i32::<_, nom::error::Error<_>>, le_i32, le_i32, le_i32);
        let (_, (length, request_id, response_to, op_code)) =
            four.parse(bytes).map_err(|_| WireError::Truncated { part: "header" })?;
        Ok(Self { length, request_id, response_to, op_code: OpCode::from_i32(op_code) })
    }

    /// Reads the header of a whole frame and checks that its length is the frame's; returns the rest too.
    pub fn parse_frame(frame: &[u8]) -> Result<(Self, &[u8]), WireError> {
        let header = Self::parse(frame)?;
        match usize::try_from(header.length) {
            Ok(claimed) if claimed == frame.len() => Ok((header, &frame[Self::SIZE..])),
            Ok(claimed) => Err(WireError::LengthMismatch { claimed, actual: frame.len() }),
            Err(_) => Err(WireError::FrameLength { claimed: header.length, limit: frame.len() }),
        }
    }

    /// The header's bytes.
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[field::LENGTH].copy_from_slice(&self.length.to_le_bytes());
        bytes[field::REQUEST_ID].copy_from_slice(&self.request_id.to_le_bytes());
        bytes[field::RESPONSE_TO].copy_from_slice(&self.response_to.to_le_bytes());
        bytes[field::OP_CODE].copy_from_slice(&self.op_code.to_i32().to_le_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_survives_the_round_trip() {
        let header = Header { length: 16, request_id: -7, response_to: 9, op_code: OpCode::Other(77) };
        assert_eq!(Header::parse(&header.to_bytes()), Ok(header));
        assert_eq!(Header::parse_frame(&header.to_bytes()), Ok((header, &[][..])));
    }

    #[test]
    fn short_and_lying_headers_are_errors() {
        let bytes = Header { length: 17, request_id: 1, response_to: 0, op_code: OpCode::Msg }.to_bytes();
        assert_eq!(Header::parse(&bytes[..15]), Err(WireError::Truncated { part: "header" }));
        assert_eq!(Header::parse_frame(&bytes), Err(WireError::LengthMismatch { claimed: 17, actual: 16 }));
    }
}
