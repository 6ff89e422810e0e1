//! LDJSON multi-file import.

use super::Work;
use crate::Failure;
use crate::driver::Driver;
use crate::host::Spawn;
use crate::ldjson;
use crate::task::As;

/// How many files are worked on at a time, by as many tasks.
pub(super) const AT_A_TIME: usize = 4;

/// Every task takes each fourth file.
pub(super) async fn run<D: Driver, S: Spawn>(work: Work<D, S>, into: As) -> Result<u64, Failure> {
    let files = work.settings.data.scale.files;
    let mut tasks = Vec::new();
    for first in 0..AT_A_TIME.min(files) {
        let (driver, folder) = (work.driver.clone(), work.settings.folder.clone());
        tasks.push(work.spawner.spawn(async move {
            let mut count = 0;
            for n in (first..files).step_by(AT_A_TIME) {
                count += driver.import(ldjson::source(&folder, n), into).await?;
            }
            Ok::<u64, Failure>(count)
        }));
    }
    let mut count = 0;
    for task in tasks {
        count += task.await??;
    }
    super::slot::all(count, (files * work.settings.data.scale.lines) as u64)
}
