//! The blocking mode: a thread for each task, of which exactly one runs.
//!
//! ```text
//!            next() chose it                      poll_recv has nothing to read
//!   waiting ----------------> running (current) -------------------------------> blocked in the call
//!      ^                         |                                                   |
//!      +---- Pending, hand over -+  <------- unblocked by data, deadline, closer ----+
//! ```
//!
//! There is no scheduler thread: whoever gives up its turn chooses the next one under the lock and tells it.

use core::any::Any;
use core::future::Future;
use core::panic::AssertUnwindSafe;
use core::pin::pin;
use core::task::{Context, Poll};
use std::panic::{catch_unwind, resume_unwind};
use std::sync::Arc;

use super::{BoxFuture, Run, SimError, TaskId, World};

/// Why the run under way must end.
pub(super) enum Verdict {
    Error(SimError),
    Panic(Box<dyn Any + Send>),
}

/// The payload that unwinds a task which goes on making blocking calls in a world that has ended.
struct Unwound;

impl World {
    pub(super) fn run_threads<F: Future>(self: &Arc<Self>, main: &Run<'_>, future: F) -> Result<F::Output, SimError> {
        let mut future = pin!(future);
        let result = catch_unwind(AssertUnwindSafe(|| {
            loop {
                self.hand_over();
                let waker = self.wait_turn(main.id)?;
                if self.with(|state| state.verdict.is_some()) {
                    return None;
                }
                if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return Some(output);
                }
            }
        }));
        match (self.with(|state| state.verdict.take()), result) {
            (_, Err(panic)) if !panic.is::<Unwound>() => resume_unwind(panic),
            (Some(Verdict::Panic(panic)), _) => resume_unwind(panic),
            (Some(Verdict::Error(error)), _) => Err(error),
            (None, Ok(Some(output))) => Ok(output),
            (None, _) => Err(SimError::Ended),
        }
    }

    /// Gives the turn to the task that is next; to `main`, with the reason, if the run must end.
    fn hand_over(&self) {
        let next = self.next();
        self.with(|state| {
            let next = next.unwrap_or_else(|error| {
                state.verdict.get_or_insert(Verdict::Error(error));
                state.main.unwrap_or(TaskId(u64::MAX))
            });
            state.give_turn(next);
        });
    }

    /// Waits until it is this task's turn; `None` if the task is gone.
    fn wait_turn(&self, id: TaskId) -> Option<core::task::Waker> {
        let mut state = self.lock();
        loop {
            let task = state.tasks.get(&id)?;
            if state.current == Some(id) {
                return Some(task.waker.clone());
            }
            let turn = task.turn.clone();
            state = turn.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }

    /// Blocks the current task's thread until it is unblocked. `false` at once if the run must end, or no task runs.
    pub(crate) fn block(&self) -> bool {
        let Some(id) = self.with(|state| {
            let id = state.current.filter(|_| !state.is_over())?;
            state.begin_block(id);
            Some(id)
        }) else {
            return self.refuse_to_block();
        };
        self.hand_over();
        self.wait_turn(id);
        self.with(|state| {
            state.end_block(id);
            !state.is_over()
        }) || self.refuse_to_block()
    }

    /// A call that would block in a world that has ended fails; a task that does not take the hint is unwound.
    fn refuse_to_block(&self) -> bool {
        let refused = self.with(|state| {
            state.refused += 1;
            state.refused
        });
        if refused > REFUSALS && !std::thread::panicking() {
            resume_unwind(Box::new(Unwound));
        }
        false
    }

    /// Runs `future` to its end inside the current task, whose other doings stand still.
    pub(crate) fn block_on_nested<F: Future>(&self, id: TaskId, future: F) -> F::Output {
        let mut future = pin!(future);
        let mut waker = self.with(|state| state.tasks.get(&id).map(|task| task.waker.clone()));
        loop {
            let Some(current) = waker.filter(|_| !self.with(|state| state.is_over())) else {
                resume_unwind(Box::new(Unwound));
            };
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&current)) {
                return output;
            }
            self.hand_over();
            waker = self.wait_turn(id);
        }
    }

    /// Starts the thread of a task that was added.
    pub(crate) fn start_thread(self: &Arc<Self>, id: TaskId, name: &str, future: BoxFuture) -> std::io::Result<()> {
        for thread in self.with(|state| core::mem::take(&mut state.finished)) {
            // It has given up its last turn and returns.
            let _ = thread.join();
        }
        let world = self.clone();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || world.task_thread(id, future));
        match thread {
            Ok(thread) => self.with(|state| {
                if let Some(task) = state.tasks.get_mut(&id) {
                    task.thread = Some(thread);
                }
                Ok(())
            }),
            Err(error) => {
                self.with(|state| state.remove_task(id));
                Err(error)
            }
        }
    }

    fn task_thread(self: Arc<Self>, id: TaskId, mut future: BoxFuture) {
        let result = catch_unwind(AssertUnwindSafe(|| {
            while let Some(waker) = self.wait_turn(id) {
                if self.with(|state| state.dead)
                    || future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
                    || self.with(|state| state.dead)
                {
                    break;
                }
                self.hand_over();
            }
        }));
        // Dropping may run any code, and may panic too.
        let result = result.and(catch_unwind(AssertUnwindSafe(|| drop(future))));
        let (task, dead) = self.with(|state| {
            if let Err(panic) = result
                && !panic.is::<Unwound>()
            {
                state.verdict.get_or_insert(Verdict::Panic(panic));
            }
            let mut task = state.remove_task(id);
            state.finished.extend(task.as_mut().and_then(|task| task.thread.take()));
            state.current = None;
            (task, state.dead && state.main.is_none())
        });
        drop(task);
        if !dead {
            self.finish_turn();
        }
    }

    /// The last deed of a task's thread.
    fn finish_turn(&self) {
        let over = self.with(|state| match (state.verdict.is_some(), state.main) {
            (true, Some(main)) => {
                state.give_turn(main);
                true
            }
            _ => false,
        });
        if !over {
            self.hand_over();
        }
    }

    /// Gives each task's thread a last turn, one after the other, in which it drops its future and returns.
    pub(super) fn end_threads(&self) {
        loop {
            let (thread, finished) = self.with(|state| {
                let first = state.tasks.iter_mut().find_map(|(id, task)| Some((*id, task.thread.take()?)));
                if let Some((id, _)) = &first {
                    state.give_turn(*id);
                }
                (first, core::mem::take(&mut state.finished))
            });
            let done = thread.is_none() && finished.is_empty();
            for thread in thread.into_iter().map(|(_, thread)| thread).chain(finished) {
                let _ = thread.join();
            }
            if done {
                return;
            }
        }
    }
}

impl super::State {
    fn give_turn(&mut self, id: TaskId) {
        self.current = Some(id);
        if let Some(task) = self.tasks.get(&id) {
            task.turn.notify_all();
        }
    }

    /// The run must end: nothing blocks any more.
    fn is_over(&self) -> bool {
        self.dead || self.verdict.is_some()
    }
}

/// How many blocking calls fail in a world that has ended before the task that makes them is unwound.
const REFUSALS: u32 = 1000;
