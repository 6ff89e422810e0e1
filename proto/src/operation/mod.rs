//! The commands of a driver, one file for each, and the machinery that runs one.
//!
//! A command is plain data: namespaces, documents already encoded as BSON, and scalars. An [`Operation`] knows
//! how to write itself, what it may be stamped with and how to read its reply; [`Exec`] takes it through
//! check-out, one or more exchanges and retries.

use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use stator_wire::bson::{Doc, DocBuf, DocWriter, ValueBuf};

mod aggregate;
mod bulk_write;
mod by_ref;
mod client_bulk_write;
mod collection_command;
mod collections;
mod count;
mod databases;
mod delete;
mod distinct;
mod error;
mod exec;
mod find;
mod find_and_modify;
mod get_more;
mod indexes;
mod insert;
mod kill_cursors;
mod run_command;
mod run_cursor_command;
mod sparse;
pub(crate) mod stamps;
mod statements;
mod timeout;
mod update;
mod writes;

#[cfg(test)]
mod tests;

pub use aggregate::{Aggregate, AggregateTarget};
pub use bulk_write::{BulkWrite, BulkWritten, WriteModel};
pub use client_bulk_write::{ClientBulkWrite, ClientBulkWritten, WriteOutcome};
pub use collection_command::CollectionCommand;
pub use collections::{Create, Drop, ListCollections};
pub use count::Count;
pub use databases::{DropDatabase, ListDatabases};
pub use delete::{Delete, DeleteStatement, Deleted};
pub use distinct::Distinct;
pub use error::{CommandError, OperationError, WriteConcernError, WriteError, WriteFailure};
pub use exec::{Exec, Reached, SessionSlot, Step};
pub use find::{CursorType, Find, FindOptions};
pub use find_and_modify::{FindAndModify, Modification};
pub use get_more::GetMore;
pub use indexes::{CreateIndexes, DropIndexes, ListIndexes};
pub use insert::{Insert, Inserted};
pub use kill_cursors::KillCursors;
pub use run_command::RunCommand;
pub use run_cursor_command::RunCursorCommand;
pub use sparse::{Empty, Sparse};
pub use timeout::{MaxTime, TimeoutMode};
pub(crate) use timeout::{check_cursor, due};
pub use update::{Change, Update, UpdateStatement, Updated};
pub use writes::{Batch, Documents};

use crate::Instant;
use crate::concern::{ReadConcern, WriteConcern};
use crate::connection::{Connection, Reply, Sequence};
use crate::read_preference::ReadPreference;
use crate::session::TransactionEnd;

/// A database and a collection in it. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Namespace {
    full: Arc<str>,
    dot: usize,
}

impl Namespace {
    /// The collection `collection` of the database `database`.
    pub fn new(database: &str, collection: &str) -> Self {
        let full = [database, ".", collection].concat();
        Self { full: Arc::from(full), dot: database.len() }
    }

    /// Reads `database.collection`, cut at the first dot; `None` without a dot.
    pub fn parse(full: &str) -> Option<Self> {
        let dot = full.find('.')?;
        Some(Self { full: Arc::from(full), dot })
    }

    /// The database's name.
    pub fn database(&self) -> &str {
        &self.full[..self.dot]
    }

    /// The collection's name.
    pub fn collection(&self) -> &str {
        &self.full[self.dot + 1..]
    }

    /// Both, with a dot between.
    pub fn full(&self) -> &str {
        &self.full
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.full.fmt(f)
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.full)
    }
}

/// Which stamps a command takes and how it may be retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traits {
    /// Takes `readConcern`.
    pub read_concern: bool,
    /// Takes `writeConcern`.
    pub write_concern: bool,
    /// Is a read in the sense of read preferences.
    pub read_preference: bool,
    /// May be sent again after a network error or a retryable error code.
    pub retryable: bool,
    /// How it is part of a session.
    pub session: SessionUse,
}

/// How a command is part of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SessionUse {
    /// It has one: the one that it is given, or an implicit session.
    #[default]
    Always,
    /// It has the one that it is given, if any: what belongs to a cursor goes where the cursor came from.
    Given,
    /// It has none.
    Never,
    /// It commits the transaction of the session that it is given.
    Commit,
    /// It aborts the transaction of the session that it is given.
    Abort,
}

