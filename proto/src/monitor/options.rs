//! How a server is to be monitored.

use alloc::vec::Vec;
use core::time::Duration;

use stator_wire::bson::DocBuf;

use crate::Instant;
use crate::uri::{ServerApi, ServerMonitoringMode};

/// How a server is to be monitored. The machine of the monitor and that of its round-trip times take the same.
#[derive(Clone, Debug)]
pub struct MonitorOptions {
    /// `heartbeatFrequencyMS`: from the end of a check to the beginning of the next, and how long a streaming server
    /// may wait with its reply. Default 10 s; less than `min_heartbeat` counts as that.
    pub heartbeat_frequency: Duration,
    /// `minHeartbeatFrequencyMS`: how long a requested check waits after the end of the last one. 500 ms by the
    /// specification, which wants no user to change it; a simulation may.
    pub min_heartbeat: Duration,
    /// `connectTimeoutMS`; `None` and zero mean that nothing limits a check. Default 10 s.
    pub connect_timeout: Option<Duration>,
    /// `serverMonitoringMode`.
    pub mode: ServerMonitoringMode,
    /// Whether this is a function-as-a-service platform, where `auto` means polling.
    pub faas: bool,
    /// The `client` document of the first message on each connection.
    pub metadata: DocBuf,
    /// The names of the compressors that the client has, best first. Checks themselves are never compressed.
    pub compressors: Vec<&'static str>,
    /// The Stable API version to declare; with one, `hello` is used from the first message on.
    pub server_api: Option<ServerApi>,
    /// Whether heartbeat events are wanted.
    pub events: bool,
}

impl Default for MonitorOptions {
    fn default() -> Self {
        Self {
            heartbeat_frequency: Duration::from_secs(10),
            min_heartbeat: Duration::from_millis(500),
            connect_timeout: Some(Duration::from_secs(10)),
            mode: ServerMonitoringMode::Auto,
            faas: false,
            metadata: DocBuf::default(),
            compressors: Vec::new(),
            server_api: None,
            events: false,
        }
    }
}

impl MonitorOptions {
    /// Whether the streaming protocol is used with servers that have it.
    pub const fn streaming(&self) -> bool {
        match self.mode {
            ServerMonitoringMode::Stream => true,
            ServerMonitoringMode::Poll => false,
            ServerMonitoringMode::Auto => !self.faas,
        }
    }

    /// When the next check is due after one that has ended now.
    pub(super) fn next_check(&self, now: Instant) -> Instant {
        now + self.heartbeat_frequency.max(self.min_heartbeat)
    }

    /// When a check that begins now must be over; `awaited` if the server may wait with its reply.
    pub(super) fn deadline(&self, now: Instant, awaited: bool) -> Instant {
        match self.connect_timeout {
            None | Some(Duration::ZERO) => Instant::FAR_FUTURE,
            Some(timeout) if awaited => now + timeout + self.heartbeat_frequency,
            Some(timeout) => now + timeout,
        }
    }
}
