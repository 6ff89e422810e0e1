//! DriverBench: time and CPU of every runner, round by round next to each other.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use lexopt::prelude::*;
use serde_json::json;
use stator_benches::measure::{Sample, calibrate};
use stator_benches::report::{Row, TaskReport};
use stator_benches::runner::{self, blocking::OnThread};
use stator_benches::{Data, Failure, Runner, Task, affinity};
use stator_testkit::server::Mongod;

const USAGE: &str = "\
usage: driverbench [OPTIONS] [TASK...]

Measures the tasks whose names contain one of the arguments, by default all.

  --one-cpu        client and server share one CPU: the fairest view of a driver's own cost
  --quick          a second or so, to see that everything runs; the numbers say nothing
  --rounds N       rounds for each task (20)
  --slot MS        length of each runner's slot in a round (200)
  --runner NAME    only runners whose names contain NAME; may be repeated
  --json FILE      append the results to FILE, a JSON object on each line
  --list           print the tasks' names";

fn main() -> ExitCode {
    match Options::from_args().and_then(|options| options.map_or(Ok(()), |options| run(&options))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("driverbench: {error}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug)]
struct Options {
    one_cpu: bool,
    rounds: usize,
    slot: Duration,
    corpus: i32,
    json: Option<PathBuf>,
    runners: Vec<String>,
    tasks: Vec<String>,
}

impl Options {
    /// `None` if there is nothing to do but what was printed.
    fn from_args() -> Result<Option<Self>, Failure> {
        let mut options = Self {
            one_cpu: false,
            rounds: 20,
            slot: Duration::from_millis(200),
            corpus: 10_000,
            json: None,
            runners: Vec::new(),
            tasks: Vec::new(),
        };
        let mut args = lexopt::Parser::from_env();
        while let Some(arg) = args.next()? {
            match arg {
                Long("one-cpu") => options.one_cpu = true,
                Long("quick") => (options.rounds, options.slot, options.corpus) = (2, Duration::from_millis(4), 500),
                Long("rounds") => options.rounds = args.value()?.parse()?,
                Long("slot") => options.slot = Duration::from_millis(args.value()?.parse()?),
                Long("json") => options.json = Some(args.value()?.into()),
                Long("runner") => options.runners.push(args.value()?.string()?),
                Long("list") => {
                    Task::ALL.iter().for_each(|task| println!("{}", task.name()));
                    return Ok(None);
                }
                Long("help") => {
                    println!("{USAGE}");
                    return Ok(None);
                }
                Value(task) => options.tasks.push(task.string()?),
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(Some(options))
    }
}

fn chosen(name: &str, filters: &[String]) -> bool {
    filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()))
}

fn run(options: &Options) -> Result<(), Failure> {
    // First of all: threads and processes inherit it.
    let cpu = options.one_cpu.then(affinity::pin_to_one_cpu).transpose()?;
    let data = Data::load(options.corpus)?;
    let mongod = Mongod::standalone()?;
    let setup = OnThread::new(mongod.address(), &data)?;
    setup.fill()?;
    let mut runners = runner::all(mongod.address(), &data)?;
    runners.retain(|runner| chosen(runner.name(), &options.runners));
    let place = cpu.map_or("client and server on all CPUs".into(), |cpu| format!("client and server on CPU {cpu}"));
    let version = mongod.version();
    println!(
        "mongod {version}, {place}, {}, {} tweets of {} bytes, {} rounds of {:?} slots\n",
        data.origin,
        data.corpus,
        data.tweet_bytes(),
        options.rounds,
        options.slot
    );
    let common = json!({
        "server": version.to_string(), "one_cpu": options.one_cpu, "data": data.origin, "corpus": data.corpus,
        "slot_ms": u64::try_from(options.slot.as_millis())?,
    });
    let mut json =
        options.json.as_ref().map(|path| File::options().create(true).append(true).open(path)).transpose()?;
    for task in Task::ALL.into_iter().filter(|task| chosen(task.name(), &options.tasks)) {
        let report = measure(task, options, &mut runners, &setup)?;
        println!("{}", report.table(&data));
        if let Some(file) = &mut json {
            file.write_all(report.json_lines(&data, &common).as_bytes())?;
        }
    }
    Ok(())
}

/// Round after round, every runner takes its slot: what disturbs the machine for a while disturbs all.
fn measure(
    task: Task,
    options: &Options,
    runners: &mut [Box<dyn Runner>],
    setup: &OnThread,
) -> Result<TaskReport, Failure> {
    let mut able: Vec<_> = runners.iter_mut().filter(|runner| runner.supports(task)).collect();
    let mut counts = Vec::with_capacity(able.len());
    for runner in &mut able {
        prepare(task, setup)?;
        counts.push(calibrate(&mut ***runner, task, options.slot)?);
    }
    let row = |runner: &&mut Box<dyn Runner>| Row { runner: runner.name(), peer: runner.peer(), samples: Vec::new() };
    let mut rows: Vec<Row> = able.iter().map(row).collect();
    for _ in 0..options.rounds {
        for ((runner, row), &count) in able.iter_mut().zip(&mut rows).zip(&counts) {
            prepare(task, setup)?;
            row.samples.push(Sample::take(&mut ***runner, task, count)?);
        }
    }
    Ok(TaskReport { task, rows })
}

/// Inserts begin with an empty collection.
fn prepare(task: Task, setup: &OnThread) -> Result<(), Failure> {
    if task == Task::InsertOne { setup.reset_inserts() } else { Ok(()) }
}
