#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod stream;

use std::future::{Future, pending};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use stator_client::runtime::{Endpoint, SpawnError};
pub use stator_client::*;
use tokio::net::{UdpSocket, lookup_host};
use tokio::runtime::Handle;

pub use stream::{Socket, Timer, TokioStream};

const NO_RUNTIME: &str = "no tokio runtime is running on this thread";

/// The tokio runtime that is current when a future is polled.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokio;
stator_client::handles!(Tokio);

impl Runtime for Tokio {
    type Stream = TokioStream;

    fn now(&self) -> Instant {
        host::monotonic_now()
    }

    fn unix_time(&self) -> Duration {
        host::unix_time()
    }

    fn fill_random(&self, out: &mut [u8]) {
        host::fill_random(out);
    }

    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send + 'static {
        let when = host::std_instant(at);
        async move {
            match when {
                None => pending().await,
                Some(when) if Handle::try_current().is_ok() => tokio::time::sleep_until(when.into()).await,
                Some(_) => host::sleep_on_thread(at).await,
            }
        }
    }

    fn spawn(&self, _name: &'static str, task: impl Future<Output = ()> + Send + 'static) -> Result<(), SpawnError> {
        drop(Handle::try_current().map_err(|_| SpawnError::new(NO_RUNTIME))?.spawn(task));
        Ok(())
    }

    async fn connect(&self, to: &Endpoint, deadline: Instant) -> io::Result<TokioStream> {
        within(deadline, stream::connect(to)).await
    }

    async fn lookup(&self, host: &str, port: u16, deadline: Instant) -> io::Result<Vec<SocketAddr>> {
        within(deadline, async { Ok(lookup_host((host, port)).await?.collect()) }).await
    }

    async fn exchange_datagram(&self, to: SocketAddr, question: &[u8], deadline: Instant) -> io::Result<Vec<u8>> {
        within(deadline, async {
            let socket = UdpSocket::bind(host::any_port(to)).await?;
            socket.connect(to).await?;
            socket.send(question).await?;
            let mut answer = vec![0; usize::from(u16::MAX)];
            let len = socket.recv(&mut answer).await?;
            answer.truncate(len);
            Ok(answer)
        })
        .await
    }
}

/// `work` under a deadline, or an error where tokio would panic.
async fn within<T>(deadline: Instant, work: impl Future<Output = io::Result<T>> + Send) -> io::Result<T> {
    if Handle::try_current().is_err() {
        return Err(io::Error::other(NO_RUNTIME));
    }
    let Some(when) = host::std_instant(deadline) else { return work.await };
    tokio::time::timeout_at(when.into(), work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
