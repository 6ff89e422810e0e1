//! A thousand operations at once on a client that has no connection yet.

use std::sync::Arc;
use std::time::Instant;

use super::{Work, latencies};
use crate::Failure;
use crate::driver::{Driver, Settings};
use crate::gauge::Gauge;
use crate::host::Spawn;
use crate::measure::Stopwatch;
use crate::runner::Done;
use crate::task::As;

const OPERATIONS: u64 = 1_000;

/// All operations begin at once, each a task. Their times count from one common moment, so that a driver that keeps the threads
/// from beginning the next operation gains nothing by it.
pub(super) async fn run<D: Driver, S: Spawn>(work: Work<D, S>) -> Result<Done, Failure> {
    let gauge = Arc::<Gauge>::default();
    let settings = Settings { gauge: Some(Arc::clone(&gauge)), ..(*work.settings).clone() };
    let client = D::open(&settings).await?;
    let watch = Stopwatch::start();
    let start = Instant::now();
    let mut running = Vec::new();
    for n in 0..OPERATIONS {
        let (client, id) = (client.clone(), work.settings.data.id(n));
        running
            .push(work.spawner.spawn(async move { client.find_one(id, As::Document).await.map(|()| start.elapsed()) }));
    }
    let mut times = Vec::new();
    for task in running {
        times.push(task.await??);
    }
    let mut done = watch.done(OPERATIONS, latencies::figures(times));
    done.figures.push(("connections".into(), gauge.begun() as f64));
    done.figures.push((MOST_DIALS.into(), gauge.most() as f64));
    client.close().await;
    Ok(done)
}

/// The figure that must not be more than `maxConnecting`.
pub const MOST_DIALS: &str = "most dials";
