//! Where messages go.

use core::fmt::Debug;
use std::sync::{Arc, Mutex};

use bson::{Bson, Document};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record as SpanRecord};
use tracing::subscriber::with_default;
use tracing::{Level, Metadata, Subscriber};

use super::samples::*;
use crate::event::{Category, Event, Listeners};
use crate::logging::sink::Sink;
use crate::logging::{Component, LogLevel, LogOptions, LogOutput, record};

/// Collects what it is sent: target, level, and fields as a document.
#[derive(Clone)]
struct Collector {
    least: Level,
    seen: Arc<Mutex<Vec<(String, Level, Document)>>>,
}

impl Collector {
    fn new(least: Level) -> Self {
        Self { least, seen: Arc::default() }
    }
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("stator::") && *metadata.level() <= self.least
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &SpanRecord<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = Fields(Document::new());
        event.record(&mut fields);
        let metadata = event.metadata();
        self.seen.lock().unwrap().push((metadata.target().to_owned(), *metadata.level(), fields.0));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Fields(Document);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name(), value);
    }
}

fn deliver(collector: &Collector, options: LogOptions) -> Vec<(String, Level, Document)> {
    with_default(collector.clone(), || {
        let listeners = Listeners::of(Vec::new(), Some(options));
        all().iter().for_each(|event| listeners.deliver(event));
    });
    collector.seen.lock().unwrap().clone()
}

#[test]
fn tracing_gets_every_message_with_all_its_fields() {
    let seen = deliver(&Collector::new(Level::TRACE), LogOptions::default());
    let records: Vec<_> = all().iter().filter_map(|event| record(event, &LogOptions::default())).collect();
    assert_eq!(seen.len(), records.len());
    for ((target, level, fields), record) in seen.iter().zip(&records) {
        assert_eq!(target, record.component.target());
        assert_eq!(level.as_str().to_lowercase(), record.level.as_str());
        // As maps: tracing has an order of its own.
        let sorted = |document: &Document| {
            let mut entries: Vec<(String, Bson)> = document.clone().into_iter().collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            entries
        };
        assert_eq!(sorted(fields), sorted(&record.to_document()));
    }
}

#[test]
fn the_subscriber_decides_and_options_narrow() {
    let at_info = deliver(&Collector::new(Level::INFO), LogOptions::default());
    let messages: Vec<_> = at_info.iter().map(|(_, _, fields)| fields.get_str("message").unwrap()).collect();
    assert_eq!(messages, ["Waiting for suitable server to become available"]);
    let commands = LogOptions { command: Some(LogLevel::Debug), ..LogOptions::default().with_level(LogLevel::Off) };
    let seen = deliver(&Collector::new(Level::TRACE), commands);
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|(target, ..)| target == "stator::command"));
}

#[test]
fn events_are_not_even_made_for_a_subscriber_that_hides_them() {
    let wanted = |least| {
        with_default(Collector::new(least), || {
            let listeners = Listeners::of(Vec::new(), Some(LogOptions::default()));
            Category::ALL.map(|category| listeners.wants(category))
        })
    };
    assert_eq!(wanted(Level::WARN), [false; 4]);
    assert_eq!(wanted(Level::INFO), [false, false, false, true]);
    assert_eq!(wanted(Level::DEBUG), [true; 4]);
}

#[test]
fn lines_are_written_where_a_level_was_named_and_nobody_else_shows_them() {
    let debug = LogOptions { command: Some(LogLevel::Debug), ..LogOptions::default() };
    let writes = |options: &LogOptions, has_subscriber| {
        let sink = Sink::new(options.clone());
        Component::ALL.map(|component| sink.writes(component, has_subscriber))
    };
    assert_eq!(writes(&LogOptions::default(), false), [false; 4], "the default is to log nothing");
    assert_eq!(writes(&debug, false), [true, false, false, false]);
    assert_eq!(writes(&debug, true), [false; 4], "the subscriber shows them");
    let named = LogOptions { output: Some(LogOutput::Stderr), ..debug };
    assert_eq!(writes(&named, true), [true, false, false, false], "both were asked for");
    let off = LogOptions { command: Some(LogLevel::Off), ..named };
    assert_eq!(writes(&off, true), [false; 4]);
}

#[test]
fn a_file_is_appended_to() {
    let path = std::env::temp_dir().join(format!("stator-log-{}.txt", std::process::id()));
    std::fs::write(&path, "before\n").unwrap();
    let output = Some(LogOutput::File(path.clone()));
    let options = LogOptions { connection: Some(LogLevel::Debug), output, ..LogOptions::default() };
    for _ in 0..2 {
        let listeners = Listeners::of(Vec::new(), Some(options.clone()));
        listeners.deliver(&pools()[1]);
        listeners.deliver(&Event::from(commands()[0].clone()));
    }
    let written = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let line = "[debug] connection: Connection pool ready for db.example:27018\n";
    assert_eq!(written, format!("before\n{line}{line}"));
}

#[test]
fn a_file_that_cannot_be_opened_is_no_error() {
    let nowhere = LogOutput::File(std::env::temp_dir().join("stator-no-such-folder").join("log.txt"));
    let options = LogOptions { output: Some(nowhere), ..LogOptions::default() };
    assert!(format!("{:?}", Sink::new(options)).contains("output: Stderr"));
}
