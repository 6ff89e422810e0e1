//! Listing as handles.

use std::sync::Arc;

use super::{ListCollectionNames, ListDatabaseNames};
use crate::client::Client;
use crate::collection::Collection;
use crate::database::Database;
use crate::error::Result;
use crate::inner::Core;
use crate::runtime::Runtime;

/// Lists the collections as handles; see [`Database::list_collection_objects`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct ListCollectionObjects<R: Runtime> {
    database: Database<R>,
    names: ListCollectionNames<R>,
}

impl<R: Runtime> ListCollectionObjects<R> {
    pub(crate) fn new(database: &Database<R>) -> Self {
        Self { database: database.clone(), names: ListCollectionNames::new(database) }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.database.client().core()
    }

    async fn execute(self) -> Result<Vec<Collection<R>>> {
        let names = self.names.await?;
        Ok(names.iter().map(|name| self.database.collection(name)).collect())
    }
}

awaitable!(@plain ListCollectionObjects => Vec<Collection<R>>);

/// Lists the databases as handles; see [`Client::list_database_objects`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct ListDatabaseObjects<R: Runtime> {
    client: Client<R>,
    names: ListDatabaseNames<R>,
}

impl<R: Runtime> ListDatabaseObjects<R> {
    pub(crate) fn new(client: &Client<R>) -> Self {
        Self { client: client.clone(), names: ListDatabaseNames::new(client) }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.client.core()
    }

    async fn execute(self) -> Result<Vec<Database<R>>> {
        let names = self.names.await?;
        Ok(names.iter().map(|name| self.client.database(name)).collect())
    }
}

awaitable!(@plain ListDatabaseObjects => Vec<Database<R>>);
