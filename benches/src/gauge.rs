//! Counts connections, from the events of CMAP.

use std::collections::HashSet;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// Counts connections that are being established: between ConnectionCreated and ConnectionReady, or ConnectionClosed where it came to
/// nothing.
#[derive(Debug, Default)]
pub struct Gauge {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    under_way: HashSet<u64>,
    most: usize,
    created: usize,
    ready: usize,
    waker: Option<Waker>,
}

impl Gauge {
    /// ConnectionCreatedEvent
    pub fn created(&self, connection: u64) {
        let mut counts = self.lock();
        counts.under_way.insert(connection);
        counts.created += 1;
        counts.most = counts.most.max(counts.under_way.len());
    }

    /// ConnectionReadyEvent
    pub fn ready(&self, connection: u64) {
        let mut counts = self.lock();
        counts.under_way.remove(&connection);
        counts.ready += 1;
        let waker = counts.waker.take();
        drop(counts);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// ConnectionClosedEvent
    pub fn closed(&self, connection: u64) {
        self.lock().under_way.remove(&connection);
    }

    /// The most connections that were being established at any moment.
    pub fn most(&self) -> usize {
        self.lock().most
    }

    /// How many connections were begun in all.
    pub fn begun(&self) -> usize {
        self.lock().created
    }

    /// Waits until so many connections have become ready. One waits at a time.
    pub async fn until_ready(&self, connections: usize) {
        poll_fn(|cx| {
            let mut counts = self.lock();
            if counts.ready >= connections {
                return Poll::Ready(());
            }
            counts.waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Gauge;

    #[test]
    fn the_gauge_keeps_the_most_that_were_under_way() {
        let gauge = Gauge::default();
        gauge.created(1);
        gauge.created(2);
        gauge.ready(1);
        gauge.created(3);
        assert_eq!((gauge.most(), gauge.begun()), (2, 3));
        gauge.created(4);
        // A connection that was ready and is closed later is none that is being established.
        gauge.closed(1);
        assert_eq!((gauge.most(), gauge.begun()), (3, 4));
    }
}
