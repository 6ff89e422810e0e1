//! Every state machine of a MongoDB driver, without I/O.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod address;
pub mod auth;
pub mod concern;
pub mod connection;
pub mod cursor;
pub mod handshake;
pub mod hello;
pub mod operation;
pub mod pool;
pub mod read_preference;
pub mod time;
pub mod uri;

pub use address::ServerAddress;
pub use connection::{Connection, SendBuf};
pub use cursor::Cursor;
pub use handshake::Handshake;
pub use pool::Pool;
pub use time::Instant;
pub use uri::Config;
