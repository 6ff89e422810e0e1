//! A handshake and a `find` over bytes in memory, in a program without an operating system's library.
//!
//! See the README for what this proves. `machine` stands in for the platform; the driver's own code needs none of it.

#![no_std]
#![no_main]

extern crate alloc;

mod driver;
mod machine;
mod server;

/// Exit code 0 if all went well, 1 if not; 101 after a panic.
fn run() -> i32 {
    match driver::find_as_user() {
        Ok(documents) => {
            machine::print(format_args!("handshake and find without std: {documents} documents\n"));
            0
        }
        Err(error) => {
            machine::print(format_args!("failed: {error}\n"));
            1
        }
    }
}
