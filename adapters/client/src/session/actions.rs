//! Ending transactions and sessions.

use core::time::Duration;
use std::sync::Arc;

use stator_proto::operation::Settings;
use stator_proto::session::Session;

use super::slot::Abandon;
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
        let settings = Arc::new(Settings { timeout, ..Settings::default() });
        self.core().execute_on(Route::Any, command, settings, Within::Session(held)).await.map(|_| ())
    }
}

impl<R: Runtime> AbortTransaction<R> {
    async fn execute(self) -> Result<()> {
        // Nobody can do anything about its errors: the server aborts the transaction after a while.
        let session = self.session.clone();
        if is_unknown(&self.tell().await?)
            && let Some(fork) = session.shared().handle_unknown_transaction()
        {
            session.shared().send_off(fork, None, false);
        }
        Ok(())
    }

    /// Whether the server was told is the inner result.
    async fn tell(self) -> Result<Result<()>> {
        let mut held = self.session.hold()?;
        let machine = held.session();
        let Some(command) = machine.abort_transaction().map_err(refused)? else { return Ok(Ok(())) };
        let timeout = self.timeout.or(machine.transaction().options().timeout);
        let settings = Arc::new(Settings { timeout, ..Settings::default() });
        // Dropped, it goes on in the background: nobody could ask for it again.
        let dropped = Abandon::new(&self.session);
        let served = self.core().execute_on(Route::Any, command, settings, Within::Session(held)).await;
        dropped.disarm();
        Ok(served.map(|_| ()))
    }
}

/// `NoSuchTransaction`.
const UNKNOWN: i32 = 251;

fn is_unknown(told: &Result<()>) -> bool {
    told.as_ref().is_err_and(|error| error.code() == Some(UNKNOWN))
}

impl<R: Runtime> ClientSession<R> {
    /// Aborts a transaction that somebody has left open. Returns what is to be aborted again a little later, because the
    /// server has not come to its first command yet.
    pub(crate) async fn abort_left_open(&self, timeout: Duration) -> Option<Box<Session>> {
        // Best effort: the server aborts it by itself after a while.
        let told = self.abort_transaction().timeout(timeout).tell().await.ok()?;
        if is_unknown(&told) { self.shared().handle_unknown_transaction() } else { None }
    }
}

impl<R: Runtime> EndSession<R> {
    async fn execute(self) -> Result<()> {
        let mut aborted = Ok(());
        if self.session.in_transaction() {
            let timeout = self.timeout.or(self.session.options().default_timeout);
            aborted = AbortTransaction { session: self.session.clone(), timeout }.tell().await?;
            if is_unknown(&aborted)
                && let Some(fork) = self.session.shared().handle_unknown_transaction()
            {
                self.session.shared().send_off(fork, None, false);
            }
        }
        self.session.hold()?.end();
        match aborted {
            // It has ended all the same; but whoever sets a time wants to know.
            Err(error) if error.is_timeout() => Err(error),
            _ => Ok(()),
        }
    }
}
