#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod stream;

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::Duration;

use smol::{Async, Timer};
use stator_client::runtime::{Endpoint, SpawnError};
pub use stator_client::*;

pub use stream::{Alarm, SmolStream, Socket};

/// smol's global executor and reactor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Smol;
stator_client::handles!(Smol);

impl Runtime for Smol {
    type Stream = SmolStream;

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
        sleep_until(at)
    }

    fn spawn(&self, _name: &'static str, task: impl Future<Output = ()> + Send + 'static) -> Result<(), SpawnError> {
        smol::spawn(task).detach();
        Ok(())
    }

    async fn connect(&self, to: &Endpoint, deadline: Instant) -> io::Result<SmolStream> {
        within(deadline, stream::connect(to)).await
    }

    async fn lookup(&self, host: &str, port: u16, deadline: Instant) -> io::Result<Vec<SocketAddr>> {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let host = host.to_owned();
        let resolve = smol::unblock(move || (host, port).to_socket_addrs());
        within(deadline, async { Ok(resolve.await?.collect()) }).await
    }

    async fn exchange_datagram(&self, to: SocketAddr, question: &[u8], deadline: Instant) -> io::Result<Vec<u8>> {
        within(deadline, async {
            let socket = Async::<UdpSocket>::bind(host::any_port(to))?;
            socket.get_ref().connect(to)?;
            socket.send(question).await?;
            let mut answer = vec![0; usize::from(u16::MAX)];
            let len = socket.recv(&mut answer).await?;
            answer.truncate(len);
            Ok(answer)
        })
        .await
    }
}

async fn sleep_until(at: Instant) {
    host::std_instant(at).map_or_else(Timer::never, Timer::at).await;
}

/// `work` under a deadline; a result that is there wins.
async fn within<T>(deadline: Instant, work: impl Future<Output = io::Result<T>> + Send) -> io::Result<T> {
    let late = async {
        sleep_until(deadline).await;
        Err(io::ErrorKind::TimedOut.into())
    };
    smol::future::or(work, late).await
}
