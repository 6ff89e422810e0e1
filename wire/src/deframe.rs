//! From bytes in any pieces to whole frames.

use alloc::vec::Vec;
use core::fmt;

use bytes::{Bytes, BytesMut};

use crate::WireError;
use crate::header::Header;

/// Cuts a byte stream into frames and refuses any that claim to be longer than its limit.
///
/// The caller reads straight into [`space`](Self::space), says how much with [`advance`](Self::advance),
/// then takes frames with [`next_frame`](Self::next_frame) until there is none:
///
/// - a frame that fits into the staging area (16 KiB, allocated once) is copied out of it, so that a document
///   kept by the user pins no more than its own frame;
/// - a longer one gets a buffer of exactly its size as soon as its header is known, and the rest of it
///   is read directly into that: one allocation, no copy of what is still to come.
///
/// Errors stick: after one, the stream has lost its frame boundaries.
///
/// ```
/// use stator_wire::{Deframer, Header, OpCode};
/// let frame = Header { length: 16, request_id: 1, response_to: 0, op_code: OpCode::Msg }.to_bytes();
/// let mut deframer = Deframer::new(48_000_000);
/// deframer.push(&frame[..5]);
/// assert_eq!(deframer.next_frame(), Ok(None));
/// deframer.push(&frame[5..]);
/// assert_eq!(deframer.next_frame().unwrap().unwrap(), &frame[..]);
/// ```
pub struct Deframer {
    limit: usize,
    staging: Vec<u8>,
    /// What has been read and not taken yet is `staging[start..end]`.
    start: usize,
    end: usize,
    large: Option<Large>,
    failed: Option<WireError>,
}

/// A frame too long for the staging area: the buffer has its full length, `filled` bytes are there.
struct Large {
    frame: BytesMut,
    filled: usize,
}

impl Deframer {
    /// Size of the staging area in bytes.
    pub const STAGING: usize = 16 * 1024;

    /// A deframer that refuses frames longer than `limit` bytes (`maxMessageSizeBytes` of the hello reply).
    pub const fn new(limit: usize) -> Self {
        Self { limit, staging: Vec::new(), start: 0, end: 0, large: None, failed: None }
    }

    /// Changes the limit for frames whose header has not been seen yet.
    pub const fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// The largest frame accepted, in bytes.
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Where the next bytes of the stream are to be read into; never empty.
    ///
    /// Take all frames out first: while whole frames wait in it, the staging area grows.
    pub fn space(&mut self) -> &mut [u8] {
        if let Some(large) = &mut self.large
            && large.filled < large.frame.len()
        {
            return &mut large.frame[large.filled..];
        }
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
        if self.end == self.staging.len() {
            self.staging.resize(self.end + Self::STAGING, 0);
        }
        &mut self.staging[self.end..]
    }

    /// Says that `count` bytes were written to the beginning of [`space`](Self::space); more than it had
    /// room for are not counted.
    pub fn advance(&mut self, count: usize) {
        match &mut self.large {
            Some(large) if large.filled < large.frame.len() => {
                large.filled = large.frame.len().min(large.filled + count);
            }
            _ => self.end = self.staging.len().min(self.end + count),
        }
    }

