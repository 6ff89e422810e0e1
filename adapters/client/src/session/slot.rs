//! The state of a session, in its handle or out for an operation.

use core::fmt;
use std::sync::Mutex;

use bson::Timestamp;
use stator_proto::Instant;
use stator_proto::session::{ClusterTime, Pin, Session, SessionError, SessionId, TransactionState};

use crate::client::Client;
use crate::error::Result;
use crate::hub::{Farewell, lock};
use crate::lease::{Lease, OwnedLease};
use crate::runtime::Runtime;
use crate::session::{ClientSession, refused};

/// What all handles of one session share.
pub(super) struct Shared<R: Runtime> {
    pub(super) client: Client<R>,
    pub(super) id: SessionId,
    slot: Mutex<Slot<R>>,
}

/// The state machine, unless an operation has it.
struct Slot<R: Runtime> {
    session: Option<Box<Session>>,
    /// The connection that the transaction is pinned to, behind a load balancer.
    pinned: Option<OwnedLease<R>>,
    /// What was known when an operation took it.
    seen: Facts,
    /// What it is to be told when it comes back.
    news: News,
}

/// What is said of a session while an operation has it.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub(super) cluster_time: Option<ClusterTime>,
    pub(super) operation_time: Option<Timestamp>,
    pub(super) snapshot_time: Option<Timestamp>,
    pub(super) state: TransactionState,
    pub(super) pin: Option<Pin>,
    pub(super) is_dirty: bool,
    pub(super) is_ended: bool,
}

/// What happened to a session while an operation had it.
#[derive(Default)]
struct News {
    cluster_time: Option<ClusterTime>,
    operation_time: Option<Timestamp>,
    /// Nobody will commit the transaction.
    abandoned: bool,
}

impl Facts {
    fn of(session: &Session) -> Self {
        Self {
            cluster_time: session.cluster_time().cloned(),
            operation_time: session.operation_time().map(to_bson),
            snapshot_time: session.snapshot_time().map(to_bson),
            state: session.transaction().state(),
            pin: session.transaction().pin().cloned(),
            is_dirty: session.is_dirty(),
            is_ended: session.is_ended(),
        }
    }
}

fn to_bson(time: stator_wire::bson::Timestamp) -> Timestamp {
    Timestamp { time: time.time, increment: time.increment }
}

pub(super) fn from_bson(time: Timestamp) -> stator_wire::bson::Timestamp {
    stator_wire::bson::Timestamp { time: time.time, increment: time.increment }
}

impl<R: Runtime> Shared<R> {
    pub(super) fn new(client: Client<R>, session: Box<Session>, pinned: Option<OwnedLease<R>>) -> Self {
        let id = session.id();
        let slot = Slot { session: Some(session), pinned, seen: Facts::default(), news: News::default() };
        Self { client, id, slot: Mutex::new(slot) }
    }

    pub(super) fn facts(&self) -> Facts {
        let slot = lock(&self.slot);
        slot.session.as_ref().map_or_else(|| slot.seen.clone(), |session| Facts::of(session))
    }

    pub(super) fn advance_cluster_time(&self, time: &ClusterTime) {
        let mut slot = lock(&self.slot);
        match &mut slot.session {
            Some(session) => session.advance_cluster_time(time),
            None => drop(ClusterTime::advance(&mut slot.news.cluster_time, time)),
        }
    }

    pub(super) fn advance_operation_time(&self, time: Timestamp) {
        let mut slot = lock(&self.slot);
        match &mut slot.session {
            Some(session) => session.advance_operation_time(from_bson(time)),
            None => slot.news.operation_time = slot.news.operation_time.max(Some(time)),
        }
    }

    /// Takes the session for one operation.
    pub(super) fn take(&self) -> Result<(Box<Session>, Option<OwnedLease<R>>)> {
        let mut slot = lock(&self.slot);
        let session = slot.session.take().ok_or_else(|| refused(SessionError::InUse))?;
        slot.seen = Facts::of(&session);
        Ok((session, slot.pinned.take()))
    }

    /// The operation is done.
    fn put_back(&self, mut session: Box<Session>, mut pinned: Option<OwnedLease<R>>) {
        let mut slot = lock(&self.slot);
        let News { cluster_time, operation_time, abandoned } = core::mem::take(&mut slot.news);
        if let Some(time) = cluster_time {
            session.advance_cluster_time(&time);
        }
        if let Some(time) = operation_time {
            session.advance_operation_time(from_bson(time));
        }
        let fork = if abandoned { session.abandon_transaction() } else { None };
        let mut unpinned = None;
        if abandoned || session.transaction().pin() != Some(&Pin::Connection) {
            unpinned = pinned.take();
        }
        slot.session = Some(session);
        slot.pinned = pinned;
        drop(slot);
        if let Some(fork) = fork {
            self.send_off(Box::new(fork), unpinned.take(), false);
        }
    }

