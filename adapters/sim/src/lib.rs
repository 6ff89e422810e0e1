//! Deterministic simulation for the Stator MongoDB driver: virtual clock, memory streams, seeded scheduler, scripted servers.
//!
//! [`Sim`] implements [`stator_client::Runtime`]. Everything that is left to chance in a real world (which task runs
//! next, how long a packet travels, where a write is split, what a nonce is) is drawn from one seed, and time moves only
//! when nothing can run. So a run is a function of its seed: a failure that was seen once is seen again.
//!
//! ```
//! use core::time::Duration;
//! use stator_client::Runtime;
//! use stator_sim::Sim;
//!
//! let sim = Sim::new(7);
//! let handle = sim.clone();
//! let slept = sim.run(async move {
//!     let before = handle.now();
//!     handle.sleep(Duration::from_secs(3600 / 2)).await; // takes no real time
//!     handle.now() - before
//! });
//! assert_eq!(slept, Ok(Duration::from_secs(1800)));
//! ```
//!
//! - [`Sim::new`] polls all tasks on the calling thread; [`Sim::blocking`] gives each task a thread of its own and lets
//!   reads, writes, connects and lookups block it, with the same determinism (rule R4 of the `Runtime` contract).
//! - [`Sim::listen`] puts a server on an address; [`server::FakeServer`] is one that speaks MongoDB.
//! - [`drop_after`] drops a future at its n-th await point, for exhaustive cancellation tests.

#![forbid(unsafe_code)]

mod drop_after;
mod net;
mod rng;
mod runtime;
pub mod server;
mod world;

pub use drop_after::{DropAfter, drop_after, drop_when_woken_after};
pub use net::{ConnectionId, Link, Path, Route, Side, SimStream};
pub use world::{Limits, Sim, SimError};

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
