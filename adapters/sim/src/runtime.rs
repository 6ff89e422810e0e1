//! [`Sim`] as the driver's runtime.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use stator_client::Runtime;
use stator_client::runtime::{BlockOn, Endpoint, SpawnError};
use stator_proto::Instant;

use crate::net::{Connect, Exchange, Lookup, SimStream};
use crate::world::{BoxFuture, Fire, Kind, Sim, TimerId, UNIX_ORIGIN, Waiter, World};

impl Runtime for Sim {
    type Stream = SimStream;

    fn now(&self) -> Instant {
        self.world.with(|state| state.now)
    }

    fn unix_time(&self) -> Duration {
        UNIX_ORIGIN + self.now().duration_since(Instant::ORIGIN)
    }

    fn fill_random(&self, out: &mut [u8]) {
        self.world.with(|state| state.entropy.fill(out));
    }

    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send + 'static {
        Sleep::new(self.world.clone(), at)
    }

    fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) -> Result<(), SpawnError> {
        self.world
            .start(name, Kind::Spawned, Box::pin(task))
            .map_err(|_| SpawnError::new("the simulated world has ended"))?;
        self.world.with(|state| state.spawned.push(name));
        Ok(())
    }

    fn connect(&self, to: &Endpoint, deadline: Instant) -> impl Future<Output = io::Result<SimStream>> + Send {
        Connect::new(self.world.clone(), to.clone(), deadline)
    }

    fn lookup(
        &self,
        host: &str,
        port: u16,
        deadline: Instant,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send {
        Lookup::new(self.world.clone(), host, port, deadline)
    }

    fn exchange_datagram(
        &self,
        to: SocketAddr,
        question: &[u8],
        deadline: Instant,
    ) -> impl Future<Output = io::Result<Vec<u8>>> + Send {
        Exchange::new(self.world.clone(), to, question, deadline)
    }
}

impl BlockOn for Sim {
    /// Outside of a run: [`Sim::run`]. Inside a task of a [blocking](Sim::blocking) world: runs `future` as part of
    /// that task.
    ///
    /// # Panics
    /// Where `run` would fail, which includes calls from inside a task of a world that is not blocking.
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        match self.world.with(|state| state.current) {
            Some(id) if self.world.blocking => self.world.block_on_nested(id, future),
            _ => self.run(future).unwrap_or_else(|error| panic!("the simulated run failed: {error}")),
        }
    }
}

impl Sim {
    pub(crate) fn handle(world: Arc<World>) -> Self {
        Self { world, owner: None }
    }
}

impl World {
    /// Starts a task; fails if the world has ended or has no thread for it.
    pub(crate) fn start(self: &Arc<Self>, name: &str, kind: Kind, future: BoxFuture) -> io::Result<()> {
        if self.with(|state| state.is_dead()) {
            return Err(io::Error::other("the simulated world has ended"));
        }
        if self.blocking {
            let id = self.add_task(name.to_owned(), kind, None);
            self.start_thread(id, name, future)
        } else {
            self.add_task(name.to_owned(), kind, Some(future));
            Ok(())
        }
    }
}

/// The future of `Runtime::sleep_until`.
pub(crate) struct Sleep {
    world: Arc<World>,
    at: Instant,
    timer: Option<TimerId>,
}

impl Sleep {
    pub(crate) fn new(world: Arc<World>, at: Instant) -> Self {
        Self { world, at, timer: None }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let (ready, old) = this.world.with(|state| {
            let old = this.timer.take().and_then(|timer| state.timers.disarm(timer));
            let ready = this.at <= state.now && !this.at.is_far_future();
            if !ready && !this.at.is_far_future() {
                this.timer = Some(state.timers.arm(this.at, Fire::Rouse(Waiter::Wake(cx.waker().clone()))));
            }
            (ready, old)
        });
        drop(old);
        if ready { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(timer) = self.timer.take() {
            drop(self.world.with(|state| state.timers.disarm(timer)));
        }
    }
}
