#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod stream;

use std::future::Future;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use stator_client::runtime::{Endpoint, SpawnError};
pub use stator_client::*;

pub use stream::BlockingStream;

/// Plain threads.
///
/// I/O blocks inside a poll (R1, R2); timers do not: the `block_on` of their thread keeps them. `block_on` may be nested: the
/// outer future waits. Under another executor all works too, but I/O blocks it and each sleep takes a helper thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Blocking;
stator_client::handles!(Blocking);

impl BlockOn for Blocking {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        host::block_on(future)
    }
}

impl Runtime for Blocking {
    type Stream = BlockingStream;

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
        host::sleep_on_thread(at)
    }

    fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) -> Result<(), SpawnError> {
        let thread = thread::Builder::new().name(name.into()).spawn(move || host::block_on(task));
        thread.map(drop).map_err(|_| SpawnError::new("the operating system refused a thread"))
    }

    async fn connect(&self, to: &Endpoint, deadline: Instant) -> io::Result<BlockingStream> {
        stream::connect(to, deadline)
    }

    async fn lookup(&self, host: &str, port: u16, deadline: Instant) -> io::Result<Vec<SocketAddr>> {
        host::lookup_on_thread(host, port, deadline)
    }

    async fn exchange_datagram(&self, to: SocketAddr, question: &[u8], deadline: Instant) -> io::Result<Vec<u8>> {
        let socket = UdpSocket::bind(host::any_port(to))?;
        socket.connect(to)?;
        socket.send(question)?;
        let mut answer = vec![0; usize::from(u16::MAX)];
        let set = |limit| socket.set_read_timeout(limit);
        let len = host::SocketTimeout::default().run(deadline, set, || socket.recv(&mut answer))?;
        answer.truncate(len);
        Ok(answer)
    }
}
