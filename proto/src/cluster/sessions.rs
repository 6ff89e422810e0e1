//! Server sessions and the cluster time: what all operations of a client share.

use alloc::vec::Vec;

use super::Cluster;
use crate::Instant;
use crate::session::{ClusterTime, ServerSession, SessionId};

impl<C: Clone + PartialEq> Cluster<C> {
    /// The server session that was used last, if one is to be had; else the host makes one
    /// ([`ServerSession::new`]).
    pub fn reuse_session(&mut self, now: Instant) -> Option<ServerSession> {
        self.sessions.reuse(now, self.topology.description().logical_session_timeout)
    }

    /// A server session is free again.
    pub fn give_back_session(&mut self, now: Instant, session: ServerSession) {
        let timeout = self.topology.description().logical_session_timeout;
        self.sessions.give_back(now, timeout, session);
    }

    /// The ids of sessions that `endSessions` is to end, some at a time; `None` when there are no more.
    pub fn poll_end_sessions(&mut self) -> Option<Vec<SessionId>> {
        self.sessions.poll_end()
    }

    /// The latest cluster time that any reply has told.
    pub const fn cluster_time(&self) -> Option<&ClusterTime> {
        self.cluster_time.as_ref()
    }

    /// A reply has told a cluster time.
    pub fn advance_cluster_time(&mut self, time: &ClusterTime) {
        ClusterTime::advance(&mut self.cluster_time, time);
    }
}
