//! OP_MSG: a command or its reply.
//!
//! ```text
//! +--------+-------+----------------------------+----------+
//! | header | flags | sections, at least one     | CRC-32C  |   the checksum only if flag bit 0 is set
//! |   16   |   4   |                            |    4     |
//! +--------+-------+----------------------------+----------+
//! kind 0:  00  document                                       the body, exactly once
//! kind 1:  01  size(i32, itself included)  identifier\0  document*
//! ```

use alloc::vec::Vec;
use core::fmt;

use nom::Parser as _;
use nom::number::complete::{le_i32, le_u32, u8};

use crate::bson::{Doc, DocWriter};
use crate::crc32c::checksum;
use crate::header::field;
use crate::{Header, OpCode, WireError};

/// The flag bits of an OP_MSG.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(u32);

impl Flags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// Bit 0: a CRC-32C ends the message.
    pub const CHECKSUM_PRESENT: Self = Self(1);
    /// Bit 1: another message follows without a request; from a client: no reply is wanted.
    pub const MORE_TO_COME: Self = Self(1 << 1);
    /// Bit 16: the client accepts several replies to this request.
    pub const EXHAUST_ALLOWED: Self = Self(1 << 16);

    /// The bits as sent.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Flags from bits. Unknown bits 0 to 15 are an error, unknown bits 16 to 31 are kept and ignored.
    pub const fn from_bits(bits: u32) -> Result<Self, WireError> {
        let unknown = bits & 0xffff & !(Self::CHECKSUM_PRESENT.0 | Self::MORE_TO_COME.0);
        if unknown != 0 {
            return Err(WireError::UnknownFlags(unknown));
        }
        Ok(Self(bits))
    }

    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets of bits.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flags({:#x}", self.0)?;
        for (flag, name) in [
            (Self::CHECKSUM_PRESENT, "checksumPresent"),
            (Self::MORE_TO_COME, "moreToCome"),
            (Self::EXHAUST_ALLOWED, "exhaustAllowed"),
        ] {
            if self.contains(flag) {
                write!(f, " {name}")?;
            }
        }
        f.write_str(")")
    }
}

/// A view of a checked OP_MSG: its sections have been walked once, its body begins and ends in bounds.
#[derive(Clone, Copy)]
pub struct OpMsg<'a> {
    header: Header,
    flags: Flags,
    body: Doc<'a>,
    sections: &'a [u8],
}

impl<'a> OpMsg<'a> {
    /// Reads a whole frame and checks flags, section bounds and, if present, the checksum.
    pub fn parse(frame: &'a [u8]) -> Result<Self, WireError> {
        let (header, rest) = Header::parse_frame(frame)?;
        if header.op_code != OpCode::Msg {
            return Err(WireError::OpCode { found: header.op_code.to_i32(), expected: OpCode::Msg.to_i32() });
        }
        let (mut sections, bits) =
            le_u32::<_, nom::error::Error<_>>.parse(rest).map_err(|_| WireError::Truncated { part: "flags" })?;
        let flags = Flags::from_bits(bits)?;
        if flags.contains(Flags::CHECKSUM_PRESENT) {
            let (content, trailer) =
                sections.split_last_chunk::<4>().ok_or(WireError::Truncated { part: "checksum" })?;
            let stated = u32::from_le_bytes(*trailer);
            let computed = checksum(&frame[..frame.len() - 4]);
            if stated != computed {
                return Err(WireError::Checksum { stated, computed });
            }
            sections = content;
        }
        let (mut bodies, mut body, mut rest) = (0, Doc::EMPTY, sections);
        while !rest.is_empty() {
            let (section, after) = Section::read(rest)?;
            if let Section::Body(document) = section {
                bodies += 1;
                body = document;
            }
            rest = after;
        }
        if bodies != 1 {
            return Err(WireError::BodySections(bodies));
        }
        Ok(Self { header, flags, body, sections })
    }

    /// The message's header.
    pub const fn header(&self) -> Header {
        self.header
    }

