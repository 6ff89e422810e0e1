//! What stands in for TLS where the driver is built without it.

use core::convert::Infallible;
use core::marker::PhantomData;
use core::task::{Context, Poll};
use std::io::{self, IoSlice};

use stator_proto::{Config, ServerAddress};

use crate::channel::Channel;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::runtime::{Closer, Instant, Stream};

/// A TLS configuration of your own; without the feature `tls` there is none.
#[derive(Clone, Debug)]
pub struct TlsConfig(Infallible);

/// Refuses to secure connections.
#[derive(Clone, Debug)]
pub(crate) struct Connector;

impl Connector {
    /// `None` where the configuration does not ask for TLS.
    pub(crate) fn new(config: &Config, custom: Option<TlsConfig>) -> Option<Self> {
        debug_assert!(custom.is_none(), "there are no values of this type");
        config.tls_enabled().then_some(Self)
    }

    /// Always an error that says what is missing.
    pub(crate) async fn secure<S: Stream>(
        &self,
        _channel: Channel<S>,
        server: &ServerAddress,
        _deadline: Instant,
    ) -> Result<Channel<S>> {
        let what = "TLS: this program was built without the feature `tls`".into();
        Err(Error::at(Phase::Tls, server, ErrorKind::Unsupported(what)))
    }
}

/// A stream that cannot exist.
pub(crate) struct TlsStream<T>(Infallible, PhantomData<T>);

impl<T: Stream> Stream for TlsStream<T> {
    fn poll_recv(&mut self, _: &mut Context<'_>, _: &mut [u8], _: Instant) -> Poll<io::Result<usize>> {
        match self.0 {}
    }

    fn poll_send(&mut self, _: &mut Context<'_>, _: &[IoSlice<'_>], _: Instant) -> Poll<io::Result<usize>> {
        match self.0 {}
    }

    fn try_recv(&mut self, _: &mut [u8]) -> io::Result<Option<usize>> {
        match self.0 {}
    }

    fn closer(&self) -> Closer {
        match self.0 {}
    }
}

#[cfg(test)]
mod tests {
    use core::future::Future;
    use core::pin::pin;
    use core::task::Waker;

    use super::*;

    /// Says that it is used.
    struct Untouched;

    impl Stream for Untouched {
        fn poll_recv(&mut self, _: &mut Context<'_>, _: &mut [u8], _: Instant) -> Poll<io::Result<usize>> {
            unreachable!()
        }

        fn poll_send(&mut self, _: &mut Context<'_>, _: &[IoSlice<'_>], _: Instant) -> Poll<io::Result<usize>> {
            unreachable!()
        }

        fn try_recv(&mut self, _: &mut [u8]) -> io::Result<Option<usize>> {
            unreachable!()
        }

        fn closer(&self) -> Closer {
            unreachable!()
        }
    }

    #[test]
    fn tls_is_refused_where_it_is_wanted() {
        let config = |text: &str| text.parse::<Config>().unwrap();
        assert!(Connector::new(&config("mongodb://h/"), None).is_none());
        let connector = Connector::new(&config("mongodb://h/?tls=true"), None).unwrap();
        let server = ServerAddress::Tcp { host: "h".into(), port: 1 };
        let refused = pin!(connector.secure(Channel::Plain(Untouched), &server, Instant::FAR_FUTURE))
            .poll(&mut Context::from_waker(Waker::noop()));
        match refused.map(|outcome| outcome.map(drop)) {
            Poll::Ready(Err(error)) => {
                assert!(matches!(error.kind(), ErrorKind::Unsupported(_)), "{error:?}");
                assert!(error.to_string().contains("feature `tls`"), "{error}");
            }
            other => panic!("{other:?}"),
        }
    }
}
