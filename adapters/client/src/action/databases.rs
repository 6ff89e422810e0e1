//! Listing and dropping databases.

use std::sync::Arc;

use bson::Document;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use stator_proto::operation::{self as op};

use super::Doubt;
use crate::call::Call;
use crate::client::Client;
use crate::convert::from_doc;
use crate::database::Database;
use crate::error::Result;
use crate::inner::Core;
use crate::runtime::Runtime;

/// Drops a database; see [`Database::drop`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct DropDatabase<R: Runtime> {
    database: Database<R>,
    op: op::DropDatabase,
    call: Call<R>,
    doubt: Doubt,
}

/// Lists databases; see [`Client::list_databases`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct ListDatabases<R: Runtime> {
    client: Client<R>,
    op: op::ListDatabases,
    call: Call<R>,
    doubt: Doubt,
}

/// Lists the names of databases; see [`Client::list_database_names`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct ListDatabaseNames<R: Runtime> {
    list: ListDatabases<R>,
    doubt: Doubt,
}

impl<R: Runtime> DropDatabase<R> {
    pub(crate) fn new(database: &Database<R>) -> Self {
        Self {
            op: op::DropDatabase::new(database.name()),
            call: database.call(),
            database: database.clone(),
            doubt: Doubt::default(),
        }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.database.client().core()
    }

    async fn execute(self) -> Result<()> {
        self.doubt.check()?;
        self.database.client().core().execute(self.op, self.call).await
    }
}

impl<R: Runtime> ListDatabases<R> {
    pub(crate) fn new(client: &Client<R>) -> Self {
        // Lists are read from the primary, whatever the client's read preference.
        let call = client.call().on_primary();
        Self { client: client.clone(), op: op::ListDatabases::default(), call, doubt: Doubt::default() }
    }

    const fn core(&self) -> &Arc<Core<R>> {
        self.client.core()
    }

    async fn execute(self) -> Result<Vec<Document>> {
        self.list().await
    }

    async fn list<T: DeserializeOwned + 'static>(self) -> Result<Vec<T>> {
        self.doubt.check()?;
        let databases = self.client.core().execute(self.op, self.call).await?;
        databases.as_doc().iter().map(|element| from_doc(element?.value().as_doc()?)).collect()
    }
}

impl<R: Runtime> ListDatabaseNames<R> {
    pub(crate) fn new(client: &Client<R>) -> Self {
        let mut list = ListDatabases::new(client);
        list.op.name_only = Some(true);
        Self { list, doubt: Doubt::default() }
    }

    const fn core(&self) -> &Arc<Core<R>> {
        self.list.core()
    }

    async fn execute(self) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Named {
            name: String,
        }
        self.doubt.check()?;
        let named: Vec<Named> = self.list.list().await?;
        Ok(named.into_iter().map(|named| named.name).collect())
    }
}

setters! { DropDatabase:
    /// Shown in the server's log and profile (4.4 and later).
    value comment => op.comment;
    /// Instead of the database's write concern.
    write_concern write_concern => call.given.write_concern;
    /// The time for the whole operation; zero is no limit.
    duration timeout => call.given.timeout;
}

setters! { ListDatabases:
    /// Which databases to list.
    doc filter => op.filter;
    /// Whether to return names only.
    bool name_only => op.name_only;
    /// Whether to list only what the user may see.
    bool authorized_databases => op.authorized_databases;
    /// Shown in the server's log and profile (4.4 and later).
    value comment => op.comment;
    /// The time for the whole operation; zero is no limit.
    duration timeout => call.given.timeout;
}

setters! { ListDatabaseNames:
    /// Which databases to list.
    doc filter => list.op.filter;
    /// Whether to list only what the user may see.
    bool authorized_databases => list.op.authorized_databases;
    /// Shown in the server's log and profile (4.4 and later).
    value comment => list.op.comment;
    /// The time for the whole operation; zero is no limit.
    duration timeout => list.call.given.timeout;
}

awaitable!(DropDatabase => ());
awaitable!(ListDatabases => Vec<Document>);
awaitable!(ListDatabaseNames at list.call => Vec<String>);
