//! A second task for a second question: the two are never joined in one (R2).

use core::future::{Future, poll_fn};
use core::task::{Poll, Waker};
use std::sync::{Arc, Mutex, Weak};

use crate::hub::lock;
use crate::runtime::Runtime;

/// Work that is done in a task of its own. When this is dropped, nobody hears of its end.
pub(super) struct Side<T>(Arc<Mutex<Slot<T>>>);

enum Slot<T> {
    Running(Option<Waker>),
    /// `None`: the task was dropped before its end.
    Over(Option<T>),
}

impl<T: Send + 'static> Side<T> {
    /// Starts the work; `None` where there are no tasks.
    pub(super) fn start<R: Runtime>(
        runtime: &R,
        name: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<Self> {
        let slot = Arc::new(Mutex::new(Slot::Running(None)));
        let report = Report { slot: Arc::downgrade(&slot), result: None };
        let task = async move {
            let mut report = report;
            report.result = Some(work.await);
        };
        runtime.spawn(name, task).ok().map(|()| Self(slot))
    }

    /// Waits for the result; `None` if the task was dropped by a dying runtime.
    pub(super) async fn finish(self) -> Option<T> {
        poll_fn(|cx| match &mut *lock(&self.0) {
            Slot::Over(result) => Poll::Ready(result.take()),
            Slot::Running(waker) => {
                *waker = Some(cx.waker().clone());
                Poll::Pending
            }
        })
        .await
    }
}

/// Reports when it is dropped, which is also when its task is.
struct Report<T> {
    slot: Weak<Mutex<Slot<T>>>,
    result: Option<T>,
}

impl<T> Drop for Report<T> {
    fn drop(&mut self) {
        let Some(slot) = self.slot.upgrade() else { return };
        let before = core::mem::replace(&mut *lock(&slot), Slot::Over(self.result.take()));
        if let Slot::Running(Some(waker)) = before {
            waker.wake();
        }
    }
}
