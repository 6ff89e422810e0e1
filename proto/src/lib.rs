//! Every state machine of a MongoDB driver, without I/O.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod address;
pub mod auth;
pub mod pool;
pub mod time;
pub mod uri;

pub use address::ServerAddress;
pub use time::Instant;
