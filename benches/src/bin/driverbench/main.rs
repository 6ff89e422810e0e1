//! DriverBench: time and CPU of every runner, round by round next to each other.

mod heap;
mod options;
mod scratch;
mod session;

use std::process::{Command, ExitCode};

use options::Options;

/// Threads of the executors that read this when they start: as many as tokio's multi-thread runtime has here.
const THREADS: [(&str, &str); 2] = [("SMOL_THREADS", "2"), ("ASYNC_STD_THREAD_COUNT", "2")];

fn main() -> ExitCode {
    if THREADS.iter().any(|(name, _)| std::env::var_os(name).is_none()) {
        return again();
    }
    match Options::from_args().and_then(|options| options.map_or(Ok(()), |options| session::run(&options))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("driverbench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The same with these variables.
fn again() -> ExitCode {
    let program = std::env::current_exe().and_then(|program| {
        let unset = THREADS.into_iter().filter(|(name, _)| std::env::var_os(name).is_none());
        Command::new(program).args(std::env::args_os().skip(1)).envs(unset).status()
    });
    match program.map(|status| status.success()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("driverbench: {error}");
            ExitCode::FAILURE
        }
    }
}