    /// Copies bytes in, for callers that have them already.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let space = self.space();
            let count = space.len().min(bytes.len());
            space[..count].copy_from_slice(&bytes[..count]);
            self.advance(count);
            bytes = &bytes[count..];
        }
    }

    /// The next whole frame, header included; `None` if more bytes are needed.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, WireError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        if let Some(large) = &self.large {
            if large.filled < large.frame.len() {
                return Ok(None);
            }
            return Ok(self.large.take().map(|large| large.frame.freeze()));
        }
        let waiting = &self.staging[self.start..self.end];
        let Some(claimed) = length_of(waiting) else {
            self.compact();
            return Ok(None);
        };
        let length = match usize::try_from(claimed) {
            Ok(length) if (Header::SIZE..=self.limit).contains(&length) => length,
            _ => {
                let error = WireError::FrameLength { claimed, limit: self.limit };
                self.failed = Some(error.clone());
                return Err(error);
            }
        };
        if waiting.len() >= length {
            let frame = Bytes::copy_from_slice(&waiting[..length]);
            self.start += length;
            return Ok(Some(frame));
        }
        if length > Self::STAGING {
            let mut frame = BytesMut::zeroed(length);
            frame[..waiting.len()].copy_from_slice(waiting);
            self.large = Some(Large { filled: waiting.len(), frame });
            self.start = 0;
            self.end = 0;
        } else {
            self.compact();
        }
        Ok(None)
    }

    /// Whether no byte waits here: the stream stands between two frames.
    pub const fn is_empty(&self) -> bool {
        self.start == self.end && self.large.is_none()
    }

    /// Bytes that are still missing before [`next_frame`](Self::next_frame) can say more; 0 if a frame may be there.
    pub fn missing(&self) -> usize {
        if let Some(large) = &self.large {
            return large.frame.len() - large.filled;
        }
        let waiting = &self.staging[self.start..self.end];
        let length = match length_of(waiting) {
            Some(claimed) => usize::try_from(claimed).unwrap_or(0),
            None => Header::SIZE,
        };
        length.saturating_sub(waiting.len())
    }

    /// Gives the staging area back if nothing waits in it (an idle connection then holds no buffer).
    pub fn shrink(&mut self) {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            self.staging = Vec::new();
        }
    }

    /// Moves what waits to the front, so that a whole frame fits behind it.
    fn compact(&mut self) {
        if self.start > 0 {
            self.staging.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
    }
}

/// The length that the frame at the front claims to have, once its header is there.
#[inline]
fn length_of(waiting: &[u8]) -> Option<i32> {
    let header = waiting.first_chunk::<{ Header::SIZE }>()?;
    header.first_chunk().map(|length| i32::from_le_bytes(*length))
}

impl fmt::Debug for Deframer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.large.as_ref().map_or(self.end - self.start, |large| large.filled);
        f.debug_struct("Deframer")
            .field("limit", &self.limit)
            .field("waiting", &waiting)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OpCode;
    use alloc::vec;

    fn frame(length: usize, fill: u8) -> Vec<u8> {
        let header = Header { length: length as i32, request_id: 1, response_to: 0, op_code: OpCode::Msg };
        let mut bytes = header.to_bytes().to_vec();
        bytes.resize(length, fill);
        bytes
    }

    #[test]
    fn frames_come_out_whole_however_the_bytes_are_cut() {
        let lengths = [16, 17, 5_000, Deframer::STAGING - 1, Deframer::STAGING, Deframer::STAGING + 1, 100_000, 16];
        let stream: Vec<u8> = lengths.iter().enumerate().flat_map(|(i, &n)| frame(n, i as u8)).collect();
        for piece in [1, 7, 16, 1000, 16_384, 20_000, stream.len()] {
            let mut deframer = Deframer::new(200_000);
            let mut seen = vec![];
            for chunk in stream.chunks(piece) {
                deframer.push(chunk);
                while let Some(frame) = deframer.next_frame().unwrap() {
                    seen.push(frame);
                }
            }
            let expected: Vec<_> = lengths.iter().enumerate().map(|(i, &n)| frame(n, i as u8)).collect();
            assert_eq!(seen, expected, "pieces of {piece}");
            assert!(deframer.is_empty());
        }
    }

    #[test]
    fn a_long_frame_is_read_in_place_without_reading_into_the_next() {
        let mut deframer = Deframer::new(1 << 20);
        let bytes = frame(500_000, 3);
        deframer.push(&bytes[..100]);
        assert_eq!(deframer.next_frame(), Ok(None));
        assert_eq!(deframer.missing(), 499_900);
        assert_eq!(deframer.space().len(), 499_900);
        deframer.space().copy_from_slice(&bytes[100..]);
        deframer.advance(499_900);
        assert_eq!(deframer.next_frame().unwrap().unwrap(), bytes);
    }

    #[test]
    fn impossible_lengths_are_refused_before_memory_is_taken_and_the_error_sticks() {
        for claimed in [i32::MIN, -1, 0, 15, 1001, i32::MAX] {
            let mut deframer = Deframer::new(1000);
            deframer.push(&Header { length: claimed, request_id: 0, response_to: 0, op_code: OpCode::Msg }.to_bytes());
            let error = WireError::FrameLength { claimed, limit: 1000 };
            assert_eq!(deframer.next_frame(), Err(error.clone()));
            deframer.push(&frame(16, 0));
            assert_eq!(deframer.next_frame(), Err(error));
        }
    }
}
