//! A thousand operations at once on a fresh client: Stator beside the official driver, round by round.

use std::process::ExitCode;

use lexopt::prelude::*;
use stator_benches::cold::{self, Outcome, Plan};
use stator_benches::measure::Spread;
use stator_benches::runner::blocking::OnThread;
use stator_benches::{Data, Failure};
use stator_testkit::server::Mongod;

const USAGE: &str = "\
usage: cold_pool [--operations N] [--rounds N] [--max-connecting N]

Lets N find_one (1000) begin at once on a client without connections, with each driver in turn for the given rounds (15), and prints
how long they took. Fails if ever more than maxConnecting (2) connections of Stator were being established.";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cold_pool: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let (mut operations, mut rounds, mut max_connecting) = (1_000, 15, 2);
    let mut args = lexopt::Parser::from_env();
    while let Some(arg) = args.next()? {
        match arg {
            Long("operations") => operations = args.value()?.parse()?,
            Long("rounds") => rounds = args.value()?.parse()?,
            Long("max-connecting") => max_connecting = args.value()?.parse()?,
            Long("help") => {
                println!("{USAGE}");
                return Ok(());
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let data = Data::load(1_000)?;
    let mongod = Mongod::standalone()?;
    OnThread::new(mongod.address(), &data)?.fill()?;
    println!(
        "mongod {}, client and server on all CPUs, {operations} find_one at once on a fresh client, {rounds} rounds, maxConnecting \
         {max_connecting}, maxPoolSize 100\n",
        mongod.version()
    );
    let plan = Plan { address: mongod.address(), operations, max_connecting, data };
    let drivers = cold::drivers();
    let mut outcomes: Vec<Vec<Outcome>> = vec![Vec::new(); drivers.len()];
    // The first round warms the server up and is not counted; its dials are judged all the same.
    let mut most_dials = vec![0; drivers.len()];
    for round in 0..=rounds {
        for (index, (_, run)) in drivers.iter().enumerate() {
            let outcome = run(&plan)?;
            most_dials[index] = most_dials[index].max(outcome.most_dials);
            if round > 0 {
                outcomes[index].push(outcome);
            }
        }
    }
    println!(
        "{:<12} {:>22} {:>22} {:>22} {:>12} {:>11}",
        "driver", "p50 ms", "p99 ms", "all ms", "connections", "most dials"
    );
    for (((name, _), outcomes), dials) in drivers.iter().zip(&outcomes).zip(&most_dials) {
        let connections = Spread::of(outcomes.iter().map(|outcome| outcome.connections as f64)).p50;
        println!(
            "{name:<12} {:>22} {:>22} {:>22} {connections:>12} {dials:>11}",
            show(cold::millis(outcomes, |outcome| outcome.p50)),
            show(cold::millis(outcomes, |outcome| outcome.p99)),
            show(cold::millis(outcomes, |outcome| outcome.wall)),
        );
    }
    if let [stator, official] = &outcomes[..] {
        println!(
            "{:<12} {:>22} {:>22} {:>22}",
            "x official",
            show(cold::ratio(stator, official, |outcome| outcome.p50)),
            show(cold::ratio(stator, official, |outcome| outcome.p99)),
            show(cold::ratio(stator, official, |outcome| outcome.wall)),
        );
    }
    println!(
        "\nMedians of the rounds, p10..p90 in parentheses; times count from the moment when all operations were asked for."
    );
    match most_dials[0] {
        most if most > max_connecting as usize => {
            Err(format!("{most} dials at once; maxConnecting is {max_connecting}").into())
        }
        _ => Ok(()),
    }
}

fn show(spread: Spread) -> String {
    format!("{:.2} ({:.2}..{:.2})", spread.p50, spread.p10, spread.p90)
}
