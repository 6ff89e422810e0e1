//! One log message.

use core::fmt;

use bson::{Bson, Document};

use super::{Component, LogLevel, LogOptions, messages, template};
use crate::event::{Category, Event};

/// One log message: its parts, and [as a sentence](Record::text).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// What it is about.
    pub component: Component,
    /// How much it matters.
    pub level: LogLevel,
    /// What it says, such as `Command started`.
    pub message: &'static str,
    /// The other keys and values, as the specifications name them.
    pub fields: Vec<(&'static str, Value)>,
    pub(super) template: &'static str,
}

/// A value in a log message.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A number of milliseconds.
    Double(f64),
    /// Yes or no.
    Bool(bool),
}

/// The message that tells of an event; `None` if the specifications have none for it, or if its level is not to be shown.
///
/// ```
/// use stator_client::event::Listener;
/// use stator_client::logging::{LogLevel, LogOptions, record};
///
/// // What the feature `tracing` does by itself, for a logger of your own.
/// let options = LogOptions::default().with_level(LogLevel::Debug);
/// let listener = Listener::new(move |event| {
///     if let Some(record) = record(event, &options) {
///         println!("{}: {}", record.component.as_str(), record.text());
///     }
/// });
/// # let _ = listener;
/// ```
pub fn record(event: &Event, options: &LogOptions) -> Option<Record> {
    let component = Component::from(event.category());
    let shown = |level: LogLevel| options.level(component).is_none_or(|least| level <= least);
    // Nearly all messages are made for debugging: not even begun where that is not wanted.
    if !shown(LogLevel::Debug) && event.category() != Category::Selection {
        return None;
    }
    let limit = options.max_document_length;
    let record = match event {
        Event::Command(event) => messages::command(event, limit),
        Event::Pool(event) => messages::pool(event, limit),
        Event::Topology(event) => messages::topology(event, limit)?,
        Event::Selection(event) => messages::selection(event, limit),
    };
    Some(record).filter(|record| shown(record.level))
}

impl Record {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.fields.iter().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// The message as a sentence, in the specifications' words. What has no value is left out.
    pub fn text(&self) -> String {
        template::fill(self.template, self)
    }

    /// All keys and values, `message` first.
    pub fn to_document(&self) -> Document {
        let mut document = Document::new();
        document.insert("message", self.message);
        for (key, value) in &self.fields {
            document.insert(*key, value.clone());
        }
        document
    }

    pub(super) fn str(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Value::Text(value) => Some(value),
            _ => None,
        }
    }

    pub(super) fn int(&self, key: &str) -> Option<i64> {
        match self.get(key)? {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }

    pub(super) fn double(&self, key: &str) -> Option<f64> {
        match self.get(key)? {
            Value::Double(value) => Some(*value),
            _ => None,
        }
    }

    pub(super) fn bool(&self, key: &str) -> Option<bool> {
        match self.get(key)? {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Double(value) => value.fmt(f),
            Self::Bool(value) => value.fmt(f),
        }
    }
}

impl From<Value> for Bson {
    fn from(value: Value) -> Self {
        match value {
            Value::Text(value) => Self::String(value),
            Value::Int(value) => Self::Int64(value),
            Value::Double(value) => Self::Double(value),
            Value::Bool(value) => Self::Boolean(value),
        }
    }
}
