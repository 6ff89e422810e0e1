//! From the client's events and log messages to those of the test format.

use core::future::poll_fn;
use core::task::Poll;
use std::sync::Arc;
use std::time::Duration;

use bson::Document;
use stator_client::event::{
    CommandEvent, Event, EventDocument, HeartbeatInfo, Listener, PoolEvent, PoolEventKind, TopologyEvent,
};
use stator_client::logging::{self, LogLevel, LogOptions, Record};
use stator_client::topology::ServerKind;
use stator_client::{Client, ClientOptions, Runtime, ServerAddress};

use super::entities::ClientUnderTest;
use super::matching::{Logged, Observed};
use super::recorder::Recorder;
use super::schema::{Component, EventKind, Severity};
use super::stop::{Outcome, Stop};

/// Has the client tell the recorder what happens in it.
pub(super) fn attach(options: &mut ClientOptions, recorder: &Arc<Recorder>) {
    let recorder = Arc::clone(recorder);
    let mut all = LogOptions::default().with_level(LogLevel::Trace);
    // Documents are compared as such, so none may be cut.
    all.max_document_length = usize::MAX;
    options.listeners.push(Listener::new(move |event| {
        if let Some(message) = logging::record(event, &all).as_ref().and_then(logged) {
            recorder.log(message);
        }
        if let Some(event) = observed(event) {
            recorder.event(event);
        }
    }));
}

/// A log message, in the test format's words; `None` for what it has no word for.
fn logged(record: &Record) -> Option<Logged> {
    let level = match record.level {
        LogLevel::Emergency => Severity::Emergency,
        LogLevel::Alert => Severity::Alert,
        LogLevel::Critical => Severity::Critical,
        LogLevel::Error => Severity::Error,
        LogLevel::Warn => Severity::Warning,
        LogLevel::Notice => Severity::Notice,
        LogLevel::Info => Severity::Info,
        LogLevel::Debug => Severity::Debug,
        LogLevel::Trace => Severity::Trace,
        LogLevel::Off => return None,
    };
    let component = match record.component {
        logging::Component::Command => Component::Command,
        logging::Component::Topology => Component::Topology,
        logging::Component::ServerSelection => Component::ServerSelection,
        logging::Component::Connection => Component::Connection,
        _ => return None,
    };
    Some(Logged { level, component, data: record.to_document() })
}

/// An event, as far as test files ask about it; `None` for one of which they do not know.
fn observed(event: &Event) -> Option<Observed> {
    match event {
        Event::Command(event) => command(event),
        Event::Pool(event) => Some(pool(event)?),
        Event::Topology(event) => topology(event),
        _ => None,
    }
}

/// A document that cannot be read is none.
fn document(document: &EventDocument) -> Option<Document> {
    document.to_document().ok()
}

fn command(event: &CommandEvent) -> Option<Observed> {
    let mut seen = match event {
        CommandEvent::Started { command, .. } => {
            Observed { command: document(command), ..Observed::new(EventKind::CommandStartedEvent) }
        }
        CommandEvent::Succeeded { reply, .. } => {
            Observed { reply: document(reply), ..Observed::new(EventKind::CommandSucceededEvent) }
        }
        CommandEvent::Failed { .. } => Observed::new(EventKind::CommandFailedEvent),
        _ => return None,
    };
    let info = event.info();
    seen.command_name = Some(info.command_name.clone());
    seen.database_name = Some(info.database_name.clone());
    seen.service_id = info.connection.service_id;
    seen.server_connection_id = info.connection.server_id;
    Some(seen)
}

