//! One run: the server, the data, then task by task.

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use stator_benches::building::PINGS;
use stator_benches::data::Scale;
use stator_benches::driver::{MAX_CONNECTING, Settings};
use stator_benches::measure::{Sample, calibrate};
use stator_benches::report::{Old, Row, TaskReport, chart, compare, lines, table};
use stator_benches::runner::{Contender, Direct, all, codecs};
use stator_benches::tasks::MOST_DIALS;
use stator_benches::{Data, Failure, Runner, Task, affinity, ldjson};
use stator_testkit::server::Mongod;

use crate::heap;
use crate::options::Options;
use crate::scratch::Scratch;

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    // First of all: threads and processes inherit it.
    let cpu = options.one_cpu.then(affinity::pin_to_one_cpu).transpose()?;
    let text = options.compare.as_deref().map(std::fs::read_to_string).transpose()?;
    let data = Arc::new(Data::load(options.scale)?);
    let mongod = Mongod::standalone()?;
    let scratch = Scratch::new()?;
    data.save(scratch.path())?;
    let settings = Settings::new(mongod.address(), Arc::clone(&data), scratch.path().into());
    let setup = Direct::new(&settings)?;
    setup.fill(&settings)?;
    let place = cpu.map_or("client and server on all CPUs".into(), |cpu| format!("client and server on CPU {cpu}"));
    let Scale { corpus, files, .. } = data.scale;
    let caption = format!(
        "mongod {}, {place}, {}, {corpus} tweets, {files} files, {} rounds of {:?} slots",
        mongod.version(),
        data.origin,
        options.rounds,
        options.slot
    );
    println!(
        "{caption}\nt/off, c/off: wall and CPU time as a multiple of the official driver's; t/flo, c/flo: as a multiple of the floor's of the same sockets\n"
    );
    if options.heap && heap::program().is_none() {
        println!(
            "allocations are not counted: `cargo build --release -p stator-benches --bins` builds what counts them\n"
        );
    }
    let run = json!({
        "server": mongod.version().to_string(), "one_cpu": options.one_cpu, "data": data.origin, "corpus": corpus, "files": files,
        "slot_ms": u64::try_from(options.slot.as_millis())?,
    });
    let old = text.map(|text| Old::parse(&text, &run)).transpose()?;
    let mut json =
        options.json.as_ref().map(|path| File::options().create(true).append(true).open(path)).transpose()?;
    let mut field = Field { options, settings: &settings, setup: &setup, clients: Vec::new(), files: false };
    let mut reports = Vec::new();
    for task in options.tasks() {
        let report = field.measure(task)?;
        print!("{}", table(&report));
        if let Some(old) = &old {
            print!("{}", compare(&report, old));
        }
        println!();
        if let Some(file) = &mut json {
            file.write_all(lines(&report, &run).as_bytes())?;
        }
        reports.push(report);
    }
    if let Some(path) = &options.chart {
        std::fs::write(path, chart(&reports, &caption))?;
    }
    too_many_dials(&reports)
}

/// Stator never establishes more connections at a time than it is told to.
fn too_many_dials(reports: &[TaskReport]) -> Result<(), Failure> {
    for row in reports.iter().flat_map(|report| &report.rows).filter(|row| row.runner.starts_with("stator")) {
        let most = row.samples.iter().filter_map(|sample| sample.figure(MOST_DIALS)).fold(0.0, f64::max);
        if most > f64::from(MAX_CONNECTING) {
            return Err(format!("{} had {most} dials at once; maxConnecting is {MAX_CONNECTING}", row.runner).into());
        }
    }
    Ok(())
}

/// Those who take part.
struct Field<'a> {
    options: &'a Options,
    settings: &'a Settings,
    setup: &'a Direct,
    /// Clients that have been made, which later tasks use too.
    clients: Vec<(&'static str, Box<dyn Runner>)>,
    /// Whether the LDJSON files are there.
    files: bool,
}