    /// The message's flags.
    pub const fn flags(&self) -> Flags {
        self.flags
    }

    /// The body (section kind 0).
    pub const fn body(&self) -> Doc<'a> {
        self.body
    }

    /// The document sequences (sections of kind 1), in order.
    pub const fn sequences(&self) -> Sequences<'a> {
        Sequences { rest: self.sections }
    }
}

impl fmt::Debug for OpMsg<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpMsg")
            .field("header", &self.header)
            .field("flags", &self.flags)
            .field("body_bytes", &self.body.as_bytes().len())
            .finish_non_exhaustive()
    }
}

enum Section<'a> {
    Body(Doc<'a>),
    Sequence(Sequence<'a>),
}

impl<'a> Section<'a> {
    fn read(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), WireError> {
        type Fail<'a> = nom::error::Error<&'a [u8]>;
        let truncated = |part| move |_: nom::Err<Fail<'a>>| WireError::Truncated { part };
        let (rest, kind) = u8::<_, Fail<'a>>.parse(bytes).map_err(truncated("sections"))?;
        match kind {
            0 => {
                let (document, rest) = Doc::read_prefix(rest)?;
                Ok((Self::Body(document), rest))
            }
            1 => {
                let (_, claimed) = le_i32::<_, Fail<'a>>.parse(rest).map_err(truncated("document sequence"))?;
                let size = usize::try_from(claimed)
                    .ok()
                    .filter(|&size| size > 4 && size <= rest.len())
                    .ok_or(WireError::SectionSize(claimed))?;
                let (section, after) = rest.split_at(size);
                let content = &section[4..];
                let nul = content
                    .iter()
                    .position(|&byte| byte == 0)
                    .ok_or(WireError::Truncated { part: "document sequence identifier" })?;
                let sequence = Sequence { identifier: &content[..nul], documents: &content[nul + 1..] };
                Ok((Self::Sequence(sequence), after))
            }
            kind => Err(WireError::SectionKind(kind)),
        }
    }
}

/// The document sequences of an [`OpMsg`].
#[derive(Clone, Debug)]
pub struct Sequences<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Sequences<'a> {
    type Item = Sequence<'a>;

    fn next(&mut self) -> Option<Sequence<'a>> {
        while !self.rest.is_empty() {
            // `OpMsg::parse` has walked the same bytes, so this cannot fail; if it did, the sequence would end.
            let (section, rest) = Section::read(self.rest).ok()?;
            self.rest = rest;
            if let Section::Sequence(sequence) = section {
                return Some(sequence);
            }
        }
        None
    }
}

/// A document sequence (section kind 1).
#[derive(Clone, Copy, Debug)]
pub struct Sequence<'a> {
    identifier: &'a [u8],
    documents: &'a [u8],
}

impl<'a> Sequence<'a> {
    /// The command field that these documents stand for, such as `documents`. Bytes, for they are not checked as UTF-8.
    pub const fn identifier(&self) -> &'a [u8] {
        self.identifier
    }

    /// The documents' bytes, one behind the other.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.documents
    }

    /// The documents, each checked for its bounds; nothing follows an error.
    pub const fn documents(&self) -> Documents<'a> {
        Documents { rest: self.documents }
    }
}

/// Documents that stand one behind the other.
#[derive(Clone, Debug)]
pub struct Documents<'a> {
    rest: &'a [u8],
}

impl<'a> Documents<'a> {
    /// Walks documents that stand one behind the other in `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Documents<'a> {
    type Item = Result<Doc<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        match Doc::read_prefix(self.rest) {
            Ok((document, rest)) => {
                self.rest = rest;
                Some(Ok(document))
            }
            Err(error) => {
                self.rest = &[];
                Some(Err(error.into()))
            }
        }
    }
}

