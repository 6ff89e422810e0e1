//! SRV records: the seeds of `mongodb+srv` clients, and asking again later.

use std::sync::Weak;

use stator_proto::Instant;
use stator_proto::cluster::Cluster;

use crate::deployment;
use crate::dns;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::hub::{After, SrvState, lock};
use crate::inner::Core;
use crate::runtime::{Runtime, SpawnError};

/// How long all questions together may take where no `connectTimeoutMS` is set.
const PATIENCE: core::time::Duration = core::time::Duration::from_secs(30);

/// Asks for the seeds, in a task of its own: who waits for them does so under its own deadline. The caller has noted that they
/// are being asked for.
pub(crate) fn start_first<R: Runtime>(core: &Core<R>) -> Result<()> {
    let asking = Asking { core: core.this.clone() };
    let (runtime, config, resolver) = (core.runtime.clone(), core.config().clone(), core.resolver.clone());
    let deadline = deadline(core);
    let started = core.runtime.spawn("stator-srv", async move {
        let asking = asking;
        let outcome = dns::resolve(&runtime, &config, &resolver, deadline).await;
        asking.answered(outcome);
    });
    started.map_err(|error| Error::new(Phase::Dns, ErrorKind::Runtime(error)))
}

fn deadline<R: Runtime>(core: &Core<R>) -> Instant {
    core.runtime.now() + core.config().connect_timeout().unwrap_or(PATIENCE)
}

/// A question that is under way; if its task is dropped by a dying runtime, the next operation asks again.
struct Asking<R: Runtime> {
    core: Weak<Core<R>>,
}

impl<R: Runtime> Asking<R> {
    fn answered(&self, outcome: Result<dns::Resolved>) {
        let Some(core) = self.core.upgrade() else { return };
        let now = core.runtime.now();
        let mut after = After::default();
        let mut hub = lock(&core.hub);
        match outcome {
            Ok(resolved) => {
                let mut options =
                    deployment::options(&resolved.config, core.keep_owing_connections, core.deliveries.listeners());
                options.srv_rescan = Some(resolved.min_ttl);
                core.resolved(resolved.config);
                if !hub.closed {
                    hub.cluster = Cluster::new(now, options);
                    hub.cluster.open(now);
                }
                hub.srv = SrvState::Known;
            }
            Err(error) => hub.srv = SrvState::Needed(Some((hub.watchers.round() + 1, error))),
        }
        hub.wake_watchers(&mut after);
        hub.drain(&mut after);
        drop(hub);
        core.finish(after);
    }
}

impl<R: Runtime> Drop for Asking<R> {
    fn drop(&mut self) {
        let Some(core) = self.core.upgrade() else { return };
        if matches!(lock(&core.hub).srv, SrvState::Asking) {
            let error = SpawnError::new("the runtime dropped the task that was asking for SRV records");
            self.answered(Err(Error::new(Phase::Dns, ErrorKind::Runtime(error))));
        }
    }
}

/// Asks for the routers of a sharded cluster again; the cluster has asked for it.
pub(crate) fn start_polling<R: Runtime>(core: &Core<R>) {
    let this = core.this.clone();
    let (runtime, config, resolver) = (core.runtime.clone(), core.config().clone(), core.resolver.clone());
    let deadline = deadline(core);
    let started = core.runtime.spawn("stator-srv", async move {
        let outcome = dns::resolve_hosts(&runtime, &config, &resolver, deadline).await;
        let Some(core) = this.upgrade() else { return };
        let (now, random) = (core.runtime.now(), core.random());
        let mut after = After::default();
        let mut hub = lock(&core.hub);
        match outcome {
            Ok(found) => hub.cluster.handle_srv(now, found.hosts, found.min_ttl, random),
            Err(_) => hub.cluster.handle_srv_failed(now),
        }
        hub.drain(&mut after);
        drop(hub);
        core.finish(after);
    });
    if started.is_err() {
        let mut after = After::default();
        let mut hub = lock(&core.hub);
        hub.cluster.handle_srv_failed(core.runtime.now());
        hub.drain(&mut after);
        drop(hub);
        core.finish(after);
    }
}
