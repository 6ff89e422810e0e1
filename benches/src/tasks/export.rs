//! LDJSON multi-file export.

use super::Work;
use super::import::AT_A_TIME;
use crate::Failure;
use crate::driver::Driver;
use crate::host::Spawn;
use crate::ldjson;
use crate::task::As;

/// Every task takes each fourth file.
pub(super) async fn run<D: Driver, S: Spawn>(work: Work<D, S>, into: As) -> Result<u64, Failure> {
    let scale = work.settings.data.scale;
    let lines = i32::try_from(scale.lines)?;
    let mut tasks = Vec::new();
    for first in 0..AT_A_TIME.min(scale.files) {
        let (driver, folder, name) = (work.driver.clone(), work.settings.folder.clone(), work.name);
        tasks.push(work.spawner.spawn(async move {
            let mut count = 0;
            for n in (first..scale.files).step_by(AT_A_TIME) {
                let from = i32::try_from(n)? * lines;
                count += driver.export(from..from + lines, ldjson::target(&folder, n, name), into).await?;
            }
            Ok::<u64, Failure>(count)
        }));
    }
    let mut count = 0;
    for task in tasks {
        count += task.await??;
    }
    super::slot::all(count, (scale.files * scale.lines) as u64)
}
