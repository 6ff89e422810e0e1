//! From the client's events and log messages to those of the test format.

use std::sync::Arc;
use std::time::Duration;

use stator_client::{Client, ClientOptions, Runtime};

use super::entities::ClientUnderTest;
use super::recorder::Recorder;
use super::schema::ClientEntity;
use super::stop::{Outcome, Stop};

/// Has the client tell the recorder what happens in it.
pub(super) fn attach(_options: &mut ClientOptions, entity: &ClientEntity, _recorder: &Arc<Recorder>) -> Outcome {
    if entity.observe_events.is_some() || entity.observe_log_messages.is_some() {
        return Err(Stop::needs("events"));
    }
    Ok(())
}

/// Starts to monitor the deployment, before the case's first operation.
pub(super) async fn connect<R: Runtime>(_client: &Client<R>) -> stator_client::Result<()> {
    Ok(())
}

/// Waits until every pool has as many connections as it must have at least.
pub(super) async fn await_pools<R: Runtime>(
    runtime: &R,
    entity: &ClientUnderTest<R>,
    least: usize,
    limit: Duration,
) -> Outcome {
    let _ = (runtime, entity, least, limit);
    Err(Stop::needs("awaitMinPoolSizeMS"))
}
