//! Sessions and transactions (specifications *Driver Sessions*, *Causal Consistency*, *Snapshot Reads*, *Transactions*
//! and *Convenient API for Transactions*).
//!
//! A [`ServerSession`] is what a server knows a session by; those that nobody uses wait in the pool [`ServerSessions`].
//! Every operation has one: an implicit session is nothing more, taken after check-out and given back when the operation
//! is done. An explicit [`Session`] keeps its server session until it ends, and with it what makes its operations belong
//! together: times, and a [`Transaction`].
//!
//! [`Exec`](crate::operation::Exec) puts it all on the wire: it owns the session while its operation runs, stamps each
//! command with it, and notes what replies and errors teach. [`WithTransaction`] is the loop around a whole
//! transaction.

mod client;
mod cluster_time;
mod commands;
mod convenient;
mod error;
mod options;
mod server;
mod transaction;

#[cfg(test)]
mod tests;

pub use client::Session;
pub use cluster_time::ClusterTime;
pub use commands::{AbortTransaction, CommitTransaction, EndSessions};
pub use convenient::{Outcome, TransactionStep, WithTransaction};
pub use error::SessionError;
pub use options::{SessionOptions, TransactionOptions};
pub use server::{ServerSession, ServerSessions, SessionId};
pub use transaction::{Pin, Transaction, TransactionEnd, TransactionState};

pub(crate) use transaction::Retried;
