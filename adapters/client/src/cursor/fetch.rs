//! Where a cursor's further batches come from.

use std::sync::Arc;

use stator_proto::cursor::CursorReply;
use stator_proto::operation::{CommandError, GetMore, OperationError, Settings};
use stator_proto::session::ServerSession;
use stator_proto::{Instant, ServerAddress};

use crate::error::{Error, Result};
use crate::execute::{Route, Served, Within};
use crate::inner::Core;
use crate::lease::{Lease, OwnedLease};
use crate::runtime::Runtime;
use crate::session::ClientSession;

/// The session that it was opened in.
pub(super) enum Owner<R: Runtime> {
    /// One of the driver's own, unless it is out for a request.
    Implicit(Option<ServerSession>),
    /// The user's.
    Explicit(ClientSession<R>),
}

impl<R: Runtime> Owner<R> {
    /// Takes it for one request.
    pub(super) fn within(&mut self) -> Result<Within<R>> {
        match self {
            Self::Implicit(session) => Ok(Within::Of(session.take())),
            Self::Explicit(session) => session.hold().map(Within::Session),
        }
    }

    /// The request is done; an implicit session comes back.
    pub(super) fn put_back(&mut self, session: Option<ServerSession>) {
        if let Self::Implicit(own) = self {
            *own = session;
        }
    }

    pub(super) const fn take_implicit(&mut self) -> Option<ServerSession> {
        match self {
            Self::Implicit(session) => session.take(),
            Self::Explicit(_) => None,
        }
    }
}

/// A batch, the connection on which the next one will come, and the session.
pub(super) type Batch<R> = (CursorReply, Option<OwnedLease<R>>, Option<ServerSession>);

/// Asks for the next batch.
pub(super) async fn next_batch<R: Runtime>(
    core: Arc<Core<R>>,
    server: Arc<ServerAddress>,
    command: GetMore,
    settings: Arc<Settings>,
    within: Within<R>,
) -> Result<Batch<R>> {
    let exhaust = command.exhaust;
    let served = core.execute_on(Route::Server(&server), command, settings, within).await?;
    let Served { output: reply, lease, session, .. } = served;
    Ok((reply, lease.filter(|_| exhaust).and_then(keep_for_more), session))
}

/// Asks for the next batch behind a load balancer.
pub(super) async fn next_pinned<R: Runtime>(
    core: Arc<Core<R>>,
    mut pinned: OwnedLease<R>,
    command: GetMore,
    settings: Arc<Settings>,
    within: Within<R>,
) -> Result<Batch<R>> {
    let route = Route::Connection(&mut pinned);
    let Served { output, session, .. } = core.execute_on(route, command, settings, within).await?;
    let more = output.id != 0;
    Ok((output, Some(pinned).filter(|_| more), session))
}

/// Waits for a batch that comes unasked.
pub(super) async fn next_unasked<R: Runtime>(
    core: Arc<Core<R>>,
    mut pinned: OwnedLease<R>,
    settings: Arc<Settings>,
    within: Within<R>,
) -> Result<Batch<R>> {
    let now = core.runtime.now();
    let due = settings.due(now);
    let deadline = core.socket_deadline(now, due.is_some(), due.unwrap_or(Instant::FAR_FUTURE));
    let reply = pinned.receive_more(deadline).await?;
    let more = reply.more_to_come();
    if let Some(error) = CommandError::from_reply(&reply)? {
        return Err(Error::from(OperationError::Command(error)).of_operation(&pinned.link().address, false));
    }
    let reply = CursorReply::parse(reply, "nextBatch", None)?;
    let session = match within {
        Within::Of(session) => session,
        Within::Own | Within::Keep | Within::Session(_) => None,
    };
    Ok((reply, Some(pinned).filter(|_| more), session))
}

/// A connection on which another reply will come stays with the cursor.
fn keep_for_more<R: Runtime>(mut lease: Lease<R, &Core<R>>) -> Option<OwnedLease<R>> {
    if !lease.link().machine.is_awaiting() {
        return None;
    }
    lease.link().exhaust = true;
    lease.into_owned()
}
