//! From nothing to the first answer.

use crate::Failure;
use crate::driver::{Driver, Settings};
use crate::measure::Stopwatch;
use crate::runner::Done;
use crate::task::As;

/// A client is made, finds one document, and is closed, which does not count.
pub(super) async fn run<D: Driver>(settings: &Settings) -> Result<Done, Failure> {
    let watch = Stopwatch::start();
    let client = D::open(settings).await?;
    client.find_one(1, As::Document).await?;
    let done = watch.done(1, Vec::new());
    client.close().await;
    Ok(done)
}
