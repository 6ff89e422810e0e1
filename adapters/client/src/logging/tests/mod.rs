//! Tests of log messages.

#[cfg(feature = "tracing")]
mod json;
#[cfg(feature = "tracing")]
mod messages;
mod options;
#[cfg(feature = "tracing")]
mod samples;
#[cfg(feature = "tracing")]
mod sink;
