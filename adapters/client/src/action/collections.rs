//! Creating, listing and dropping collections.

use std::sync::Arc;

use bson::Document;
use serde::Deserialize;
use stator_proto::operation::{self as op, Namespace};

use super::Doubt;
use crate::call::Call;
use crate::collection::Collection;
use crate::cursor::Cursor;
use crate::database::Database;
use crate::error::Result;
use crate::inner::Core;
use crate::runtime::Runtime;

/// Creates a collection or a view; see [`Database::create_collection`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct CreateCollection<R: Runtime> {
    database: Database<R>,
    op: op::Create,
    call: Call<R>,
    doubt: Doubt,
}

/// Drops a collection; see [`Collection::drop`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct DropCollection<R: Runtime> {
    collection: Collection<R>,
    op: op::Drop,
    call: Call<R>,
    doubt: Doubt,
}

/// Lists collections; see [`Database::list_collections`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct ListCollections<R: Runtime> {
    database: Database<R>,
    op: op::ListCollections,
    call: Call<R>,
    doubt: Doubt,
}

/// Lists the names of collections; see [`Database::list_collection_names`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct ListCollectionNames<R: Runtime> {
    list: ListCollections<R>,
    doubt: Doubt,
}

impl<R: Runtime> CreateCollection<R> {
    pub(crate) fn new(database: &Database<R>, name: &str) -> Self {
        Self {
            op: op::Create::new(Namespace::new(database.name(), name)),
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

impl<R: Runtime> DropCollection<R> {
    pub(crate) fn new(collection: &Collection<R, Document>) -> Self {
        Self {
            op: op::Drop::new(collection.namespace().clone()),
            call: collection.call(),
            collection: collection.clone(),
            doubt: Doubt::default(),
        }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.collection.core()
    }

    async fn execute(self) -> Result<()> {
        self.doubt.check()?;
        self.collection.core().execute(self.op, self.call).await
    }
}

impl<R: Runtime> ListCollections<R> {
    pub(crate) fn new(database: &Database<R>) -> Self {
        // Lists are read from the primary, whatever the database's read preference.
        Self {
            op: op::ListCollections::new(database.name()),
            call: database.call().on_primary(),
            database: database.clone(),
            doubt: Doubt::default(),
        }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.database.client().core()
    }

    async fn execute(self) -> Result<Cursor<R, Document>> {
        self.cursor().await
    }

    async fn cursor<T>(self) -> Result<Cursor<R, T>> {
        self.doubt.check()?;
        let core = Arc::clone(self.database.client().core());
        let (batch_size, comment) = (self.op.batch_size, self.op.comment.clone());
        let namespace = Namespace::new(self.database.name(), "$cmd.listCollections");
        let machine = |reply| stator_proto::Cursor::new(reply, namespace, batch_size, None, comment);
        Cursor::open(core, self.op, self.call, machine).await
    }
}

impl<R: Runtime> ListCollectionNames<R> {
    pub(crate) fn new(database: &Database<R>) -> Self {
        let mut list = ListCollections::new(database);
        list.op.name_only = Some(true);
        Self { list, doubt: Doubt::default() }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.list.core()
    }

    async fn execute(self) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Named {
            name: String,
        }
        self.doubt.check()?;
        let mut list = self.list;
        // A filter on anything but names needs whole descriptions (specification *Enumerating Collections*).
        let by_name = |filter: &stator_wire::bson::DocBuf| {
            filter.as_doc().iter().all(|element| element.is_ok_and(|element| element.key_bytes() == b"name"))
        };
        if list.op.filter.as_ref().is_some_and(|filter| !by_name(filter)) {
            list.op.name_only = None;
        }
        let mut cursor: Cursor<R, Named> = list.cursor().await?;
        let names = cursor.to_list(None).await?;
        Ok(names.into_iter().map(|named| named.name).collect())
    }
}

setters! { CreateCollection:
    /// Whether the collection has a fixed size.
    bool capped => op.capped;
    /// The size of a capped collection in bytes.
    u64 size => op.size;
    /// The most documents of a capped collection.
    u64 max => op.max;
    /// Options of the storage engine.
    doc storage_engine => op.storage_engine;
    /// Rules that documents must fulfil.
    doc validator => op.validator;
    /// `off`, `strict` or `moderate`.
    text validation_level => op.validation_level;
    /// `error`, `warn`, or what newer servers know.
    text validation_action => op.validation_action;
    /// The collection that a view shows.
    text view_on => op.view_on;
    /// The pipeline of a view.
    array pipeline => op.pipeline;
    /// Rules for comparing strings.
    doc collation => op.collation;
    /// Defaults for indexes.
    doc index_option_defaults => op.index_option_defaults;
    /// Makes a time series collection: `timeField`, `metaField`, `granularity`, ... (5.0 and later).
    doc timeseries => op.timeseries;
    /// When documents of a time series or clustered collection expire, in seconds.
    i64 expire_after_seconds => op.expire_after_seconds;
    /// Whether change streams can show documents as they were (6.0 and later).
    doc change_stream_pre_and_post_images => op.change_stream_pre_and_post_images;
    /// The index that a clustered collection is kept by (5.3 and later).
    doc clustered_index => op.clustered_index;
    /// Any other field of the command, for servers newer than this driver.
    doc extra => op.extra;
    /// Shown in the server's log and profile (4.4 and later).
    value comment => op.comment;
    /// Instead of the database's write concern.
    write_concern write_concern => call.given.write_concern;
    /// The time for the whole operation; zero is no limit.
    duration timeout => call.given.timeout;
}

setters! { DropCollection:
    /// Shown in the server's log and profile (4.4 and later).
    value comment => op.comment;
    /// Instead of the collection's write concern.
    write_concern write_concern => call.given.write_concern;
    /// The time for the whole operation; zero is no limit.
    duration timeout => call.given.timeout;
}

setters! { ListCollections:
    /// Which collections to list.
    doc filter => op.filter;
    /// Whether to return names and types only.
    bool name_only => op.name_only;
    /// Whether a user without the right to list all is shown what it may see; needs `name_only`.
    bool authorized_collections => op.authorized_collections;
    /// The most documents in a batch.
    u32 batch_size => op.batch_size;
    /// Shown in the server's log and profile (4.4 and later).
    value comment => op.comment;
    /// The time for the whole operation; zero is no limit.
    duration timeout => call.given.timeout;
    /// What the timeout counts for: the whole life of the cursor (the default) or each step of it. Needs a timeout.
    timeout_mode timeout_mode => op.timeout_mode;
}

setters! { ListCollectionNames:
    /// Which collections to list.
    doc filter => list.op.filter;
    /// Whether a user without the right to list all is shown what it may see.
    bool authorized_collections => list.op.authorized_collections;
    /// Shown in the server's log and profile (4.4 and later).
    value comment => list.op.comment;
    /// The time for the whole operation; zero is no limit.
    duration timeout => list.call.given.timeout;
}

awaitable!(CreateCollection => ());
awaitable!(DropCollection => ());
awaitable!(ListCollections => Cursor<R, Document>);
awaitable!(ListCollectionNames at list.call => Vec<String>);
