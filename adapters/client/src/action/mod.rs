//! Actions: what a client asks of a server, as builders.
//!
//! An action does nothing until it is awaited; awaiting it sends the command. On a plain thread (a runtime that is
//! [`BlockOn`](crate::BlockOn)) `run()` does the same and waits.
//!
//! Every action takes `timeout`: the time for the whole operation (`timeoutMS`), however many waits and messages it
//! needs. A setter given a value that is no BSON document makes the action fail when it is awaited; nothing is sent then.
//!
//! # Cancel safety
//!
//! All actions may be dropped at any point. One that was dropped before its command was written whole has no effect on the
//! server; after that, the server may carry it out.

use core::future::Future;
use core::pin::Pin;

use serde::Serialize;
use stator_wire::bson::DocBuf;

use crate::convert::to_doc;
use crate::error::{Error, Result};

#[macro_use]
mod macros;
mod aggregate;
mod bulk_write;
mod client_bulk_write;
mod collection_command;
mod collections;
mod count;
mod databases;
mod delete;
mod distinct;
mod find;
mod find_and_modify;
mod indexes;
mod insert;
mod objects;
mod run_command;
mod run_cursor_command;
mod update;

pub use aggregate::Aggregate;
pub use bulk_write::BulkWrite;
pub use client_bulk_write::ClientBulkWrite;
pub use collection_command::{
    CreateSearchIndexes, DropSearchIndex, ModifyCollection, RenameCollection, UpdateSearchIndex, ValidateCollection,
};
pub use collections::{CreateCollection, DropCollection, ListCollectionNames, ListCollections};
pub use count::{Count, CountDocuments, EstimatedDocumentCount};
pub use databases::{DropDatabase, ListDatabaseNames, ListDatabases};
pub use delete::Delete;
pub use distinct::Distinct;
pub use find::{Find, FindOne};
pub use find_and_modify::{FindOneAndDelete, FindOneAndReplace, FindOneAndUpdate};
pub use indexes::{CreateIndex, CreateIndexes, DropIndexes, ListIndexNames, ListIndexes};
pub use insert::{InsertMany, InsertOne};
pub use objects::{ListCollectionObjects, ListDatabaseObjects};
pub use run_command::RunCommand;
pub use run_cursor_command::RunCursorCommand;
pub(crate) use update::change;
pub use update::{ReplaceOne, Update};

/// What awaiting an action gives: a boxed future that can be sent to other threads.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The first thing that went wrong while an action was built; said when it is awaited.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doubt(Option<Error>);

impl Doubt {
    /// The value, or its default after noting the error.
    pub(crate) fn take<T: Default>(&mut self, value: Result<T>) -> T {
        value.unwrap_or_else(|error| {
            self.0.get_or_insert(error);
            T::default()
        })
    }

    pub(crate) fn doc(&mut self, value: &(impl Serialize + ?Sized)) -> DocBuf {
        self.take(to_doc(value))
    }

    /// Notes what had gone wrong in a part.
    fn join(&mut self, part: Self) {
        if self.0.is_none() {
            self.0 = part.0;
        }
    }

    fn check(self) -> Result<()> {
        match self.0 {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}
