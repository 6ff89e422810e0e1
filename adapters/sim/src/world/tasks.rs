//! Tasks, their wakers, and the choice of who runs next.

use core::future::Future;
use core::pin::Pin;
use core::task::Waker;
use std::sync::{Arc, Condvar, Weak};
use std::task::Wake;
use std::thread::JoinHandle;

use super::timers::Fire;
use super::{SimError, State, World};

pub(crate) type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Names a task; ascending in the order in which tasks were started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TaskId(pub(crate) u64);

/// Who started a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The future given to `Sim::run`.
    Main,
    /// `Runtime::spawn`: the code under test.
    Spawned,
    /// The world itself: handlers of listeners.
    Server,
}

pub(crate) struct Task {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The future between two polls, if the world polls it inline.
    pub(crate) future: Option<BoxFuture>,
    pub(crate) waker: Waker,
    /// In the ready list.
    queued: bool,
    /// Inside a blocking call: ordinary wake-ups are kept for later.
    blocked: bool,
    /// Woken while blocked.
    woken: bool,
    /// Told when the task's thread may run.
    pub(crate) turn: Arc<Condvar>,
    pub(crate) thread: Option<JoinHandle<()>>,
}

/// Somebody to tell: the waker of a pending poll, or a task whose thread is blocked.
#[derive(Clone, Debug)]
pub(crate) enum Waiter {
    Wake(Waker),
    Unblock(TaskId),
}

struct TaskWaker {
    world: Weak<World>,
    id: TaskId,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(world) = self.world.upgrade() {
            world.with(|state| state.wake(self.id));
        }
    }
}

impl World {
    /// Adds a task and makes it ready.
    pub(crate) fn add_task(self: &Arc<Self>, name: String, kind: Kind, future: Option<BoxFuture>) -> TaskId {
        self.with(|state| {
            let id = TaskId(state.next_task);
            state.next_task += 1;
            let waker = Waker::from(Arc::new(TaskWaker { world: Arc::downgrade(self), id }));
            let task = Task {
                name,
                kind,
                future,
                waker,
                queued: false,
                blocked: false,
                woken: false,
                turn: Arc::default(),
                thread: None,
            };
            state.tasks.insert(id, task);
            state.wake(id);
            id
        })
    }

    /// Chooses the task that runs next, moving the clock if none is ready.
    pub(crate) fn next(&self) -> Result<TaskId, SimError> {
        loop {
            let choice = self.with(|state| {
                if state.dead {
                    return Some(Err(SimError::Ended));
                }
                if state.steps >= state.polls_end && !state.ready.is_empty() {
                    return Some(Err(SimError::OutOfPolls { at: state.now, tasks: state.task_names() }));
                }
                state.take_ready().map(Ok).or_else(|| state.pass_time().err().map(Err))
            });
            if let Some(choice) = choice {
                return choice;
            }
        }
    }
}

impl State {
    pub(crate) fn wake(&mut self, id: TaskId) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        if task.blocked {
            task.woken = true;
        } else if !task.queued {
            task.queued = true;
            self.ready.push(id);
        }
    }

    fn unblock(&mut self, id: TaskId) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        if task.blocked && !task.queued {
            task.queued = true;
            self.ready.push(id);
        }
    }

    /// From here on only [`Waiter::Unblock`] makes the task ready.
    pub(crate) fn begin_block(&mut self, id: TaskId) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        task.blocked = true;
        if task.queued {
            task.queued = false;
            task.woken = true;
            self.ready.retain(|ready| *ready != id);
        }
    }

    /// A wake-up that came meanwhile leads to another poll.
    pub(crate) fn end_block(&mut self, id: TaskId) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        task.blocked = false;
        if core::mem::take(&mut task.woken) {
            self.wake(id);
        }
    }

    /// Tells a waiter; wakers run after the lock is released.
    pub(crate) fn rouse(&mut self, waiter: Waiter) {
        match waiter {
            Waiter::Wake(waker) => self.to_wake.push(waker),
            Waiter::Unblock(id) => self.unblock(id),
        }
    }

    pub(crate) fn remove_task(&mut self, id: TaskId) -> Option<Task> {
        self.ready.retain(|ready| *ready != id);
        self.tasks.remove(&id)
    }

    fn take_ready(&mut self) -> Option<TaskId> {
        if self.ready.is_empty() {
            return None;
        }
        let choice = self.schedule.below(self.ready.len());
        let id = self.ready.swap_remove(choice);
        if let Some(task) = self.tasks.get_mut(&id) {
            task.queued = false;
        }
        self.steps += 1;
        self.note(id.0);
        Some(id)
    }

    /// Nothing is ready: the clock jumps to the earliest timer.
    fn pass_time(&mut self) -> Result<(), SimError> {
        let Some(at) = self.timers.earliest() else {
            return Err(SimError::Deadlock { at: self.now, tasks: self.task_names() });
        };
        if at > self.run_ends {
            return Err(SimError::OutOfTime { at: self.now, tasks: self.task_names() });
        }
        self.now = self.now.max(at);
        while let Some(fire) = self.timers.pop(self.now) {
            match fire {
                Fire::Rouse(waiter) => self.rouse(waiter),
                Fire::Pipe(pipe) => self.rouse_pipe(pipe),
            }
        }
        Ok(())
    }

    /// The main task first, then the others in the order of their start.
    pub(crate) fn task_names(&self) -> Vec<String> {
        let (mut first, rest): (Vec<_>, Vec<_>) = self.tasks.values().partition(|task| task.kind == Kind::Main);
        first.extend(rest);
        first.into_iter().map(|task| task.name.clone()).collect()
    }
}
