//! The MongoDB wire protocol as bytes and views: frames, OP_MSG, OP_COMPRESSED and BSON.
//!
//! This crate does no I/O, spawns nothing and needs only `alloc`. A driver, a proxy, a fake server and a
//! fuzzer are made of the same parts:
//!
//! - [`Deframer`] turns bytes in any pieces into whole frames, with a cap on their size;
//! - [`Header`], [`OpMsg`] and [`OpCompressed`] give a frame its meaning, [`Message`] tells them apart;
//! - [`op_msg::Builder`] writes OP_MSG for either side;
//! - [`bson`] holds the document views, validation and the back-patching writer.
//!
//! # Panic contract
//!
//! `parse` functions accept any bytes and return a typed error. What they return has been checked: its
//! accessors cannot panic and documents in it have plausible bounds. The *contents* of documents are
//! checked while they are read ([`bson`]).

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod bson;
mod crc32c;
pub mod deframe;
mod error;
pub mod header;
pub mod message;
pub mod op_compressed;
pub mod op_msg;

pub use deframe::Deframer;
pub use error::WireError;
pub use header::{Header, OpCode};
pub use message::Message;
pub use op_compressed::{Codec, CodecError, OpCompressed};
pub use op_msg::OpMsg;

/// The example of the README, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
