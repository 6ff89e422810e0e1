//! Renaming, changing and validating collections, and search indexes.

use std::sync::Arc;

use bson::{Bson, Document, doc};
use stator_proto::operation::{self as op, Namespace};
use stator_wire::bson::DocBuf;

use super::Doubt;
use crate::call::Call;
use crate::collection::Collection;
use crate::convert::from_doc;
use crate::error::{Error, Result};
use crate::index::SearchIndexModel;
use crate::inner::Core;
use crate::runtime::Runtime;

macro_rules! command {
    ($($(#[$doc:meta])* $action:ident: $make:ident => $output:ty, $read:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        #[must_use = "an action does nothing until it is awaited"]
        pub struct $action<R: Runtime> {
            collection: Collection<R>,
            options: Document,
            op: op::CollectionCommand,
            call: Call<R>,
            doubt: Doubt,
        }

        impl<R: Runtime> $action<R> {
            fn of(collection: &Collection<R>, options: Document) -> Self {
                Self {
                    op: op::CollectionCommand::$make(collection.namespace(), DocBuf::default()),
                    options,
                    call: collection.call().on_primary(),
                    collection: collection.clone(),
                    doubt: Doubt::default(),
                }
            }

            fn core(&self) -> &Arc<Core<R>> {
                self.collection.core()
            }

            /// Any further option of the command, by its name there.
            pub fn option(mut self, name: impl Into<String>, value: impl Into<Bson>) -> Self {
                self.options.insert(name, value);
                self
            }

            async fn execute(mut self) -> Result<$output> {
                self.op.options = self.doubt.doc(&self.options);
                self.doubt.check()?;
                let reply = self.collection.core().execute(self.op, self.call).await?;
                $read(reply)
            }
        }

        setters! { $action:
            /// How long the server may work on the command.
            duration max_time => op.max_time;
            /// Shown in the server's log and profile.
            value comment => op.comment;
            /// The time for the whole operation; zero is no limit.
            duration timeout => call.given.timeout;
        }

        awaitable!($action => $output);
    )*};
}

const NOTHING: fn(DocBuf) -> Result<()> = |_| Ok(());
const REPLY: fn(DocBuf) -> Result<Document> = |reply| from_doc(reply.as_doc());

command! {
    /// Renames a collection; see [`Collection::rename`].
    RenameCollection: rename => (), NOTHING;
    /// Changes a collection's options; see [`Collection::modify`].
    ModifyCollection: modify => Document, REPLY;
    /// Looks for damage in a collection; see [`Collection::validate`].
    ValidateCollection: validate => Document, REPLY;
    /// Creates search indexes; see [`Collection::create_search_indexes`].
    CreateSearchIndexes: create_search_indexes => Vec<String>, names;
    /// Changes a search index; see [`Collection::update_search_index`].
    UpdateSearchIndex: update_search_index => (), NOTHING;
    /// Drops a search index; see [`Collection::drop_search_index`].
    DropSearchIndex: drop_search_index => (), NOTHING;
}

/// The names of the search indexes that were created.
fn names(reply: DocBuf) -> Result<Vec<String>> {
    let reply: Document = from_doc(reply.as_doc())?;
    let created = reply.get_array("indexesCreated").map(Vec::as_slice).unwrap_or_default();
    let name = |index: &Bson| index.as_document()?.get_str("name").ok().map(str::to_owned);
    Ok(created.iter().filter_map(name).collect())
}

impl<R: Runtime> RenameCollection<R> {
    pub(crate) fn new(collection: &Collection<R>, to: &str) -> Self {
        let to = Namespace::new(collection.namespace().database(), to);
        Self::of(collection, doc! { "to": to.full() })
    }

    /// Into this database instead of its own.
    pub fn to_database(mut self, database: &str) -> Self {
        let name = self.options.get_str("to").ok().and_then(Namespace::parse);
        let name = name.map(|to| Namespace::new(database, to.collection()).full().to_owned());
        match name {
            Some(name) => drop(self.options.insert("to", name)),
            None => self.doubt.take(Err(Error::invalid("the new name is none"))),
        }
        self
    }

    /// Whether a collection of the new name is dropped; otherwise it is an error.
    pub fn drop_target(self, drop_target: bool) -> Self {
        self.option("dropTarget", drop_target)
    }

    /// Instead of the collection's write concern.
    pub fn write_concern(mut self, write_concern: crate::options::WriteConcern) -> Self {
        self.call.given.write_concern = Some(write_concern);
        self
    }
}

impl<R: Runtime> ModifyCollection<R> {
    pub(crate) fn new(collection: &Collection<R>, changes: Document) -> Self {
        Self::of(collection, changes)
    }

    /// Instead of the collection's write concern.
    pub fn write_concern(mut self, write_concern: crate::options::WriteConcern) -> Self {
        self.call.given.write_concern = Some(write_concern);
        self
    }
}

impl<R: Runtime> ValidateCollection<R> {
    pub(crate) fn new(collection: &Collection<R>) -> Self {
        Self::of(collection, Document::new())
    }

    /// Whether to look at everything; slow.
    pub fn full(self, full: bool) -> Self {
        self.option("full", full)
    }

    /// Whether to let others work meanwhile.
    pub fn background(self, background: bool) -> Self {
        self.option("background", background)
    }
}

impl<R: Runtime> CreateSearchIndexes<R> {
    pub(crate) fn new(collection: &Collection<R>, indexes: impl IntoIterator<Item = SearchIndexModel>) -> Self {
        let mut action = Self::of(collection, Document::new());
        let indexes: Result<Vec<Document>, _> =
            indexes.into_iter().map(|index| bson::serialize_to_document(&index)).collect();
        match indexes {
            Ok(indexes) => drop(action.options.insert("indexes", indexes)),
            Err(error) => action.doubt.take(Err(Error::invalid(error.to_string()))),
        }
        action
    }
}

impl<R: Runtime> UpdateSearchIndex<R> {
    pub(crate) fn new(collection: &Collection<R>, name: &str, definition: Document) -> Self {
        Self::of(collection, doc! { "name": name, "definition": definition })
    }
}

impl<R: Runtime> DropSearchIndex<R> {
    pub(crate) fn new(collection: &Collection<R>, name: &str) -> Self {
        Self::of(collection, doc! { "name": name })
    }
}
