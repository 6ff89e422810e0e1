//! Pinning to one CPU, where the system has no call for it.

use std::io;

/// Fails: only Linux pins threads to CPUs.
pub fn pin_to_one_cpu() -> io::Result<usize> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "only Linux pins threads to CPUs"))
}
