//! OP_COMPRESSED: another message, compressed.
//!
//! ```text
//! +--------+----------------+------------------+--------------+-----------------+
//! | header | originalOpcode | uncompressedSize | compressorId | compressed body |
//! |   16   |       4        |        4         |      1       |                 |
//! +--------+----------------+------------------+--------------+-----------------+
//! ```
//!
//! The compressed body is the original message without its header. Which codec belongs to which id is the
//! caller's affair ([`Codec`]); this module keeps the frame and the bounds.

use alloc::vec::Vec;
use core::fmt;

use bytes::{Bytes, BytesMut};
use nom::Parser as _;
use nom::number::complete::{le_i32, u8};

use crate::header::field;
use crate::{Header, OpCode, WireError};

/// A compression algorithm, brought by the host.
pub trait Codec {
    /// Appends the compressed form of `input` to `out`.
    fn compress(&self, input: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError>;

    /// Fills `out` entirely with the decompressed form of `input`: fewer or more bytes than `out` has room for
    /// are an error. The caller has bounded `out`, so a hostile input can cost no more than that.
    fn decompress(&self, input: &[u8], out: &mut [u8]) -> Result<(), CodecError>;
}

/// A codec's refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodecError(&'static str);

impl CodecError {
    /// An error that says what the codec found.
    pub const fn new(reason: &'static str) -> Self {
        Self(reason)
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl core::error::Error for CodecError {}

/// The ids of the compressors that the specification names.
pub mod compressor {
    /// The body is not compressed at all.
    pub const NOOP: u8 = 0;
    /// snappy, raw format.
    pub const SNAPPY: u8 = 1;
    /// zlib.
    pub const ZLIB: u8 = 2;
    /// Zstandard.
    pub const ZSTD: u8 = 3;
}

/// A view of an OP_COMPRESSED.
#[derive(Clone, Copy)]
pub struct OpCompressed<'a> {
    header: Header,
    original: OpCode,
    uncompressed_size: i32,
    compressor: u8,
    data: &'a [u8],
}

impl<'a> OpCompressed<'a> {
    /// Bytes in front of the compressed body.
    pub const HEAD: usize = Header::SIZE + 9;

    /// Reads a whole frame. Nothing is decompressed or allocated.
    pub fn parse(frame: &'a [u8]) -> Result<Self, WireError> {
        let (header, rest) = Header::parse_frame(frame)?;
        if header.op_code != OpCode::Compressed {
            return Err(WireError::OpCode { found: header.op_code.to_i32(), expected: OpCode::Compressed.to_i32() });
        }
        let mut fields = (le_i32::<_, nom::error::Error<_>>, le_i32, u8);
        let (data, (original, uncompressed_size, compressor)) =
            fields.parse(rest).map_err(|_| WireError::Truncated { part: "OP_COMPRESSED head" })?;
        let original = OpCode::from_i32(original);
        if original == OpCode::Compressed {
            return Err(WireError::NestedCompression);
        }
        Ok(Self { header, original, uncompressed_size, compressor, data })
    }

    /// The frame's header.
    pub const fn header(&self) -> Header {
        self.header
    }

    /// The opcode of the message inside.
    pub const fn original(&self) -> OpCode {
        self.original
    }

    /// The size in bytes of the message inside without its header, as the sender claims it.
    pub const fn uncompressed_size(&self) -> i32 {
        self.uncompressed_size
    }

    /// The id of the compressor.
    pub const fn compressor(&self) -> u8 {
        self.compressor
    }

    /// Rebuilds the frame of the message inside. `limit` is the largest frame accepted, in bytes with its
    /// header; it is checked before any memory is taken.
    pub fn decompress(&self, codec: &dyn Codec, limit: usize) -> Result<Bytes, WireError> {
        let limit = limit.min(i32::MAX as usize).checked_sub(Header::SIZE);
        let size = usize::try_from(self.uncompressed_size)
            .ok()
            .filter(|&size| limit.is_some_and(|limit| size <= limit))
            .ok_or(WireError::UncompressedSize { claimed: self.uncompressed_size, limit: limit.unwrap_or(0) })?;
        let mut frame = BytesMut::zeroed(Header::SIZE + size);
        codec.decompress(self.data, &mut frame[Header::SIZE..]).map_err(WireError::Codec)?;
        let header = Header { length: frame.len() as i32, op_code: self.original, ..self.header };
        frame[..Header::SIZE].copy_from_slice(&header.to_bytes());
        Ok(frame.freeze())
    }

