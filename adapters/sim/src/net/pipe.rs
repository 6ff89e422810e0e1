//! One direction of a connection: bytes under way, bytes arrived, and the close behind them.

use core::time::Duration;
use std::collections::VecDeque;
use std::io::IoSlice;

use stator_proto::Instant;

use super::Path;
use crate::rng::Rng;
use crate::world::Waiter;

/// Bytes that travel together.
#[derive(Debug)]
struct Piece {
    arrives: Instant,
    bytes: Vec<u8>,
    read: usize,
}

#[derive(Debug)]
pub(super) struct Pipe {
    path: Path,
    /// In the order of their arrival.
    pieces: VecDeque<Piece>,
    /// Unread bytes in `pieces`.
    unread: usize,
    /// Nothing that is sent later arrives earlier.
    latest: Instant,
    /// When the reader learns that the writer has closed.
    fin: Option<Instant>,
    /// When the writer learns that the reader is gone.
    reader_gone: Option<Instant>,
    /// A black hole since then: what had not arrived by then does not arrive.
    held: Option<Instant>,
    pub(super) reader: Option<Waiter>,
    pub(super) writer: Option<Waiter>,
}

/// What a read finds.
pub(super) enum Read {
    Bytes(usize),
    /// Nothing now.
    Empty,
    Closed,
}

/// What a write achieves.
pub(super) enum Write {
    /// That many bytes arrive at that instant.
    Taken(usize, Instant),
    Full,
    /// This side has closed its own direction, or the peer is gone.
    Broken,
}

impl Pipe {
    pub(super) fn new(path: Path, now: Instant) -> Self {
        Self {
            path,
            pieces: VecDeque::new(),
            unread: 0,
            latest: now,
            fin: None,
            reader_gone: None,
            held: None,
            reader: None,
            writer: None,
        }
    }

    pub(super) fn take_waiters(&mut self) -> impl Iterator<Item = Waiter> + use<> {
        [self.reader.take(), self.writer.take()].into_iter().flatten()
    }

    pub(super) fn read(&mut self, now: Instant, chance: &mut Rng, buf: &mut [u8]) -> Read {
        let now = self.held.map_or(now, |held| held.min(now));
        let want = match self.path.piece {
            Some(piece) => buf.len().min(1 + chance.below(piece.max(1))),
            None => buf.len(),
        };
        let mut done = 0;
        while done < want {
            let Some(front) = self.pieces.front_mut().filter(|piece| piece.arrives <= now) else { break };
            let left = &front.bytes[front.read..];
            let take = left.len().min(want - done);
            buf[done..done + take].copy_from_slice(&left[..take]);
            done += take;
            front.read += take;
            if front.read == front.bytes.len() {
                self.pieces.pop_front();
            }
        }
        self.unread -= done;
        match (done, self.fin) {
            (0, Some(fin)) if self.pieces.is_empty() && fin <= now => Read::Closed,
            (0, _) => Read::Empty,
            _ => Read::Bytes(done),
        }
    }

    /// `hears` says whether the writer hears of what the reader does.
    pub(super) fn write(&mut self, now: Instant, chance: &mut Rng, slices: &[IoSlice<'_>], hears: bool) -> Write {
        if self.fin.is_some() || (hears && self.reader_gone.is_some_and(|gone| gone <= now)) {
            return Write::Broken;
        }
        let room = self.path.capacity.saturating_sub(self.unread);
        if room == 0 {
            return Write::Full;
        }
        let room = self.path.piece.map_or(room, |piece| room.min(1 + chance.below(piece.max(1))));
        let mut bytes = Vec::new();
        for slice in slices {
            bytes.extend_from_slice(&slice[..slice.len().min(room - bytes.len())]);
        }
        let count = bytes.len();
        let arrives = self.arrival(now, chance);
        if self.reader_gone.is_none() {
            self.unread += count;
            self.pieces.push_back(Piece { arrives, bytes, read: 0 });
        }
        Write::Taken(count, arrives)
    }

    /// The writer says that nothing more comes; returns when the reader learns it.
    pub(super) fn finish(&mut self, now: Instant, chance: &mut Rng) -> Instant {
        let arrives = self.arrival(now, chance);
        *self.fin.get_or_insert(arrives)
    }

    /// The reader is gone, which the writer learns at `noticed`.
    pub(super) fn abandon(&mut self, noticed: Instant) {
        self.reader_gone = Some(noticed);
        self.discard();
    }

    pub(super) fn discard(&mut self) {
        self.pieces.clear();
        self.unread = 0;
    }

    pub(super) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// From now on nothing arrives.
    pub(super) fn hold(&mut self, now: Instant) {
        self.held.get_or_insert(now);
    }

    /// What was held is sent again; returns when which of it arrives.
    pub(super) fn release(&mut self, now: Instant, chance: &mut Rng) -> Vec<Instant> {
        let Some(held) = self.held.take() else { return Vec::new() };
        let mut arrivals = Vec::new();
        self.latest = now;
        let path = &self.path;
        let times = self.pieces.iter_mut().map(|piece| &mut piece.arrives).chain(self.fin.as_mut());
        for time in times.filter(|time| **time > held) {
            self.latest = self.latest.max(now + travel(path, chance));
            *time = self.latest;
            arrivals.push(self.latest);
        }
        arrivals
    }

    fn arrival(&mut self, now: Instant, chance: &mut Rng) -> Instant {
        self.latest = self.latest.max(now + travel(&self.path, chance));
        self.latest
    }
}

fn travel(path: &Path, chance: &mut Rng) -> Duration {
    chance.duration(&path.latency)
}
