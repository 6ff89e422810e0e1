//! What the driver needs from whatever turns the loop: the [`Runtime`] and [`Stream`] contracts.
//!
//! One client serves an executor and a plain thread alike because of four rules:
//!
//! - **R1** Only [`Runtime::connect`], [`Runtime::lookup`], [`Runtime::exchange_datagram`], [`Stream::poll_recv`]
//!   and [`Stream::poll_send`] may block inside a poll.
//! - **R2** They are never raced, joined or selected over: they end by their deadline or by their [`Closer`].
//! - **R3** Timers, grants and signals return `Pending` and wake. On a plain thread a timer registers its
//!   deadline with the thread's `block_on`, which parks until the earliest.
//! - **R4** The simulated runtime has a mode in which `recv` and `connect` block the task like a thread.

use core::fmt;
use core::future::Future;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

pub use stator_proto::Instant;

/// One place to connect to: an address that needs no lookup.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// A TCP socket address.
    Tcp(SocketAddr),
    /// A Unix domain socket.
    Unix(PathBuf),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => addr.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

/// The runtime cannot take a task now: it is not there, or it is shutting down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpawnError(&'static str);

impl SpawnError {
    /// An error that says why no task can be started.
    pub const fn new(reason: &'static str) -> Self {
        Self(reason)
    }
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no background task can be started: {}", self.0)
    }
}

impl std::error::Error for SpawnError {}

/// An executor, a plain thread or a simulated world, as the driver sees it.
///
/// A runtime is a small value that is cloned freely. Nothing here may panic when it is called outside
/// of an executor: return an error that says what is missing.
pub trait Runtime: Clone + fmt::Debug + Send + Sync + 'static {
    /// A connected byte stream.
    type Stream: Stream;

    /// The monotonic clock. Callable from any thread, with or without an executor.
    fn now(&self) -> Instant;

    /// The wall clock, as the time since the Unix epoch.
    fn unix_time(&self) -> Duration;

    /// Fills `out` with unpredictable bytes (nonces, session ids, jitter).
    fn fill_random(&self, out: &mut [u8]);

    /// Completes at `at`; never completes for [`Instant::FAR_FUTURE`]. Arms its timer when first polled,
    /// disarms it when dropped, never blocks (R3).
    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send + 'static;

    /// Starts a background task. `name` is for logs and thread names.
    fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) -> Result<(), SpawnError>;

    /// Connects to one address or path; TCP_NODELAY and keepalive are set. Ends by `deadline` with
    /// [`io::ErrorKind::TimedOut`]. May block (R1).
    fn connect(&self, to: &Endpoint, deadline: Instant) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Resolves a host name to addresses with the system's resolver. Ends by `deadline`. May block (R1).
    fn lookup(
        &self,
        host: &str,
        port: u16,
        deadline: Instant,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;

    /// Sends one datagram and waits for one answer: a DNS question for SRV and TXT records. Ends by `deadline`.
    /// May block (R1).
    fn exchange_datagram(
        &self,
        to: SocketAddr,
        question: &[u8],
        deadline: Instant,
    ) -> impl Future<Output = io::Result<Vec<u8>>> + Send;
}

/// A runtime whose futures can be run to the end on the calling thread: it unlocks `.run()` on every
/// action and `Iterator` on cursors. Only runtimes for plain threads implement it.
pub trait BlockOn: Runtime {
    /// Runs `future` to its end on this thread.
    fn block_on<F: Future>(&self, future: F) -> F::Output;
}

/// A connected byte stream with deadlines that go *into* the calls.
///
/// After a deadline has passed, `poll_recv` and `poll_send` fail with [`io::ErrorKind::TimedOut`]; the stream stays
/// usable (a later call with a later deadline works). Data that is already there wins over a passed deadline.
pub trait Stream: Send + 'static {
    /// Reads into `buf`; 0 means that the peer has closed. May block until `deadline` (R1).
    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8], deadline: Instant) -> Poll<io::Result<usize>>;

    /// Writes a prefix of `slices` and says how many bytes. May block until `deadline` (R1).
    fn poll_send(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>], deadline: Instant)
    -> Poll<io::Result<usize>>;

    /// Reads what is already there and never waits: `None` when nothing is, 0 when the peer has closed.
    fn try_recv(&mut self, buf: &mut [u8]) -> io::Result<Option<usize>>;

    /// A handle with which another thread or task ends a pending or later `poll_recv` or `poll_send`.
    fn closer(&self) -> Closer;

    /// Whether the stream is dead because the executor on which it was connected is gone. Asked before each use, so
    /// it must be cheap; `false` where executors do not end.
    fn is_orphaned(&mut self) -> bool {
        false
    }
}

/// Ends a stream's pending and later reads and writes from elsewhere. Cheap to clone; closing twice is harmless.
#[derive(Clone)]
pub struct Closer(Arc<dyn Close>);

/// What a [`Closer`] does; implemented by adapters.
pub trait Close: Send + Sync + 'static {
    /// Ends the stream's pending and later calls.
    fn close(&self);
}

impl Closer {
    /// A closer that calls `close`.
    pub fn new(close: Arc<dyn Close>) -> Self {
        Self(close)
    }

    /// Ends the stream's pending and later calls.
    pub fn close(&self) {
        self.0.close();
    }
}

impl fmt::Debug for Closer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Closer")
    }
}

/// A [`Close`] for adapters whose streams wait with wakers: a flag, and the waker of the pending call.
#[derive(Debug, Default)]
pub struct CloseSignal {
    closed: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl CloseSignal {
    /// A signal that has not been given yet.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Call this before returning `Pending`: fails if the stream was closed, else makes `close` wake `cx`.
    pub fn register(&self, cx: &Context<'_>) -> io::Result<()> {
        let mut waker = self.waker.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match &mut *waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        drop(waker);
        self.check()
    }

    /// Fails if the stream was closed.
    pub fn check(&self) -> io::Result<()> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the connection was closed by the driver"));
        }
        Ok(())
    }
}

impl Close for CloseSignal {
    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        let waker = self.waker.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
