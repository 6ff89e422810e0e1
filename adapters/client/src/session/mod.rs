//! Sessions and transactions (specifications *Driver Sessions*, *Causal Consistency*, *Snapshot Reads*, *Transactions*
//! and *Convenient API for Transactions*).
//!
//! Every operation has a session; those of a [`ClientSession`] belong together: each sees what the ones before it have done,
//! or they are one [`Transaction`].
//!
//! A session is a cheap handle, passed by reference ([`session`](crate::action::Find::session) of any action) or bound to a
//! collection or database once and for all ([`Collection::with_session`](crate::Collection::with_session)). An operation
//! holds it while it runs: a second one at the same time is refused with [`SessionError::InUse`].
//!
//! # Cancel safety
//!
//! Dropping an operation gives the session back. If its command might have been sent, the server session is not used by
//! anybody else afterwards, and a transaction that it was part of can only be aborted. A [`TransactionGuard`] or a last
//! [`ClientSession`] that is dropped has its transaction aborted in the background.

mod actions;
mod convenient;
mod slot;
mod start;
mod transaction;

use core::fmt;
use std::sync::Arc;

use bson::{Binary, Document, Timestamp, doc};
use stator_proto::ServerAddress;
use stator_proto::operation::OperationError;
pub use stator_proto::session::{ClusterTime, SessionError, SessionOptions, TransactionOptions, TransactionState};
use stator_proto::session::{Pin, ServerSession, Session};

pub use actions::{AbortTransaction, CommitTransaction, EndSession};
pub use convenient::{TransactionFailure, TransactionLoop, WithTransaction};
pub use start::{StartSession, StartTransaction};
pub use transaction::{Transaction, TransactionGuard};

use crate::client::Client;
use crate::error::{Error, Result};
use crate::inner::Core;
use crate::lease::OwnedLease;
use crate::runtime::Runtime;
pub(crate) use slot::Held;
use slot::Shared;

/// A session of yours: from [`Client::start_session`](crate::Client::start_session) until [`end`](Self::end), or until
/// the last clone is dropped.
///
/// ```no_run
/// # async fn example<R: stator_client::Runtime>(client: stator_client::Client<R>) -> stator_client::Result<()> {
/// use stator_client::{Document, doc};
///
/// let session = client.start_session().await?;
/// let people = client.database("town").collection::<Document>("people").with_session(&session);
/// people.insert_one(doc! { "name": "Ada" }).await?;
/// // Sees the insert, whichever server answers.
/// let ada = people.find_one(doc! { "name": "Ada" }).await?;
/// # Ok(())
/// # }
/// ```
pub struct ClientSession<R: Runtime> {
    shared: Arc<Shared<R>>,
    options: Arc<SessionOptions>,
}

impl<R: Runtime> Clone for ClientSession<R> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), options: Arc::clone(&self.options) }
    }
}

/// What the state of a session does not allow.
pub(crate) fn refused(error: SessionError) -> Error {
    Error::from(OperationError::Session(error))
}

impl<R: Runtime> ClientSession<R> {
    /// Options that contradict each other must have been refused before.
    fn new(client: Client<R>, options: SessionOptions, server: ServerSession) -> Result<Self> {
        let session = Session::new(options, server).map_err(refused)?;
        Ok(Self::adopt(client, Box::new(session), None))
    }

    /// A handle for a session that somebody has dropped.
    pub(crate) fn adopt(client: Client<R>, session: Box<Session>, pinned: Option<OwnedLease<R>>) -> Self {
        let options = Arc::new(session.options().clone());
        Self { shared: Arc::new(Shared::new(client, session, pinned)), options }
    }

    const fn shared(&self) -> &Arc<Shared<R>> {
        &self.shared
    }

    /// The client that it belongs to.
    pub fn client(&self) -> &Client<R> {
        &self.shared.client
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.shared.client.core()
    }

    /// Its server session is another's: it is not given back.
    pub(crate) fn forget(self) {
        if let Ok(mut held) = self.hold() {
            // Dropped, not given back.
            let _ = held.session().end();
        }
    }

    /// Takes the session for one operation.
    pub(crate) fn hold(&self) -> Result<Held<R>> {
        Held::new(self.clone())
    }

    /// Takes the session for one operation of a client, which must be its own.
    pub(crate) fn hold_for(&self, core: &Core<R>) -> Result<Held<R>> {
        if !core::ptr::eq(Arc::as_ptr(self.core()), core) {
            return Err(refused(SessionError::ForeignClient));
        }
        self.hold()
    }

    /// The session's id as it is sent: `{id: <UUID>}`.
    pub fn id(&self) -> Document {
        let bytes = self.shared.id.as_bytes().to_vec();
        doc! { "id": Binary { subtype: bson::spec::BinarySubtype::Uuid, bytes } }
    }

    /// The options that it was started with.
    pub fn options(&self) -> &SessionOptions {
        &self.options
    }

    /// The latest cluster time that the session has seen or was told.
    pub fn cluster_time(&self) -> Option<ClusterTime> {
        self.shared.facts().cluster_time
    }

    /// When its last operation took place, as the server has said.
    pub fn operation_time(&self) -> Option<Timestamp> {
        self.shared.facts().operation_time
    }

    /// The point in time that its reads see, in a snapshot session that knows it.
    pub fn snapshot_time(&self) -> Option<Timestamp> {
        self.shared.facts().snapshot_time
    }

    /// Whether operations are part of a transaction.
    pub fn in_transaction(&self) -> bool {
        self.transaction_state().is_active()
    }

    /// Where its transaction stands.
    pub fn transaction_state(&self) -> TransactionState {
        self.shared.facts().state
    }

