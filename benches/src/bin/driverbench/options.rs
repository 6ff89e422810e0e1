//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use lexopt::prelude::*;
use stator_benches::data::Scale;
use stator_benches::{Failure, Task};

const USAGE: &str = "\
usage: driverbench [OPTIONS] [TASK...]

Measures the tasks whose names contain one of the arguments, by default all but `build`, which takes minutes.

  --one-cpu        client and server share one CPU: the fairest view of a driver's own cost
  --quick          little of everything, to see that it runs; the numbers say nothing
  --rounds N       rounds for each task (20)
  --slot MS        length of each runner's slot in a round (200)
  --files N        LDJSON files (8; the specification has 100)
  --runner NAME    only runners whose names contain NAME; may be repeated
  --json FILE      append the results to FILE, a JSON object on each line
  --compare FILE   say what has changed since the run that FILE is of
  --chart FILE     draw the client's CPU time as SVG
  --no-heap        do not count allocations
  --list           print the tasks' names";

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) one_cpu: bool,
    pub(crate) rounds: usize,
    pub(crate) slot: Duration,
    pub(crate) scale: Scale,
    pub(crate) json: Option<PathBuf>,
    pub(crate) compare: Option<PathBuf>,
    pub(crate) chart: Option<PathBuf>,
    pub(crate) heap: bool,
    runners: Vec<String>,
    tasks: Vec<String>,
}

impl Options {
    /// `None` if there is nothing to do but what was printed.
    pub(crate) fn from_args() -> Result<Option<Self>, Failure> {
        let mut options = Self {
            one_cpu: false,
            rounds: 20,
            slot: Duration::from_millis(200),
            scale: Scale::FULL,
            json: None,
            compare: None,
            chart: None,
            heap: true,
            runners: Vec::new(),
            tasks: Vec::new(),
        };
        let mut args = lexopt::Parser::from_env();
        while let Some(arg) = args.next()? {
            match arg {
                Long("one-cpu") => options.one_cpu = true,
                Long("quick") => {
                    (options.rounds, options.slot, options.scale) = (2, Duration::from_millis(4), Scale::QUICK);
                }
                Long("rounds") => options.rounds = args.value()?.parse()?,
                Long("slot") => options.slot = Duration::from_millis(args.value()?.parse()?),
                Long("files") => options.scale.files = args.value()?.parse()?,
                Long("json") => options.json = Some(args.value()?.into()),
                Long("compare") => options.compare = Some(args.value()?.into()),
                Long("chart") => options.chart = Some(args.value()?.into()),
                Long("runner") => options.runners.push(args.value()?.string()?),
                Long("no-heap") => options.heap = false,
                Long("list") => {
                    Task::all().iter().for_each(|task| println!("{task}"));
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

    /// The tasks to measure.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = Task> {
        let named = |task: &Task| self.tasks.iter().any(|part| task.to_string().contains(part.as_str()));
        Task::all().into_iter().filter(move |task| named(task) || self.tasks.is_empty() && !task.is_rare())
    }

    /// Whether this runner takes part.
    pub(crate) fn takes(&self, runner: &str) -> bool {
        self.runners.is_empty() || self.runners.iter().any(|part| runner.contains(part.as_str()))
    }
}
