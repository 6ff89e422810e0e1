//! One task of one runner, for callgrind to count: `measured` is where counting begins and ends.

use std::net::SocketAddr;
use std::process::ExitCode;

use stator_benches::{Data, Failure, Runner, Task, replay, runner};

const USAGE: &str = "usage: callgrind SERVER-ADDRESS RUNNER TASK COUNT    (the address that `replay` prints)";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(operations) => {
            println!("{operations}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("callgrind: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<u64, Failure> {
    let [address, runner, task, count] = args else { return Err(USAGE.into()) };
    let address: SocketAddr = address.parse()?;
    let task = Task::named(task).ok_or_else(|| format!("no task is named {task}"))?;
    let count: u64 = count.parse()?;
    let data = Data::load(replay::BATCH)?;
    let found = runner::all(address, &data)?.into_iter().find(|known| known.name() == runner.as_str());
    let mut runner = found.ok_or_else(|| format!("no runner is named {runner}"))?;
    // Connections, buffers and caches are there before counting begins.
    runner.run(task, 20)?;
    measured(&mut *runner, task, count)
}

/// callgrind toggles collection at this function.
#[inline(never)]
fn measured(runner: &mut dyn Runner, task: Task, count: u64) -> Result<u64, Failure> {
    runner.run(task, count)
}
