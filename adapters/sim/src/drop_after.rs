//! Futures that are dropped at a chosen await point.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

/// Polls `future` at most `polls` times and drops it as soon as the last of these polls has returned `Pending`:
/// `Some(output)` if it finished, `None` if it was dropped. 0 drops it before it was polled.
///
/// Run a test for `polls` = 0, 1, 2... until the first `Some`: the future was then dropped at each of its await points.
pub fn drop_after<F: Future>(future: F, polls: usize) -> DropAfter<F> {
    DropAfter { future: Some(Box::pin(future)), left: polls, on_wake: false }
}

/// As [`drop_after`], but the future is dropped at the next wake-up after its last poll: what it waited for has arrived
/// (a grant, a reply), and it never gets to take it.
pub fn drop_when_woken_after<F: Future>(future: F, polls: usize) -> DropAfter<F> {
    DropAfter { future: Some(Box::pin(future)), left: polls, on_wake: true }
}

/// See [`drop_after`] and [`drop_when_woken_after`].
#[must_use = "futures do nothing unless polled"]
pub struct DropAfter<F> {
    future: Option<Pin<Box<F>>>,
    left: usize,
    on_wake: bool,
}

impl<F: Future> Future for DropAfter<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(future) = &mut this.future else { return Poll::Ready(None) };
        if this.left > 0 {
            this.left -= 1;
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                this.future = None;
                return Poll::Ready(Some(output));
            }
            if this.left > 0 || this.on_wake {
                return Poll::Pending;
            }
        }
        this.future = None;
        Poll::Ready(None)
    }
}

impl<F> fmt::Debug for DropAfter<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DropAfter").field("polls_left", &self.left).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::task::Waker;

    /// Ready at its `n`-th poll.
    fn ready_at(n: usize) -> impl Future<Output = usize> {
        let mut polls = 0;
        core::future::poll_fn(move |_| {
            polls += 1;
            if polls == n { Poll::Ready(n) } else { Poll::Pending }
        })
    }

    #[test]
    fn the_future_is_polled_at_most_n_times() {
        let cx = &mut Context::from_waker(Waker::noop());
        assert_eq!(Pin::new(&mut drop_after(ready_at(1), 0)).poll(cx), Poll::Ready(None));
        assert_eq!(Pin::new(&mut drop_after(ready_at(1), 1)).poll(cx), Poll::Ready(Some(1)));
        assert_eq!(Pin::new(&mut drop_after(ready_at(2), 1)).poll(cx), Poll::Ready(None));
        let mut twice = drop_after(ready_at(2), 2);
        assert_eq!(Pin::new(&mut twice).poll(cx), Poll::Pending);
        assert_eq!(Pin::new(&mut twice).poll(cx), Poll::Ready(Some(2)));
    }

    #[test]
    fn the_woken_variant_drops_one_wake_later() {
        let cx = &mut Context::from_waker(Waker::noop());
        let mut future = drop_when_woken_after(ready_at(2), 1);
        assert_eq!(Pin::new(&mut future).poll(cx), Poll::Pending);
        assert!(future.future.is_some(), "still alive while it waits");
        assert_eq!(Pin::new(&mut future).poll(cx), Poll::Ready(None));
        assert!(future.future.is_none());
    }
}