impl SessionUse {
    /// How it ends the session's transaction, if it does.
    pub const fn transaction_end(self) -> Option<TransactionEnd> {
        match self {
            Self::Commit => Some(TransactionEnd::Commit),
            Self::Abort => Some(TransactionEnd::Abort),
            Self::Always | Self::Given | Self::Never => None,
        }
    }

    /// Whether it is [`Given`](Self::Given).
    pub(crate) const fn is_given(self) -> bool {
        matches!(self, Self::Given)
    }
}

impl Traits {
    /// A read that may be retried.
    pub const READ: Self = Self { read_concern: true, read_preference: true, retryable: true, ..Self::PLAIN };
    /// A listing: a read without read concern that may be retried, always from the primary of a replica set.
    pub const LIST: Self = Self { retryable: true, ..Self::PLAIN };
    /// A write that may be retried once it carries a transaction number.
    pub const WRITE: Self = Self { write_concern: true, retryable: true, ..Self::PLAIN };
    /// A write that is never retried (DDL).
    pub const DDL: Self = Self { write_concern: true, ..Self::PLAIN };
    /// A command that takes no stamp beyond `$db` and those of its session.
    pub const PLAIN: Self = Self {
        read_concern: false,
        write_concern: false,
        read_preference: false,
        retryable: false,
        session: SessionUse::Always,
    };
}

/// What a reply means for the operation.
#[derive(Debug)]
pub enum Progress<T> {
    /// It is done.
    Done(T),
    /// Another exchange on the same connection is needed (the next batch of a write).
    More,
}

/// One user operation: data that can write itself as a command, any number of times, and read the reply.
pub trait Operation {
    /// What the user gets.
    type Output;

    /// The command's name, as it stands first in the body.
    fn name(&self) -> &str;

    /// The database that the command runs on.
    fn database(&self) -> &str;

    /// Stamps and retry class. May depend on the data: an aggregation with `$out` is a write.
    fn traits(&self) -> Traits;

    /// What `maxTimeMS` is. [`write`](Self::write) does not write it.
    fn max_time(&self) -> MaxTime {
        MaxTime::Deadline(None)
    }

    /// What the operation's timeout counts for if it opens a cursor ([`CursorTimeout`](crate::cursor::CursorTimeout)).
    fn timeout_mode(&self) -> TimeoutMode {
        TimeoutMode::CursorLifetime
    }

    /// Refuses options that contradict the operation's timeout (`timeoutMS`; zero is no limit by choice). Called once, before a
    /// server is selected.
    fn check_timeout(&self, timeout: Option<Duration>) -> Result<(), OperationError> {
        let _ = timeout;
        Ok(())
    }

    /// Refuses what a server would ignore in silence if no reply is wanted. Called before [`prepare`](Self::prepare).
    fn check_unacknowledged(&self, connection: &Connection) -> Result<(), OperationError> {
        let _ = connection;
        Ok(())
    }

    /// Cuts the next batch by the limits of `connection` and checks that the server can do what is asked. Called before each
    /// exchange.
    fn prepare(&mut self, connection: &Connection) -> Result<(), OperationError> {
        let _ = connection;
        Ok(())
    }

    /// Appends the command's own elements, its name first; no stamps.
    fn write(&self, body: &mut DocWriter<'_>);

    /// The documents of the current batch that stand outside of the body.
    fn sequences(&self) -> &[Sequence] {
        &[]
    }

    /// Whether several replies are accepted.
    fn exhaust(&self) -> bool {
        false
    }

    /// Reads a reply whose `ok` is 1; a reply with another `ok` becomes a [`CommandError`] before it gets here.
    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<Self::Output>, OperationError>;

    /// What a failed command means: an operation may have an answer for some codes (`drop` of what is not there).
    fn handle_error(&mut self, error: CommandError) -> Result<Self::Output, OperationError> {
        Err(OperationError::Command(error))
    }

    /// The operation is over because a server has refused a command of it. Whether one more exchange on the connection is to
    /// clear away what the commands before have left there; what becomes of that makes no difference.
    fn tidies_up(&mut self) -> bool {
        false
    }

    /// The output of an unacknowledged write, to which no reply comes.
    fn unacknowledged(&mut self) -> Option<Progress<Self::Output>> {
        None
    }
}

/// What an operation inherits from client, database and collection, and may override for itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// `readConcern`; `None` is the server's default.
    pub read_concern: Option<ReadConcern>,
    /// `writeConcern`; `None` is the server's default.
    pub write_concern: Option<WriteConcern>,
    /// The read preference; `None` is primary.
    pub read_preference: Option<ReadPreference>,
    /// `timeoutMS`: the time for the whole operation; `None` is no limit, zero is no limit by choice.
    pub timeout: Option<Duration>,
    /// When the operation is due, if it is a part of something that began earlier: it counts instead of `timeout`.
    /// [`Instant::FAR_FUTURE`] is no limit by choice.
    pub deadline: Option<Instant>,
    /// `rawData`, for MongoDB's internal use; sent to servers from 8.2 on only.
    #[doc(hidden)]
    pub raw_data: Option<bool>,
}

