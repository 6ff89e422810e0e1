//! Handles on databases.

use std::sync::Arc;

use bson::Document;
use serde::Serialize;
use stator_proto::operation::Settings;

use crate::action::{
    Aggregate, CreateCollection, DropDatabase, ListCollectionNames, ListCollectionObjects, ListCollections, RunCommand,
    RunCursorCommand,
};
use crate::call::Call;
use crate::client::Client;
use crate::collection::Collection;
use crate::options::Overrides;
use crate::runtime::Runtime;
use crate::session::ClientSession;

/// A database. Cheap to clone; it keeps its client alive.
#[derive(Clone, Debug)]
pub struct Database<R: Runtime> {
    inner: Arc<Inner<R>>,
}

#[derive(Debug)]
struct Inner<R: Runtime> {
    client: Client<R>,
    name: Arc<str>,
    settings: Arc<Settings>,
    session: Option<ClientSession<R>>,
}

impl<R: Runtime> Database<R> {
    pub(crate) fn new(client: Client<R>, name: &str, settings: impl Into<Arc<Settings>>) -> Self {
        Self { inner: Arc::new(Inner { client, name: name.into(), settings: settings.into(), session: None }) }
    }

    /// The client that it belongs to.
    pub fn client(&self) -> &Client<R> {
        &self.inner.client
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    pub(crate) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.inner.name)
    }

    pub(crate) fn call(&self) -> Call<R> {
        Call::new(Arc::clone(&self.inner.settings), self.inner.session.clone())
    }

    pub(crate) fn session(&self) -> Option<&ClientSession<R>> {
        self.inner.session.as_ref()
    }

    /// The same database with all operations of it and its collections in a session, and thereby in its transactions. The
    /// session must be of the same client.
    pub fn with_session(&self, session: &ClientSession<R>) -> Self {
        self.like(Arc::clone(&self.inner.settings), Some(session.clone()))
    }

    fn like(&self, settings: impl Into<Arc<Settings>>, session: Option<ClientSession<R>>) -> Self {
        let Inner { client, name, .. } = &*self.inner;
        Self {
            inner: Arc::new(Inner { client: client.clone(), name: name.clone(), settings: settings.into(), session }),
        }
    }

    /// The same database with concerns, read preference or timeout of its own.
    pub fn with(&self, overrides: &Overrides) -> Self {
        self.like(overrides.over(&self.inner.settings), self.inner.session.clone())
    }

    /// A handle on a collection of documents of type `T`; nothing is created on the server.
    pub fn collection<T>(&self, name: &str) -> Collection<R, T> {
        Collection::new(self.clone(), name, Arc::clone(&self.inner.settings))
    }

    /// As [`collection`](Self::collection), with concerns, read preference or timeout of its own.
    pub fn collection_with<T>(&self, name: &str, overrides: &Overrides) -> Collection<R, T> {
        Collection::new(self.clone(), name, overrides.over(&self.inner.settings))
    }

    /// Runs any command. Read and write concern of the client are not added (specification *runCommand*).
    ///
    /// The command is not looked into: where a timeout is in force, what is left of it is appended as `maxTimeMS`, and the server
    /// refuses a command that has one already. Without a timeout, the command's own is the only one. `timeout` with zero
    /// leaves it to the command, too.
    pub fn run_command(&self, command: impl Serialize) -> RunCommand<R> {
        RunCommand::new(self, &command)
    }

    /// Runs any command whose reply is a cursor, and reads on with `getMore` (specification *runCommand*).
    pub fn run_cursor_command(&self, command: impl Serialize) -> RunCursorCommand<R> {
        RunCursorCommand::new(self, &command)
    }

    /// Runs an aggregation that begins with the database, such as `$currentOp` or `$documents`.
    pub fn aggregate(&self, pipeline: impl IntoIterator<Item = Document>) -> Aggregate<R, Document> {
        Aggregate::on_database(self, pipeline)
    }

    /// Creates a collection or a view.
    pub fn create_collection(&self, name: &str) -> CreateCollection<R> {
        CreateCollection::new(self, name)
    }

    /// Lists the collections and views.
    pub fn list_collections(&self) -> ListCollections<R> {
        ListCollections::new(self)
    }

    /// Lists the names of the collections and views.
    pub fn list_collection_names(&self) -> ListCollectionNames<R> {
        ListCollectionNames::new(self)
    }

    /// Lists the collections and views as handles.
    pub fn list_collection_objects(&self) -> ListCollectionObjects<R> {
        ListCollectionObjects::new(self)
    }

    /// Drops the database with all that is in it.
    pub fn drop(&self) -> DropDatabase<R> {
        DropDatabase::new(self)
    }
}
