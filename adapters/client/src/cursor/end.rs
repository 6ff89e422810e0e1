//! Ending a cursor, by the user or by dropping it.

use core::time::Duration;
use std::sync::Arc;

use bson::Document;

use super::Cursor;
use crate::error::Result;
use crate::hub::{Kill, lock};
use crate::inner::Core;
use crate::lease::Lease;
use crate::runtime::Runtime;

/// Ends a cursor; see [`Cursor::close`]. Dropping it leaves that to the background, as dropping the cursor does.
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct CloseCursor<R: Runtime, T = Document> {
    cursor: Cursor<R, T>,
    timeout: Option<Duration>,
}

impl<R: Runtime, T> CloseCursor<R, T> {
    pub(super) const fn new(cursor: Cursor<R, T>) -> Self {
        Self { cursor, timeout: None }
    }

    /// The time for it, instead of the cursor's; zero is no limit.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    fn core(&self) -> &Arc<Core<R>> {
        &self.cursor.core
    }

    async fn execute(self) -> Result<()> {
        self.cursor.end(self.timeout).await
    }
}

awaitable!(@plain CloseCursor<T> ['static] => ());

impl<R: Runtime, T> Drop for Cursor<R, T> {
    fn drop(&mut self) {
        // First the request in flight: its reply may name the cursor, too.
        self.fetching = None;
        let pinned = self.pinned.take().filter(|_| self.core.config().load_balanced());
        let Some(command) = self.machine.close() else { return self.end_session() };
        let session = self.session.take_implicit();
        let link = pinned.and_then(Lease::into_link);
        let kill = Kill { server: Arc::clone(&self.server), command, link, session, timeout: self.settings.timeout };
        let mut hub = lock(&self.core.hub);
        if hub.closed {
            return;
        }
        hub.keeper.kill.push(kill);
        let waker = hub.keeper.ring();
        drop(hub);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
