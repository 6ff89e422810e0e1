//! Creating, dropping and listing indexes.

use std::sync::Arc;

use bson::{Bson, Document};
use stator_proto::operation::{self as op, Namespace};

use super::Doubt;
use crate::call::Call;
use crate::collection::Collection;
use crate::convert::{to_array, to_value};
use crate::cursor::Cursor;
use crate::error::{Error, Result};
use crate::index::IndexModel;
use crate::inner::Core;
use crate::runtime::Runtime;

/// Creates one index; see [`Collection::create_index`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct CreateIndex<R: Runtime> {
    all: CreateIndexes<R>,
    doubt: Doubt,
}

/// Creates indexes; see [`Collection::create_indexes`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct CreateIndexes<R: Runtime> {
    collection: Collection<R>,
    op: op::CreateIndexes,
    names: Vec<String>,
    call: Call<R>,
    doubt: Doubt,
}

/// Drops one or all indexes; see [`Collection::drop_index`] and [`Collection::drop_indexes`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct DropIndexes<R: Runtime> {
    collection: Collection<R>,
    op: op::DropIndexes,
    call: Call<R>,
    doubt: Doubt,
}

/// Lists indexes; see [`Collection::list_indexes`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct ListIndexes<R: Runtime> {
    collection: Collection<R>,
    op: op::ListIndexes,
    call: Call<R>,
    doubt: Doubt,
}

/// Lists the names of indexes; see [`Collection::list_index_names`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct ListIndexNames<R: Runtime> {
    list: ListIndexes<R>,
    doubt: Doubt,
}

impl<R: Runtime> CreateIndex<R> {
    pub(crate) fn new(collection: &Collection<R>, index: IndexModel) -> Self {
        Self { all: CreateIndexes::new(collection, [index]), doubt: Doubt::default() }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.all.core()
    }

    async fn execute(mut self) -> Result<String> {
        self.doubt.check()?;
        let name = self.all.names.pop().unwrap_or_default();
        self.all.execute().await.map(|_| name)
    }
}

impl<R: Runtime> CreateIndexes<R> {
    pub(crate) fn new(collection: &Collection<R>, indexes: impl IntoIterator<Item = IndexModel>) -> Self {
        let mut doubt = Doubt::default();
        let indexes: Vec<Document> = indexes.into_iter().map(IndexModel::into_definition).collect();
        if indexes.is_empty() {
            doubt.take(Err::<(), _>(Error::invalid("there are no indexes to create")));
        }
        let names = indexes.iter().filter_map(|index| index.get_str("name").ok()).map(str::to_owned).collect();
        let indexes = doubt.take(to_array(&indexes));
        let op = op::CreateIndexes::new(collection.namespace().clone(), indexes);
        Self { collection: collection.clone(), op, names, call: collection.call(), doubt }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.collection.core()
    }

    async fn execute(self) -> Result<Vec<String>> {
        self.doubt.check()?;
        self.collection.core().execute(self.op, self.call).await?;
        Ok(self.names)
    }
}

impl<R: Runtime> DropIndexes<R> {
    pub(crate) fn new(collection: &Collection<R>, index: &Bson) -> Self {
        let mut doubt = Doubt::default();
        if matches!(index, Bson::String(name) if name.is_empty()) {
            doubt.take(Err::<(), _>(Error::invalid("an index has a name")));
        }
        let index = doubt.take(to_value(index).map(Some));
        let op = op::DropIndexes::new(collection.namespace().clone(), index);
        Self { collection: collection.clone(), op, call: collection.call(), doubt }
    }

    /// One index, by its name or its keys. All at once only with `drop_indexes`.
    pub(crate) fn one(collection: &Collection<R>, index: &Bson) -> Self {
        let mut one = Self::new(collection, index);
        if matches!(index, Bson::String(name) if name == "*") {
            one.doubt.take(Err::<(), _>(Error::invalid("`*` is every index: use drop_indexes")));
        }
        one
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.collection.core()
    }

    async fn execute(self) -> Result<()> {
        self.doubt.check()?;
        self.collection.core().execute(self.op, self.call).await
    }
}

impl<R: Runtime> ListIndexes<R> {
    pub(crate) fn new(collection: &Collection<R>) -> Self {
        Self {
            op: op::ListIndexes::new(collection.namespace().clone()),
            call: collection.call().on_primary(),
            collection: collection.clone(),
            doubt: Doubt::default(),
        }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.collection.core()
    }

    async fn execute(self) -> Result<Cursor<R, IndexModel>> {
        self.doubt.check()?;
        let core = Arc::clone(self.collection.core());
        let (batch_size, comment) = (self.op.batch_size, self.op.comment.clone());
        let namespace: Namespace = self.collection.namespace().clone();
        let machine = |reply| stator_proto::Cursor::new(reply, namespace, batch_size, None, comment);
        Cursor::open(core, self.op, self.call, machine).await
    }
}

impl<R: Runtime> ListIndexNames<R> {
    pub(crate) fn new(collection: &Collection<R>) -> Self {
        Self { list: ListIndexes::new(collection), doubt: Doubt::default() }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.list.core()
    }

    async fn execute(self) -> Result<Vec<String>> {
        self.doubt.check()?;
        let indexes = self.list.execute().await?.to_list(None).await?;
        Ok(indexes.iter().map(IndexModel::name).collect())
    }
}

macro_rules! create_setters {
    ($action:ident, $($at:ident)?) => {
        setters! { $action:
            /// How many members must have built the index before it is used: a number or a mode (4.4 and later).
            value commit_quorum => $($at.)?op.commit_quorum;
            /// How long the server may work on the command.
            duration max_time => $($at.)?op.max_time;
            /// Shown in the server's log and profile.
            value comment => $($at.)?op.comment;
            /// Instead of the collection's write concern.
            write_concern write_concern => $($at.)?call.given.write_concern;
            /// The time for the whole operation; zero is no limit.
            duration timeout => $($at.)?call.given.timeout;
        }
    };
}

create_setters!(CreateIndex, all);
create_setters!(CreateIndexes,);

setters! { DropIndexes:
    /// How long the server may work on the command.
    duration max_time => op.max_time;
    /// Shown in the server's log and profile.
    value comment => op.comment;
    /// Instead of the collection's write concern.
    write_concern write_concern => call.given.write_concern;
    /// The time for the whole operation; zero is no limit.
    duration timeout => call.given.timeout;
}

setters! { ListIndexes:
    /// The most indexes in a batch.
    u32 batch_size => op.batch_size;
    /// How long the server may work on the command.
    duration max_time => op.max_time;
    /// Shown in the server's log and profile.
    value comment => op.comment;
    /// What the timeout counts for.
    timeout_mode timeout_mode => op.timeout_mode;
    /// The time for the whole operation; zero is no limit.
    duration timeout => call.given.timeout;
}

setters! { ListIndexNames:
    /// The most indexes in a batch.
    u32 batch_size => list.op.batch_size;
    /// How long the server may work on the command.
    duration max_time => list.op.max_time;
    /// Shown in the server's log and profile.
    value comment => list.op.comment;
    /// The time for the whole operation; zero is no limit.
    duration timeout => list.call.given.timeout;
}

awaitable!(CreateIndex at all.call => String);
awaitable!(CreateIndexes => Vec<String>);
awaitable!(DropIndexes => ());
awaitable!(ListIndexes => Cursor<R, IndexModel>);
awaitable!(ListIndexNames at list.call => Vec<String>);
