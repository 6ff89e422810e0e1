//! The simulated world: clock, scheduler, tasks; and [`Sim`], the handle to it.

mod inline;
mod tasks;
mod threads;
mod timers;

use core::fmt;
use core::future::Future;
use core::task::Waker;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use stator_proto::Instant;

use crate::net::Net;
use crate::rng::{Rng, mix};
use crate::runtime::Sleep;
pub(crate) use tasks::{BoxFuture, Kind, TaskId, Waiter};
use timers::Timers;
pub(crate) use timers::{Fire, TimerId};

/// A handle to a simulated world, and its [`Runtime`](stator_client::Runtime).
///
/// The value that [`Sim::new`] returns owns the world: when it is dropped, all tasks are dropped and their threads end.
/// Clones are handles that own nothing (tasks hold them, so they could not); a handle whose world has ended refuses to
/// spawn, connect and look up.
///
/// A world is to be used from one thread (and, in the blocking mode, from the threads of its own tasks).
pub struct Sim {
    pub(crate) world: Arc<World>,
    pub(crate) owner: Option<Owner>,
}

/// How far one [`Sim::run`] may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Polls, of all tasks together. Ends loops in which tasks wake each other and no time passes.
    pub polls: u64,
    /// Virtual time. Ends runs that wait in vain while background tasks keep the clock moving.
    pub time: Duration,
}

impl Default for Limits {
    /// Five million polls, six hours.
    fn default() -> Self {
        Self { polls: 5_000_000, time: Duration::from_secs(6 * 3600) }
    }
}

/// Why [`Sim::run`] ended before its future did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SimError {
    /// No task is ready and no timer is armed: nothing can ever happen again.
    Deadlock {
        /// When it happened.
        at: Instant,
        /// All live tasks: `main` first, then the others in the order of their start, idle servers included.
        tasks: Vec<String>,
    },
    /// [`Limits::polls`] was reached.
    OutOfPolls {
        /// When it happened.
        at: Instant,
        /// All live tasks, as in `Deadlock`.
        tasks: Vec<String>,
    },
    /// [`Limits::time`] was reached.
    OutOfTime {
        /// When it happened.
        at: Instant,
        /// All live tasks, as in `Deadlock`.
        tasks: Vec<String>,
    },
    /// The world has ended: its owner was dropped.
    Ended,
    /// Another run of this world is under way.
    Busy,
}

impl fmt::Display for SimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, at, tasks) = match self {
            Self::Deadlock { at, tasks } => ("deadlock: no task is ready, no timer is armed", at, tasks),
            Self::OutOfPolls { at, tasks } => ("the limit of polls is reached", at, tasks),
            Self::OutOfTime { at, tasks } => ("the limit of virtual time is reached", at, tasks),
            Self::Ended => return f.write_str("the simulated world has ended"),
            Self::Busy => return f.write_str("another run of this world is under way"),
        };
        write!(f, "{what} at {:?}; tasks: {}", at.duration_since(Instant::ORIGIN), tasks.join(", "))
    }
}

impl std::error::Error for SimError {}

impl Sim {
    /// A world that polls all its tasks on the thread that calls [`run`](Self::run).
    pub fn new(seed: u64) -> Self {
        Self::build(seed, false)
    }

    /// A world in which each task has a thread of its own, and reads, writes, connects and lookups block it instead of
    /// returning `Pending`, as on plain threads. Only one thread runs at a time, and the seed chooses which.
    pub fn blocking(seed: u64) -> Self {
        Self::build(seed, true)
    }

    fn build(seed: u64, blocking: bool) -> Self {
        let world = Arc::new(World { state: Mutex::new(State::new(seed)), blocking, seed });
        Self { world: world.clone(), owner: Some(Owner(world)) }
    }

