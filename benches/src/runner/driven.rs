//! A driver on an executor.

use std::sync::Arc;

use super::{Done, Failure, Runner};
use crate::Task;
use crate::driver::{Driver, Settings};
use crate::host::{Host, Spawn};
use crate::tasks::{self, Work};

/// A driver on an executor, with a client that is made on first use.
#[derive(Debug)]
pub struct Driven<D, H> {
    name: &'static str,
    host: H,
    settings: Arc<Settings>,
    spawns: bool,
    /// The client, and the size of its pool.
    client: Option<(D, u32)>,
    kept: Option<D>,
}

impl<D: Driver, H: Host> Driven<D, H> {
    /// Tasks run inside `block_on`.
    pub fn new(name: &'static str, host: H, settings: &Settings) -> Self {
        Self { name, host, settings: Arc::new(settings.clone()), spawns: false, client: None, kept: None }
    }

    /// Tasks are spawned, `block_on` only waits for them.
    #[must_use]
    pub fn spawning(mut self) -> Self {
        self.spawns = true;
        self
    }

    /// The client with a pool of that size; there is one at a time.
    fn client(&mut self, pool: u32) -> Result<D, Failure> {
        if let Some((client, size)) = self.client.take() {
            if size == pool {
                self.client = Some((client.clone(), size));
                return Ok(client);
            }
            self.host.block_on(client.close());
        }
        let settings = Settings { max_pool: pool, ..(*self.settings).clone() };
        let client = self.host.block_on(D::open(&settings))?;
        self.client = Some((client.clone(), pool));
        Ok(client)
    }
}

impl<D: Driver, H: Host> Runner for Driven<D, H> {
    fn run(&mut self, task: Task, count: u64) -> Result<Done, Failure> {
        let pool = match task {
            Task::Concurrent { pool, .. } => pool,
            _ => self.settings.max_pool,
        };
        let spawner = self.host.spawner();
        let driver = self.client(pool)?;
        let settings = Arc::clone(&self.settings);
        let work = Work { name: self.name, driver, spawner: spawner.clone(), settings }.perform(task, count);
        if self.spawns { self.host.block_on(spawner.spawn(work))? } else { self.host.block_on(work) }
    }

    fn keep_filled(&mut self, settings: &Settings) -> Result<(), Failure> {
        self.kept = Some(self.host.block_on(tasks::filled::<D>(settings))?.0);
        Ok(())
    }
}
