//! Round trips, measured beside a monitor whose server answers only when there is news.

use core::time::Duration;

use stator_wire::Deframer;

use super::{Monitor, MonitorOptions, Report, Step};
use crate::uri::ServerMonitoringMode;
use crate::{Instant, SendBuf};

/// Asks a server again and again on a connection of its own, and tells how long the answers took. Failures are silent: the
/// monitor beside it notices them too.
#[derive(Debug)]
pub struct RttMonitor<C>(Monitor<C>);

impl<C: Clone> RttMonitor<C> {
    /// One that connects at once.
    pub fn new(now: Instant, options: MonitorOptions) -> Self {
        Self(Monitor::without_retries(
            now,
            MonitorOptions { mode: ServerMonitoringMode::Poll, events: false, ..options },
        ))
    }

    /// The next sample.
    pub fn poll_sample(&mut self) -> Option<Duration> {
        loop {
            if let Report::Seen { rtt: Some(sample), .. } = self.0.poll_report()? {
                return Some(sample);
            }
        }
    }

    /// As [`Monitor::poll_step`].
    pub fn poll_step(&self) -> Step {
        self.0.poll_step()
    }

    /// As [`Monitor::poll_transmit`].
    pub fn poll_transmit(&mut self, now: Instant, out: &mut SendBuf) -> bool {
        self.0.poll_transmit(now, out)
    }

    /// As [`Monitor::handle_sent`].
    pub fn handle_sent(&mut self, now: Instant, out: &mut SendBuf, count: usize) {
        self.0.handle_sent(now, out, count);
    }

    /// As [`Monitor::handle_recv`].
    pub fn handle_recv(&mut self, now: Instant, input: &mut Deframer) {
        self.0.handle_recv(now, input);
    }

    /// As [`Monitor::handle_connected`].
    pub fn handle_connected(&mut self, now: Instant) {
        self.0.handle_connected(now);
    }

    /// As [`Monitor::handle_failed`].
    pub fn handle_failed(&mut self, now: Instant, error: C, timed_out: bool) {
        self.0.handle_failed(now, error, timed_out);
    }

    /// As [`Monitor::handle_closed`].
    pub fn handle_closed(&mut self, now: Instant, input: &Deframer) {
        self.0.handle_closed(now, input);
    }

    /// As [`Monitor::handle_disconnected`].
    pub fn handle_disconnected(&mut self, now: Instant) {
        self.0.handle_disconnected(now);
    }

    /// As [`Monitor::handle_timeout`].
    pub fn handle_timeout(&mut self, now: Instant) {
        self.0.handle_timeout(now);
    }

    /// As [`Monitor::handle_stop`].
    pub fn handle_stop(&mut self, now: Instant) {
        self.0.handle_stop(now);
    }
}