    /// The router (mongos) that its transaction must stay with, if there is one.
    pub fn pinned_server(&self) -> Option<ServerAddress> {
        match self.shared.facts().pin {
            Some(Pin::Server(address)) => Some(address),
            Some(Pin::Connection) | None => None,
        }
    }

    /// Whether its transaction must stay with a router, or with a connection behind a load balancer.
    pub fn is_pinned(&self) -> bool {
        self.shared.facts().pin.is_some()
    }

    /// Whether its server session will be dropped in the end: a command failed with a network error, or was dropped.
    pub fn is_dirty(&self) -> bool {
        self.shared.facts().is_dirty
    }

    /// Whether it has ended.
    pub fn is_ended(&self) -> bool {
        self.shared.facts().is_ended
    }

    /// Takes over a cluster time of another session if it is later (`advanceClusterTime`). The client's own is left alone.
    pub fn advance_cluster_time(&self, time: &ClusterTime) {
        self.shared.advance_cluster_time(time);
    }

    /// Takes over an operation time of another session if it is later (`advanceOperationTime`): with both, this session sees what
    /// that one has done.
    pub fn advance_operation_time(&self, time: Timestamp) {
        self.shared.advance_operation_time(time);
    }

    /// Starts a transaction: all operations of the session are part of it until it is committed or aborted. Nothing is sent.
    /// [`begin`](StartTransaction::begin) makes a guard of it.
    pub fn start_transaction(&self) -> StartTransaction<R> {
        StartTransaction::new(self)
    }

    /// Starts a transaction with the session's defaults: `start_transaction().begin()`.
    ///
    /// # Errors
    ///
    /// A transaction is open, or the session is a snapshot session or has ended.
    pub fn begin(&self) -> Result<TransactionGuard<R>> {
        self.start_transaction().begin()
    }

    /// Commits the transaction. May be called again if it is not known whether it was
    /// (label `UnknownTransactionCommitResult`).
    pub fn commit_transaction(&self) -> CommitTransaction<R> {
        CommitTransaction::new(self)
    }

    /// Aborts the transaction. That the server could not be told is no error: it aborts by itself after a while.
    pub fn abort_transaction(&self) -> AbortTransaction<R> {
        AbortTransaction::new(self)
    }

    /// Runs `callback` in a transaction and commits it, again and again while that may help, for 120 seconds or as long as
    /// `timeout` says (specification *Convenient API for Transactions*).
    ///
    /// The callback is called for every attempt, so it must be fit for being called more than once. Its operations go
    /// through the [`Transaction`] that it is given. It may use what surrounds it by shared reference, also in a task
    /// that is spawned; see [`transaction_loop`](Self::transaction_loop) for what a closure cannot do.
    ///
    /// ```no_run
    /// # async fn example<R: stator_client::Runtime>(client: stator_client::Client<R>) -> stator_client::Result<()> {
    /// use stator_client::{Document, doc};
    ///
    /// let accounts = client.database("bank").collection::<Document>("accounts");
    /// let (from, to) = (String::from("a"), String::from("b"));
    /// let session = client.start_session().await?;
    /// session
    ///     .with_transaction(|txn| {
    ///         let (accounts, from, to) = (txn.bind(&accounts), &from, &to);
    ///         async move {
    ///             accounts.update_one(doc! { "_id": from }, doc! { "$inc": { "sum": -10 } }).await?;
    ///             accounts.update_one(doc! { "_id": to }, doc! { "$inc": { "sum": 10 } }).await?;
    ///             Ok::<_, stator_client::Error>(())
    ///         }
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_transaction<'f, F, Fut, T, E>(&self, callback: F) -> WithTransaction<'f, R, F>
    where
        F: FnMut(Transaction<R>) -> Fut + 'f,
        Fut: Future<Output = Result<T, E>>,
        E: TransactionFailure,
    {
        WithTransaction::new(self, callback)
    }

    /// The same without a closure: a loop that you write.
    ///
    /// ```no_run
    /// # async fn example<R: stator_client::Runtime>(client: stator_client::Client<R>) -> stator_client::Result<()> {
    /// use stator_client::{Document, Result, doc};
    /// use stator_client::session::Transaction;
    ///
    /// async fn transfer<R: stator_client::Runtime>(txn: &Transaction<R>) -> Result<()> {
    ///     let accounts = txn.collection::<Document>("bank", "accounts");
    ///     accounts.update_one(doc! { "_id": "a" }, doc! { "$inc": { "sum": -10 } }).await?;
    ///     accounts.update_one(doc! { "_id": "b" }, doc! { "$inc": { "sum": 10 } }).await?;
    ///     Ok(())
    /// }
    ///
    /// let session = client.start_session().await?;
    /// let mut attempts = session.transaction_loop();
    /// let done = loop {
    ///     let txn = attempts.begin()?;
    ///     let outcome = transfer(&txn).await;
    ///     if let Some(done) = attempts.end(outcome).await {
    ///         break done;
    ///     }
    /// };
    /// done?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn transaction_loop<E: TransactionFailure>(&self) -> TransactionLoop<R, E> {
        TransactionLoop::new(self, TransactionOptions::default())
    }

    /// Ends the session: an open transaction is aborted, and what the server keeps for the session can be used by another.
    /// Dropping the last clone does the same in the background. Ending it twice is harmless.
    ///
    /// The only error that a server can cause is a timeout of the abort; the session has ended nevertheless, and the server
    /// aborts the transaction by itself after a while.
    pub fn end(&self) -> EndSession<R> {
        EndSession::new(self)
    }
}

impl<R: Runtime> fmt::Debug for ClientSession<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSession")
            .field("id", &self.shared.id)
            .field("transaction", &self.transaction_state())
            .finish_non_exhaustive()
    }
}
