use core::future::poll_fn;
use core::sync::atomic::AtomicUsize;
use core::time::Duration;

use super::*;

/// A waker that sends itself to the thread that waits.
struct Tell(Sender<()>, AtomicUsize);

impl Wake for Tell {
    fn wake(self: Arc<Self>) {
        self.1.fetch_add(1, Ordering::SeqCst);
        // The test may have ended already.
        let _ = self.0.send(());
    }
}

#[test]
fn the_helper_thread_wakes_the_newest_waker_at_the_deadline() {
    let (old, _ignored) = channel();
    let (new, woken) = channel();
    let (old, new) = (Arc::new(Tell(old, AtomicUsize::new(0))), Arc::new(Tell(new, AtomicUsize::new(0))));
    let at = monotonic_now() + Duration::from_millis(200);
    let mut sleep = pin!(sleep_on_thread(at));
    assert!(sleep.as_mut().poll(&mut Context::from_waker(&old.clone().into())).is_pending());
    assert!(sleep.as_mut().poll(&mut Context::from_waker(&new.clone().into())).is_pending());
    woken.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(monotonic_now() >= at);
    assert!(sleep.as_mut().poll(&mut Context::from_waker(&new.into())).is_ready());
    assert_eq!(old.1.load(Ordering::SeqCst), 0);
}

#[test]
fn a_passed_deadline_is_over_and_far_future_starts_no_thread() {
    let mut cx = Context::from_waker(Waker::noop());
    assert!(pin!(sleep_on_thread(Instant::ORIGIN)).poll(&mut cx).is_ready());
    let mut never = sleep_on_thread(Instant::FAR_FUTURE);
    assert!(Pin::new(&mut never).poll(&mut cx).is_pending());
    assert!(never.helper.is_none());
}

#[test]
fn dropping_the_sleep_ends_its_thread() {
    let mut sleep = sleep_on_thread(monotonic_now() + Duration::from_secs(3600));
    let (tell, woken) = channel();
    let waker = Arc::new(Tell(tell, AtomicUsize::new(0))).into();
    assert!(Pin::new(&mut sleep).poll(&mut Context::from_waker(&waker)).is_pending());
    drop((sleep, waker));
    // The thread held the last waker: when it ends, the channel does.
    assert_eq!(woken.recv_timeout(Duration::from_secs(20)), Err(RecvTimeoutError::Disconnected));
}

#[test]
fn block_on_waits_for_wakes_from_other_threads() {
    let (mut polls, done) = (0, Arc::new(AtomicBool::new(false)));
    block_on(poll_fn(|cx| {
        polls += 1;
        if done.load(Ordering::SeqCst) {
            return Poll::Ready(());
        }
        let (done, waker) = (Arc::clone(&done), cx.waker().clone());
        thread::spawn(move || {
            done.store(true, Ordering::SeqCst);
            waker.wake();
        });
        Poll::Pending
    }));
    assert_eq!(polls, 2);
}

#[test]
fn block_on_keeps_timers_without_threads_and_forgets_dropped_ones() {
    let soon = monotonic_now() + Duration::from_millis(20);
    block_on(async {
        let mut dropped = sleep_on_thread(soon);
        let mut later = sleep_on_thread(soon + Duration::from_secs(3600));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut dropped).poll(&mut cx).is_pending());
        assert!(Pin::new(&mut later).poll(&mut cx).is_pending());
        assert!(later.helper.is_none());
        assert_eq!(TIMERS.with_borrow(BTreeMap::len), 2);
        drop(dropped);
        assert_eq!(TIMERS.with_borrow(BTreeMap::len), 1);
        sleep_on_thread(soon).await;
    });
    assert!(monotonic_now() >= soon);
    assert_eq!(TIMERS.with_borrow(BTreeMap::len), 0);
}

/// A timer under a waker of its own, as combinators have, is woken and not only found by chance.
#[test]
fn timers_wake_the_waker_that_polled_them() {
    let (tell, woken) = channel();
    let tell = Arc::new(Tell(tell, AtomicUsize::new(0)));
    let soon = monotonic_now() + Duration::from_millis(10);
    block_on(async {
        let mut inner = sleep_on_thread(soon);
        assert!(Pin::new(&mut inner).poll(&mut Context::from_waker(&tell.clone().into())).is_pending());
        sleep_on_thread(soon + Duration::from_millis(10)).await;
        assert!(woken.try_recv().is_ok());
    });
}

#[test]
fn a_nested_block_on_does_not_lose_the_wake_of_the_outer_one() {
    let soon = monotonic_now() + Duration::from_millis(10);
    let mut first = true;
    block_on(poll_fn(|cx| {
        if !std::mem::take(&mut first) {
            return Poll::Ready(());
        }
        // The token is taken by the nested call, which waits longer than this wake.
        cx.waker().wake_by_ref();
        block_on(sleep_on_thread(soon));
        Poll::Pending
    }));
    assert!(monotonic_now() >= soon);
}
