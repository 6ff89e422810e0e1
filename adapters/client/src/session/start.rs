//! Starting sessions and transactions.

use core::time::Duration;
use std::sync::Arc;

use bson::Timestamp;
use stator_proto::operation::Settings;
use stator_proto::session::{SessionOptions, TransactionOptions};

use super::slot::from_bson;
use super::{ClientSession, TransactionGuard, refused};
use crate::client::Client;
use crate::error::Result;
use crate::inner::Core;
use crate::options::{ReadConcern, ReadPreference, WriteConcern};
use crate::runtime::Runtime;

/// Starts a session; see [`Client::start_session`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct StartSession<R: Runtime> {
    client: Client<R>,
    options: SessionOptions,
}

impl<R: Runtime> StartSession<R> {
    pub(crate) fn new(client: &Client<R>) -> Self {
        Self { client: client.clone(), options: SessionOptions::default() }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.client.core()
    }

    /// All options at once.
    pub fn options(mut self, options: SessionOptions) -> Self {
        self.options = options;
        self
    }

    /// Whether each operation sees what those before it have done; default: yes, but no in a snapshot session.
    pub fn causal_consistency(mut self, causal_consistency: bool) -> Self {
        self.options.causal_consistency = Some(causal_consistency);
        self
    }

    /// Whether all reads see the data of one point in time (server 5.0 and later).
    pub fn snapshot(mut self, snapshot: bool) -> Self {
        self.options.snapshot = snapshot;
        self
    }

    /// That point in time; default: that of the first read.
    pub fn snapshot_time(mut self, time: Timestamp) -> Self {
        self.options.snapshot_time = Some(from_bson(time));
        self
    }

    /// What transactions of the session inherit.
    pub fn default_transaction_options(mut self, options: TransactionOptions) -> Self {
        self.options.default_transaction_options = options;
        self
    }

    /// The time for committing, for aborting, and for the whole of `with_transaction` (`defaultTimeoutMS`).
    pub fn default_timeout(mut self, timeout: Duration) -> Self {
        self.options.default_timeout = Some(timeout);
        self
    }

    async fn execute(self) -> Result<ClientSession<R>> {
        self.options.validate().map_err(refused)?;
        let server = self.core().reuse_or_new_session();
        ClientSession::new(self.client, self.options, server)
    }
}

awaitable!(@plain StartSession => ClientSession<R>);

/// Starts a transaction; see [`ClientSession::start_transaction`].
///
/// What is not set is inherited from the session's defaults, then from the client.
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct StartTransaction<R: Runtime> {
    session: ClientSession<R>,
    options: TransactionOptions,
}

impl<R: Runtime> StartTransaction<R> {
    pub(super) fn new(session: &ClientSession<R>) -> Self {
        Self { session: session.clone(), options: TransactionOptions::default() }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.session.core()
    }

    /// All options at once.
    pub fn options(mut self, options: TransactionOptions) -> Self {
        self.options = options;
        self
    }

    /// The read concern of the whole transaction.
    pub fn read_concern(mut self, read_concern: ReadConcern) -> Self {
        self.options.read_concern = Some(read_concern);
        self
    }

    /// The write concern of its commit.
    pub fn write_concern(mut self, write_concern: WriteConcern) -> Self {
        self.options.write_concern = Some(write_concern);
        self
    }

    /// The read preference of its reads, which must be primary.
    pub fn read_preference(mut self, read_preference: ReadPreference) -> Self {
        self.options.read_preference = Some(read_preference);
        self
    }

    /// How long the server may work on the commit (`maxCommitTimeMS`). No effect if a timeout is set.
    pub fn max_commit_time(mut self, time: Duration) -> Self {
        self.options.max_commit_time = Some(time);
        self
    }

    /// The time for committing, and for aborting.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// Starts it now, and makes a guard of it, which aborts it unless it is committed.
    ///
    /// # Errors
    ///
    /// A transaction is open, the session is a snapshot session, is in use or has ended, or the write concern is unacknowledged.
    pub fn begin(self) -> Result<TransactionGuard<R>> {
        self.start()?;
        Ok(TransactionGuard::new(self.session))
    }

    pub(super) fn start(&self) -> Result<()> {
        let mut held = self.session.hold()?;
        let inherited = inherited(&self.core().settings);
        held.session().start_transaction(&self.options, &inherited).map_err(refused)
    }

    async fn execute(self) -> Result<()> {
        self.start()
    }
}

/// What a transaction inherits from its client.
fn inherited(settings: &Settings) -> TransactionOptions {
    TransactionOptions {
        read_concern: settings.read_concern.clone(),
        write_concern: settings.write_concern.clone(),
        read_preference: settings.read_preference.clone(),
        max_commit_time: None,
        timeout: settings.timeout,
    }
}

awaitable!(@plain StartTransaction => ());
