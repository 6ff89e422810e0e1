//! What a client knows of its deployment, and what its pools are at.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use futures_core::Stream;
use stator_proto::ServerAddress;
use stator_proto::pool::{Generation, PoolState, PoolStats};
use stator_proto::read_preference::ReadPreference;
use stator_proto::select::Target;

use crate::action::BoxFuture;
use crate::checkout::Ask;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::hub::lock;
use crate::inner::Core;
use crate::runtime::Runtime;

/// A snapshot of what is known of a deployment.
pub type TopologyDescription = stator_proto::topology::TopologyDescription<Error>;
/// One server in a snapshot.
pub type ServerDescription = stator_proto::topology::ServerDescription<Error>;
pub use stator_proto::hello::ServerKind;
pub use stator_proto::topology::{RoundTripTime, TopologyKind};

/// The pool of one server, as it is at the moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PoolSnapshot {
    /// Whose pool it is.
    pub address: ServerAddress,
    /// Paused, ready or closed.
    pub state: PoolState,
    /// How often it was cleared.
    pub generation: Generation,
    /// How many connections are in each state, how many operations wait, and for how long they have waited.
    pub stats: PoolStats,
}

impl<R: Runtime> Client<R> {
    /// What is known of the deployment now: its shape, its servers, and why some of them cannot be reached. A snapshot: cheap
    /// to get, cheap to keep. Before the first operation or [`connect`](Self::connect) nothing is known.
    pub fn topology(&self) -> Arc<TopologyDescription> {
        lock(&self.core().hub).cluster.description().clone()
    }

    /// A stream of snapshots: the present one first, then one whenever something was learnt. Whoever is slow misses the ones
    /// between, never the last. It ends when the client is closed. It does not start the client.
    pub fn watch_topology(&self) -> TopologyWatch<R> {
        TopologyWatch { core: Arc::clone(self.core()), number: None, last: None }
    }

    /// The pools of the servers that are part of the deployment now.
    pub fn pools(&self) -> Vec<PoolSnapshot> {
        let hub = lock(&self.core().hub);
        let snapshot = |(address, pool): (&ServerAddress, &stator_proto::Pool<Error>)| PoolSnapshot {
            address: address.clone(),
            state: pool.state(),
            generation: pool.generation(),
            stats: pool.stats(),
        };
        hub.cluster.pools().map(|(_, address, pool)| snapshot((address, pool))).collect()
    }

    /// How many connections there are to all servers together, by what they are doing.
    pub fn pool_stats(&self) -> PoolStats {
        let hub = lock(&self.core().hub);
        hub.cluster.pools().fold(PoolStats::default(), |sum, (_, _, pool)| sum + pool.stats())
    }

    /// Starts the client's background tasks, which the first operation would do otherwise, and waits until a server can be
    /// read from.
    ///
    /// Safe to cancel: what was started goes on.
    ///
    /// # Errors
    ///
    /// No such server within `serverSelectionTimeoutMS` or `timeoutMS`; the client is closed; the runtime cannot run tasks.
    pub fn connect(&self) -> BoxFuture<Result<()>> {
        let core = Arc::clone(self.core());
        Box::pin(async move { core.until_usable().await })
    }

    /// As [`connect`](Self::connect), and fills the pools: each server that can be read from gets its `minPoolSize`
    /// connections, at least one. The first operations then find everything ready.
    ///
    /// Safe to cancel: what was connected stays.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect); also what goes wrong in establishing the connections.
    pub fn warm(&self) -> BoxFuture<Result<()>> {
        let core = Arc::clone(self.core());
        Box::pin(async move {
            core.until_usable().await?;
            let description = lock(&core.hub).cluster.description().clone();
            let usable = description.servers.values().filter(|server| server.is_available());
            for server in usable {
                let mut leases = Vec::new();
                for _ in 0..core.config().min_pool_size().max(1) {
                    let mut now = core.runtime.now();
                    let ask = core.ask_for(now, Target::Address(&server.address));
                    leases.push(core.check_out(&mut now, &ask).await?);
                }
            }
            Ok(())
        })
    }
}

impl<R: Runtime> Core<R> {
    async fn until_usable(&self) -> Result<()> {
        let nearest = ReadPreference::nearest();
        let ask = self.ask_for(self.runtime.now(), Target::Readable(&nearest));
        while let Some(round) = self.look_for_server(&ask)? {
            self.wait_for_change(round, &ask).await?;
        }
        Ok(())
    }

    /// What somebody asks who is no operation.
    fn ask_for<'a>(&self, now: stator_proto::Instant, target: Target<'a>) -> Ask<'a> {
        let timeout = self.config().timeout();
        let deadline = timeout.map_or(stator_proto::Instant::FAR_FUTURE, |timeout| now + timeout);
        let select_by = deadline.min(now + self.config().server_selection_timeout());
        Ask {
            target,
            avoid: &[],
            select_by,
            deadline: select_by,
            queue_timeout: None,
            name: "connect",
            operation_id: 0,
            wants_session: false,
        }
    }
}

/// A stream of what is known of a deployment; see [`Client::watch_topology`].
#[derive(Debug)]
pub struct TopologyWatch<R: Runtime> {
    core: Arc<Core<R>>,
    /// The number among those who watch.
    number: Option<u64>,
    last: Option<Arc<TopologyDescription>>,
}

impl<R: Runtime> TopologyWatch<R> {
    /// The next snapshot; `None` once the client is closed. Safe to cancel.
    pub async fn next(&mut self) -> Option<Arc<TopologyDescription>> {
        core::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<R: Runtime> Stream for TopologyWatch<R> {
    type Item = Arc<TopologyDescription>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        // The former waker, dropped after the lock.
        let _waker;
        let mut hub = lock(&this.core.hub);
        let now = hub.cluster.description();
        if !this.last.as_ref().is_some_and(|last| Arc::ptr_eq(last, now)) {
            this.last = Some(now.clone());
            return Poll::Ready(this.last.clone());
        }
        if hub.closed {
            return Poll::Ready(None);
        }
        let number = *this.number.get_or_insert_with(|| hub.watchers.register());
        _waker = hub.watchers.wait(number, cx.waker());
        drop(hub);
        Poll::Pending
    }
}

impl<R: Runtime> Drop for TopologyWatch<R> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let _waker = lock(&self.core.hub).watchers.leave(number);
        }
    }
}
