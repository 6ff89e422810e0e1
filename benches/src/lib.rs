//! DriverBench and micro-benchmarks of Stator, beside its peers.
//!
//! A [`Task`] is one operation of the specification *Performance Benchmarking*; a [`Runner`] is a way to do it: Stator on one of its
//! runtimes, the official driver, or the floor (sockets and bytes without a driver). The binaries measure
//! runners: `driverbench` time, `allocations` the heap, `callgrind` instructions.

#![forbid(unsafe_code)]
#![cfg(unix)]

#[cfg_attr(not(target_os = "linux"), path = "affinity_elsewhere.rs")]
pub mod affinity;
pub mod cold;
pub mod data;
pub mod measure;
pub mod replay;
pub mod report;
pub mod runner;
pub mod task;
pub mod tweet;

pub use data::Data;
pub use runner::{Failure, Runner};
pub use task::Task;
