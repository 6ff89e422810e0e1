//! Bytes on their way out.

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

/// Bytes on their way out: up to three slices for one vectored write.
#[derive(Default)]
pub struct SendBuf {
    pub(super) head: Vec<u8>,
    pub(super) payload: Bytes,
    pub(super) tail: Bytes,
    written: usize,
    /// What compression writes to; kept for its memory. Holds what was compressed, if anything was.
    pub(super) scratch: Vec<u8>,
}

impl SendBuf {
    /// The most memory in bytes that each of the two buffers keeps from one request to the next.
    pub(super) const KEPT: usize = 64 * 1024;

    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is still to be written, in order; all three are empty when nothing is.
    pub fn slices(&self) -> [&[u8]; 3] {
        let mut skip = self.written;
        [&self.head[..], &self.payload[..], &self.tail[..]].map(|slice| {
            let skipped = skip.min(slice.len());
            skip -= skipped;
            &slice[skipped..]
        })
    }

    /// The whole message as it was before compression, in order: what listeners are told. Valid from when a request was
    /// encoded until the first of it is written.
    pub fn uncompressed(&self) -> [&[u8]; 3] {
        if self.scratch.is_empty() {
            [&self.head, &self.payload, &self.tail]
        } else {
            // Compression has left its input there, flattened.
            [&self.scratch, &[], &[]]
        }
    }

    /// Bytes still to be written.
    pub fn remaining(&self) -> usize {
        self.head.len() + self.payload.len() + self.tail.len() - self.written
    }

    /// Whether everything was written.
    pub fn is_empty(&self) -> bool {
        self.remaining() == 0
    }

    /// Whether nothing was written yet.
    pub(super) const fn is_untouched(&self) -> bool {
        self.written == 0
    }

    pub(super) fn advance(&mut self, count: usize) {
        self.written += count.min(self.remaining());
        if self.is_empty() {
            self.clear();
        }
    }

    pub(super) fn clear(&mut self) {
        for buffer in [&mut self.head, &mut self.scratch] {
            buffer.clear();
            // One large command must not cost its size on every connection for as long as that lives.
            buffer.shrink_to(Self::KEPT);
        }
        self.payload = Bytes::new();
        self.tail = Bytes::new();
        self.written = 0;
    }
}

impl fmt::Debug for SendBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendBuf").field("written", &self.written).field("remaining", &self.remaining()).finish()
    }
}
