//! Tests of log messages.
