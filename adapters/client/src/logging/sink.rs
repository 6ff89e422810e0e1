//! The listener that logs.

use tracing::level_filters::LevelFilter;
use tracing::{Level, dispatcher, enabled, event};

use super::output::Output;
use super::{Component, LogLevel, LogOptions, Record, record};
use crate::event::{Categories, Category, Event, Listener, Receiver};

/// The listener that logs as these options say, or else as the environment does.
pub(crate) fn listener(options: Option<LogOptions>) -> Option<Listener> {
    let options = options.unwrap_or_else(LogOptions::from_env);
    Some(Listener::with_receiver(Categories::ALL, Sink::new(options)))
}

/// Writes messages to `tracing`, and as lines where that is asked for.
#[derive(Debug)]
pub(super) struct Sink {
    options: LogOptions,
    output: Output,
    /// Whether a level is named for any component.
    names_any: bool,
}

impl Sink {
    pub(super) fn new(options: LogOptions) -> Self {
        let names_any = Component::ALL.iter().any(|component| options.level(*component).is_some());
        Self { output: Output::open(options.output.as_ref()), options, names_any }
    }

    /// Whether lines of this component are written: a level was named, and either a place to write to or nobody else who
    /// would show them.
    pub(super) fn writes(&self, component: Component, has_subscriber: bool) -> bool {
        let named = self.options.level(component).is_some_and(|least| least > LogLevel::Off);
        named && (self.options.output.is_some() || !has_subscriber)
    }

    fn traces(&self, component: Component) -> bool {
        self.options.level(component) != Some(LogLevel::Off) && is_traced(component)
    }
}

impl Receiver for Sink {
    fn wants(&self, category: Category) -> bool {
        // Most programs log nothing, and should pay for one look at an atomic.
        if LevelFilter::current() == LevelFilter::OFF && !self.names_any {
            return false;
        }
        let component = Component::from(category);
        self.traces(component) || self.writes(component, dispatcher::has_been_set())
    }

    fn receive(&self, event: &Event) {
        let Some(record) = record(event, &self.options) else { return };
        if self.traces(record.component) {
            trace(&record);
        }
        if self.writes(record.component, dispatcher::has_been_set()) {
            self.output.write(&record);
        }
    }
}

/// Whether a subscriber wants messages of this component. Without one, or one that hides them all, this is one comparison.
fn is_traced(component: Component) -> bool {
    match component {
        Component::Command => enabled!(target: "stator::command", Level::DEBUG),
        Component::Topology => enabled!(target: "stator::topology", Level::DEBUG),
        Component::Connection => enabled!(target: "stator::connection", Level::DEBUG),
        Component::ServerSelection => enabled!(target: "stator::server_selection", Level::INFO),
    }
}

/// The level of a message has to be known where it is sent from too.
macro_rules! trace_selection {
    ($level:expr, $record:expr) => {
        event!(
            target: "stator::server_selection",
            $level,
            selector = $record.str("selector"),
            operationId = $record.int("operationId"),
            operation = $record.str("operation"),
            topologyDescription = $record.str("topologyDescription"),
            serverHost = $record.str("serverHost"),
            serverPort = $record.int("serverPort"),
            failure = $record.str("failure"),
            remainingTimeMS = $record.int("remainingTimeMS"),
            "{}",
            $record.message
        )
    };
}

/// Sends a message to the subscriber. What it may contain has to be named where it is sent from; keys without a value are
/// left out.
fn trace(record: &Record) {
    match record.component {
        Component::Command => event!(
            target: "stator::command",
            Level::DEBUG,
            commandName = record.str("commandName"),
            databaseName = record.str("databaseName"),
            requestId = record.int("requestId"),
            operationId = record.int("operationId"),
            driverConnectionId = record.int("driverConnectionId"),
            serverHost = record.str("serverHost"),
            serverPort = record.int("serverPort"),
            serverConnectionId = record.int("serverConnectionId"),
            serviceId = record.str("serviceId"),
            durationMS = record.double("durationMS"),
            command = record.str("command"),
            reply = record.str("reply"),
            failure = record.str("failure"),
            "{}",
            record.message
        ),
        Component::Connection => event!(
            target: "stator::connection",
            Level::DEBUG,
            serverHost = record.str("serverHost"),
            serverPort = record.int("serverPort"),
            driverConnectionId = record.int("driverConnectionId"),
            serviceId = record.str("serviceId"),
            maxIdleTimeMS = record.int("maxIdleTimeMS"),
            minPoolSize = record.int("minPoolSize"),
            maxPoolSize = record.int("maxPoolSize"),
            maxConnecting = record.int("maxConnecting"),
            waitQueueTimeoutMS = record.int("waitQueueTimeoutMS"),
            reason = record.str("reason"),
            error = record.str("error"),
            durationMS = record.double("durationMS"),
            "{}",
            record.message
        ),
        Component::Topology => event!(
            target: "stator::topology",
            Level::DEBUG,
            topologyId = record.str("topologyId"),
            serverHost = record.str("serverHost"),
            serverPort = record.int("serverPort"),
            driverConnectionId = record.int("driverConnectionId"),
            serverConnectionId = record.int("serverConnectionId"),
            awaited = record.bool("awaited"),
            durationMS = record.double("durationMS"),
            reply = record.str("reply"),
            failure = record.str("failure"),
            previousDescription = record.str("previousDescription"),
            newDescription = record.str("newDescription"),
            "{}",
            record.message
        ),
        Component::ServerSelection if record.level == LogLevel::Info => trace_selection!(Level::INFO, record),
        Component::ServerSelection => trace_selection!(Level::DEBUG, record),
    }
}
