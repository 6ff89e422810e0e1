//! The bytes of one connection, whatever carries them.

use core::task::{Context, Poll};
use std::io::{self, IoSlice};

use crate::runtime::{Closer, Instant, Stream};
use crate::tls::TlsStream;

/// A stream of the runtime, or one that the user's own connect function made.
pub(crate) enum Channel<S: Stream> {
    /// As the runtime connected it.
    Plain(S),
    /// Made by somebody else.
    Boxed(Box<dyn Stream>),
    /// Either of them, secured.
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "cannot exist without TLS"))]
    Tls(Box<TlsStream<Self>>),
}

impl<S: Stream> Channel<S> {
    fn stream(&mut self) -> &mut dyn Stream {
        match self {
            Self::Plain(stream) => stream,
            Self::Boxed(stream) => &mut **stream,
            Self::Tls(stream) => &mut **stream,
        }
    }
}

impl<S: Stream> Stream for Channel<S> {
    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8], deadline: Instant) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(stream) => stream.poll_recv(cx, buf, deadline),
            other => other.stream().poll_recv(cx, buf, deadline),
        }
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
        deadline: Instant,
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(stream) => stream.poll_send(cx, slices, deadline),
            other => other.stream().poll_send(cx, slices, deadline),
        }
    }

    fn try_recv(&mut self, buf: &mut [u8]) -> io::Result<Option<usize>> {
        self.stream().try_recv(buf)
    }

    fn closer(&self) -> Closer {
        match self {
            Self::Plain(stream) => stream.closer(),
            Self::Boxed(stream) => stream.closer(),
            Self::Tls(stream) => stream.closer(),
        }
    }

    fn is_orphaned(&mut self) -> bool {
        self.stream().is_orphaned()
    }
}
