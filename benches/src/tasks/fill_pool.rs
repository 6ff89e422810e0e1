//! A client that keeps a hundred connections.

use std::sync::Arc;

use crate::Failure;
use crate::driver::{Driver, Settings};
use crate::gauge::Gauge;
use crate::measure::Stopwatch;
use crate::runner::Done;
use crate::task::As;

/// `minPoolSize`
pub const CONNECTIONS: u32 = 100;

/// Makes a client that fills its pool, and waits until it has. A command is what starts some drivers.
pub async fn filled<D: Driver>(settings: &Settings) -> Result<(D, Arc<Gauge>), Failure> {
    let gauge = Arc::<Gauge>::default();
    let settings = Settings { gauge: Some(Arc::clone(&gauge)), min_pool: CONNECTIONS, ..settings.clone() };
    let client = D::open(&settings).await?;
    client.run_command(As::Document).await?;
    gauge.until_ready(CONNECTIONS as usize).await;
    Ok((client, gauge))
}

pub(super) async fn run<D: Driver>(settings: &Settings) -> Result<Done, Failure> {
    let watch = Stopwatch::start();
    let (client, gauge) = filled::<D>(settings).await?;
    let done = watch.done(1, vec![(super::MOST_DIALS.into(), gauge.most() as f64)]);
    client.close().await;
    Ok(done)
}
