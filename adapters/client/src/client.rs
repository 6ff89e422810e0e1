//! The client: a handle on everything that one deployment's connections share.

use std::sync::Arc;

use stator_proto::uri::DriverInfo;

use crate::action::{BoxFuture, ClientBulkWrite, ListDatabaseNames, ListDatabaseObjects, ListDatabases};
use crate::call::Call;
use crate::compress;
use crate::database::Database;
use crate::error::{Error, Result};
use crate::hub::lock;
use crate::inner::Core;
use crate::options::{ClientOptions, ClientWriteModel, Overrides};
use crate::runtime::Runtime;
use crate::session::StartSession;

/// A MongoDB client.
///
/// Cheap to clone; all clones share one pool. Making one does no I/O, starts no task and needs no executor: the first
/// operation does. When the last handle is gone (databases, collections and cursors are handles too), the
/// background task ends and the connections are closed.
#[derive(Clone, Debug)]
pub struct Client<R: Runtime> {
    core: Arc<Core<R>>,
    warnings: Arc<[String]>,
}

impl<R: Runtime + Default> Client<R> {
    /// A client for a connection string.
    ///
    /// # Errors
    ///
    /// A connection string with a mistake in its structure. What is only unknown or doubtful in it is a
    /// [warning](Self::warnings).
    pub fn new(uri: impl AsRef<str>) -> Result<Self> {
        Self::with_runtime(R::default(), ClientOptions::parse(uri.as_ref())?)
    }

    /// A client with these options.
    pub fn with_options(options: ClientOptions) -> Result<Self> {
        Self::with_runtime(R::default(), options)
    }
}

impl<R: Runtime> Client<R> {
    /// A client on a runtime of your own.
    pub fn with_runtime(runtime: R, mut options: ClientOptions) -> Result<Self> {
        options.check_credential()?;
        if let Some(preference) = options.config.read_preference.validate().err() {
            return Err(Error::invalid(preference.to_string()));
        }
        let mut warnings: Vec<String> = options.warnings.iter().map(ToString::to_string).collect();
        warnings.extend(
            compress::missing(&options.config)
                .map(|name| format!("compressor `{name}` is not used: this build lacks the feature `{name}`")),
        );
        let warnings = warnings.into();
        Ok(Self { core: Core::new(runtime, options), warnings })
    }

    pub(crate) const fn core(&self) -> &Arc<Core<R>> {
        &self.core
    }

    pub(crate) const fn of(core: Arc<Core<R>>, warnings: Arc<[String]>) -> Self {
        Self { core, warnings }
    }

    pub(crate) fn call(&self) -> Call<R> {
        Call::new(Arc::clone(&self.core.settings), None)
    }

    /// Starts a session: operations that are given it belong together. See [`session`](crate::session).
    pub fn start_session(&self) -> StartSession<R> {
        StartSession::new(self)
    }

    /// A handle on a database; nothing is created on the server.
    pub fn database(&self, name: &str) -> Database<R> {
        Database::new(self.clone(), name, Arc::clone(&self.core.settings))
    }

    /// As [`database`](Self::database), with concerns, read preference or timeout of its own.
    pub fn database_with(&self, name: &str, overrides: &Overrides) -> Database<R> {
        Database::new(self.clone(), name, overrides.over(&self.core.settings))
    }

    /// The database that the connection string names.
    pub fn default_database(&self) -> Option<Database<R>> {
        self.core.config().default_database.as_deref().map(|name| self.database(name))
    }

    /// Inserts, updates, replaces and deletes on any collections with the command `bulkWrite`, in as few messages as the
    /// server's limits allow. Needs server 8.0; for one collection, [`Collection::bulk_write`](crate::Collection::bulk_write)
    /// does with any server. Documents are encoded here and now.
    ///
    /// ```no_run
    /// use stator_client::options::{DeleteOneModel, InsertOneModel};
    /// use stator_client::{Client, Result, Runtime, doc};
    ///
    /// # async fn example<R: Runtime>(client: Client<R>) -> Result<()> {
    /// let (nuts, bolts) = (client.database("shop").collection("nuts"), client.database("shop").collection("bolts"));
    /// # let _: (stator_client::Collection<R>, stator_client::Collection<R>) = (nuts.clone(), bolts.clone());
    /// let result = client
    ///     .bulk_write([
    ///         InsertOneModel::new(doc! { "_id": 1, "size": 5 }).on(&nuts),
    ///         DeleteOneModel::new(doc! { "size": 5 }).on(&bolts),
    ///     ])
    ///     .verbose_results(true)
    ///     .await?;
    /// assert_eq!((result.inserted_count, result.deleted_count), (1, 1));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ClientBulkWrite`](crate::ErrorKind::ClientBulkWrite) tells which writes failed and what was done
    /// nevertheless. An older server, and unacknowledged writes that are ordered or verbose, are invalid arguments.
    pub fn bulk_write(&self, models: impl IntoIterator<Item = impl Into<ClientWriteModel>>) -> ClientBulkWrite<R> {
        ClientBulkWrite::new(self, models)
    }

    /// Lists the databases.
    pub fn list_databases(&self) -> ListDatabases<R> {
        ListDatabases::new(self)
    }

    /// Lists the databases as handles.
    pub fn list_database_objects(&self) -> ListDatabaseObjects<R> {
        ListDatabaseObjects::new(self)
    }

    /// Lists the names of the databases.
    pub fn list_database_names(&self) -> ListDatabaseNames<R> {
        ListDatabaseNames::new(self)
    }

    /// Adds a library's name to the metadata that new connections send (specification *MongoDB Handshake*). Adding the
    /// same twice changes nothing.
    ///
    /// # Errors
    ///
    /// A string that contains `|`, or an empty name.
    pub fn append_metadata(&self, library: DriverInfo) -> Result<()> {
        let parts = [Some(&library.name), library.version.as_ref(), library.platform.as_ref()];
        if parts.iter().flatten().any(|part| part.contains('|')) || library.name.is_empty() {
            return Err(Error::invalid("a library's name must not be empty, and nothing in it may contain `|`"));
        }
        let mut metadata = lock(&self.core.metadata);
        if !metadata.drivers.contains(&library) {
            metadata.drivers.push(library);
        }
        Ok(())
    }

    /// What in the connection string was not applied, and why.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The runtime that this client uses.
    pub fn runtime(&self) -> &R {
        &self.core.runtime
    }

    /// Closes the client for all of its handles: idle connections at once, connections in use as soon as their
    /// operation ends. Operations that begin or wait from now on fail with [`ErrorKind::Closed`](crate::ErrorKind::Closed).
    /// Server sessions are ended if a server takes it within a second, and listeners are told of the end before this returns.
    /// Dropping all handles does the same, without the wait. Safe to cancel; calling it twice is harmless.
    pub fn close(&self) -> BoxFuture<()> {
        let core = Arc::clone(&self.core);
        Box::pin(async move {
            core.end_sessions().await;
            core.close();
            core.until_told().await;
        })
    }
}
