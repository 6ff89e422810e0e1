//! Ending transactions and sessions.

use core::time::Duration;
use std::sync::Arc;

use stator_proto::operation::Settings;

use super::{ClientSession, refused};
use crate::error::Result;
use crate::execute::{Route, Within};
use crate::inner::Core;
use crate::runtime::Runtime;

/// Commits a transaction; see [`ClientSession::commit_transaction`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct CommitTransaction<R: Runtime> {
    session: ClientSession<R>,
    timeout: Option<Duration>,
}

/// Aborts a transaction; see [`ClientSession::abort_transaction`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct AbortTransaction<R: Runtime> {
    session: ClientSession<R>,
    timeout: Option<Duration>,
}

/// Ends a session; see [`ClientSession::end`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct EndSession<R: Runtime> {
    session: ClientSession<R>,
    timeout: Option<Duration>,
}

macro_rules! ending {
    ($($action:ident),+) => {$(
        impl<R: Runtime> $action<R> {
            pub(super) fn new(session: &ClientSession<R>) -> Self {
                Self { session: session.clone(), timeout: None }
            }

            fn core(&self) -> &Arc<Core<R>> {
                self.session.core()
            }

            /// The time for it, instead of the one that the transaction or the session was started with; zero is no limit.
            pub fn timeout(mut self, timeout: Duration) -> Self {
                self.timeout = Some(timeout);
                self
            }
        }

        awaitable!(@plain $action => ());
    )+};
}

ending!(CommitTransaction, AbortTransaction, EndSession);

impl<R: Runtime> CommitTransaction<R> {
    async fn execute(self) -> Result<()> {
        let mut held = self.session.hold()?;
        let machine = held.session();
        machine.check_options(&Settings { timeout: self.timeout, ..Settings::default() }).map_err(refused)?;
        let Some(command) = machine.commit_transaction().map_err(refused)? else { return Ok(()) };
        let timeout = self.timeout.or(machine.transaction().options().timeout);
        let settings = Settings { timeout, ..Settings::default() };
        self.core().execute_on(Route::Any, command, settings, Within::Session(held)).await.map(|_| ())
    }
}

impl<R: Runtime> AbortTransaction<R> {
    async fn execute(self) -> Result<()> {
        // Nobody can do anything about its errors: the server aborts the transaction after a while.
        let _ = self.tell().await?;
        Ok(())
    }

    /// Whether the server was told is the inner result.
    async fn tell(self) -> Result<Result<()>> {
        let mut held = self.session.hold()?;
        let machine = held.session();
        let Some(command) = machine.abort_transaction().map_err(refused)? else { return Ok(Ok(())) };
        let timeout = self.timeout.or(machine.transaction().options().timeout);
        let settings = Settings { timeout, ..Settings::default() };
        let served = self.core().execute_on(Route::Any, command, settings, Within::Session(held)).await;
        Ok(served.map(|_| ()))
    }
}

impl<R: Runtime> EndSession<R> {
    async fn execute(self) -> Result<()> {
        let mut aborted = Ok(());
        if self.session.in_transaction() {
            let timeout = self.timeout.or(self.session.options().default_timeout);
            aborted = AbortTransaction { session: self.session.clone(), timeout }.tell().await?;
        }
        let mut held = self.session.hold()?;
        if let Some(server) = held.session().end() {
            held.pinned = None;
            self.core().give_back_session(server);
        }
        match aborted {
            // It has ended all the same; but whoever sets a time wants to know.
            Err(error) if error.is_timeout() => Err(error),
            _ => Ok(()),
        }
    }
}
