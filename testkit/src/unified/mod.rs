//! The runner of tests in the unified test format, on the public API of the client and on any runtime.

pub mod matching;
pub mod schema;
#[cfg(test)]
mod schema_tests;