impl Empty for Settings {
    fn empty() -> &'static Self {
        static EMPTY: Settings = Settings {
            read_concern: None,
            write_concern: None,
            read_preference: None,
            timeout: None,
            deadline: None,
            raw_data: None,
        };
        &EMPTY
    }
}

impl Settings {
    /// `self`, with what it leaves open taken from `parent`.
    pub fn or(&self, parent: &Self) -> Self {
        Self {
            read_concern: self.read_concern.clone().or_else(|| parent.read_concern.clone()),
            write_concern: self.write_concern.clone().or_else(|| parent.write_concern.clone()),
            read_preference: self.read_preference.clone().or_else(|| parent.read_preference.clone()),
            timeout: self.timeout.or(parent.timeout),
            deadline: self.deadline,
            raw_data: self.raw_data,
        }
    }
}

/// Writes optional fields; absent ones write nothing.
pub(crate) trait Optional {
    fn opt_doc(&mut self, key: &str, value: Option<&DocBuf>) -> &mut Self;
    fn opt_array(&mut self, key: &str, value: Option<&DocBuf>) -> &mut Self;
    fn opt_value(&mut self, key: &str, value: Option<&ValueBuf>) -> &mut Self;
    fn opt_str(&mut self, key: &str, value: Option<&str>) -> &mut Self;
    fn opt_bool(&mut self, key: &str, value: Option<bool>) -> &mut Self;
    fn opt_i64(&mut self, key: &str, value: Option<i64>) -> &mut Self;
    /// An int64; what does not fit is its maximum.
    fn opt_u64(&mut self, key: &str, value: Option<u64>) -> &mut Self;
}

impl Optional for DocWriter<'_> {
    fn opt_doc(&mut self, key: &str, value: Option<&DocBuf>) -> &mut Self {
        if let Some(value) = value {
            self.doc(key, value.as_doc());
        }
        self
    }

    fn opt_array(&mut self, key: &str, value: Option<&DocBuf>) -> &mut Self {
        if let Some(value) = value {
            self.array(key, value.as_doc());
        }
        self
    }

    fn opt_value(&mut self, key: &str, value: Option<&ValueBuf>) -> &mut Self {
        if let Some(value) = value {
            self.value(key, value.as_raw());
        }
        self
    }

    fn opt_str(&mut self, key: &str, value: Option<&str>) -> &mut Self {
        if let Some(value) = value {
            self.str(key, value);
        }
        self
    }

    fn opt_bool(&mut self, key: &str, value: Option<bool>) -> &mut Self {
        if let Some(value) = value {
            self.bool(key, value);
        }
        self
    }

    fn opt_i64(&mut self, key: &str, value: Option<i64>) -> &mut Self {
        if let Some(value) = value {
            self.i64(key, value);
        }
        self
    }

    fn opt_u64(&mut self, key: &str, value: Option<u64>) -> &mut Self {
        self.opt_i64(key, value.map(|value| i64::try_from(value).unwrap_or(i64::MAX)))
    }
}

/// The `n` of a reply, 0 if it is absent.
fn count_of(reply: Doc<'_>, key: &str) -> Result<u64, OperationError> {
    Ok(reply.get_number_i64(key)?.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
}

/// The error `NamespaceNotFound`.
const NAMESPACE_NOT_FOUND: i32 = 26;

/// The wire version of server 4.4, the first that knows hints in all writes (4.2: in updates), and comments in `getMore`.
const WIRE_VERSION_4_4: i32 = 9;

/// An older server would have to refuse the hint, but cannot without a reply (specification *CRUD*).
fn check_unacknowledged_hint(hinted: bool, connection: &Connection) -> Result<(), OperationError> {
    if hinted && connection.hello().max_wire_version < WIRE_VERSION_4_4 {
        return Err(OperationError::InvalidArgument("an unacknowledged write with a hint needs server 4.4"));
    }
    Ok(())
}
