//! The keeper: one background task for each client. It serves the cluster's timers and does what dropped handles
//! could not wait for.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;
use std::sync::{Arc, Weak};

use stator_proto::Instant;
use stator_proto::operation::Settings;

use crate::client::Client;
use crate::execute::{Route, Served, Within};
use crate::hub::{After, Farewell, Kill, lock};
use crate::inner::Core;
use crate::lease::Lease;
use crate::runtime::{Runtime, SpawnError};
use crate::session::ClientSession;

/// How long a dropped cursor's killCursors may take; less if the cursor had a shorter timeout.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(5);

/// How often, and after which time at first, a transaction is aborted again that the server does not know yet: two and a half
/// seconds in all, longer than a reply that nobody waits for may be owing.
const ABORTS: u32 = 8;
const ABORT_AGAIN: Duration = Duration::from_millis(10);

/// Starts the keeper. The caller has marked it alive.
pub(crate) fn start<R: Runtime>(core: &Core<R>) -> Result<(), SpawnError> {
    let guard = Guard { core: core.this.clone() };
    let runtime = core.runtime.clone();
    core.runtime.spawn("stator-keeper", async move {
        let guard = guard;
        while let Some(work) = wait(&guard.core, &runtime).await {
            let Some(core) = guard.core.upgrade() else { return };
            serve(&core, work).await;
        }
    })
}

/// Tells the client when its keeper ends, above all when a dying runtime drops the task: the next operation starts
/// another, and what was connected through that runtime is of no use.
struct Guard<R: Runtime> {
    core: Weak<Core<R>>,
}

impl<R: Runtime> Drop for Guard<R> {
    fn drop(&mut self) {
        let Some(core) = self.core.upgrade() else { return };
        let now = core.runtime.now();
        let mut after = After::default();
        let mut hub = lock(&core.hub);
        hub.keeper.alive = false;
        hub.keeper.waker = None;
        hub.keeper.wakes_at = None;
        hub.discard_unused(now);
        hub.drain(&mut after);
        drop(hub);
        core.finish(after);
    }
}

/// Waits until there is something to do; `None` when the client is gone or closed.
async fn wait<R: Runtime>(core: &Weak<Core<R>>, runtime: &R) -> Option<Work<R>> {
    let at = {
        let core = core.upgrade()?;
        let mut hub = lock(&core.hub);
        let due = hub.keeper.farewells.iter().map(|farewell| farewell.due);
        let at = due.chain(hub.cluster.poll_timeout()).min().unwrap_or(Instant::FAR_FUTURE);
        hub.keeper.wakes_at = Some(at);
        at
    };
    let mut timer = pin!(runtime.sleep_until(at));
    poll_fn(|cx| {
        let Some(core) = core.upgrade() else { return Poll::Ready(None) };
        let mut hub = lock(&core.hub);
        if core::mem::take(&mut hub.keeper.rung) {
            let kill = core::mem::take(&mut hub.keeper.kill);
            return Poll::Ready(Some(Work { kill, farewells: hub.keeper.take_due(runtime.now()) }));
        }
        if hub.closed {
            return Poll::Ready(None);
        }
        match &mut hub.keeper.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        drop(hub);
        timer.as_mut().poll(cx).map(|()| {
            let farewells = lock(&core.hub).keeper.take_due(runtime.now());
            Some(Work { kill: Vec::new(), farewells })
        })
    })
    .await
}

/// What dropped handles have left to be done.
struct Work<R: Runtime> {
    kill: Vec<Kill<R>>,
    farewells: Vec<Farewell<R>>,
}

async fn serve<R: Runtime>(core: &Arc<Core<R>>, Work { kill, farewells }: Work<R>) {
    tend(core);
    for Farewell { session, link, ends, tries, .. } in farewells {
        let pinned = link.and_then(|link| Lease::new(core, link).into_owned());
        let client = Client::of(Arc::clone(core), Arc::default());
        let session = ClientSession::adopt(client, session, pinned);
        if let Some(fork) = session.abort_left_open(CLEANUP_TIMEOUT).await
            && tries < ABORTS
        {
            let due = core.runtime.now() + ABORT_AGAIN * (1 << tries);
            let again = Farewell { session: fork, link: None, ends: false, due, tries: tries + 1 };
            lock(&core.hub).keeper.farewells.push(again);
        }
        if !ends {
            session.forget();
        }
    }
    for Kill { server, command, link, session, timeout } in coalesce(kill) {
        // Best effort: the server forgets cursors by itself after a while.
        let timeout = timeout
            .filter(|timeout| !timeout.is_zero())
            .map_or(CLEANUP_TIMEOUT, |timeout| timeout.min(CLEANUP_TIMEOUT));
        let settings = Arc::new(Settings { timeout: Some(timeout), ..Settings::default() });
        let mut pinned = link.and_then(|link| Lease::new(core, link).into_owned());
        let route = match &mut pinned {
            Some(pinned) => Route::Connection(pinned),
            None => Route::Server(&server),
        };
        let within = session.map_or(Within::Own, |session| Within::Of(Some(session)));
        if let Ok(Served { session: Some(session), .. }) = core.execute_on(route, command, settings, within).await {
            core.give_back_session(session);
        }
        // A server that is slow to answer does not keep the others waiting for more than its turn.
        tend(core);
    }
}

/// Serves the cluster's timers.
fn tend<R: Runtime>(core: &Core<R>) {
    let now = core.runtime.now();
    let mut after = After::default();
    let mut hub = lock(&core.hub);
    hub.keeper.wakes_at = None;
    hub.cluster.handle_timeout(now);
    hub.drain(&mut after);
    drop(hub);
    core.finish(after);
}

/// One killCursors for each collection of each server.
fn coalesce<R: Runtime>(kill: Vec<Kill<R>>) -> Vec<Kill<R>> {
    let mut out: Vec<Kill<R>> = Vec::new();
    for kill in kill {
        let same = |known: &&mut Kill<R>| {
            known.session.is_none()
                && kill.session.is_none()
                && known.link.is_none()
                && kill.link.is_none()
                && known.server == kill.server
                && known.command.namespace == kill.command.namespace
                && known.timeout == kill.timeout
        };
        match out.iter_mut().find(same) {
            Some(known) => known.command.ids.extend(kill.command.ids),
            None => out.push(kill),
        }
    }
    out
}
