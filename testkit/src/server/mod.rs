//! Real mongod processes on demand: the MongoDB test server for Rust tests.
//!
//! ```no_run
//! use stator_testkit::server::{Mongod, ReplicaSet, MongodOptions, Version, unique_db};
//!
//! # fn main() -> Result<(), stator_testkit::server::ServerError> {
//! let shared = Mongod::shared()?; // one server for every test of this process
//! println!("{} and the database {}", shared.uri(), unique_db("orders"));
//!
//! let own = MongodOptions::new().version(Version::V4_4).auth(true).start()?;
//! let set = ReplicaSet::start(3, MongodOptions::new())?;
//! # Ok(()) }
//! ```
//!
//! The binary is the one named by `STATOR_MONGOD`, else the `mongod` on `PATH`, else one that is fetched once into a
//! cache (see [`Binary::locate`]). Servers listen on free loopback ports and keep their data in temporary folders.
//! Both disappear when the value is dropped, and also when the process that started them dies in any way:
//! a supervisor (a few lines of `sh`) holds the other end of a pipe and cleans up when it closes.
//!
//! Unix only. Blocking on purpose: no executor is needed to start a server, or to administer one with [`Admin`].

mod admin;
mod admin_tls;
mod binary;
mod error;
mod mongod;
mod options;
mod replica_set;
mod scram;
mod shared;
mod supervisor;
mod temp;
mod tls;
mod users;
mod version;

pub use admin::{Admin, AdminError};
pub use binary::Binary;
pub use error::ServerError;
pub use mongod::Mongod;
pub use options::MongodOptions;
pub use rcgen::DnType;
pub use replica_set::{ReplicaSet, ReplicaSetOptions};
pub use shared::unique_db;
pub use tls::{Certificate, ServerTls, TestCa};
pub use users::{BOTH, IX, NUMERAL_NINE, ROOT, SHA_1, SHA_256, USERS, User};
pub use version::Version;
