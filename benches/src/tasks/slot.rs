//! One operation after the other, or one cursor or batch after the other.

use crate::driver::{Driver, Settings};
use crate::task::Size;
use crate::{Failure, Task};

/// Does at least `count` operations and says how many it did.
pub(super) async fn run<D: Driver>(driver: &D, settings: &Settings, task: Task, count: u64) -> Result<u64, Failure> {
    let data = &settings.data;
    match task {
        Task::RunCommand(into) => {
            for _ in 0..count {
                driver.run_command(into).await?;
            }
            Ok(count)
        }
        Task::FindOne(into) => {
            for n in 0..count {
                driver.find_one(data.id(n), into).await?;
            }
            Ok(count)
        }
        Task::InsertOne(size) => {
            for _ in 0..count {
                driver.insert_one(size).await?;
            }
            Ok(count)
        }
        Task::FindMany(into) => {
            let mut found = 0;
            while found < count {
                found += all(driver.find_many(into).await?, data.corpus())?;
            }
            Ok(found)
        }
        Task::BulkInsert(size) => {
            let batch = data.batch(size);
            let mut inserted = 0;
            while inserted < count {
                driver.insert_many(size, batch).await?;
                inserted += batch as u64;
            }
            Ok(inserted)
        }
        Task::BulkWrite(size) => {
            let batch = data.batch(size);
            let mut inserted = 0;
            while inserted < count {
                driver.bulk_write(size, batch).await?;
                inserted += batch as u64;
            }
            Ok(inserted)
        }
        Task::BulkMixed => {
            let batch = data.batch(Size::Small);
            let mut written = 0;
            while written < count {
                driver.bulk_mixed(batch).await?;
                written += batch as u64;
            }
            Ok(written)
        }
        other => Err(format!("{other} is no task of one operation after the other").into()),
    }
}

/// Nobody wins by finding fewer.
pub(crate) fn all(found: u64, wanted: u64) -> Result<u64, Failure> {
    if found == wanted { Ok(found) } else { Err(format!("found {found} documents instead of {wanted}").into()) }
}
