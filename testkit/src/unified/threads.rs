//! Thread entities: tasks that carry out one operation after the other.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use stator_client::{Instant, Runtime};

use super::case::Case;
use super::operations;
use super::schema::Operation;
use super::signal::{Signal, lock};
use super::stop::{Outcome, Stop};

/// How long a thread may take for what is left, once no more comes.
const PATIENCE: Duration = Duration::from_secs(10);

/// A thread entity.
#[derive(Debug, Default)]
pub(super) struct Thread {
    state: Mutex<State>,
    changed: Signal,
}

#[derive(Debug, Default)]
struct State {
    todo: VecDeque<Operation>,
    /// No more operations come.
    closed: bool,
    ended: Option<Outcome>,
}

impl Thread {
    /// Starts a thread, which waits for operations.
    pub(super) fn start<R: Runtime>(case: &Arc<Case<R>>) -> Outcome<Arc<Self>> {
        let thread = Arc::new(Self::default());
        let task = work(Arc::downgrade(case), case.runtime.clone(), Arc::clone(&thread));
        case.runtime.spawn("test-thread", task).map_err(|error| Stop::fail(error.to_string()))?;
        Ok(thread)
    }

    /// Gives it an operation, without waiting for it.
    pub(super) fn run(&self, operation: Operation) -> Outcome {
        let mut state = lock(&self.state);
        if state.closed {
            return Err("an operation for a thread that was waited for".into());
        }
        state.todo.push_back(operation);
        drop(state);
        self.changed.notify();
        Ok(())
    }

    /// Lets it end after what it has to do.
    pub(super) fn close(&self) {
        lock(&self.state).closed = true;
        self.changed.notify();
    }

    /// Lets it end, waits for that, and says how it went.
    pub(super) async fn join<R: Runtime>(&self, runtime: &R) -> Outcome {
        self.close();
        let ended = || lock(&self.state).ended.clone();
        let ended = self.changed.until(runtime, runtime.now() + PATIENCE, ended).await;
        ended.unwrap_or_else(|| Err(format!("a thread did not end within {} s", PATIENCE.as_secs()).into()))
    }

    /// The next operation; `None` when there will be none.
    async fn next<R: Runtime>(&self, runtime: &R) -> Option<Operation> {
        let next = || {
            let mut state = lock(&self.state);
            match state.todo.pop_front() {
                Some(operation) => Some(Some(operation)),
                None => state.closed.then_some(None),
            }
        };
        self.changed.until(runtime, Instant::FAR_FUTURE, next).await.flatten()
    }
}

async fn work<R: Runtime>(case: Weak<Case<R>>, runtime: R, thread: Arc<Thread>) {
    let mut outcome = Ok(());
    while let Some(operation) = thread.next(&runtime).await {
        // The case is over: nobody wants to know any more.
        let Some(case) = case.upgrade() else { break };
        outcome = operations::execute(&case, &operation).await;
        if outcome.is_err() {
            break;
        }
    }
    lock(&thread.state).ended = Some(outcome);
    thread.changed.notify();
}
