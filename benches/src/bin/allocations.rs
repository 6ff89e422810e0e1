//! Heap allocations and bytes for each operation of every runner, against the replaying server in a process of its own.
//!
//! Counting takes time, so this is not part of `driverbench`.

use std::alloc::System;
use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;

use stator_benches::{Data, Task, replay, runner};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const USAGE: &str = "usage: allocations SERVER-ADDRESS    (the address that `replay` prints)";

fn main() -> ExitCode {
    let Some(address) = std::env::args().nth(1).and_then(|arg| arg.parse().ok()) else {
        eprintln!("{USAGE}");
        return ExitCode::FAILURE;
    };
    match run(address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("allocations: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(address: SocketAddr) -> Result<(), Box<dyn Error + Send + Sync>> {
    let data = Data::load(replay::BATCH)?;
    let mut runners = runner::all(address, &data)?;
    println!("{:<20} {:<17} {:>12} {:>12}", "task", "runner", "allocations", "bytes");
    for task in Task::ALL {
        for runner in runners.iter_mut().filter(|runner| runner.supports(task)) {
            runner.run(task, 100)?;
            let region = Region::new(HEAP);
            let operations = runner.run(task, 2000)?;
            let change = region.change();
            let per = |total: usize| total as f64 / operations.max(1) as f64;
            println!(
                "{:<20} {:<17} {:>12.2} {:>12.0}",
                task.name(),
                runner.name(),
                per(change.allocations + change.reallocations),
                per(change.bytes_allocated)
            );
        }
    }
    Ok(())
}
