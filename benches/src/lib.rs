//! DriverBench and micro-benchmarks of Stator, beside its peers.
//!
//! A [`Task`] is one operation of the specification *Performance Benchmarking*, or one of ours; a [`Runner`] is a way to do it. A
//! [`Driver`](driver::Driver) is what is compared, a [`Host`](host::Host) what it runs on; the [`tasks`] are written once over both.
//! The binaries measure runners: `driverbench` time, `footprint` the heap, `callgrind` instructions.

#![forbid(unsafe_code)]
#![cfg(unix)]

#[cfg_attr(not(target_os = "linux"), path = "affinity_elsewhere.rs")]
pub mod affinity;
pub mod building;
pub mod data;
pub mod driver;
pub mod gauge;
pub mod host;
pub mod ldjson;
pub mod measure;
pub mod replay;
pub mod report;
pub mod runner;
pub mod task;
pub mod tasks;

pub use data::Data;
pub use runner::{Failure, Runner};
pub use task::Task;