    /// Nobody will commit the transaction: it is aborted in the background, at once or when its operation is done.
    pub(super) fn abandon(&self) {
        let mut slot = lock(&self.slot);
        let Some(session) = &mut slot.session else {
            slot.news.abandoned = true;
            return;
        };
        let fork = session.abandon_transaction();
        let pinned = if fork.is_some() { slot.pinned.take() } else { None };
        drop(slot);
        if let Some(fork) = fork {
            self.send_off(Box::new(fork), pinned, false);
        }
    }

    /// The session ends: what it had of the server's goes back, once a transaction that was left open is aborted.
    fn end(&self, session: &mut Session, pinned: Option<OwnedLease<R>>) {
        let fork = session.abandon_transaction();
        let server = session.end();
        match (fork, server) {
            (Some(fork), _) => self.send_off(Box::new(fork), pinned, true),
            (None, Some(server)) => self.client.core().give_back_session(server),
            (None, None) => {}
        }
    }

    /// The server did not know the transaction when it was aborted: what is to be aborted a little later, if that is so.
    pub(super) fn handle_unknown_transaction(&self) -> Option<Box<Session>> {
        lock(&self.slot).session.as_mut()?.handle_unknown_transaction().map(Box::new)
    }

    /// Leaves an open transaction to the keeper; `ends`: and the session with it.
    pub(super) fn send_off(&self, session: Box<Session>, pinned: Option<OwnedLease<R>>, ends: bool) {
        let link = pinned.and_then(Lease::into_link);
        let farewell = Farewell { session, link, ends, due: Instant::ORIGIN, tries: 0 };
        let mut hub = lock(&self.client.core().hub);
        if hub.closed {
            return;
        }
        hub.keeper.farewells.push(farewell);
        let waker = hub.keeper.ring();
        drop(hub);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The last handle is gone: what the session had goes back, an open transaction is aborted in the background.
impl<R: Runtime> Drop for Shared<R> {
    fn drop(&mut self) {
        let slot = self.slot.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (session, pinned) = (slot.session.take(), slot.pinned.take());
        let Some(mut session) = session else { return };
        self.end(&mut session, pinned);
    }
}

/// A session that one operation has. Dropping it gives it back.
pub(crate) struct Held<R: Runtime> {
    handle: ClientSession<R>,
    session: Option<Box<Session>>,
    /// The connection that the transaction is pinned to, behind a load balancer.
    pub(crate) pinned: Option<OwnedLease<R>>,
}

impl<R: Runtime> Held<R> {
    pub(super) fn new(handle: ClientSession<R>) -> Result<Self> {
        let (session, pinned) = handle.shared().take()?;
        Ok(Self { handle, session: Some(session), pinned })
    }

    /// The pinned connection, if it is `wanted`; otherwise it goes back to its pool.
    pub(crate) fn pinned_if(&mut self, wanted: bool) -> Option<&mut OwnedLease<R>> {
        if !wanted {
            self.pinned = None;
        }
        self.pinned.as_mut()
    }

    /// The machine. Not while an operation has it.
    pub(crate) fn session(&mut self) -> &mut Session {
        // `take` is called by the operation that holds this, which puts it back.
        self.session.as_mut().expect("the session is in its holder between operations")
    }

    /// Takes the machine out, for an operation.
    pub(crate) fn take(&mut self) -> Option<Box<Session>> {
        self.session.take()
    }

    /// Ends the session.
    pub(super) fn end(&mut self) {
        let pinned = self.pinned.take();
        if let Some(session) = &mut self.session {
            self.handle.shared().end(session, pinned);
        }
    }

    /// The operation has ended.
    pub(crate) fn put(&mut self, session: Box<Session>) {
        self.session = Some(session);
    }
}

impl<R: Runtime> Drop for Held<R> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.handle.shared().put_back(session, self.pinned.take());
        }
    }
}

impl<R: Runtime> fmt::Debug for Held<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Held").field(&self.handle.shared().id).finish()
    }
}

/// Has the transaction of its session aborted in the background if what it stands for is dropped.
pub(super) struct Abandon<'s, R: Runtime> {
    session: Option<&'s ClientSession<R>>,
}

impl<'s, R: Runtime> Abandon<'s, R> {
    pub(super) const fn new(session: &'s ClientSession<R>) -> Self {
        Self { session: Some(session) }
    }

    /// It was not dropped.
    pub(super) fn disarm(mut self) {
        self.session = None;
    }
}

impl<R: Runtime> Drop for Abandon<'_, R> {
    fn drop(&mut self) {
        if let Some(session) = self.session {
            if let Ok(mut held) = session.hold() {
                held.session().set_deadline(None);
            }
            session.shared().abandon();
        }
    }
}
