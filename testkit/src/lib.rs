//! Real mongod servers on demand for tests, and the conformance runner of Stator.

#![forbid(unsafe_code)]

pub mod conformance;
pub mod contract;
pub mod dns;
#[cfg(unix)]
pub mod failover;
#[cfg(unix)]
pub mod prose;
#[cfg(unix)]
pub mod server;
pub mod suite;
#[cfg(unix)]
pub mod unified;

/// Compiles the programs of the project's README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
