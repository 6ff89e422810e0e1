//! A program that pings, built from nothing: how long that takes, how large the program is, how many packages it is made of.
//!
//! Every program has TLS and no DNS beyond the system's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::measure::Sample;
use crate::measure::Stopwatch;

/// A program that pings.
#[derive(Clone, Copy, Debug)]
pub struct Ping {
    /// The name in reports.
    pub name: &'static str,
    /// The lines below `[dependencies]`; `WORKSPACE` stands for the folder of the workspace.
    dependencies: &'static str,
    /// `main.rs`, and what `block_on` in it is.
    source: &'static str,
    block_on: &'static str,
}

const STATOR: &str = include_str!("../ping/stator.rs");
const ON_TOKIO: &str = "
fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect(\"a runtime\").block_on(future)
}
";

/// All programs.
pub const PINGS: [Ping; 5] = [
    Ping {
        name: "stator-tokio",
        dependencies: "stator = { package = \"stator-tokio\", path = \"WORKSPACE/adapters/tokio\", default-features = false, features = [\"tls\"] }\n\
                       tokio = { version = \"1\", features = [\"rt\"] }",
        source: STATOR,
        block_on: ON_TOKIO,
    },
    Ping {
        name: "stator-smol",
        dependencies: "stator = { package = \"stator-smol\", path = \"WORKSPACE/adapters/smol\", default-features = false, features = [\"tls\"] }\n\
                       smol = \"2\"",
        source: STATOR,
        block_on: "use smol::block_on;\n",
    },
    Ping {
        name: "stator-async-std",
        dependencies: "stator = { package = \"stator-async-std\", path = \"WORKSPACE/adapters/async-std\", default-features = false, features = [\"tls\"] }\n\
                       async-std = \"1\"",
        source: STATOR,
        block_on: "use async_std::task::block_on;\n",
    },
    Ping {
        name: "stator-blocking",
        dependencies: "stator = { package = \"stator-blocking\", path = \"WORKSPACE/adapters/blocking\", default-features = false, features = [\"tls\"] }",
        source: STATOR,
        block_on: "
fn block_on<F: Future>(future: F) -> F::Output {
    stator::BlockOn::block_on(&stator::Blocking, future)
}
",
    },
    Ping {
        name: "official",
        dependencies: "mongodb = { version = \"3.9\", default-features = false, features = [\"compat-3-3-0\", \"bson-3\", \"rustls-tls\"] }\n\
                       tokio = { version = \"1\", features = [\"rt\"] }",
        source: include_str!("../ping/official.rs"),
        block_on: "",
    },
];

impl Ping {
    /// Builds it in a folder that is not there yet, with the versions of the workspace's `Cargo.lock`, and pings the server once.
    ///
    /// # Errors
    ///
    /// What cargo reports, or the ping.
    pub fn build(&self, folder: &Path, server: &str) -> Result<Sample, Failure> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
        fs::create_dir_all(folder.join("src"))?;
        let dependencies = self.dependencies.replace("WORKSPACE", &workspace.to_string_lossy());
        fs::write(
            folder.join("Cargo.toml"),
            format!(
                "[package]\nname = \"ping\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{dependencies}\n\n\
                 [profile.release]\nstrip = true\n"
            ),
        )?;
        fs::write(folder.join("src/main.rs"), format!("{}{}", self.source, self.block_on))?;
        fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock"))?;
        // What is not on this machine yet is no part of the time.
        cargo(folder, &["fetch", "--quiet"])?;
        let packages = cargo(folder, &["tree", "--edges", "normal,build", "--prefix", "none", "--no-dedupe"])?;
        let mut packages: Vec<&str> = packages.lines().map(|line| line.trim_end_matches(" (*)")).collect();
        packages.sort_unstable();
        packages.dedup();
        let watch = Stopwatch::start();
        cargo(folder, &["build", "--release", "--offline", "--quiet"])?;
        let (wall, _) = watch.read();
        let program: PathBuf = folder.join("target/release/ping");
        let size = fs::metadata(&program)?.len();
        output(Command::new(&program).arg(server))?;
        fs::remove_dir_all(folder)?;
        let figures = vec![("size KiB".into(), size as f64 / 1024.0), ("packages".into(), packages.len() as f64)];
        // The time of others is not this process's.
        Ok(Sample { operations: 1, wall, cpu: core::time::Duration::ZERO, figures })
    }
}

fn cargo(folder: &Path, args: &[&str]) -> Result<String, Failure> {
    // The caller may itself have been started by cargo, for another target folder.
    output(Command::new("cargo").args(args).current_dir(folder).env_remove("CARGO_TARGET_DIR"))
}

fn output(command: &mut Command) -> Result<String, Failure> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
