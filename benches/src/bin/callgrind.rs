//! One task of one runner, for callgrind to count: `measured` is where counting begins and ends. Prints how many operations that were;
//! none if the runner cannot do the task.

use std::process::ExitCode;
use std::sync::Arc;

use stator_benches::driver::Settings;
use stator_benches::runner::all;
use stator_benches::{Data, Failure, Runner, Task, replay};

const USAGE: &str =
    "usage: callgrind SERVER-ADDRESS RUNNER TASK COUNT    (the address that `replay` prints), or callgrind --list";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args == ["--list"] {
        Task::all().into_iter().filter(|task| task.can_replay()).for_each(|task| println!("{task}"));
        return ExitCode::SUCCESS;
    }
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
    let task = Task::named(task).ok_or_else(|| format!("no task is named {task}"))?;
    let count: u64 = count.parse()?;
    let settings = Settings::new(address.parse()?, Arc::new(Data::load(replay::SCALE)?), std::env::temp_dir());
    let found = all().into_iter().find(|known| known.name == runner.as_str());
    let contender = found.ok_or_else(|| format!("no runner is named {runner}"))?;
    if !(contender.can)(task) {
        return Ok(0);
    }
    let mut runner = (contender.make)(&settings)?;
    // Connections, buffers and caches are there before counting begins.
    runner.run(task, 20)?;
    measured(&mut *runner, task, count)
}

/// callgrind toggles collection at this function.
#[inline(never)]
fn measured(runner: &mut dyn Runner, task: Task, count: u64) -> Result<u64, Failure> {
    Ok(runner.run(task, count)?.operations)
}
