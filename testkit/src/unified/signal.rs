//! Waiting for a condition with a deadline, on any runtime.

use core::future::poll_fn;
use core::pin::pin;
use core::task::{Poll, Waker};
use std::sync::{Mutex, MutexGuard, PoisonError};

use stator_client::{Instant, Runtime};

/// Wakes who waits, when something has changed.
#[derive(Debug, Default)]
pub(super) struct Signal {
    waiting: Mutex<Vec<Waker>>,
}

impl Signal {
    /// Something has changed: whoever waits looks again.
    pub(super) fn notify(&self) {
        let waiting = std::mem::take(&mut *lock(&self.waiting));
        waiting.into_iter().for_each(Waker::wake);
    }

    fn register(&self, waker: &Waker) {
        let mut waiting = lock(&self.waiting);
        if !waiting.iter().any(|known| known.will_wake(waker)) {
            waiting.push(waker.clone());
        }
    }

    /// Waits until `check` gives something; `None` when the deadline has passed before.
    pub(super) async fn until<R: Runtime, T>(
        &self,
        runtime: &R,
        deadline: Instant,
        mut check: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        let mut sleep = pin!(runtime.sleep_until(deadline));
        poll_fn(|cx| {
            // First: a change between the look and the registration must not be lost.
            self.register(cx.waker());
            match check() {
                Some(value) => Poll::Ready(Some(value)),
                None => sleep.as_mut().poll(cx).map(|()| check()),
            }
        })
        .await
    }
}

/// Locks; what a panicking test left behind is still worth reading.
pub(super) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `future`, unless the deadline passes first: then `None`, and the future is dropped.
pub(super) async fn before<R: Runtime, T>(
    runtime: &R,
    deadline: Instant,
    future: impl Future<Output = T>,
) -> Option<T> {
    let mut future = pin!(future);
    let mut sleep = pin!(runtime.sleep_until(deadline));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => sleep.as_mut().poll(cx).map(|()| None),
    })
    .await
}