impl Field<'_> {
    fn measure(&mut self, task: Task) -> Result<TaskReport, Failure> {
        self.prepare_once(task)?;
        let rows = match task {
            Task::Build => self.builds()?,
            Task::IdlePool => self.idle()?,
            _ => self.rounds(task)?,
        };
        Ok(TaskReport { task, bytes: task.bytes(&self.settings.data), rows })
    }

    fn contenders(&self, task: Task) -> Vec<Contender> {
        let mut known = if task.is_bson() { codecs() } else { all() };
        known.retain(|contender| (contender.can)(task) && self.options.takes(contender.name));
        known
    }

    /// Round after round, every runner takes its slot: what disturbs the machine for a while disturbs all.
    fn rounds(&mut self, task: Task) -> Result<Vec<Row>, Failure> {
        let contenders = self.contenders(task);
        let (mut runners, mut counts) = (Vec::new(), Vec::new());
        for contender in &contenders {
            let mut runner = self.take(contender, task)?;
            let slot = self.options.slot;
            counts.push(self.attempt(task, contender, || calibrate(&mut *runner, task, slot))?);
            runners.push(runner);
        }
        let mut rows: Vec<Row> = contenders.iter().map(|contender| row(contender, task)).collect();
        for round in 0..self.options.rounds.min(task.most_rounds()) {
            // Who begins comes last the next time, so that nobody always follows the same one.
            for place in 0..runners.len() {
                let place = if round % 2 == 0 { place } else { runners.len() - 1 - place };
                let (runner, count) = (&mut runners[place], counts[place]);
                let sample = self.attempt(task, &contenders[place], || Sample::take(&mut **runner, task, count))?;
                rows[place].samples.push(sample);
            }
        }
        for (contender, runner) in contenders.iter().zip(runners) {
            if !task.is_bson() {
                self.clients.push((contender.name, runner));
            }
        }
        if self.options.heap && heap::program().is_some() && !matches!(task, Task::Concurrent { .. } | Task::FillPool) {
            for row in &mut rows {
                // Other programs are not counted.
                if !row.runner.starts_with("official2") {
                    self.prepare(task)?;
                    row.footprint = Some(heap::footprint(&heap::of(row.runner, task, self.settings)?)?);
                }
            }
        }
        Ok(rows)
    }

    /// A client whose runtime stands still while others have their turn may find its monitor late, and its connections closed: the
    /// official one's on the current-thread runtime did. What is measured is another matter, so it has a second go, and that is said. Ours
    /// has none: what it cannot do the first time is a fault.
    fn attempt<T>(
        &self,
        task: Task,
        contender: &Contender,
        mut go: impl FnMut() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let said = |error| format!("{task} by {}: {error}", contender.name);
        self.prepare(task)?;
        match go() {
            Err(error) if contender.is_ours() => return Err(said(error).into()),
            Err(error) => eprintln!("driverbench: {}; once more", said(error)),
            done => return done,
        }
        self.prepare(task)?;
        Ok(go().map_err(said)?)
    }

    fn take(&mut self, contender: &Contender, task: Task) -> Result<Box<dyn Runner>, Failure> {
        let known = self.clients.iter().position(|(name, _)| *name == contender.name);
        match known.filter(|_| !task.is_bson()) {
            Some(index) => Ok(self.clients.swap_remove(index).1),
            None => (contender.make)(self.settings),
        }
    }

    /// A process each, which says what it holds.
    fn idle(&self) -> Result<Vec<Row>, Failure> {
        let mut rows = Vec::new();
        for contender in self.contenders(Task::IdlePool) {
            if heap::program().is_none() || contender.name.starts_with("official2") {
                continue;
            }
            let mut row = row(&contender, Task::IdlePool);
            for _ in 0..self.options.rounds.min(Task::IdlePool.most_rounds()) {
                let held = heap::of(contender.name, Task::IdlePool, self.settings)?;
                let figures = held.as_object().into_iter().flatten();
                let figures = figures.map(|(name, value)| (name.clone(), value.as_f64().unwrap_or_default())).collect();
                row.samples.push(Sample { operations: 1, wall: Duration::ZERO, cpu: Duration::ZERO, figures });
            }
            rows.push(row);
        }
        Ok(rows)
    }

    fn builds(&self) -> Result<Vec<Row>, Failure> {
        let mut rows = Vec::new();
        let server = format!("mongodb://{}/?directConnection=true", self.settings.address);
        for ping in PINGS.iter().filter(|ping| self.options.takes(ping.name)) {
            let sample = ping.build(&self.settings.folder.join(ping.name), &server)?;
            rows.push(Row {
                runner: ping.name,
                peer: "official",
                floor: "floor",
                samples: vec![sample],
                footprint: None,
            });
        }
        Ok(rows)
    }

    /// The files, before the first task that needs them.
    fn prepare_once(&mut self, task: Task) -> Result<(), Failure> {
        if matches!(task, Task::Import(_) | Task::Export(_)) && !self.files {
            ldjson::prepare(&self.settings.data, &self.settings.folder)?;
            self.setup.fill_lines(self.settings)?;
            self.files = true;
        }
        Ok(())
    }

    /// Inserts begin with an empty collection.
    fn prepare(&self, task: Task) -> Result<(), Failure> {
        if task.inserts() { self.setup.reset_inserts() } else { Ok(()) }
    }
}

fn row(contender: &Contender, task: Task) -> Row {
    Row {
        runner: contender.name,
        peer: contender.peer,
        floor: contender.floor_of(task),
        samples: Vec::new(),
        footprint: None,
    }
}
