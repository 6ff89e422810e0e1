//! The driver's decoder and that of the `bson` crate give the same values, for types of every kind; and their encoders the same bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stator_client::{decode, encode};

#[path = "../../adapters/client/src/decode/tests/zoo.rs"]
mod zoo;

fuzz_target!(|data: &[u8]| {
    if data.len() < 5 {
        return;
    }
    // Length and terminator are given, so that the fuzzer can look for more than those.
    let mut bytes = data.to_vec();
    bytes[..4].copy_from_slice(&(data.len() as i32).to_le_bytes());
    bytes[data.len() - 1] = 0;
    zoo::compare_all(&bytes);
});
