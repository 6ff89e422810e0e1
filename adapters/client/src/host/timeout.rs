//! Deadlines for calls that block: lookups on a helper thread, and sockets by way of their timeouts.

use core::time::Duration;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc::channel;
use std::thread;

use super::monotonic_now;
use crate::runtime::Instant;

/// The shortest timeout that every system can set.
const SHORTEST: Duration = Duration::from_millis(1);

/// The time until `deadline` as a timeout: in whole milliseconds, rounded up, since systems cut off the rest and would
/// be early; `None` for ever.
///
/// # Errors
///
/// [`ErrorKind::TimedOut`] once it has passed.
pub fn time_left(deadline: Instant) -> io::Result<Option<Duration>> {
    if deadline.is_far_future() {
        return Ok(None);
    }
    match deadline - monotonic_now() {
        Duration::ZERO => Err(ErrorKind::TimedOut.into()),
        left => Ok(Some(Duration::from_millis(left.as_nanos().div_ceil(1_000_000) as u64))),
    }
}

/// Resolves `host` with the system's resolver and blocks until `deadline`. A literal address needs no lookup.
///
/// The resolver knows no deadline, so a helper thread waits for it, for as long as it likes.
///
/// # Errors
///
/// Those of the resolver and of starting a thread; [`ErrorKind::TimedOut`] when `deadline` has passed.
pub fn lookup_on_thread(host: &str, port: u16, deadline: Instant) -> io::Result<Vec<SocketAddr>> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let limit = time_left(deadline)?.unwrap_or(Duration::MAX);
    let ((tell, answer), host) = (channel(), host.to_owned());
    // Nobody listens any more when the deadline was first.
    let ask = move || drop(tell.send((host, port).to_socket_addrs()));
    thread::Builder::new().name("stator-lookup".into()).spawn(ask)?;
    let found = answer.recv_timeout(limit).map_err(|_| io::Error::from(ErrorKind::TimedOut))?;
    Ok(found?.collect())
}

/// The timeout of one direction of a blocking socket, as it was last set; a new one waits for ever.
///
/// Most calls end long before their deadline, so a timeout that is early, but by less than half, is kept instead of being set
/// for every call; a call that it ends early goes on with the exact rest.
#[derive(Debug, Default)]
pub struct SocketTimeout {
    set: Option<Duration>,
}

impl SocketTimeout {
    /// Repeats `call`, under timeouts that it sets through `set`, until it is done or fails.
    ///
    /// # Errors
    ///
    /// Those of `set` and `call`; [`ErrorKind::TimedOut`] when `deadline` has passed.
    pub fn run<T>(
        &mut self,
        deadline: Instant,
        set: impl Fn(Option<Duration>) -> io::Result<()>,
        mut call: impl FnMut() -> io::Result<T>,
    ) -> io::Result<T> {
        let mut exact = false;
        loop {
            let left = time_left(deadline)?;
            if !self.serves(left, exact) {
                // Shorter than needed at first, so that the next calls can keep it.
                let limit = left.map(|left| if exact { left } else { (left * 3 / 4).max(SHORTEST) });
                set(limit)?;
                self.set = limit;
            }
            match call() {
                // Systems differ in how they report a timeout.
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => exact = true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }

    fn serves(&self, left: Option<Duration>, exact: bool) -> bool {
        match (self.set, left) {
            (Some(set), Some(left)) => !exact && set <= left && set > left / 2,
            (set, left) => set == left,
        }
    }
}

#[cfg(test)]
#[path = "timeout_tests.rs"]
mod tests;
