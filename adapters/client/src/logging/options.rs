//! What is logged, where to, and how long it may be.

use std::path::PathBuf;

use super::{Component, LogLevel};

/// What is logged, where to, and how long it may be. See the [module](super) for what it means together with a subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogOptions {
    /// The least severe level shown of commands; `None` leaves it to the subscriber of `tracing`.
    pub command: Option<LogLevel>,
    /// As `command`, of the topology, its servers and their monitors.
    pub topology: Option<LogLevel>,
    /// As `command`, of the selection of servers.
    pub server_selection: Option<LogLevel>,
    /// As `command`, of connection pools.
    pub connection: Option<LogLevel>,
    /// Where to write lines of components that have a level; `None` writes to standard error as long as the program has no
    /// subscriber.
    pub output: Option<LogOutput>,
    /// How many characters (Unicode code points) of a command's or reply's Extended JSON are shown. Default 1000.
    pub max_document_length: usize,
}

/// Where lines are written to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogOutput {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// The end of this file. If it cannot be opened: standard error.
    File(PathBuf),
}

impl Default for LogOptions {
    /// Nothing is said of any level.
    fn default() -> Self {
        Self {
            command: None,
            topology: None,
            server_selection: None,
            connection: None,
            output: None,
            max_document_length: 1000,
        }
    }
}

impl LogOptions {
    /// What the environment says: the variables `MONGODB_LOG_*`. One with a value that makes no sense says nothing.
    pub fn from_env() -> Self {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// As [`from_env`](Self::from_env), from variables that come from elsewhere.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let level = |name| variable(name).and_then(|value| LogLevel::from_name(value.trim()));
        let all = level("MONGODB_LOG_ALL");
        let of = |component: Component| level(component.variable()).or(all);
        let length = variable("MONGODB_LOG_MAX_DOCUMENT_LENGTH").and_then(|value| value.trim().parse().ok());
        Self {
            command: of(Component::Command),
            topology: of(Component::Topology),
            server_selection: of(Component::ServerSelection),
            connection: of(Component::Connection),
            output: variable("MONGODB_LOG_PATH").filter(|path| !path.is_empty()).map(|path| {
                if path.eq_ignore_ascii_case("stdout") {
                    LogOutput::Stdout
                } else if path.eq_ignore_ascii_case("stderr") {
                    LogOutput::Stderr
                } else {
                    LogOutput::File(path.into())
                }
            }),
            max_document_length: length.unwrap_or(Self::default().max_document_length),
        }
    }

    /// The same level for every component.
    #[must_use]
    pub fn with_level(self, level: LogLevel) -> Self {
        let level = Some(level);
        Self { command: level, topology: level, server_selection: level, connection: level, ..self }
    }

    /// The least severe level shown of a component.
    pub const fn level(&self, component: Component) -> Option<LogLevel> {
        match component {
            Component::Command => self.command,
            Component::Topology => self.topology,
            Component::ServerSelection => self.server_selection,
            Component::Connection => self.connection,
        }
    }
}
