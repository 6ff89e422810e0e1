//! The replaying server: prints its address, then serves until its standard input ends.

use std::io::{Write as _, stdin, stdout};
use std::process::ExitCode;

use stator_benches::{Data, Failure, replay};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("replay: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let address = replay::start(&Data::load(replay::SCALE)?)?;
    println!("{address}");
    stdout().flush()?;
    std::io::copy(&mut stdin(), &mut std::io::sink())?;
    Ok(())
}
