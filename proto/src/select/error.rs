//! Why a selection cannot succeed as it stands.

use core::fmt;
use core::time::Duration;

use super::IDLE_WRITE_PERIOD;
use crate::handshake::{MAX_WIRE_VERSION, MIN_WIRE_VERSION};
use crate::read_preference::ReadPreferenceError;
use crate::topology::Incompatible;

/// Why no server may be selected at all. It is raised at once, without waiting for the topology to change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SelectError {
    /// A server is too old or too new for this driver.
    Incompatible(Incompatible),
    /// The read preference contradicts itself, or its staleness limit is below 90 seconds.
    ReadPreference(ReadPreferenceError),
    /// The staleness limit is shorter than the time between two looks at an idle server: `heartbeatFrequencyMS` and
    /// `idleWritePeriodMS` together.
    MaxStaleness {
        /// `maxStalenessSeconds`.
        limit: Duration,
        /// `heartbeatFrequencyMS`.
        heartbeat_frequency: Duration,
    },
}

impl fmt::Display for SelectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incompatible(server) if server.min_wire_version > MAX_WIRE_VERSION => write!(
                f,
                "server at {} requires wire version {}, but this version of Stator only supports up to \
                 {MAX_WIRE_VERSION}",
                server.address, server.min_wire_version
            ),
            Self::Incompatible(server) => write!(
                f,
                "server at {} reports wire version {}, but this version of Stator requires at least \
                 {MIN_WIRE_VERSION} (MongoDB 4.2)",
                server.address, server.max_wire_version
            ),
            Self::ReadPreference(error) => error.fmt(f),
            Self::MaxStaleness { limit, heartbeat_frequency } => write!(
                f,
                "maxStalenessSeconds of {} is too small: it must be at least heartbeatFrequencyMS ({}) plus {} seconds",
                limit.as_secs(),
                heartbeat_frequency.as_millis(),
                IDLE_WRITE_PERIOD.as_secs()
            ),
        }
    }
}

impl core::error::Error for SelectError {}

impl From<ReadPreferenceError> for SelectError {
    fn from(error: ReadPreferenceError) -> Self {
        Self::ReadPreference(error)
    }
}
