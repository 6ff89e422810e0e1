//! What futures run on.

use std::fmt::Debug;
use std::sync::Arc;
use std::thread;

use stator_blocking::{BlockOn, Blocking};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::Failure;

/// An executor.
pub trait Host: Debug {
    /// Its [`Spawn`].
    type Spawner: Spawn;

    /// Runs a future on this thread.
    fn block_on<F: Future>(&self, future: F) -> F::Output;

    /// A handle for those who run on it.
    fn spawner(&self) -> Self::Spawner;
}

/// Starts tasks.
pub trait Spawn: Clone + Debug + Send + Sync + 'static {
    /// Starts a task; the future that is returned waits for its result.
    fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = Result<T, Failure>> + Send + 'static;
}

/// One of tokio's runtimes.
#[derive(Clone, Debug)]
pub struct OnTokio(Arc<Runtime>);

impl OnTokio {
    /// With two workers.
    pub fn multi_thread() -> Result<Self, Failure> {
        Ok(Self(Arc::new(Builder::new_multi_thread().worker_threads(2).enable_all().build()?)))
    }

    /// Where everything runs inside `block_on`.
    pub fn current_thread() -> Result<Self, Failure> {
        Ok(Self(Arc::new(Builder::new_current_thread().enable_all().build()?)))
    }
}

impl Host for OnTokio {
    type Spawner = Handle;

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0.block_on(future)
    }

    fn spawner(&self) -> Handle {
        self.0.handle().clone()
    }
}

impl Spawn for Handle {
    fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = Result<T, Failure>> + Send + 'static {
        let task = Self::spawn(self, task);
        async { Ok(task.await?) }
    }
}

/// smol's global executor.
#[derive(Clone, Copy, Debug)]
pub struct OnSmol;

impl Host for OnSmol {
    type Spawner = Self;

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        smol::block_on(future)
    }

    fn spawner(&self) -> Self {
        *self
    }
}

impl Spawn for OnSmol {
    fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = Result<T, Failure>> + Send + 'static {
        let task = smol::spawn(task);
        async { Ok(task.await) }
    }
}

/// async-std's global executor.
#[derive(Clone, Copy, Debug)]
pub struct OnAsyncStd;

impl Host for OnAsyncStd {
    type Spawner = Self;

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        async_std::task::block_on(future)
    }

    fn spawner(&self) -> Self {
        *self
    }
}

impl Spawn for OnAsyncStd {
    fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = Result<T, Failure>> + Send + 'static {
        let task = async_std::task::spawn(task);
        async { Ok(task.await) }
    }
}

/// Plain threads: a task is a thread, and who waits for it waits for the thread.
#[derive(Clone, Copy, Debug)]
pub struct OnThreads;

impl Host for OnThreads {
    type Spawner = Self;

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        Blocking.block_on(future)
    }

    fn spawner(&self) -> Self {
        *self
    }
}

impl Spawn for OnThreads {
    fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = Result<T, Failure>> + Send + 'static {
        let thread = thread::Builder::new().spawn(move || Blocking.block_on(task));
        async { thread?.join().map_err(|_| "a thread has panicked".into()) }
    }
}
