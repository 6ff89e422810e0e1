//! What can be wrong with bytes that claim to be a message.

use core::fmt;

use crate::bson::BsonError;
use crate::op_compressed::CodecError;

/// A frame or message that breaks the wire protocol. The peer is at fault, and the byte stream cannot be
/// trusted any further: close the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireError {
    /// The frame ends before the part that is named.
    Truncated {
        /// What was being read.
        part: &'static str,
    },
    /// The length in a header is below 16 or above the limit in force.
    FrameLength {
        /// The length that the header claims, in bytes.
        claimed: i32,
        /// The largest frame accepted here, in bytes.
        limit: usize,
    },
    /// The header's length and the number of bytes given differ.
    LengthMismatch {
        /// The length that the header claims, in bytes.
        claimed: usize,
        /// The bytes that are there.
        actual: usize,
    },
    /// Another opcode than the one that this parser reads.
    OpCode {
        /// The opcode found.
        found: i32,
        /// The opcode expected.
        expected: i32,
    },
    /// OP_MSG flag bits 0 to 15 that are unknown: the specification demands an error.
    UnknownFlags(u32),
    /// An OP_MSG section of a kind other than 0 and 1.
    SectionKind(u8),
    /// An OP_MSG section whose size does not fit into the message.
    SectionSize(i32),
    /// An OP_MSG without a body section, or with more than one.
    BodySections(usize),
    /// The CRC-32C at the end of an OP_MSG does not match its bytes.
    Checksum {
        /// The checksum that the message carries.
        stated: u32,
        /// The checksum of its bytes.
        computed: u32,
    },
    /// OP_COMPRESSED claims an uncompressed size that is negative or above the limit in force.
    UncompressedSize {
        /// The size claimed, in bytes without the header.
        claimed: i32,
        /// The largest size accepted here, in bytes without the header.
        limit: usize,
    },
    /// OP_COMPRESSED names a compressor that was not negotiated.
    Compressor(u8),
    /// The codec refused the compressed bytes.
    Codec(CodecError),
    /// OP_COMPRESSED inside OP_COMPRESSED.
    NestedCompression,
    /// A document in the message is malformed.
    Bson(BsonError),
    /// The message to be written would be longer than a frame can be.
    TooLong(usize),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { part } => write!(f, "the message ends inside its {part}"),
            Self::FrameLength { claimed, limit } => {
                write!(f, "the header claims a message of {claimed} bytes; 16 to {limit} are accepted")
            }
            Self::LengthMismatch { claimed, actual } => {
                write!(f, "the header claims {claimed} bytes but the frame has {actual}")
            }
            Self::OpCode { found, expected } => write!(f, "opcode {found} where {expected} was expected"),
            Self::UnknownFlags(bits) => write!(f, "OP_MSG has unknown required flag bits {bits:#x}"),
            Self::SectionKind(kind) => write!(f, "OP_MSG has a section of unknown kind {kind}"),
            Self::SectionSize(size) => write!(f, "OP_MSG has a section of impossible size {size}"),
            Self::BodySections(count) => write!(f, "OP_MSG has {count} body sections instead of one"),
            Self::Checksum { stated, computed } => {
                write!(f, "OP_MSG checksum is {stated:#010x} but its bytes give {computed:#010x}")
            }
            Self::UncompressedSize { claimed, limit } => {
                write!(f, "OP_COMPRESSED claims {claimed} uncompressed bytes; 0 to {limit} are accepted")
            }
            Self::Compressor(id) => write!(f, "OP_COMPRESSED uses compressor {id}, which was not negotiated"),
            Self::Codec(error) => write!(f, "OP_COMPRESSED cannot be decompressed: {error}"),
            Self::NestedCompression => f.write_str("OP_COMPRESSED inside OP_COMPRESSED"),
            Self::Bson(error) => error.fmt(f),
            Self::TooLong(length) => write!(f, "a message of {length} bytes does not fit into a frame"),
        }
    }
}

impl core::error::Error for WireError {}

impl From<BsonError> for WireError {
    fn from(error: BsonError) -> Self {
        Self::Bson(error)
    }
}
