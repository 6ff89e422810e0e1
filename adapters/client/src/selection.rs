//! Waiting for a server that suits, and choosing with the application's own selector.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;

use stator_proto::Instant;
use stator_proto::cluster::ServerId;
use stator_proto::select::SelectionFailure;

use crate::checkout::Ask;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::event::{Category, Event, SelectionEvent, SelectionEventKind, Selector};
use crate::hub::{Hub, SrvState, lock};
use crate::inner::Core;
use crate::runtime::Runtime;
use crate::topology::TopologyDescription;

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
    pub(crate) async fn changed(&self, round: u64, until: Instant) -> Result<bool> {
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

/// Tells listeners how the selection of a server goes. Nothing at all where nobody listens.
#[derive(Debug)]
pub(crate) struct Telling<'a, R: Runtime> {
    core: &'a Core<R>,
    ask: &'a Ask<'a>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nobody listens.
    Silent,
    Started,
    /// Told that it waits; that is told once.
    Waiting,
    Over,
}

impl<'a, R: Runtime> Telling<'a, R> {
    pub(crate) fn begin(core: &'a Core<R>, ask: &'a Ask<'a>) -> Self {
        let stage = if core.deliveries.listeners().wants(Category::Selection) { Stage::Started } else { Stage::Silent };
        let telling = Self { core, ask, stage };
        telling.tell(SelectionEventKind::Started);
        telling
    }

    /// A look at the cluster has chosen a server, or none. Called with the hub locked: told at once would be too early.
    pub(crate) fn looked(&mut self, hub: &mut Hub<R>, selected: Option<ServerId>) {
        if matches!(self.stage, Stage::Silent | Stage::Over) {
            return;
        }
        let Some(site) = selected.and_then(|server| hub.site(server)) else { return };
        self.stage = Stage::Over;
        let kind = SelectionEventKind::Succeeded { address: stator_proto::ServerAddress::clone(&site.address) };
        let description = hub.cluster.description().clone();
        self.push(kind, &description);
    }

    pub(crate) fn waits(&mut self, now: Instant) {
        if self.stage == Stage::Started {
            self.stage = Stage::Waiting;
            let remaining = (!self.ask.select_by.is_far_future()).then(|| self.ask.select_by.duration_since(now));
            self.tell(SelectionEventKind::Waiting { remaining });
        }
    }

    pub(crate) fn fails(&mut self, error: &Error) {
        if matches!(self.stage, Stage::Started | Stage::Waiting) {
            self.stage = Stage::Over;
            self.tell(SelectionEventKind::Failed { failure: error.clone() });
        }
    }

    fn tell(&self, kind: SelectionEventKind) {
        if self.stage == Stage::Silent {
            return;
        }
        let description = lock(&self.core.hub).cluster.description().clone();
        self.push(kind, &description);
        self.core.deliveries.deliver();
    }

    fn push(&self, kind: SelectionEventKind, description: &std::sync::Arc<TopologyDescription>) {
        let Ask { target, name, operation_id, .. } = self.ask;
        self.core.deliveries.push(Category::Selection, || {
            Event::Selection(SelectionEvent::new(name, *operation_id, Selector::from(target), description, kind))
        });
    }
}

/// Whatever ends a selection before a server was chosen is told: above all a future that was dropped.
impl<R: Runtime> Drop for Telling<'_, R> {
    fn drop(&mut self) {
        if matches!(self.stage, Stage::Started | Stage::Waiting) {
            self.fails(&Error::new(Phase::Select, ErrorKind::Abandoned));
        } else if self.stage == Stage::Over {
            self.core.deliveries.deliver();
        }
    }
}
