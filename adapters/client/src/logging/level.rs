//! What messages are about, and how much they matter.

use crate::event::Category;

/// What a message is about (specification *Logging*, section "Components").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Component {
    /// Commands.
    Command,
    /// The topology, its servers and their monitors.
    Topology,
    /// The selection of servers.
    ServerSelection,
    /// Connection pools.
    Connection,
}

impl Component {
    /// Every component.
    pub const ALL: [Self; 4] = [Self::Command, Self::Topology, Self::ServerSelection, Self::Connection];

    /// The name that the specification gives it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Topology => "topology",
            Self::ServerSelection => "serverSelection",
            Self::Connection => "connection",
        }
    }

    /// The target of its messages in `tracing`.
    pub const fn target(self) -> &'static str {
        match self {
            Self::Command => "stator::command",
            Self::Topology => "stator::topology",
            Self::ServerSelection => "stator::server_selection",
            Self::Connection => "stator::connection",
        }
    }

    /// The environment variable that says its level.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Command => "MONGODB_LOG_COMMAND",
            Self::Topology => "MONGODB_LOG_TOPOLOGY",
            Self::ServerSelection => "MONGODB_LOG_SERVER_SELECTION",
            Self::Connection => "MONGODB_LOG_CONNECTION",
        }
    }
}

impl From<Category> for Component {
    fn from(category: Category) -> Self {
        match category {
            Category::Command => Self::Command,
            Category::Pool => Self::Connection,
            Category::Topology => Self::Topology,
            Category::Selection => Self::ServerSelection,
        }
    }
}

/// How much a message matters, and the least that is shown. From the most severe to the least, so that `shown <= least`.
///
/// Messages are of level `Debug` or `Info`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names say it all")]
pub enum LogLevel {
    /// Nothing is shown.
    Off,
    Emergency,
    Alert,
    Critical,
    Error,
    Warn,
    Notice,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    /// Every level.
    pub const ALL: [Self; 10] = [
        Self::Off,
        Self::Emergency,
        Self::Alert,
        Self::Critical,
        Self::Error,
        Self::Warn,
        Self::Notice,
        Self::Info,
        Self::Debug,
        Self::Trace,
    ];

    /// The level's name, as environment variables have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Emergency => "emergency",
            Self::Alert => "alert",
            Self::Critical => "critical",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Notice => "notice",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }

    /// The level of this name, upper or lower case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(name))
    }
}
