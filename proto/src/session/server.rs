//! Server sessions: what a server knows a session by, and the pool in which they wait to be used again.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use stator_wire::bson::DocWriter;

use crate::Instant;

/// The id of a server session: a UUID of version 4.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId([u8; 16]);

/// The binary subtype of UUIDs.
const UUID: u8 = 4;

impl SessionId {
    /// Makes an id of 16 unpredictable bytes.
    pub const fn from_random(mut bytes: [u8; 16]) -> Self {
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }

    /// The UUID's bytes, in the order in which they are written.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Writes `{id: <UUID>}`.
    pub(crate) fn write(self, body: &mut DocWriter<'_>, key: &str) {
        body.document(key).binary("id", UUID, &self.0);
    }

    /// Writes the element of an `lsid` document.
    pub(super) fn write_fields(self, lsid: &mut DocWriter<'_>) {
        lsid.binary("id", UUID, &self.0);
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let dash = if matches!(index, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

/// A session as a server knows it. It cannot be cloned: one operation uses it at a time.
#[derive(Debug, PartialEq, Eq)]
pub struct ServerSession {
    id: SessionId,
    txn_number: i64,
    last_use: Instant,
    dirty: bool,
}

impl ServerSession {
    /// A session that no server has heard of yet; `random` are unpredictable bytes.
    pub const fn new(now: Instant, random: [u8; 16]) -> Self {
        Self { id: SessionId::from_random(random), txn_number: 0, last_use: now, dirty: false }
    }

    /// Its id.
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// The last transaction number that was used with it; 0 if none was.
    pub const fn txn_number(&self) -> i64 {
        self.txn_number
    }

    /// When its id was last sent.
    pub const fn last_use(&self) -> Instant {
        self.last_use
    }

    /// Whether it is not to be used by anybody else: a command failed with a network error, and may still run.
    pub const fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Marks it dirty, which it stays for the rest of its life.
    pub const fn mark_dirty(&mut self) {
        self.dirty = true;
    }

    /// The same again, to end a transaction with.
    pub(crate) const fn twin(&self) -> Self {
        Self { id: self.id, txn_number: self.txn_number, last_use: self.last_use, dirty: self.dirty }
    }

    /// The next transaction number. There is one for every nanosecond of 292 years.
    pub(crate) const fn next_txn_number(&mut self) -> i64 {
        self.txn_number = self.txn_number.saturating_add(1);
        self.txn_number
    }

    /// Its id is being sent.
    pub(crate) const fn touch(&mut self, now: Instant) {
        self.last_use = now;
    }

    /// Whether the server may have forgotten it in a minute. `timeout` is `logicalSessionTimeoutMinutes`.
    fn is_about_to_expire(&self, now: Instant, timeout: Option<Duration>) -> bool {
        timeout.is_some_and(|timeout| now - self.last_use + MARGIN > timeout)
    }
}

/// A session that expires sooner is not used any more.
const MARGIN: Duration = Duration::from_secs(60);

/// The server sessions of one client that nobody uses (specification *Driver Sessions*, "Server Session Pool").
///
/// It has no maximum size: it holds as many sessions as were ever in use at once, and forgets those that servers have
/// forgotten. Plain data of the control plane, to be kept behind its lock.
///
/// ```
/// use core::time::Duration;
///
/// use stator_proto::Instant;
/// use stator_proto::session::ServerSessions;
///
/// let timeout = Some(Duration::from_secs(30 * 60)); // `logicalSessionTimeoutMinutes` of the topology
/// let mut pool = ServerSessions::new();
/// let random = [7; 16]; // 16 unpredictable bytes in earnest
/// let session = pool.take(Instant::ORIGIN, timeout, random);
/// let id = session.id();
/// pool.give_back(Instant::ORIGIN, timeout, session);
/// assert_eq!(pool.take(Instant::from_millis(1), timeout, [8; 16]).id(), id);
/// ```
#[derive(Debug, Default)]
pub struct ServerSessions {
    /// The most recently used stand in front.
    sessions: VecDeque<ServerSession>,
    load_balanced: bool,
}

impl ServerSessions {
    /// The most ids that one `endSessions` command takes.
    pub const END_BATCH: usize = 10_000;

    /// An empty pool.
    pub const fn new() -> Self {
        Self { sessions: VecDeque::new(), load_balanced: false }
    }

    /// An empty pool of a client behind a load balancer: what stands there keeps sessions alive by itself, so none
    /// expires.
    pub const fn load_balanced() -> Self {
        Self { sessions: VecDeque::new(), load_balanced: true }
    }

    /// How many sessions wait.
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// The most recently used session, or a new one of the unpredictable bytes `new_id`. `timeout` is the topology's
    /// `logicalSessionTimeoutMinutes`.
    pub fn take(&mut self, now: Instant, timeout: Option<Duration>, new_id: [u8; 16]) -> ServerSession {
        self.reuse(now, timeout).unwrap_or_else(|| ServerSession::new(now, new_id))
    }

    /// As [`take`](Self::take), but `None` where a new one would have to be made.
    pub fn reuse(&mut self, now: Instant, timeout: Option<Duration>) -> Option<ServerSession> {
        while let Some(session) = self.sessions.pop_front() {
            if self.load_balanced || !session.is_about_to_expire(now, timeout) {
                return Some(session);
            }
        }
        None
    }

    /// A session is free again. Dropped if it is dirty or about to expire; its id then needs no `endSessions`.
    pub fn give_back(&mut self, now: Instant, timeout: Option<Duration>, session: ServerSession) {
        let timeout = timeout.filter(|_| !self.load_balanced);
        while self.sessions.back().is_some_and(|oldest| oldest.is_about_to_expire(now, timeout)) {
            self.sessions.pop_back();
        }
        if !session.is_dirty() && !session.is_about_to_expire(now, timeout) {
            self.sessions.push_front(session);
        }
    }

    /// Forgets every session without telling the server: for a process that was forked.
    pub fn clear(&mut self) {
        self.sessions.clear();
    }

    /// Takes out up to [`END_BATCH`](Self::END_BATCH) ids for one `endSessions` command; `None` when there are no more.
    pub fn poll_end(&mut self) -> Option<Vec<SessionId>> {
        let count = self.sessions.len().min(Self::END_BATCH);
        (count > 0).then(|| self.sessions.drain(..count).map(|session| session.id).collect())
    }
}