    /// Runs `future` as the task `main`, together with all other tasks, until it ends. The other tasks then stand still
    /// until the next run.
    ///
    /// # Errors
    /// If nothing can happen any more, or a limit is reached; the future is dropped then, the world stays usable.
    ///
    /// # Panics
    /// If a task panics, with its panic.
    pub fn run<F: Future>(&self, future: F) -> Result<F::Output, SimError> {
        let main = self.world.begin_run()?;
        let result = if self.world.blocking {
            self.world.run_threads(&main, future)
        } else {
            self.world.run_inline(&main, future)
        };
        drop(main);
        result
    }

    /// Sets the limits of later runs.
    pub fn set_limits(&self, limits: Limits) {
        self.world.with(|state| state.limits = limits);
    }

    /// Completes after `time` has passed.
    pub fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send + 'static + use<> {
        let at = self.world.with(|state| state.now) + time;
        Sleep::new(self.world.clone(), at)
    }

    /// Starts a task that belongs to the test rather than to the code under test: it does not count as
    /// [`spawned`](Self::spawned). Does nothing if the world has ended.
    pub fn spawn_aside(&self, name: &str, task: impl Future<Output = ()> + Send + 'static) {
        // The error says that the world has ended.
        let _ = self.world.start(name, Kind::Server, Box::pin(task));
    }

    /// A number in `0..below` (0 if `below` is 0), for the choices of a test: which fault, when, to whom.
    pub fn draw(&self, below: usize) -> usize {
        self.world.with(|state| state.choices.below(below))
    }

    /// The names of all tasks that were ever started with [`Runtime::spawn`](stator_client::Runtime::spawn), in order.
    /// Handlers of listeners do not count.
    pub fn spawned(&self) -> Vec<&'static str> {
        self.world.with(|state| state.spawned.clone())
    }

    /// The names of those [`spawned`](Self::spawned) tasks that have not ended.
    pub fn live_tasks(&self) -> Vec<String> {
        self.world.with(|state| {
            state.tasks.values().filter(|task| task.kind == Kind::Spawned).map(|task| task.name.clone()).collect()
        })
    }

    /// How many timers are armed: sleeps, deadlines of pending calls, bytes under way.
    pub fn timers_armed(&self) -> usize {
        self.world.with(|state| state.timers.len())
    }

    /// How often a task was polled (in the blocking mode also: went on after it was blocked).
    pub fn polls(&self) -> u64 {
        self.world.with(|state| state.steps)
    }

    /// A hash of the history so far: which task ran when, and which bytes were read when. Equal for equal seeds.
    pub fn fingerprint(&self) -> u64 {
        self.world.with(|state| state.fingerprint)
    }

    /// The seed of this world.
    pub fn seed(&self) -> u64 {
        self.world.seed
    }

    /// Whether calls block their task ([`Sim::blocking`]).
    pub fn is_blocking(&self) -> bool {
        self.world.blocking
    }
}

impl Clone for Sim {
    /// A handle that does not own the world.
    fn clone(&self) -> Self {
        Self { world: self.world.clone(), owner: None }
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim")
            .field("seed", &self.world.seed)
            .field("blocking", &self.world.blocking)
            .field("owner", &self.owner.is_some())
            .finish_non_exhaustive()
    }
}

pub(crate) struct Owner(Arc<World>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.end();
    }
}

pub(crate) struct World {
    state: Mutex<State>,
    pub(crate) blocking: bool,
    seed: u64,
}

pub(crate) struct State {
    pub(crate) now: Instant,
    schedule: Rng,
    /// Latencies and splits. Separate streams: drawing one more nonce does not reshuffle the network.
    pub(crate) chance: Rng,
    /// What `fill_random` gives out.
    pub(crate) entropy: Rng,
    /// What `draw` gives out.
    choices: Rng,
    pub(crate) tasks: BTreeMap<TaskId, tasks::Task>,
    next_task: u64,
    ready: Vec<TaskId>,
    pub(crate) timers: Timers,
    pub(crate) net: Net,
    /// The task that is being polled.
    pub(crate) current: Option<TaskId>,
    /// The task of the run under way.
    main: Option<TaskId>,
    /// Why the run under way must end.
    verdict: Option<threads::Verdict>,
    /// Threads of tasks that have ended; they are about to return.
    finished: Vec<JoinHandle<()>>,
    to_wake: Vec<Waker>,
    dead: bool,
    limits: Limits,
    run_ends: Instant,
    polls_end: u64,
    /// Blocking calls that were refused because the run must end.
    refused: u32,
    steps: u64,
    pub(crate) spawned: Vec<&'static str>,
    fingerprint: u64,
}

