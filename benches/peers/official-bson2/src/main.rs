//! The official driver with bson 2, for `driverbench` to start.

mod codec;
mod driver;

use std::process::ExitCode;

use stator_benches::driver::Settings;
use stator_benches::host::OnTokio;
use stator_benches::runner::driven::Driven;
use stator_benches::runner::roster::of_official;
use stator_benches::runner::{Contender, process};
use stator_benches::{Failure, Runner};

use driver::Official;

const CONTENDERS: [Contender; 3] = [
    Contender { name: "official2-mt", peer: "official-mt", floor: "floor-tokio", can: of_official, make: multi_thread },
    Contender {
        name: "official2-ct",
        peer: "official-ct",
        floor: "floor-tokio",
        can: of_official,
        make: current_thread,
    },
    Contender { name: "official2", peer: "official", floor: "floor", can: codec::can, make: codec::make },
];

fn multi_thread(settings: &Settings) -> Result<Box<dyn Runner>, Failure> {
    Ok(Box::new(Driven::<Official, _>::new("official2-mt", OnTokio::multi_thread()?, settings).spawning()))
}

fn current_thread(settings: &Settings) -> Result<Box<dyn Runner>, Failure> {
    Ok(Box::new(Driven::<Official, _>::new("official2-ct", OnTokio::current_thread()?, settings)))
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match process::serve(&CONTENDERS, &args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("official-bson2: {error}");
            ExitCode::FAILURE
        }
    }
}
