//! Asks `footprint`, the program beside this one.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use stator_benches::driver::Settings;
use stator_benches::report::Footprint;
use stator_benches::{Failure, Task};

/// Where cargo puts it, if it was built.
pub(crate) fn program() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?.with_file_name("footprint");
    program.is_file().then_some(program)
}

/// What a runner needs for a task.
pub(crate) fn of(runner: &str, task: Task, settings: &Settings) -> Result<Value, Failure> {
    let program = program().ok_or("footprint was not built: cargo build --release -p stator-benches --bins")?;
    let count = if task.is_once() { 1 } else { 1000 };
    let output = Command::new(program)
        .args([runner, &task.to_string(), &count.to_string(), &settings.address.to_string()])
        .arg(&settings.folder)
        .arg(settings.data.scale.to_string())
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The columns of a table.
pub(crate) fn footprint(value: &Value) -> Result<Footprint, Failure> {
    let of = |name: &str| value[name].as_f64().ok_or_else(|| format!("footprint did not tell {name}"));
    Ok(Footprint { allocations: of("allocations")?, bytes: of("bytes")?, peak_kib: of("peak_kib")? })
}
