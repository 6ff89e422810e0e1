//! `block_on` and timers for plain threads (R3): a thread parks until a wake or until the earliest of its timers.

use core::cell::{Cell, RefCell};
use core::convert::Infallible;
use core::future::Future;
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::task::{Context, Poll, Waker};
use std::collections::BTreeMap;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Wake;
use std::thread::{self, Thread};

use super::monotonic_now;
use crate::runtime::Instant;

thread_local! {
    /// Whether a `block_on` is on this thread's stack.
    static ENTERED: Cell<bool> = const { Cell::new(false) };
    /// Kept from one `block_on` to the next, so that a call allocates nothing.
    static SPARE: Cell<Option<Arc<Parked>>> = const { Cell::new(None) };
    static TIMERS: RefCell<BTreeMap<(Instant, u64), Waker>> = const { RefCell::new(BTreeMap::new()) };
}

/// Runs `future` to its end on this thread. May be nested: the outer future then waits for the inner one.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let _entered = Entered(ENTERED.replace(true));
    let mut future = pin!(future);
    let parked = SPARE.take().unwrap_or_else(Parked::new);
    let waker = Waker::from(Arc::clone(&parked));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            SPARE.set(Some(parked));
            return output;
        }
        // A nested call may eat the token that `unpark` leaves, but never this flag.
        while !parked.woken.swap(false, Ordering::AcqRel) {
            match wake_due() {
                Some(next) => thread::park_timeout(next - monotonic_now()),
                None => thread::park(),
            }
        }
    }
}

/// A timer for a thread without a reactor.
///
/// It completes at `at` and never for [`Instant::FAR_FUTURE`]. Inside of [`block_on`] it is one entry in the thread's
/// list of timers. Under any other executor a helper thread sleeps and wakes the task; it starts with the first poll and ends
/// when the future is dropped. If no thread can be started the future completes at once: waiting would be forever.
pub fn sleep_on_thread(at: Instant) -> ThreadSleep {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    ThreadSleep { key: (at, NEXT.fetch_add(1, Ordering::Relaxed)), helper: None }
}

/// The future of [`sleep_on_thread`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct ThreadSleep {
    key: (Instant, u64),
    helper: Option<Helper>,
}

impl Future for ThreadSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let (at, _) = self.key;
        if at.is_far_future() {
            return Poll::Pending;
        }
        if monotonic_now() >= at {
            return Poll::Ready(());
        }
        if ENTERED.get() {
            // The replaced waker is dropped here, after the borrow: its drop may run anything.
            drop(TIMERS.with_borrow_mut(|timers| timers.insert(self.key, cx.waker().clone())));
            return Poll::Pending;
        }
        match &self.helper {
            Some(helper) => helper.waker.lock().unwrap_or_else(PoisonError::into_inner).clone_from(cx.waker()),
            None => self.helper = Helper::start(at, cx.waker()),
        }
        // After the waker is stored, so that a helper that has just used the old one is noticed.
        if self.helper.is_none() || monotonic_now() >= at { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for ThreadSleep {
    fn drop(&mut self) {
        // Fails while the thread ends, when the timers are gone already.
        drop(TIMERS.try_with(|timers| timers.borrow_mut().remove(&self.key)));
    }
}

/// Wakes the timers that are due and says when the next one is. No waker runs under the borrow.
fn wake_due() -> Option<Instant> {
    loop {
        let first = TIMERS.with_borrow(|timers| timers.first_key_value().map(|(key, _)| *key))?;
        if first.0 > monotonic_now() {
            return Some(first.0);
        }
        if let Some(waker) = TIMERS.with_borrow_mut(|timers| timers.remove(&first)) {
            waker.wake();
        }
    }
}

/// Restores what was before, also when the future panics.
struct Entered(bool);

impl Drop for Entered {
    fn drop(&mut self) {
        ENTERED.set(self.0);
    }
}

struct Parked {
    thread: Thread,
    woken: AtomicBool,
}

impl Parked {
    fn new() -> Arc<Self> {
        Arc::new(Self { thread: thread::current(), woken: AtomicBool::new(false) })
    }
}

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

#[derive(Debug)]
struct Helper {
    /// Nothing is ever sent; dropping it ends the thread.
    _alive: Sender<Infallible>,
    waker: Arc<Mutex<Waker>>,
}

impl Helper {
    fn start(at: Instant, waker: &Waker) -> Option<Self> {
        let (alive, ended) = channel::<Infallible>();
        let waker = Arc::new(Mutex::new(waker.clone()));
        let helper = Self { _alive: alive, waker: Arc::clone(&waker) };
        let wait = move || {
            if let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(at - monotonic_now()) {
                let waker = waker.lock().unwrap_or_else(PoisonError::into_inner).clone();
                waker.wake();
            }
        };
        thread::Builder::new().name("stator-timer".into()).spawn(wait).ok()?;
        Some(helper)
    }
}

#[cfg(test)]
#[path = "thread_tests.rs"]
mod tests;
