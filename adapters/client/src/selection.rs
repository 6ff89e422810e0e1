//! Waiting for a server that suits, and choosing with the application's own selector.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;

use stator_proto::select::SelectionFailure;

use crate::checkout::Ask;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::hub::{SrvState, lock};
use crate::inner::Core;
use crate::runtime::Runtime;

impl<R: Runtime> Core<R> {
    /// Waits until something was learnt after `round`.
    ///
    /// # Errors
    ///
    /// The time to select is up; the error names every server and why it does not serve. Or the seeds cannot be had at all.
    pub(crate) async fn wait_for_change(&self, round: u64, ask: &Ask<'_>) -> Result<()> {
        self.changed(round, ask.select_by).await?.then_some(()).ok_or_else(|| self.selection_failed(ask))
    }

    /// Waits until something was learnt after `round`; `false` if that did not happen in time.
    pub(crate) async fn changed(&self, round: u64, until: stator_proto::Instant) -> Result<bool> {
        let watch = Watch { core: self, number: lock(&self.hub).watchers.register() };
        let mut timer = pin!(self.runtime.sleep_until(until));
        poll_fn(|cx| {
            // The former one, dropped after the lock.
            let _waker;
            {
                let mut hub = lock(&self.hub);
                if let SrvState::Needed(Some((failed_in, error))) = &hub.srv
                    && *failed_in > round
                {
                    return Poll::Ready(Err(error.clone()));
                }
                if hub.watchers.round() > round {
                    return Poll::Ready(Ok(true));
                }
                _waker = hub.watchers.wait(watch.number, cx.waker());
            }
            timer.as_mut().poll(cx).map(|()| Ok(false))
        })
        .await
    }

    fn selection_failed(&self, ask: &Ask<'_>) -> Error {
        let hub = lock(&self.hub);
        let description = hub.cluster.description().clone();
        let options = hub.cluster.select_options();
        drop(hub);
        let failure = SelectionFailure::new(description, &ask.target, options);
        Error::new(Phase::Select, ErrorKind::Selection(Box::new(failure)))
    }
}

/// A place among those who want to be woken; dropping it leaves them.
struct Watch<'c, R: Runtime> {
    core: &'c Core<R>,
    number: u64,
}

impl<R: Runtime> Drop for Watch<'_, R> {
    fn drop(&mut self) {
        // Its drop may run anything, so it comes after the lock.
        let _waker = lock(&self.core.hub).watchers.leave(self.number);
    }
}
