//! Happy eyeballs (RFC 8305) over several addresses of one host.
//!
//! ```text
//!  caller: waits on the race, and on a timer        tasks: one for each attempt
//!     start 1 ────────────────────────────────────▶ connect 1 ─── failed ──▶ race
//!     start 2, 250 ms later or when 1 has failed ─▶ connect 2 ─── stream ──▶ race ──▶ the caller takes it
//!     ...                                           connect 3 ─── stream ──▶ (race is gone) closed
//! ```
//!
//! The caller owns the race and the tasks hold it weakly, so when the caller is dropped they have nobody to give a stream to.
//! None of them starts another.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Poll, Waker};
use core::time::Duration;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, Weak};

use crate::hub::lock;
use crate::runtime::{Endpoint, Instant, Runtime};

/// How long an attempt has before the next begins beside it (RFC 8305, section 5).
const DELAY: Duration = Duration::from_millis(250);

/// What an address gets at least where they are tried one after the other: a SYN that was lost is sent again after 1 s.
const LEAST_SHARE: Duration = Duration::from_secs(2);

type Race<S> = Mutex<State<S>>;

struct State<S> {
    winner: Option<S>,
    failures: Vec<(SocketAddr, io::Error)>,
    running: usize,
    /// An attempt has failed since the caller looked.
    failed: bool,
    waker: Option<Waker>,
}

/// Connects to whichever of the addresses answers first.
///
/// # Errors
/// [`ErrorKind::TimedOut`] if any attempt has timed out; else an error that says what was wrong with each address.
pub(super) async fn connect<R: Runtime>(
    runtime: &R,
    addresses: Vec<SocketAddr>,
    deadline: Instant,
) -> io::Result<R::Stream> {
    let state = State { winner: None, failures: Vec::new(), running: 0, failed: false, waker: None };
    let race: Arc<Race<R::Stream>> = Arc::new(Mutex::new(state));
    let mut waiting = addresses.into_iter();
    while let Some(address) = waiting.next() {
        lock(&race).running += 1;
        let attempt = Attempt { race: Arc::downgrade(&race), address, outcome: None };
        let task = attempt.run(runtime.clone(), deadline);
        if runtime.spawn("stator-connect", task).is_err() && lock(&race).running == 0 {
            // The task was dropped and has said so. Without tasks there is only one way on; the address itself is not lost.
            let left = [address].into_iter().chain(waiting).collect();
            return in_turn(runtime, left, deadline).await;
        }
        // The last one is waited for, together with all that still run.
        let (until, patient) = match waiting.as_slice() {
            [] => (deadline, true),
            _ => (deadline.min(runtime.now() + DELAY), false),
        };
        if let Some(stream) = wait(runtime, &race, until, patient).await {
            return Ok(stream);
        }
        if runtime.now() >= deadline {
            return Err(ErrorKind::TimedOut.into());
        }
    }
    let failures = core::mem::take(&mut lock(&race).failures);
    Err(sum_up(failures))
}

/// Waits for a stream; `None` when no attempt runs any more, at `until` and, unless `patient`, as soon as any has failed.
async fn wait<R: Runtime>(runtime: &R, race: &Race<R::Stream>, until: Instant, patient: bool) -> Option<R::Stream> {
    let mut timer = pin!(runtime.sleep_until(until));
    poll_fn(|cx| {
        {
            let mut state = lock(race);
            let failed = core::mem::take(&mut state.failed);
            if state.winner.is_some() || state.running == 0 || (failed && !patient) {
                return Poll::Ready(state.winner.take());
            }
            match &mut state.waker {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
        }
        timer.as_mut().poll(cx).map(|()| None)
    })
    .await
}

/// One attempt; it reports when it is dropped, whether it ran to its end or its runtime has died.
struct Attempt<S> {
    race: Weak<Race<S>>,
    address: SocketAddr,
    outcome: Option<io::Result<S>>,
}

impl<S> Attempt<S> {
    async fn run<R: Runtime<Stream = S>>(mut self, runtime: R, deadline: Instant) {
        if self.race.strong_count() > 0 {
            self.outcome = Some(runtime.connect(&Endpoint::Tcp(self.address), deadline).await);
        }
    }
}

impl<S> Drop for Attempt<S> {
    fn drop(&mut self) {
        let outcome = self.outcome.take();
        // With nobody to take it, or with a winner before it, a stream is closed by being dropped here, after the lock.
        let Some(race) = self.race.upgrade() else { return };
        let mut loser = None;
        let mut state = lock(&race);
        state.running -= 1;
        state.failed |= !matches!(outcome, Some(Ok(_)));
        match outcome {
            Some(Ok(stream)) if state.winner.is_none() => state.winner = Some(stream),
            Some(Ok(stream)) => loser = Some(stream),
            Some(Err(error)) => state.failures.push((self.address, error)),
            None => state.failures.push((self.address, io::Error::other("the runtime dropped the task"))),
        }
        let waker = state.waker.take();
        drop(state);
        drop(loser);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Tries the addresses one after the other, each with an equal share of the time that is left, so that one that is silent does
/// not take it all.
async fn in_turn<R: Runtime>(runtime: &R, addresses: Vec<SocketAddr>, deadline: Instant) -> io::Result<R::Stream> {
    let mut failures = Vec::new();
    for (address, left) in addresses.iter().zip((1..=addresses.len() as u32).rev()) {
        let now = runtime.now();
        let share = match left {
            2.. if !deadline.is_far_future() => deadline.min(now + ((deadline - now) / left).max(LEAST_SHARE)),
            _ => deadline,
        };
        match runtime.connect(&Endpoint::Tcp(*address), share).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failures.push((*address, error)),
        }
    }
    Err(sum_up(failures))
}

/// One error of many.
fn sum_up(mut failures: Vec<(SocketAddr, io::Error)>) -> io::Error {
    if failures.iter().any(|(_, error)| error.kind() == ErrorKind::TimedOut) {
        return ErrorKind::TimedOut.into();
    }
    let Some((_, last)) = failures.last() else {
        return io::Error::new(ErrorKind::NotFound, "the host name has no address");
    };
    let kind = last.kind();
    match failures.len() {
        1 => failures.remove(0).1,
        _ => {
            let each: Vec<String> = failures.iter().map(|(address, error)| format!("{address}: {error}")).collect();
            io::Error::new(kind, each.join("; "))
        }
    }
}
