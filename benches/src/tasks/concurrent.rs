//! Many tasks find one by `_id`, over and over, on one pool.

use std::time::Instant;

use super::{Work, latencies};
use crate::Failure;
use crate::driver::Driver;
use crate::host::Spawn;
use crate::runner::Done;
use crate::task::As;

/// At least `count` operations, shared evenly. An operation's time begins when its task asks for it.
pub(super) async fn run<D: Driver, S: Spawn>(work: Work<D, S>, tasks: u32, count: u64) -> Result<Done, Failure> {
    let each = count.div_ceil(u64::from(tasks)).max(1);
    let mut running = Vec::new();
    for task in 0..u64::from(tasks) {
        let (driver, data) = (work.driver.clone(), work.settings.data.clone());
        running.push(work.spawner.spawn(async move {
            let mut times = Vec::with_capacity(usize::try_from(each)?);
            for n in 0..each {
                let start = Instant::now();
                driver.find_one(data.id(task * each + n), As::Document).await?;
                times.push(start.elapsed());
            }
            Ok::<_, Failure>(times)
        }));
    }
    let mut times = Vec::new();
    for task in running {
        times.extend(task.await??);
    }
    Ok(Done { operations: times.len() as u64, took: None, figures: latencies::figures(times) })
}