impl State {
    fn new(seed: u64) -> Self {
        Self {
            now: STARTS_AT,
            schedule: Rng::new(seed, 1),
            chance: Rng::new(seed, 2),
            entropy: Rng::new(seed, 3),
            choices: Rng::new(seed, 4),
            tasks: BTreeMap::new(),
            next_task: 0,
            ready: Vec::new(),
            timers: Timers::default(),
            net: Net::default(),
            current: None,
            main: None,
            verdict: None,
            finished: Vec::new(),
            to_wake: Vec::new(),
            dead: false,
            limits: Limits::default(),
            run_ends: Instant::FAR_FUTURE,
            polls_end: u64::MAX,
            refused: 0,
            steps: 0,
            spawned: Vec::new(),
            fingerprint: 0,
        }
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead
    }

    /// Folds `event` and the time into the fingerprint.
    pub(crate) fn note(&mut self, event: u64) {
        self.fingerprint = mix(self.fingerprint ^ event).wrapping_add(self.now.as_nanos());
    }
}

impl World {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics under the lock except on a lack of memory; a test that panics elsewhere still needs the state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `access` under the lock and then, without it, the wakers that `access` has roused.
    pub(crate) fn with<T>(&self, access: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = access(&mut state);
        let to_wake = core::mem::take(&mut state.to_wake);
        drop(state);
        for waker in to_wake {
            waker.wake();
        }
        result
    }

    fn begin_run(self: &Arc<Self>) -> Result<Run<'_>, SimError> {
        self.with(|state| match (state.dead, state.main) {
            (true, _) => Err(SimError::Ended),
            (_, Some(_)) => Err(SimError::Busy),
            _ => {
                state.run_ends = state.now + state.limits.time;
                state.refused = 0;
                state.polls_end = state.steps.saturating_add(state.limits.polls);
                Ok(())
            }
        })?;
        let id = self.add_task("main".to_owned(), Kind::Main, None);
        self.with(|state| state.main = Some(id));
        Ok(Run { world: self, id })
    }

    /// Drops all tasks and listeners.
    fn end(&self) {
        let running = self.with(|state| {
            state.dead = true;
            state.main.is_some()
        });
        // A run that is under way ends the world itself when it sees that it is dead.
        if !running {
            self.drop_everything();
        }
    }

    fn drop_everything(&self) {
        self.with(|state| state.refused = 0);
        self.end_threads();
        // Dropped without the lock: futures close streams and disarm timers.
        let (tasks, net, timers) = self.with(|state| {
            state.ready.clear();
            (core::mem::take(&mut state.tasks), state.net.take_listeners(), core::mem::take(&mut state.timers))
        });
        drop((tasks, net, timers));
    }
}

/// A run under way: the task `main`.
struct Run<'a> {
    world: &'a Arc<World>,
    id: TaskId,
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        let (task, dead) = self.world.with(|state| {
            state.current = None;
            state.main = None;
            state.verdict = None;
            (state.remove_task(self.id), state.dead)
        });
        drop(task);
        if dead {
            self.world.drop_everything();
        }
    }
}

/// Not zero, so that code that mixes up instants and durations is found out.
const STARTS_AT: Instant = Instant::from_millis(1_000_000);
/// The wall clock at the origin of the monotonic one: 2023-11-14, 22:13:20 UTC.
pub(crate) const UNIX_ORIGIN: Duration = Duration::from_secs(1_700_000_000);

#[cfg(test)]
mod tests;
