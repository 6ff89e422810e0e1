//! Many operations at once on a client that has no connection yet.

use std::collections::HashSet;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::tokio::runtime::{Builder, Runtime};
use ::tokio::task::JoinSet;

use crate::measure::Spread;
use crate::{Data, Failure};

#[cfg_attr(not(feature = "official"), path = "no_official.rs")]
pub mod official;
pub mod stator;

/// What is asked of a driver.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The server.
    pub address: SocketAddr,
    /// How many operations begin at once.
    pub operations: u64,
    /// `maxConnecting`, the same for all drivers.
    pub max_connecting: u32,
    /// Whose documents are looked for.
    pub data: Data,
}

impl Plan {
    fn uri(&self) -> String {
        format!("{}&maxConnecting={}", crate::runner::uri(self.address), self.max_connecting)
    }
}

/// What one driver has done with one plan.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// The median time from the moment when all operations were asked for to an operation's end.
    pub p50: Duration,
    /// The same for the slowest of a hundred.
    pub p99: Duration,
    /// Until the last had ended.
    pub wall: Duration,
    /// The most connections that were being established at any moment.
    pub most_dials: usize,
    /// How many connections were made in all.
    pub connections: usize,
}

/// Counts connections that are being established, from the events of CMAP: between ConnectionCreated and ConnectionReady, or
/// ConnectionClosed where it came to nothing.
#[derive(Debug, Default)]
pub struct Gauge {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    under_way: HashSet<u64>,
    most: usize,
    created: usize,
}

impl Gauge {
    /// ConnectionCreatedEvent
    pub fn begins(&self, connection: u64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.under_way.insert(connection);
        counts.created += 1;
        counts.most = counts.most.max(counts.under_way.len());
    }

    /// ConnectionReadyEvent or ConnectionClosedEvent
    pub fn ends(&self, connection: u64) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).under_way.remove(&connection);
    }

    fn read(&self) -> (usize, usize) {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        (counts.most, counts.created)
    }
}

/// Each measurement has threads of its own, which nothing of the one before can keep busy.
fn threads() -> Result<Runtime, Failure> {
    Ok(Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// Lets all operations begin at once, each a task. Their times count from one common moment, so that a driver that keeps the threads
/// from beginning the next operation gains nothing by it.
async fn storm<F>(plan: &Plan, gauge: &Gauge, operation: impl Fn(u64) -> F) -> Result<Outcome, Failure>
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for n in 0..plan.operations {
        let operation = operation(n);
        tasks.spawn(async move { operation.await.map(|()| start.elapsed()) });
    }
    let mut times = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        times.push(ended??);
    }
    let wall = start.elapsed();
    times.sort();
    let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len().saturating_sub(1)));
    let (most_dials, connections) = gauge.read();
    let of = |percent| at(percent).copied().unwrap_or_default();
    Ok(Outcome { p50: of(50), p99: of(99), wall, most_dials, connections })
}

/// A way to be cold: plan in, outcome out.
pub type Driver = (&'static str, fn(&Plan) -> Result<Outcome, Failure>);

/// Every driver of this build, Stator first.
pub fn drivers() -> Vec<Driver> {
    let mut drivers: Vec<Driver> = vec![("stator-mt", stator::run)];
    drivers.extend(official::driver());
    drivers
}

/// One figure of all rounds, in milliseconds.
pub fn millis(outcomes: &[Outcome], figure: impl Fn(&Outcome) -> Duration) -> Spread {
    Spread::of(outcomes.iter().map(|outcome| figure(outcome).as_secs_f64() * 1e3))
}

/// The rounds' own ratios of one figure.
pub fn ratio(of: &[Outcome], to: &[Outcome], figure: impl Fn(&Outcome) -> Duration) -> Spread {
    Spread::of(of.iter().zip(to).map(|(of, to)| figure(of).as_secs_f64() / figure(to).as_secs_f64().max(1e-9)))
}

/// A gauge for a listener and for whoever reads it.
fn gauge() -> (Arc<Gauge>, Arc<Gauge>) {
    let gauge = Arc::<Gauge>::default();
    (Arc::clone(&gauge), gauge)
}

#[cfg(test)]
mod tests {
    use super::Gauge;

    #[test]
    fn the_gauge_keeps_the_most_that_were_under_way() {
        let gauge = Gauge::default();
        gauge.begins(1);
        gauge.begins(2);
        gauge.ends(1);
        gauge.begins(3);
        assert_eq!(gauge.read(), (2, 3));
        gauge.begins(4);
        // A connection that was ready and is closed later is none that is being established.
        gauge.ends(1);
        assert_eq!(gauge.read(), (3, 4));
    }
}
