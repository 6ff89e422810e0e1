//! Temporary folders.

use std::{
    fs, io,
    os::unix::{fs::DirBuilderExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use super::ServerError;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Makes a new folder below `parent` that only this user may read.
///
/// Names are short: a Unix socket's path must fit into about 100 bytes.
pub(super) fn new_dir(parent: &Path, prefix: &str) -> Result<PathBuf, ServerError> {
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("{prefix}-{}-{number}", std::process::id()));
        match fs::DirBuilder::new().mode(0o700).create(&path) {
            // A process of the same number left it behind.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            result => return result.map_err(ServerError::path("make the folder", &path)).map(|()| path),
        }
    }
}

/// Removes a folder when it goes out of scope.
#[derive(Debug)]
pub(super) struct Scratch(pub(super) PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // Already renamed to its final place, or left for the system's cleaner: neither is worth an error.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A new folder that is removed when it goes out of scope, and also when this process ends in any way: a shell holds the other
/// end of a pipe, as for servers.
#[derive(Debug)]
pub(super) struct Guarded {
    path: PathBuf,
    shell: Child,
}

impl Guarded {
    pub(super) fn new(parent: &Path, prefix: &str) -> Result<Self, ServerError> {
        let path = new_dir(parent, prefix)?;
        let shell = Command::new("sh")
            .args(["-c", r#"trap '' HUP INT TERM; read -r _; rm -rf -- "$1""#, "sh"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(ServerError::io("start a shell"))?;
        Ok(Self { path, shell })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // It ends by itself; nothing is left to do if it was killed.
        let _ = self.shell.wait();
    }
}
