//! The run loop that polls every task on the calling thread.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use super::{Run, SimError, TaskId, World};

impl World {
    pub(super) fn run_inline<F: Future>(self: &Arc<Self>, main: &Run<'_>, future: F) -> Result<F::Output, SimError> {
        let mut future = pin!(future);
        loop {
            let id = self.next()?;
            if id != main.id {
                self.poll_task(id);
                continue;
            }
            let Some(waker) = self.with(|state| {
                state.current = Some(id);
                state.tasks.get(&id).map(|task| task.waker.clone())
            }) else {
                return Err(SimError::Ended);
            };
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Ok(output);
            }
        }
    }

    fn poll_task(&self, id: TaskId) {
        // The future leaves its slot while it is polled: polling runs without the lock.
        let taken = self.with(|state| {
            state.current = Some(id);
            let task = state.tasks.get_mut(&id)?;
            Some((task.future.take()?, task.waker.clone()))
        });
        let Some((mut future, waker)) = taken else { return };
        let remove = RemoveTask(self, id);
        if future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            drop(future);
            return;
        }
        core::mem::forget(remove);
        self.with(|state| {
            if let Some(task) = state.tasks.get_mut(&id) {
                task.future = Some(future);
            }
        });
    }
}

/// Removes a task that has ended or panicked.
struct RemoveTask<'a>(&'a World, TaskId);

impl Drop for RemoveTask<'_> {
    fn drop(&mut self) {
        drop(self.0.with(|state| state.remove_task(self.1)));
    }
}
