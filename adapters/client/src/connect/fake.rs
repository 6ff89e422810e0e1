//! A runtime for unit tests: nothing waits, no task can be spawned, and what peers say is written in the test.

use core::future::{Future, ready};
use core::task::{Context, Poll};
use core::time::Duration;
use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::runtime::{CloseSignal, Closer, Endpoint, Instant, Runtime, SpawnError, Stream};

type Answer = dyn Fn(SocketAddr, &[u8]) -> io::Result<Vec<u8>> + Send + Sync;
type Accept = dyn Fn(&Endpoint, Instant) -> io::Result<Memory> + Send + Sync;

/// Time passes only where a call runs into its deadline.
#[derive(Clone)]
pub(crate) struct Fake {
    now: Arc<AtomicU64>,
    random: Arc<AtomicU64>,
    answer: Arc<Answer>,
    accept: Arc<Accept>,
    /// What was connected to, with the deadlines.
    pub(crate) connected: Arc<Mutex<Vec<(Endpoint, Instant)>>>,
}

impl core::fmt::Debug for Fake {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Fake")
    }
}

impl Fake {
    /// Refuses connections, and is silent.
    pub(crate) fn new() -> Self {
        Self {
            now: Arc::default(),
            random: Arc::new(AtomicU64::new(1)),
            answer: Arc::new(|_, _| Err(ErrorKind::TimedOut.into())),
            accept: Arc::new(|_, _| Err(ErrorKind::ConnectionRefused.into())),
            connected: Arc::default(),
        }
    }

    /// Answers datagrams.
    #[cfg_attr(not(feature = "srv"), expect(dead_code, reason = "only DNS sends datagrams"))]
    pub(crate) fn answering(
        mut self,
        answer: impl Fn(SocketAddr, &[u8]) -> io::Result<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        self.answer = Arc::new(answer);
        self
    }

    /// Takes connections.
    pub(crate) fn accepting(
        mut self,
        accept: impl Fn(&Endpoint, Instant) -> io::Result<Memory> + Send + Sync + 'static,
    ) -> Self {
        self.accept = Arc::new(accept);
        self
    }

    /// Lets a call run into its deadline.
    fn pass<T>(&self, outcome: io::Result<T>, deadline: Instant) -> io::Result<T> {
        if outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::TimedOut) {
            self.now.store(deadline.as_nanos(), Ordering::SeqCst);
        }
        outcome
    }
}

impl Runtime for Fake {
    type Stream = Memory;

    fn now(&self) -> Instant {
        Instant::from_nanos(self.now.load(Ordering::SeqCst))
    }

    fn unix_time(&self) -> Duration {
        Duration::ZERO
    }

    fn fill_random(&self, out: &mut [u8]) {
        for byte in out {
            let old = self.random.load(Ordering::SeqCst);
            let new = old.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            self.random.store(new, Ordering::SeqCst);
            *byte = (new >> 56) as u8;
        }
    }

    fn sleep_until(&self, _at: Instant) -> impl Future<Output = ()> + Send + 'static {
        ready(())
    }

    fn spawn(&self, _name: &'static str, _task: impl Future<Output = ()> + Send + 'static) -> Result<(), SpawnError> {
        Err(SpawnError::new("there are no tasks here"))
    }

    async fn connect(&self, to: &Endpoint, deadline: Instant) -> io::Result<Memory> {
        self.connected.lock().unwrap().push((to.clone(), deadline));
        self.pass((self.accept)(to, deadline), deadline)
    }

    async fn lookup(&self, _host: &str, port: u16, _deadline: Instant) -> io::Result<Vec<SocketAddr>> {
        Ok(["[::1]:1", "10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"]
            .map(|address| SocketAddr::new(address.parse::<SocketAddr>().unwrap().ip(), port))
            .to_vec())
    }

    async fn exchange_datagram(&self, to: SocketAddr, question: &[u8], deadline: Instant) -> io::Result<Vec<u8>> {
        self.pass((self.answer)(to, question), deadline)
    }
}

/// Bytes to be read, then the end; what is written is kept.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) input: Vec<u8>,
    pub(crate) output: Arc<Mutex<Vec<u8>>>,
}

impl Stream for Memory {
    fn poll_recv(&mut self, _: &mut Context<'_>, buf: &mut [u8], _: Instant) -> Poll<io::Result<usize>> {
        // One byte at a time is the hardest.
        let count = buf.len().min(self.input.len()).min(1);
        buf[..count].copy_from_slice(&self.input[..count]);
        self.input.drain(..count);
        Poll::Ready(Ok(count))
    }

    fn poll_send(&mut self, _: &mut Context<'_>, slices: &[IoSlice<'_>], _: Instant) -> Poll<io::Result<usize>> {
        let byte = slices.iter().find_map(|slice| slice.first());
        self.output.lock().unwrap().extend(byte);
        Poll::Ready(Ok(usize::from(byte.is_some())))
    }

    fn try_recv(&mut self, _: &mut [u8]) -> io::Result<Option<usize>> {
        Ok(None)
    }

    fn closer(&self) -> Closer {
        Closer::new(CloseSignal::new())
    }
}