/// Writes one OP_MSG at the end of a buffer, for the client's or the server's side.
///
/// A large payload need not be copied behind the head: [`sequence_head`](Self::sequence_head) announces documents
/// that the caller sends from elsewhere, [`finish_with`](Self::finish_with) counts them in.
///
/// ```
/// use stator_wire::op_msg::{Builder, Flags, OpMsg};
/// let mut out = Vec::new();
/// let mut message = Builder::new(&mut out, 7, 0, Flags::NONE);
/// let mut body = message.body();
/// body.i32("ping", 1).str("$db", "admin");
/// body.finish()?;
/// message.finish()?;
/// let message = OpMsg::parse(&out)?;
/// assert_eq!(message.header().request_id, 7);
/// assert_eq!(message.body().get_str("$db")?, Some("admin"));
/// # Ok::<(), stator_wire::WireError>(())
/// ```
#[derive(Debug)]
pub struct Builder<'b> {
    out: &'b mut Vec<u8>,
    start: usize,
}

impl<'b> Builder<'b> {
    /// Begins a message. The checksum flag is set by [`finish_with_checksum`](Self::finish_with_checksum), not here.
    pub fn new(out: &'b mut Vec<u8>, request_id: i32, response_to: i32, flags: Flags) -> Self {
        let start = out.len();
        let header = Header { length: 0, request_id, response_to, op_code: OpCode::Msg };
        out.extend_from_slice(&header.to_bytes());
        out.extend_from_slice(&(flags.bits() & !Flags::CHECKSUM_PRESENT.bits()).to_le_bytes());
        Self { out, start }
    }

    /// Begins the body (section kind 0).
    pub fn body(&mut self) -> DocWriter<'_> {
        self.out.push(0);
        DocWriter::new(self.out)
    }

    /// Writes a body that is there already.
    pub fn body_doc(&mut self, body: Doc<'_>) {
        self.out.push(0);
        self.out.extend_from_slice(body.as_bytes());
    }

    /// Writes the head of a document sequence whose documents, `payload` bytes, come from elsewhere: they follow
    /// what this builder has written. `identifier` must not contain NUL.
    pub fn sequence_head(&mut self, identifier: &str, payload: usize) -> Result<(), WireError> {
        let size = 4 + identifier.len() + 1 + payload;
        self.out.push(1);
        self.out.extend_from_slice(&to_i32(size)?.to_le_bytes());
        self.out.extend_from_slice(identifier.as_bytes());
        self.out.push(0);
        Ok(())
    }

    /// Writes a document sequence (section kind 1).
    pub fn sequence<'d>(
        &mut self,
        identifier: &str,
        documents: impl Iterator<Item = Doc<'d>> + Clone,
    ) -> Result<(), WireError> {
        let payload = documents.clone().map(|document| document.as_bytes().len()).sum();
        self.sequence_head(identifier, payload)?;
        for document in documents {
            self.out.extend_from_slice(document.as_bytes());
        }
        Ok(())
    }

    /// Ends the message; returns its length in bytes.
    pub fn finish(self) -> Result<usize, WireError> {
        self.finish_with(0)
    }

    /// Ends the message, which `elsewhere` more bytes will follow; returns its length with them.
    pub fn finish_with(self, elsewhere: usize) -> Result<usize, WireError> {
        let length = self.out.len() - self.start + elsewhere;
        let claimed = to_i32(length)?;
        self.out[self.start..][field::LENGTH].copy_from_slice(&claimed.to_le_bytes());
        Ok(length)
    }

    /// Ends the message with a CRC-32C; returns its length in bytes.
    pub fn finish_with_checksum(self) -> Result<usize, WireError> {
        let flags = self.start + Header::SIZE;
        self.out[flags] |= Flags::CHECKSUM_PRESENT.bits() as u8;
        let length = self.out.len() - self.start + 4;
        let claimed = to_i32(length)?;
        self.out[self.start..][field::LENGTH].copy_from_slice(&claimed.to_le_bytes());
        let sum = checksum(&self.out[self.start..]);
        self.out.extend_from_slice(&sum.to_le_bytes());
        Ok(length)
    }
}

fn to_i32(length: usize) -> Result<i32, WireError> {
    i32::try_from(length).map_err(|_| WireError::TooLong(length))
}

#[cfg(test)]
mod tests;
