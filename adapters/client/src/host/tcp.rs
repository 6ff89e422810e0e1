//! Options of TCP sockets.

use core::time::Duration;
use std::io;

use socket2::{SockRef, TcpKeepalive};

/// What every connected TCP socket gets: no waiting for more to send (TCP_NODELAY), and keepalive, so that neither a dead peer
/// nor a forgetful router between goes unnoticed: after 120 s of silence a probe each 10 s, up to 9, where the system lets
/// one choose.
///
/// Takes a reference to any socket.
///
/// # Errors
///
/// Those of the system.
pub fn tune_tcp<'s>(socket: impl Into<SockRef<'s>>) -> io::Result<()> {
    let socket = socket.into();
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&probes(TcpKeepalive::new().with_time(Duration::from_secs(120))))
}

#[cfg(any(
    target_os = "android",
    target_os = "freebsd",
    target_os = "illumos",
    target_os = "ios",
    target_os = "linux",
    target_os = "macos",
    target_os = "netbsd",
    target_os = "windows",
))]
fn probes(keepalive: TcpKeepalive) -> TcpKeepalive {
    keepalive.with_interval(Duration::from_secs(10)).with_retries(9)
}

#[cfg(not(any(
    target_os = "android",
    target_os = "freebsd",
    target_os = "illumos",
    target_os = "ios",
    target_os = "linux",
    target_os = "macos",
    target_os = "netbsd",
    target_os = "windows",
)))]
fn probes(keepalive: TcpKeepalive) -> TcpKeepalive {
    keepalive
}
