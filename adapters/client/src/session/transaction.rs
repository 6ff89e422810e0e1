//! A transaction as a value.

use core::ops::Deref;

use super::{AbortTransaction, ClientSession, CommitTransaction};
use crate::collection::Collection;
use crate::database::Database;
use crate::runtime::Runtime;

/// The open transaction of a session: databases and collections that it gives are part of it, so that no operation can be
/// missed. A cheap handle; it owns nothing.
#[derive(Clone, Debug)]
pub struct Transaction<R: Runtime> {
    session: ClientSession<R>,
}

impl<R: Runtime> Transaction<R> {
    pub(super) const fn new(session: ClientSession<R>) -> Self {
        Self { session }
    }

    /// The session.
    pub const fn session(&self) -> &ClientSession<R> {
        &self.session
    }

    /// A database whose operations are part of the transaction.
    pub fn database(&self, name: &str) -> Database<R> {
        self.session.client().database(name).with_session(&self.session)
    }

    /// A collection whose operations are part of the transaction.
    pub fn collection<T>(&self, database: &str, name: &str) -> Collection<R, T> {
        self.database(database).collection(name)
    }

    /// The same collection with its operations in the transaction. It must be of the same client.
    pub fn bind<T>(&self, collection: &Collection<R, T>) -> Collection<R, T> {
        collection.with_session(&self.session)
    }

    /// Commits it; see [`ClientSession::commit_transaction`].
    pub fn commit(&self) -> CommitTransaction<R> {
        self.session.commit_transaction()
    }

    /// Aborts it; see [`ClientSession::abort_transaction`].
    pub fn abort(&self) -> AbortTransaction<R> {
        self.session.abort_transaction()
    }
}

/// A [`Transaction`] that is aborted, in the background, when this is dropped before it was committed or aborted.
///
/// ```no_run
/// # async fn example<R: stator_client::Runtime>(client: stator_client::Client<R>) -> stator_client::Result<()> {
/// use stator_client::{Document, doc};
///
/// let txn = client.start_session().await?.begin()?;
/// let orders = txn.collection::<Document>("shop", "orders");
/// let stock = txn.collection::<Document>("shop", "stock");
/// orders.insert_one(doc! { "item": "saw" }).await?;
/// // An error leaves the scope, and the transaction is aborted.
/// stock.update_one(doc! { "item": "saw" }, doc! { "$inc": { "count": -1 } }).await?;
/// txn.commit().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "dropping the guard aborts the transaction"]
pub struct TransactionGuard<R: Runtime> {
    transaction: Transaction<R>,
}

impl<R: Runtime> TransactionGuard<R> {
    pub(super) const fn new(session: ClientSession<R>) -> Self {
        Self { transaction: Transaction::new(session) }
    }
}

impl<R: Runtime> Deref for TransactionGuard<R> {
    type Target = Transaction<R>;

    fn deref(&self) -> &Transaction<R> {
        &self.transaction
    }
}

impl<R: Runtime> Drop for TransactionGuard<R> {
    fn drop(&mut self) {
        self.transaction.session.shared().abandon();
    }
}
