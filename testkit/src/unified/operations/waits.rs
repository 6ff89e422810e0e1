//! What a client knows of its deployment, and waiting for it to change.

use std::time::Duration;

use stator_client::{Runtime, ServerAddress};

use super::arguments::Arguments;
use crate::unified::case::Case;
use crate::unified::entities::Entity;
use crate::unified::stop::{Outcome, Stop};

/// How long `waitForPrimaryChange` waits unless it is told.
const PRIMARY_LIMIT: Duration = Duration::from_secs(10);

pub(super) fn record_topology<R: Runtime>(case: &Case<R>, mut arguments: Arguments) -> Outcome {
    let client = case.entities.client(&arguments.need::<String>("client")?)?;
    let name = arguments.need::<String>("id")?;
    arguments.end()?;
    Ok(case.entities.add(&name, Entity::Topology(client.client.topology()))?)
}

pub(super) fn assert_topology_type<R: Runtime>(case: &Case<R>, mut arguments: Arguments) -> Outcome {
    let topology = case.entities.topology(&arguments.need::<String>("topologyDescription")?)?;
    let expected = arguments.need::<String>("topologyType")?;
    arguments.end()?;
    match topology.kind.as_str() {
        found if found == expected => Ok(()),
        found => Err(Stop::fail(format!("the topology is {found}, not {expected}"))),
    }
}

pub(super) async fn primary_change<R: Runtime>(case: &Case<R>, mut arguments: Arguments) -> Outcome {
    let client = case.entities.client(&arguments.need::<String>("client")?)?;
    let prior = case.entities.topology(&arguments.need::<String>("priorTopologyDescription")?)?;
    let limit = arguments.take("timeoutMS")?.unwrap_or(PRIMARY_LIMIT);
    arguments.end()?;
    let former: Option<ServerAddress> = prior.primary().map(|server| server.address.clone());
    let changed = || client.client.topology().primary().filter(|now| Some(&now.address) != former.as_ref()).map(drop);
    // The listeners run after the description has changed.
    let deadline = case.runtime.now() + limit;
    match client.recorder.changed.until(&case.runtime, deadline, changed).await {
        Some(()) => Ok(()),
        None => Err(Stop::fail(format!("no primary but {former:?} was found within {} ms", limit.as_millis()))),
    }
}
