//! Kills, steps down, freezes and restarts the primary of a real replica set under load, on each runtime, and prints what users
//! would have seen: `failover [--runtime tokio|smol|async-std|blocking]... [--run a|b] [--twice]`.
//!
//! Run `a` is made with `timeoutMS=30000`: no error may reach the user. Run `b` is made with the defaults: every error must be of
//! a class that may be tried again, and no operation may have been sent more than twice. In both nothing that was acknowledged
//! may be missing, nothing may be there twice, no transfer between accounts may be seen half, nothing may leak, and no pool may be
//! cleared without cause. The exit status is 0 if all of it holds. All runtimes and both runs take about ten minutes.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use lexopt::prelude::*;
use stator_client::Runtime;
use stator_client::action::BoxFuture;
use stator_testkit::failover::{self, Fault, Outcome, Plan, Regime, table};
use stator_testkit::server::{MongodOptions, ReplicaSet};

const USAGE: &str = "\
usage: failover [--runtime NAME]... [--run a|b] [--twice]

  --runtime NAME    tokio, smol, async-std or blocking; may be given more than once (default: all)
  --run a|b         with timeoutMS=30000, or with the defaults (default: both, one after the other)
  --twice           each fault twice";

const RUNTIMES: [&str; 4] = ["tokio", "smol", "async-std", "blocking"];

/// What is to be done.
struct Arguments {
    runtimes: Vec<&'static str>,
    regimes: Vec<Regime>,
    twice: bool,
}

fn main() -> ExitCode {
    let Arguments { runtimes, regimes, twice } = match arguments() {
        Ok(Some(arguments)) => arguments,
        Ok(None) => return ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("failover: {message}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let mut bad = Vec::new();
    for name in runtimes {
        for &regime in &regimes {
            let mut plan = Plan { regime, ..Plan::default() };
            if twice {
                plan.faults = Fault::ALL.iter().flat_map(|&fault| [fault, fault]).collect();
            }
            let title = format!("{name}, run {}", letter(regime));
            eprintln!("failover on {title} ...");
            match run(name, &plan) {
                Ok(outcome) => {
                    print!("{}", table(&[(&title, outcome.clone())]));
                    bad.extend(outcome.faults(regime).into_iter().map(|fault| format!("{title}: {fault}")));
                }
                Err(error) => bad.push(format!("{title}: {error}")),
            }
        }
    }
    for fault in &bad {
        println!("NOT SOUND: {fault}");
    }
    if bad.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

const fn letter(regime: Regime) -> char {
    match regime {
        Regime::Timeout => 'a',
        Regime::Defaults => 'b',
    }
}

/// `None` when the user only asked for help.
fn arguments() -> Result<Option<Arguments>, String> {
    let mut arguments = Arguments { runtimes: Vec::new(), regimes: Vec::new(), twice: false };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        match argument {
            Long("runtime") => {
                let wanted = value(&mut parser)?;
                let known = RUNTIMES.into_iter().find(|name| *name == wanted);
                arguments.runtimes.push(known.ok_or(format!("there is no runtime {wanted:?}"))?);
            }
            Long("run") => arguments.regimes.push(match value(&mut parser)?.as_str() {
                "a" => Regime::Timeout,
                "b" => Regime::Defaults,
                other => return Err(format!("there is no run {other:?}")),
            }),
            Long("twice") => arguments.twice = true,
            Short('h') | Long("help") => {
                println!("{USAGE}");
                return Ok(None);
            }
            other => return Err(other.unexpected().to_string()),
        }
    }
    if arguments.runtimes.is_empty() {
        arguments.runtimes.extend(RUNTIMES);
    }
    if arguments.regimes.is_empty() {
        arguments.regimes.extend([Regime::Timeout, Regime::Defaults]);
    }
    Ok(Some(arguments))
}

fn value(parser: &mut lexopt::Parser) -> Result<String, String> {
    parser.value().and_then(|value| value.string()).map_err(|error| error.to_string())
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
