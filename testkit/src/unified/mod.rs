//! The runner of tests in the unified test format (specification *Unified Test Format*), on the public API of the client
//! and on any runtime.
//!
//! ```text
//! file --schema--> TestFile --run--> choose deployments --case--> entities, operations --matching--> Report
//!                                     |                            |
//!                              deployments (lazily started)   clients --observe--> recorder (events, log messages)
//! ```
//!
//! - [`schema`] reads files and refuses what does not keep to the format; [`matching`] compares. Neither knows a client.
//! - [`Deployments`] are real servers. What prepares and judges a case talks to them without the driver under test.
//! - A case that asks for what the client does not have is skipped: its reason begins with `not yet`, or with `not offered` for
//!   what is left out on purpose.

mod case;
mod clients;
mod contradictions;
mod data;
mod deployments;
mod entities;
pub mod matching;
mod observe;
mod operations;
mod recorder;
mod requirements;
mod run;
pub mod schema;
#[cfg(test)]
mod schema_tests;
mod signal;
mod stop;
mod threads;

pub use deployments::{Deployment, Deployments};
pub use requirements::UNMET;
pub use run::{Settings, Verdict, run_file, run_folder};