fn pool(event: &PoolEvent) -> Option<Observed> {
    let mut seen = Observed::new(match &event.kind {
        PoolEventKind::PoolCreated { .. } => EventKind::PoolCreatedEvent,
        PoolEventKind::PoolReady => EventKind::PoolReadyEvent,
        PoolEventKind::PoolCleared { .. } => EventKind::PoolClearedEvent,
        PoolEventKind::PoolClosed => EventKind::PoolClosedEvent,
        PoolEventKind::ConnectionCreated { .. } => EventKind::ConnectionCreatedEvent,
        PoolEventKind::ConnectionReady { .. } => EventKind::ConnectionReadyEvent,
        PoolEventKind::ConnectionClosed { .. } => EventKind::ConnectionClosedEvent,
        PoolEventKind::ConnectionCheckOutStarted => EventKind::ConnectionCheckOutStartedEvent,
        PoolEventKind::ConnectionCheckOutFailed { .. } => EventKind::ConnectionCheckOutFailedEvent,
        PoolEventKind::ConnectionCheckedOut { .. } => EventKind::ConnectionCheckedOutEvent,
        PoolEventKind::ConnectionCheckedIn { .. } => EventKind::ConnectionCheckedInEvent,
        _ => return None,
    });
    seen.service_id = event.service_id;
    match &event.kind {
        PoolEventKind::PoolCleared { interrupt_in_use_connections } => {
            seen.interrupt_in_use = Some(*interrupt_in_use_connections);
        }
        PoolEventKind::ConnectionClosed { reason, .. } => seen.reason = Some(reason.as_str().into()),
        PoolEventKind::ConnectionCheckOutFailed { reason, .. } => seen.reason = Some(reason.as_str().into()),
        _ => {}
    }
    Some(seen)
}

fn topology(event: &TopologyEvent) -> Option<Observed> {
    let beat = |kind, info: &HeartbeatInfo| Observed {
        awaited: Some(info.awaited),
        server_connection_id: info.server_connection_id,
        ..Observed::new(kind)
    };
    Some(match event {
        TopologyEvent::TopologyOpening { .. } => Observed::new(EventKind::TopologyOpeningEvent),
        TopologyEvent::TopologyClosed { .. } => Observed::new(EventKind::TopologyClosedEvent),
        TopologyEvent::TopologyDescriptionChanged { previous_description, new_description, .. } => Observed {
            previous: Some(previous_description.kind.as_str().into()),
            new: Some(new_description.kind.as_str().into()),
            ..Observed::new(EventKind::TopologyDescriptionChangedEvent)
        },
        TopologyEvent::ServerDescriptionChanged { previous_description, new_description, .. } => Observed {
            previous: Some(previous_description.kind.as_str().into()),
            new: Some(new_description.kind.as_str().into()),
            ..Observed::new(EventKind::ServerDescriptionChangedEvent)
        },
        TopologyEvent::ServerHeartbeatStarted { info } => beat(EventKind::ServerHeartbeatStartedEvent, info),
        TopologyEvent::ServerHeartbeatSucceeded { info, .. } => beat(EventKind::ServerHeartbeatSucceededEvent, info),
        TopologyEvent::ServerHeartbeatFailed { info, .. } => beat(EventKind::ServerHeartbeatFailedEvent, info),
        // The test format has no such events.
        TopologyEvent::ServerOpening { .. } | TopologyEvent::ServerClosed { .. } => return None,
        _ => return None,
    })
}

/// Starts to monitor the deployment, before the case's first operation.
///
/// Nobody waits for what it finds: some cases want that to fail.
pub(super) async fn start<R: Runtime>(client: &Client<R>) -> stator_client::Result<()> {
    let mut connecting = client.connect();
    poll_fn(|cx| match connecting.as_mut().poll(cx) {
        // Its time may be very short.
        Poll::Ready(Err(error)) if error.is_timeout() => Poll::Ready(Ok(())),
        Poll::Ready(done) => Poll::Ready(done),
        Poll::Pending => Poll::Ready(Ok(())),
    })
    .await
}

/// Waits until every pool of a server with data has as many connections as it must have at least.
pub(super) async fn await_pools<R: Runtime>(
    runtime: &R,
    entity: &ClientUnderTest<R>,
    least: u32,
    limit: Duration,
) -> Outcome {
    let filled = || {
        let topology = entity.client.topology();
        let bears_data = |address: &ServerAddress| {
            let kind = topology.server(address).map(|server| server.kind);
            matches!(kind, Some(kind) if kind.is_data_bearing_member() || kind == ServerKind::Standalone)
        };
        let pools = entity.client.pools();
        let mut pools = pools.iter().filter(|pool| bears_data(&pool.address)).peekable();
        let any = pools.peek().is_some();
        (any && pools.all(|pool| pool.stats.idle + pool.stats.in_use >= least)).then_some(())
    };
    let deadline = runtime.now() + limit;
    match entity.recorder.changed.until(runtime, deadline, filled).await {
        Some(()) => Ok(()),
        None => Err(Stop::fail(format!("the pools were not filled within {} ms", limit.as_millis()))),
    }
}
