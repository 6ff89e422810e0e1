//! Kills, steps down, freezes and restarts the primary of a real replica set under load, on each runtime, and prints what users
//! would have seen: `failover [--runtime tokio|smol|async-std|blocking]... [--once]`.
//!
//! The exit status is 0 when nothing leaked or got lost, no pool was cleared without cause and every error was of an expected class.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use lexopt::prelude::*;
use stator_client::Runtime;
use stator_client::action::BoxFuture;
use stator_testkit::failover::{self, Fault, Outcome, Plan, table};
use stator_testkit::server::{MongodOptions, ReplicaSet};

const USAGE: &str = "\
usage: failover [--runtime NAME]... [--once]

  --runtime NAME    tokio, smol, async-std or blocking; may be given more than once (default: all)
  --once            each fault once rather than twice, and no tail";

const RUNTIMES: [&str; 4] = ["tokio", "smol", "async-std", "blocking"];

fn main() -> ExitCode {
    let (runtimes, plan) = match arguments() {
        Ok(Some(arguments)) => arguments,
        Ok(None) => return ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("failover: {message}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let mut runs = Vec::new();
    for name in runtimes {
        eprintln!("failover on {name} ...");
        match run(name, &plan) {
            Ok(outcome) => {
                print!("{}", table(&[(name, outcome.clone())]));
                runs.push((name, outcome));
            }
            Err(error) => {
                eprintln!("failover on {name}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    let sound = |outcome: &Outcome| {
        outcome.leaked == 0
            && outcome.lost == 0
            && outcome.duplicated == 0
            && outcome.cleared_without_cause == 0
            && outcome.unexpected().next().is_none()
    };
    for (name, outcome) in runs.iter().filter(|(_, outcome)| !sound(outcome)) {
        println!("{name}: NOT SOUND; unexpected errors: {:?}", outcome.unexpected().collect::<Vec<_>>());
    }
    if runs.iter().all(|(_, outcome)| sound(outcome)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// `None` when the user only asked for help.
fn arguments() -> Result<Option<(Vec<&'static str>, Plan)>, String> {
    let mut runtimes = Vec::new();
    let mut plan = Plan::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        match argument {
            Long("runtime") => {
                let wanted = parser.value().and_then(|value| value.string()).map_err(|error| error.to_string())?;
                let known = RUNTIMES.into_iter().find(|name| *name == wanted);
                runtimes.push(known.ok_or(format!("there is no runtime {wanted:?}"))?);
            }
            Long("once") => {
                plan = Plan { faults: Fault::ALL.to_vec(), tail: core::time::Duration::ZERO, ..Plan::default() };
            }
            Short('h') | Long("help") => {
                println!("{USAGE}");
                return Ok(None);
            }
            other => return Err(other.unexpected().to_string()),
        }
    }
    if runtimes.is_empty() {
        runtimes.extend(RUNTIMES);
    }
    Ok(Some((runtimes, plan)))
}

fn run(name: &str, plan: &Plan) -> Result<Outcome, Box<dyn std::error::Error>> {
    let mut set = ReplicaSet::start(3, MongodOptions::new())?;
    Ok(match name {
        "tokio" => {
            let runtime = tokio::runtime::Runtime::new()?;
            let _entered = runtime.enter();
            failover::run(stator_tokio::Tokio, &mut set, plan, |task| drop(runtime.spawn(task)))?
        }
        "smol" => failover::run(stator_smol::Smol, &mut set, plan, |task| smol::spawn(task).detach())?,
        "async-std" => {
            failover::run(stator_async_std::AsyncStd, &mut set, plan, |task| drop(async_std::task::spawn(task)))?
        }
        _ => failover::run(stator_blocking::Blocking, &mut set, plan, on_a_thread)?,
    })
}

/// As users of plain threads do. Each task has its own thread, which blocks.
fn on_a_thread(task: BoxFuture<()>) {
    // A thread that cannot be started is a task that never ends, which the run reports.
    let _ = stator_blocking::Blocking.spawn("failover", task);
}
