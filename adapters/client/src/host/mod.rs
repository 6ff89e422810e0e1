//! What adapters to real operating systems share: clocks, entropy, `block_on` with timers for plain threads, and the
//! deadline discipline of reactor sockets ([`ReactorStream`]) and of blocking ones ([`SocketTimeout`]).
//! A simulated runtime uses none of it.

mod stream;
mod tcp;
mod thread;
mod timeout;

use core::time::Duration;
use std::io::{self, IoSlice, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use stator_proto::Instant;

pub use stream::{ReactorSocket, ReactorStream, ReactorTimer};
pub use tcp::tune_tcp;
pub use thread::{ThreadSleep, block_on, sleep_on_thread};
pub use timeout::{SocketTimeout, lookup_on_thread, time_left};

/// The process's monotonic clock. Its origin is the first call in this process, so instants of different
/// adapters in one program can be compared.
pub fn monotonic_now() -> Instant {
    Instant::ORIGIN + origin().elapsed()
}

/// `at` on the standard library's clock; `None` if that is never: [`Instant::FAR_FUTURE`], or later than the
/// platform can say.
pub fn std_instant(at: Instant) -> Option<std::time::Instant> {
    if at.is_far_future() {
        return None;
    }
    origin().checked_add(at.duration_since(Instant::ORIGIN))
}

/// The wall clock, as the time since the Unix epoch; zero when the clock is set before it.
pub fn unix_time() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Fills `out` from the operating system's entropy source.
///
/// # Panics
///
/// If the operating system has no working entropy source. Nonces must not be guessable, so there is nothing to
/// fall back to; supported systems do not fail once they have booted.
pub fn fill_random(out: &mut [u8]) {
    // Invariant: a booted operating system gives entropy; see above for why there is no other way on.
    getrandom::fill(out).expect("the operating system's entropy source works");
}

/// Writes as much of `slices` as a socket takes at once; a single slice by the system call for one, which is the cheaper one.
///
/// # Errors
///
/// The socket's.
pub fn write_slices(mut socket: impl Write, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    match slices {
        [one] => socket.write(one),
        _ => socket.write_vectored(slices),
    }
}

/// Where to bind a socket that sends a datagram to `peer` (connect it too, so that only `peer` is heard): any address of
/// its family, any port.
pub fn any_port(peer: SocketAddr) -> SocketAddr {
    let any = if peer.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    SocketAddr::new(any, 0)
}

fn origin() -> std::time::Instant {
    static ORIGIN: OnceLock<std::time::Instant> = OnceLock::new();
    *ORIGIN.get_or_init(std::time::Instant::now)
}

#[cfg(test)]
mod tests;
