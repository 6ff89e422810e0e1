//! A runner in another program: for peers that cannot be compiled into this one.
//!
//! The program is started with a name, the server's address, the folder of files and the scale, and then reads tasks and counts, one on each line,
//! and answers each with one line of JSON. It measures its own CPU time.

use std::io::{BufRead, BufReader, Lines, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::roster::of_official;
use super::{Contender, Done, Failure, Runner};
use crate::driver::Settings;
use crate::measure::Stopwatch;
use crate::task::Codec;
use crate::{Data, Task};

/// Where `cargo build --release` in `benches/peers/official-bson2` leaves it.
fn bson2() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/official-bson2/target/release/official-bson2")
}

/// Clients in other programs that have been built.
pub(super) fn contenders() -> Vec<Contender> {
    let mut all = vec![
        Contender {
            name: "official2-mt",
            peer: "official-mt",
            floor: "floor-tokio",
            can: of_official,
            make: |to| start("official2-mt", to),
        },
        Contender {
            name: "official2-ct",
            peer: "official-ct",
            floor: "floor-tokio",
            can: of_official,
            make: |to| start("official2-ct", to),
        },
    ];
    all.retain(|_| bson2().is_file());
    all
}

/// Codecs in other programs that have been built.
pub(super) fn codecs() -> Vec<Contender> {
    let make = |to: &Settings| start("official2", to);
    let mut all = vec![Contender { name: "official2", peer: "official", floor: "floor", can: without_structs, make }];
    all.retain(|_| bson2().is_file());
    all
}

/// The structs' fields are of bson 3.
const fn without_structs(task: Task) -> bool {
    matches!(task, Task::Bson(_, Codec::Encode | Codec::Decode | Codec::Walk | Codec::Validate))
}

fn start(name: &str, settings: &Settings) -> Result<Box<dyn Runner>, Failure> {
    let mut child = Command::new(bson2())
        .args([name, &settings.address.to_string()])
        .arg(&settings.folder)
        .arg(settings.data.scale.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let to = child.stdin.take();
    let from = child.stdout.take().ok_or("no standard output")?;
    Ok(Box::new(Elsewhere { child, to, from: BufReader::new(from).lines() }))
}

/// A program that is told what to do.
#[derive(Debug)]
struct Elsewhere {
    child: Child,
    to: Option<ChildStdin>,
    from: Lines<BufReader<ChildStdout>>,
}

impl Runner for Elsewhere {
    fn run(&mut self, task: Task, count: u64) -> Result<Done, Failure> {
        let to = self.to.as_mut().ok_or("no standard input")?;
        writeln!(to, "{task} {count}")?;
        to.flush()?;
        let line = self.from.next().ok_or("the other program has ended")??;
        let answer: Value = serde_json::from_str(&line)?;
        if let Some(error) = answer["error"].as_str() {
            return Err(error.into());
        }
        let nanos = |name: &str| answer[name].as_u64().map(Duration::from_nanos).ok_or("a clock is missing");
        let figures = answer["figures"].as_object().into_iter().flatten();
        Ok(Done {
            operations: answer["operations"].as_u64().ok_or("the count is missing")?,
            took: Some((nanos("wall_ns")?, nanos("cpu_ns")?)),
            figures: figures.map(|(name, value)| (name.clone(), value.as_f64().unwrap_or_default())).collect(),
        })
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        // It ends with its standard input.
        self.to = None;
        let _ = self.child.wait();
    }
}

/// The other side: serves one of `contenders` until the standard input ends. The arguments are those of the program.
///
/// # Errors
///
/// Arguments that are not understood. What a task fails with is told to the other side.
pub fn serve(contenders: &[Contender], args: &[String]) -> Result<(), Failure> {
    let [name, address, folder, scale] = args else { return Err("this program is started by driverbench".into()) };
    let contender = contenders.iter().find(|known| known.name == name.as_str()).ok_or("no runner has this name")?;
    let data = Data::of_folder(Path::new(folder), scale.parse()?)?;
    let settings = Settings::new(address.parse()?, Arc::new(data), folder.into());
    let mut runner = (contender.make)(&settings)?;
    for line in stdin().lines() {
        let line = line?;
        let (task, count) = line.split_once(' ').ok_or("a task and a count")?;
        let task = Task::named(task).ok_or("no task has this name")?;
        let watch = Stopwatch::start();
        let answer = match runner.run(task, count.parse()?) {
            Ok(done) => {
                let (wall, cpu) = done.took.unwrap_or_else(|| watch.read());
                let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
                let figures: serde_json::Map<String, Value> =
                    done.figures.into_iter().map(|(name, value)| (name, value.into())).collect();
                json!({ "operations": done.operations, "wall_ns": nanos(wall), "cpu_ns": nanos(cpu), "figures": figures })
            }
            Err(error) => json!({ "error": error.to_string() }),
        };
        println!("{answer}");
        stdout().flush()?;
    }
    Ok(())
}
