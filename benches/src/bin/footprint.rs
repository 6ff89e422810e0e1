//! Heap allocations, bytes and peak memory of one task of one runner, in a process of its own: counting takes time, and memory that one runner
//! has had is there for the next. `driverbench` starts it.

use std::alloc::System;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Value, json};
use stator_benches::driver::Settings;
use stator_benches::runner::{all, codecs};
use stator_benches::task::As;
use stator_benches::tasks::CONNECTIONS;
use stator_benches::{Data, Failure, Task};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const USAGE: &str = "usage: footprint RUNNER TASK COUNT SERVER-ADDRESS FOLDER SCALE";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("footprint: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<Value, Failure> {
    let [runner, task, count, address, folder, scale] = args else { return Err(USAGE.into()) };
    let task = Task::named(task).ok_or_else(|| format!("no task is named {task}"))?;
    let count: u64 = count.parse()?;
    let data = Data::of_folder(Path::new(folder), scale.parse()?)?;
    let settings = Settings::new(address.parse()?, Arc::new(data), folder.into());
    let data_alone = memory("VmRSS");
    let known = if task.is_bson() { codecs() } else { all() };
    let found = known.into_iter().find(|known| known.name == runner.as_str());
    let mut runner = (found.ok_or_else(|| format!("no runner is named {runner}"))?.make)(&settings)?;
    if task == Task::IdlePool {
        // What the first client makes for all that come after it.
        runner.run(Task::RunCommand(As::Document), 1)?;
        let (region, before) = (Region::new(HEAP), memory("VmRSS"));
        runner.keep_filled(&settings)?;
        let change = region.change();
        let live = change.bytes_allocated as f64 - change.bytes_deallocated as f64;
        let connections = f64::from(CONNECTIONS);
        return Ok(json!({
            "heap KiB": live / connections / 1024.0,
            "RSS KiB": (memory("VmRSS") - before) / connections,
        }));
    }
    if !task.is_once() {
        runner.run(task, count.div_ceil(20))?;
    }
    // The peak counts from now on, where the kernel lets us say so.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let region = Region::new(HEAP);
    let operations = runner.run(task, count)?.operations;
    let change = region.change();
    let per = |total: usize| total as f64 / operations.max(1) as f64;
    Ok(json!({
        "allocations": per(change.allocations + change.reallocations),
        "bytes": per(change.bytes_allocated),
        // What the documents take is the same for all, and no part of it.
        "peak_kib": memory("VmHWM") - data_alone,
    }))
}

/// A line of `/proc/self/status`, in KiB; zero where there is none.
fn memory(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}
