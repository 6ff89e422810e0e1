//! OpenSSL 1.1 for binaries built against it, on a Debian that has moved on.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{super::ServerError, cache, run, sources};

/// The last Debian release that carries it.
const CODENAME: &str = "bullseye";
const PACKAGE: &str = "libssl1.1";
const LIBRARIES: [&str; 2] = ["libcrypto.so.1.1", "libssl.so.1.1"];
const WHAT_TO_DO: &str = "this mongod needs libssl1.1: install it, put its folder into LD_LIBRARY_PATH, or use the default \
                          version, which does not need it";

/// Whether a binary's complaint is that OpenSSL 1.1 is not there.
pub(super) fn is_missing(complaint: &str) -> bool {
    LIBRARIES.iter().any(|library| complaint.contains(library))
}

/// The folder of the two libraries, in the cache.
pub(super) fn folder(cache: &Path) -> Result<PathBuf, ServerError> {
    cache::entry(cache, PACKAGE, |folder| {
        fetch(folder).map_err(|error| ServerError::Binary(format!("{error}\n{WHAT_TO_DO}")))
    })
}

/// Fetches the package with apt, whose state, lists and cache are all below `folder`, so that the system's stay untouched;
/// apt verifies the signatures. The package is unpacked, not installed.
fn fetch(folder: &Path) -> Result<(), ServerError> {
    let work = folder.join("apt");
    for sub in ["state/lists/partial", "cache/archives/partial", "unpacked"] {
        let path = work.join(sub);
        fs::create_dir_all(&path).map_err(ServerError::path("make the folder", &path))?;
    }
    let list = sources::of_release(CODENAME).ok_or_else(|| {
        ServerError::Binary("the system's apt sources name no mirror of a Debian release with a code name".into())
    })?;
    write(&work.join("sources.list"), &list)?;
    let config = work.join("apt.conf");
    write(&config, &configuration(&work))?;
    let apt =
        |args: &[&str]| run("apt-get", Command::new("apt-get").arg("-c").arg(&config).args(args).current_dir(&work));
    apt(&["update"])?;
    apt(&["download", PACKAGE])?;
    let package = find(&work, ".deb")?;
    let unpacked = work.join("unpacked");
    run("dpkg", Command::new("dpkg").arg("-x").arg(&package).arg(&unpacked))?;
    let libraries = unpacked.join("usr/lib/x86_64-linux-gnu");
    for library in LIBRARIES {
        let from = libraries.join(library);
        fs::copy(&from, folder.join(library)).map_err(ServerError::path("copy", &from))?;
    }
    fs::remove_dir_all(&work).map_err(ServerError::path("remove", &work))
}

fn configuration(work: &Path) -> String {
    let work = work.display();
    // The hooks would clean the system's own cache. The sandbox user could not enter a private folder.
    format!(
        "#clear APT::Update::Post-Invoke;\n\
         #clear APT::Update::Post-Invoke-Success;\n\
         Dir::Etc::SourceList \"{work}/sources.list\";\n\
         Dir::Etc::SourceParts \"/dev/null\";\n\
         Dir::State \"{work}/state\";\n\
         Dir::Cache \"{work}/cache\";\n\
         APT::Sandbox::User \"root\";\n\
         Acquire::Languages \"none\";\n\
         Acquire::IndexTargets::deb::DEP-11::DefaultEnabled \"false\";\n"
    )
}

fn write(path: &Path, text: &str) -> Result<(), ServerError> {
    fs::write(path, text).map_err(ServerError::path("write", path))
}

fn find(folder: &Path, suffix: &str) -> Result<PathBuf, ServerError> {
    let files = fs::read_dir(folder).map_err(ServerError::path("read", folder))?;
    let mut paths = files.flatten().map(|file| file.path());
    let found = paths.find(|path| path.as_os_str().to_string_lossy().ends_with(suffix));
    found.ok_or_else(|| ServerError::Binary(format!("no {suffix} in {}", folder.display())))
}
