//! The Stator MongoDB driver, written once over any [`Runtime`].

#![forbid(unsafe_code)]

pub mod runtime;

pub use runtime::Runtime;
