//! The tasks, written once for every driver and every executor.

use std::sync::Arc;

use crate::driver::{Driver, Settings};
use crate::host::Spawn;
use crate::runner::Done;
use crate::{Failure, Task};

mod cold_pool;
mod cold_start;
mod concurrent;
mod export;
mod fill_pool;
mod import;
mod latencies;
pub(crate) mod slot;

pub use cold_pool::MOST_DIALS;
pub use fill_pool::{CONNECTIONS, filled};

/// Whom a task is given to.
#[derive(Clone, Debug)]
pub(crate) struct Work<D, S> {
    /// The runner's name.
    pub(crate) name: &'static str,
    /// A client for those that do not make their own.
    pub(crate) driver: D,
    /// Starts tasks beside it.
    pub(crate) spawner: S,
    /// What a client is made with.
    pub(crate) settings: Arc<Settings>,
}

impl<D: Driver, S: Spawn> Work<D, S> {
    /// Does at least `count` operations.
    pub(crate) async fn perform(self, task: Task, count: u64) -> Result<Done, Failure> {
        match task {
            Task::Import(into) => import::run(self, into).await.map(Done::of),
            Task::Export(into) => export::run(self, into).await.map(Done::of),
            Task::Concurrent { tasks, .. } => concurrent::run(self, tasks, count).await,
            Task::ColdStart => cold_start::run::<D>(&self.settings).await,
            Task::ColdPool => cold_pool::run(self).await,
            Task::FillPool => fill_pool::run::<D>(&self.settings).await,
            _ => slot::run(&self.driver, &self.settings, task, count).await.map(Done::of),
        }
    }
}
