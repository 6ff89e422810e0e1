//! Ways to do the tasks.

use std::error::Error;
use std::time::Duration;

use crate::Task;
use crate::driver::Settings;

mod codec;
mod direct;
pub mod driven;
mod floor;
#[cfg_attr(not(feature = "official"), path = "no_official.rs")]
mod official;
pub mod process;
pub mod roster;
mod stator;

pub use direct::Direct;
pub use roster::{Contender, all, codecs};
pub use stator::Stator;

/// Why a run ended early.
pub type Failure = Box<dyn Error + Send + Sync>;

/// What a runner did.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// How many operations.
    pub operations: u64,
    /// Wall time and CPU time, where the task has a clock of its own.
    pub took: Option<(Duration, Duration)>,
    /// What else it tells, by name.
    pub figures: Vec<(String, f64)>,
}

impl Done {
    /// So many operations, and nothing to tell of them.
    pub const fn of(operations: u64) -> Self {
        Self { operations, took: None, figures: Vec::new() }
    }
}

/// A way to do the tasks.
pub trait Runner {
    /// Does at least `count` operations and says how many it did: finds of many come by the collection, inserts of many by the batch.
    ///
    /// # Errors
    ///
    /// Whatever the driver or the socket reports, or a reply without what was asked for.
    fn run(&mut self, task: Task, count: u64) -> Result<Done, Failure>;

    /// Makes another client, with as many idle connections as [`CONNECTIONS`](crate::tasks::CONNECTIONS), and keeps it.
    ///
    /// # Errors
    ///
    /// As for [`run`](Self::run); or there is no client.
    fn keep_filled(&mut self, settings: &Settings) -> Result<(), Failure> {
        Err(format!("there is no client of {}", settings.address).into())
    }
}
