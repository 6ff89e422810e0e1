//! Log messages: the [events](crate::event) as the specifications word them.
//!
//! With the feature `tracing`, every client sends its messages to the crate `tracing`, with the specifications' keys as
//! fields:
//!
//! | component | target | environment variable | what of |
//! |---|---|---|---|
//! | command | `stator::command` | `MONGODB_LOG_COMMAND` | commands |
//! | connection | `stator::connection` | `MONGODB_LOG_CONNECTION` | connection pools |
//! | topology | `stator::topology` | `MONGODB_LOG_TOPOLOGY` | servers and their monitors |
//! | serverSelection | `stator::server_selection` | `MONGODB_LOG_SERVER_SELECTION` | waiting for a server |
//!
//! Nearly all are of level debug. What is shown is decided by the program's subscriber (`RUST_LOG=stator=debug`, say), and
//! by the variables, which say the least severe level of a component; `MONGODB_LOG_ALL` says it for those that have none.
//! A program without a subscriber gets lines on standard error if a variable asks for them. `MONGODB_LOG_PATH` (`stdout`,
//! `stderr` or a file to append to) says where to, and then they are written beside what a subscriber does.
//! `MONGODB_LOG_MAX_DOCUMENT_LENGTH` is how many characters of a command or reply are shown, 1000 if it says nothing.
//!
//! The variables are read when a client is made. [`ClientOptions::log`](crate::ClientOptions::log) takes precedence over all
//! of them; a program that prefers it the other way round asks for both:
//!
//! ```
//! use stator_client::ClientOptions;
//! use stator_client::logging::{LogLevel, LogOptions};
//!
//! let mut options = ClientOptions::parse("mongodb://localhost/")?;
//! let mut log = LogOptions::from_env();
//! log.command.get_or_insert(LogLevel::Debug);
//! options.log = Some(log);
//! # Ok::<(), stator_client::Error>(())
//! ```

#[cfg(feature = "tracing")]
mod describe;
#[cfg(feature = "tracing")]
mod json;
mod level;
#[cfg(feature = "tracing")]
mod messages;
mod options;
#[cfg(feature = "tracing")]
mod output;
#[cfg(feature = "tracing")]
mod record;
#[cfg(feature = "tracing")]
mod sink;
#[cfg(feature = "tracing")]
mod template;
#[cfg(test)]
mod tests;

pub use level::{Component, LogLevel};
pub use options::{LogOptions, LogOutput};
#[cfg(feature = "tracing")]
pub use record::{Record, Value, record};
#[cfg(feature = "tracing")]
pub(crate) use sink::listener;

/// Who writes the log: nobody, in a build without the feature `tracing`.
#[cfg(not(feature = "tracing"))]
pub(crate) fn listener(_: Option<LogOptions>) -> Option<crate::event::Listener> {
    None
}
