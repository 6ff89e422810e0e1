//! The conversation with a SOCKS5 proxy.

use core::future::poll_fn;
use core::task::{Poll, ready};
use std::io::{self, IoSlice};

use stator_proto::socks5::{Socks5, Socks5Error};
use stator_proto::{Instant, ServerAddress};

use super::Proxy;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::runtime::{Runtime, Stream};

/// Makes a connection to the proxy one to `server`.
pub(super) async fn ask<R: Runtime>(
    runtime: &R,
    stream: &mut R::Stream,
    proxy: &Proxy,
    server: &ServerAddress,
    deadline: Instant,
) -> Result<()> {
    // `open` has already gone the other way with Unix sockets.
    let ServerAddress::Tcp { host, port } = server else { return Ok(()) };
    let refused = |error: Socks5Error| Error::at(Phase::Connect, server, ErrorKind::Socks5(error));
    let failed = |error: io::Error| Error::io(Phase::Connect, server, error);
    let mut socks = Socks5::new(host, *port, proxy.user.clone(), deadline).map_err(refused)?;
    let mut out = Vec::new();
    // The longest reply has 262 bytes.
    let mut buf = [0; 262];
    while !socks.is_done() {
        if socks.poll_transmit(&mut out) {
            write_all(stream, &out, deadline).await.map_err(failed)?;
            out.clear();
        }
        let space = socks.wants().min(buf.len());
        let space = &mut buf[..space];
        match poll_fn(|cx| stream.poll_recv(cx, space, deadline)).await.map_err(failed)? {
            0 => return Err(refused(socks.handle_closed(runtime.now()))),
            count => socks.handle_recv(runtime.now(), &space[..count]).map_err(refused)?,
        }
    }
    Ok(())
}

/// Writes all of `bytes`.
pub(crate) async fn write_all<S: Stream>(stream: &mut S, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
    poll_fn(|cx| {
        while !bytes.is_empty() {
            match ready!(stream.poll_send(cx, &[IoSlice::new(bytes)], deadline))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => bytes = &bytes[count..],
            }
        }
        Poll::Ready(Ok(()))
    })
    .await
}
