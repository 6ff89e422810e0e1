//! Events of server selection: what the log messages of the specification *Server Selection* tell.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use stator_proto::ServerAddress;
use stator_proto::read_preference::ReadPreference;

use stator_proto::select::Target;

use crate::error::Error;
use crate::topology::TopologyDescription;

/// A server is being selected for an operation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SelectionEvent {
    /// The name of the operation's command.
    pub operation: String,
    /// The number of the operation, the same as in its commands' events.
    pub operation_id: i64,
    /// What is being looked for.
    pub selector: Selector,
    /// What is known of the deployment.
    pub topology_description: Arc<TopologyDescription>,
    /// How far the selection is.
    pub kind: SelectionEventKind,
}

impl SelectionEvent {
    /// An event of the selection for one operation.
    pub(crate) fn new(
        operation: &str,
        operation_id: i64,
        selector: Selector,
        topology_description: &Arc<TopologyDescription>,
        kind: SelectionEventKind,
    ) -> Self {
        let topology_description = Arc::clone(topology_description);
        Self { operation: operation.into(), operation_id, selector, topology_description, kind }
    }
}

/// How far the selection of a server is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SelectionEventKind {
    /// It begins.
    Started,
    /// No server is suitable yet. Told once for each selection.
    Waiting {
        /// The time until the selection fails; `None` if it waits for as long as it takes.
        remaining: Option<Duration>,
    },
    /// A server was selected.
    Succeeded {
        /// The server.
        address: ServerAddress,
    },
    /// None was.
    Failed {
        /// Why.
        failure: Error,
    },
}

impl SelectionEventKind {
    /// The event's name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Started => "ServerSelectionStartedEvent",
            Self::Waiting { .. } => "ServerSelectionWaitingEvent",
            Self::Succeeded { .. } => "ServerSelectionSucceededEvent",
            Self::Failed { .. } => "ServerSelectionFailedEvent",
        }
    }
}

/// What kind of server is being looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Selector {
    /// One that takes writes.
    Writable,
    /// One that serves reads with this read preference.
    ReadPreference(ReadPreference),
    /// This one and no other: a cursor's, or a pinned session's.
    Address(ServerAddress),
}

impl From<&Target<'_>> for Selector {
    fn from(target: &Target<'_>) -> Self {
        match *target {
            Target::Writable => Self::Writable,
            Target::Readable(preference) | Target::OutputStage(preference) => Self::ReadPreference(preference.clone()),
            Target::Address(address) => Self::Address(address.clone()),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Writable => f.write_str("Writable"),
            Self::Address(address) => write!(f, "Address({address})"),
            Self::ReadPreference(preference) => {
                write!(f, "ReadPreference {{ mode: {}", preference.mode.as_str())?;
                if !preference.tag_sets.is_empty() {
                    f.write_str(", tagSets: [")?;
                    for (at, set) in preference.tag_sets.iter().enumerate() {
                        f.write_str(if at > 0 { ", {" } else { "{" })?;
                        for (at, (key, value)) in set.tags.iter().enumerate() {
                            write!(f, "{}{key}: {value:?}", if at > 0 { ", " } else { "" })?;
                        }
                        f.write_str("}")?;
                    }
                    f.write_str("]")?;
                }
                if let Some(staleness) = preference.max_staleness {
                    write!(f, ", maxStalenessSeconds: {}", staleness.as_secs())?;
                }
                if let Some(hedge) = preference.hedge {
                    write!(f, ", hedge: {{enabled: {hedge}}}")?;
                }
                f.write_str(" }")
            }
        }
    }
}