    /// Appends to `out` the compressed form of the message `head + rest`; `head` begins with the message's header.
    pub fn compress(message: &[u8], compressor: u8, codec: &dyn Codec, out: &mut Vec<u8>) -> Result<(), WireError> {
        let (header, body) = Header::parse_frame(message)?;
        if header.op_code == OpCode::Compressed {
            return Err(WireError::NestedCompression);
        }
        let start = out.len();
        out.extend_from_slice(&Header { op_code: OpCode::Compressed, ..header }.to_bytes());
        out.extend_from_slice(&header.op_code.to_i32().to_le_bytes());
        // `parse_frame` has checked that the message's length is an i32.
        out.extend_from_slice(&(body.len() as i32).to_le_bytes());
        out.push(compressor);
        codec.compress(body, out).map_err(WireError::Codec)?;
        let length = out.len() - start;
        let claimed = i32::try_from(length).map_err(|_| WireError::TooLong(length))?;
        out[start..][field::LENGTH].copy_from_slice(&claimed.to_le_bytes());
        Ok(())
    }
}

impl fmt::Debug for OpCompressed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpCompressed")
            .field("header", &self.header)
            .field("original", &self.original)
            .field("uncompressed_size", &self.uncompressed_size)
            .field("compressor", &self.compressor)
            .field("compressed_size", &self.data.len())
            .finish()
    }
}

/// The codec of [`compressor::NOOP`]: bytes pass unchanged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Noop;

impl Codec for Noop {
    fn compress(&self, input: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.extend_from_slice(input);
        Ok(())
    }

    fn decompress(&self, input: &[u8], out: &mut [u8]) -> Result<(), CodecError> {
        if input.len() != out.len() {
            return Err(CodecError::new("the size differs from the one stated"));
        }
        out.copy_from_slice(input);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn frame() -> Vec<u8> {
        let mut bytes = Header { length: 20, request_id: 3, response_to: 2, op_code: OpCode::Msg }.to_bytes().to_vec();
        bytes.extend_from_slice(b"body");
        bytes
    }

    #[test]
    fn a_message_survives_compression() {
        let mut out = vec![9; 3];
        OpCompressed::compress(&frame(), compressor::NOOP, &Noop, &mut out).unwrap();
        let parsed = OpCompressed::parse(&out[3..]).unwrap();
        assert_eq!((parsed.original(), parsed.compressor()), (OpCode::Msg, compressor::NOOP));
        assert_eq!(parsed.uncompressed_size(), 4);
        assert_eq!(parsed.decompress(&Noop, 20).unwrap(), frame());
    }

    #[test]
    fn the_size_is_bounded_before_memory_is_taken() {
        let mut out = vec![];
        OpCompressed::compress(&frame(), compressor::NOOP, &Noop, &mut out).unwrap();
        let parsed = OpCompressed::parse(&out).unwrap();
        let error = WireError::UncompressedSize { claimed: 4, limit: 3 };
        assert_eq!(parsed.decompress(&Noop, 19).unwrap_err(), error);
        for claimed in [-1, i32::MIN, i32::MAX, 5] {
            out[20..24].copy_from_slice(&claimed.to_le_bytes());
            assert!(OpCompressed::parse(&out).unwrap().decompress(&Noop, 48_000_000).is_err());
        }
    }

    #[test]
    fn not_even_an_empty_message_is_longer_than_the_limit() {
        let empty = Header { length: 16, request_id: 3, response_to: 2, op_code: OpCode::Msg }.to_bytes();
        let mut out = vec![];
        OpCompressed::compress(&empty, compressor::NOOP, &Noop, &mut out).unwrap();
        let parsed = OpCompressed::parse(&out).unwrap();
        assert_eq!(parsed.decompress(&Noop, 16).unwrap(), empty[..]);
        let error = WireError::UncompressedSize { claimed: 0, limit: 0 };
        assert_eq!(parsed.decompress(&Noop, 15).unwrap_err(), error);
    }

    #[test]
    fn compression_does_not_nest() {
        let mut once = vec![];
        OpCompressed::compress(&frame(), compressor::NOOP, &Noop, &mut once).unwrap();
        let twice = OpCompressed::compress(&once, compressor::NOOP, &Noop, &mut vec![]);
        assert_eq!(twice, Err(WireError::NestedCompression));
        once[16..20].copy_from_slice(&2012i32.to_le_bytes());
        assert_eq!(OpCompressed::parse(&once).unwrap_err(), WireError::NestedCompression);
    }
}
