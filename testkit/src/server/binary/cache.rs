//! The folder of what was fetched.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
};

use super::super::{ServerError, temp};

/// Names the folder.
const CACHE_VARIABLE: &str = "STATOR_CACHE";

/// `STATOR_CACHE`, else `stator` in the user's cache folder; it exists on return.
pub(super) fn dir() -> Result<PathBuf, ServerError> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let dir = variable(CACHE_VARIABLE)
        .or_else(|| variable("XDG_CACHE_HOME").filter(|path| path.is_absolute()).map(|path| path.join("stator")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/stator")))
        .ok_or_else(|| ServerError::Binary(format!("no cache folder: set {CACHE_VARIABLE} or HOME")))?;
    fs::create_dir_all(&dir).map_err(ServerError::path("make the folder", &dir))?;
    fs::canonicalize(&dir).map_err(ServerError::path("resolve", &dir))
}

/// The entry `name` of the cache, made by `make` if it is not there.
///
/// `make` fills a folder of its own, which is then renamed: an entry is complete or absent. A lock, which the system
/// releases when its holder dies, keeps several processes from making the same one.
pub(super) fn entry(
    cache: &Path,
    name: &str,
    make: impl FnOnce(&Path) -> Result<(), ServerError>,
) -> Result<PathBuf, ServerError> {
    let entry = cache.join(name);
    if entry.is_dir() {
        return Ok(entry);
    }
    let lock_path = cache.join(format!("{name}.lock"));
    let lock = File::create(&lock_path).map_err(ServerError::path("create", &lock_path))?;
    lock.lock().map_err(ServerError::path("lock", &lock_path))?;
    if !entry.is_dir() {
        let unfinished = format!("{name}.new");
        remove_all(cache, &unfinished)?;
        let staging = temp::Scratch(temp::new_dir(cache, &unfinished)?);
        make(&staging.0)?;
        fs::rename(&staging.0, &entry).map_err(ServerError::path("rename the new folder to", &entry))?;
    }
    Ok(entry)
}

/// Removes what processes that died left behind; the lock says that nobody works on it.
fn remove_all(cache: &Path, prefix: &str) -> Result<(), ServerError> {
    let files = fs::read_dir(cache).map_err(ServerError::path("read", cache))?;
    let mut left = files.flatten().filter(|file| file.file_name().to_string_lossy().starts_with(prefix));
    left.try_for_each(|file| fs::remove_dir_all(file.path()).map_err(ServerError::path("remove", &file.path())))
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        sync::atomic::{AtomicU32, Ordering},
        thread,
    };

    use super::{super::super::temp, ServerError, entry};

    #[test]
    fn an_entry_is_made_once_however_many_ask() {
        let cache = temp::Scratch(temp::new_dir(&std::env::temp_dir(), "stator-test").unwrap());
        let made = AtomicU32::new(0);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let path = entry(&cache.0, "thing", |folder| {
                        made.fetch_add(1, Ordering::SeqCst);
                        fs::write(folder.join("file"), "whole").map_err(ServerError::path("write", folder))
                    });
                    assert_eq!(fs::read_to_string(path.unwrap().join("file")).unwrap(), "whole");
                });
            }
        });
        assert_eq!(made.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_failure_leaves_no_entry_behind_and_its_predecessors_neither() {
        let cache = temp::Scratch(temp::new_dir(&std::env::temp_dir(), "stator-test").unwrap());
        fs::create_dir(cache.0.join("thing.new-1-2")).unwrap();
        let failed = entry(&cache.0, "thing", |_| Err(ServerError::Binary("offline".into())));
        assert!(failed.is_err());
        let names: Vec<_> = fs::read_dir(&cache.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["thing.lock"]);
    }
}
