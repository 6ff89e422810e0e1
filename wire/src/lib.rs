//! The MongoDB wire protocol as bytes and views: frames, OP_MSG, OP_COMPRESSED and BSON.
//!
//! This crate does no I/O, spawns nothing and needs only `alloc`. A driver, a proxy, a fake server and a
//! fuzzer are made of the same parts.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod bson;
