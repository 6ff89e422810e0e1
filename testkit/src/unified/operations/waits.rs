//! What a client knows of its deployment, and waiting for it to change.

use stator_client::Runtime;

use super::arguments::Arguments;
use crate::unified::case::Case;
use crate::unified::stop::{Outcome, Stop};

pub(super) fn record_topology<R: Runtime>(_case: &Case<R>, _arguments: Arguments) -> Outcome {
    Err(Stop::needs("topology descriptions"))
}

pub(super) fn assert_topology_type<R: Runtime>(_case: &Case<R>, _arguments: Arguments) -> Outcome {
    Err(Stop::needs("topology descriptions"))
}

pub(super) async fn primary_change<R: Runtime>(_case: &Case<R>, _arguments: Arguments) -> Outcome {
    Err(Stop::needs("topology descriptions"))
}
