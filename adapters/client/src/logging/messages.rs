//! The specifications' messages: their keys, and their sentences.

mod command;
mod connection;
mod selection;
mod topology;

pub(super) use command::command;
pub(super) use connection::pool;
pub(super) use selection::selection;
pub(super) use topology::topology;

use stator_proto::ServerAddress;

use super::{Component, LogLevel, Record, Value};

/// Puts a message together.
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    /// Room for most messages.
    fn new() -> Self {
        Self(Vec::with_capacity(14))
    }

    fn text(&mut self, key: &'static str, value: impl Into<String>) -> &mut Self {
        self.0.push((key, Value::Text(value.into())));
        self
    }

    fn int(&mut self, key: &'static str, value: impl Into<i64>) -> &mut Self {
        self.0.push((key, Value::Int(value.into())));
        self
    }

    /// A number that the driver counts up from 1: it comes nowhere near the sign.
    fn count(&mut self, key: &'static str, value: u64) -> &mut Self {
        self.int(key, i64::try_from(value).unwrap_or(i64::MAX))
    }

    fn duration(&mut self, value: core::time::Duration) -> &mut Self {
        self.0.push(("durationMS", Value::Double(super::describe::milliseconds(value))));
        self
    }

    fn bool(&mut self, key: &'static str, value: bool) -> &mut Self {
        self.0.push((key, Value::Bool(value)));
        self
    }

    /// `serverHost` and, where there is one, `serverPort`.
    fn server(&mut self, address: &ServerAddress) -> &mut Self {
        match address {
            ServerAddress::Tcp { host, port } => self.text("serverHost", host.as_str()).int("serverPort", *port),
            ServerAddress::Unix { path } => self.text("serverHost", path.as_str()),
        }
    }

    fn debug(self, component: Component, message: &'static str, template: &'static str) -> Record {
        self.record(component, LogLevel::Debug, message, template)
    }

    fn record(self, component: Component, level: LogLevel, message: &'static str, template: &'static str) -> Record {
        Record { component, level, message, fields: self.0, template }
    }
}
