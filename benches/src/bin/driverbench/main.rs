//! DriverBench: time and CPU of every runner, round by round next to each other.

mod heap;
mod options;
mod scratch;
mod session;

use std::process::ExitCode;

use options::Options;

fn main() -> ExitCode {
    match Options::from_args().and_then(|options| options.map_or(Ok(()), |options| session::run(&options))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("driverbench: {error}");
            ExitCode::FAILURE
        }
    }
}
