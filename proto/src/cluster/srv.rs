//! When to ask for the SRV records again (specification *Polling SRV Records for mongos Discovery*).

use alloc::vec::Vec;
use core::time::Duration;

use super::Cluster;
use crate::topology::TopologyKind;
use crate::{Instant, ServerAddress};

/// The least pause between two questions (`rescanSRVIntervalMS`).
pub const MIN_RESCAN: Duration = Duration::from_secs(60);

/// The timer.
#[derive(Debug)]
pub(super) struct Rescan {
    /// `None` when the seeds did not come from SRV records.
    interval: Option<Duration>,
    at: Option<Instant>,
    asking: bool,
}

impl Rescan {
    pub(super) const fn new(interval: Option<Duration>) -> Self {
        Self { interval, at: None, asking: false }
    }

    pub(super) fn open(&mut self, now: Instant) {
        if self.at.is_none() && !self.asking {
            self.at = self.interval.map(|interval| now + interval.max(MIN_RESCAN));
        }
    }

    pub(super) const fn close(&mut self) {
        self.interval = None;
        self.at = None;
    }

    /// Only a sharded cluster, or one that is still unknown, is polled.
    pub(super) const fn handle_topology(&mut self, _now: Instant, kind: TopologyKind) {
        if !matches!(kind, TopologyKind::Unknown | TopologyKind::Sharded) {
            self.close();
        }
    }

    pub(super) const fn poll_timeout(&self) -> Option<Instant> {
        self.at
    }

    /// Whether to ask now.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> bool {
        if self.at.is_none_or(|at| at > now) {
            return false;
        }
        self.at = None;
        self.asking = true;
        true
    }

    fn answered(&mut self, now: Instant, pause: Duration) {
        self.asking = false;
        self.at = self.interval.map(|_| now + pause.max(MIN_RESCAN));
    }
}

impl<C: Clone + PartialEq> Cluster<C> {
    /// The answer to [`Action::ResolveSrv`](super::Action::ResolveSrv): the hosts, and for how long they hold. `random`:
    /// unpredictable bits, for the choice among more than `srvMaxHosts`.
    pub fn handle_srv(&mut self, now: Instant, hosts: Vec<ServerAddress>, ttl: Duration, random: u64) {
        self.srv.answered(now, ttl);
        self.topology.handle_srv_hosts(now, hosts, random);
        self.absorb_topology(now);
    }

    /// The SRV records could not be had; they are asked for again after `heartbeat_frequency`, the hosts stay.
    pub fn handle_srv_failed(&mut self, now: Instant) {
        let pause = self.options.select.heartbeat_frequency;
        self.srv.asking = false;
        self.srv.at = self.srv.interval.map(|_| now + pause);
    }
}
