//! Handles on collections.

use core::fmt;
use core::marker::PhantomData;
use std::sync::Arc;

use bson::{Bson, Document, doc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use stator_proto::operation::{Namespace, Settings};

use crate::action::{
    Aggregate, BulkWrite, Count, CountDocuments, CreateIndex, CreateIndexes, CreateSearchIndexes, Delete, Distinct,
    DropCollection, DropIndexes, DropSearchIndex, EstimatedDocumentCount, Find, FindOne, FindOneAndDelete,
    FindOneAndReplace, FindOneAndUpdate, InsertMany, InsertOne, ListIndexNames, ListIndexes, ModifyCollection,
    RenameCollection, ReplaceOne, Update, UpdateSearchIndex, ValidateCollection,
};
use crate::call::Call;
use crate::database::Database;
use crate::index::{IndexModel, SearchIndexModel};
use crate::inner::Core;
use crate::options::{Overrides, UpdateModifications, WriteModel};
use crate::runtime::Runtime;
use crate::session::ClientSession;

/// A collection of documents of type `T`: [`Document`], a raw document, or a type of yours with serde.
///
/// Cheap to clone; it keeps its client alive. `T` is only looked at by the methods that encode or decode it.
pub struct Collection<R: Runtime, T = Document> {
    inner: Arc<Inner<R>>,
    documents: PhantomData<fn() -> T>,
}

struct Inner<R: Runtime> {
    database: Database<R>,
    namespace: Namespace,
    settings: Arc<Settings>,
}

impl<R: Runtime, T> Clone for Collection<R, T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), documents: PhantomData }
    }
}

impl<R: Runtime, T> fmt::Debug for Collection<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collection").field("namespace", &self.inner.namespace).finish_non_exhaustive()
    }
}

impl<R: Runtime, T> Collection<R, T> {
    pub(crate) fn new(database: Database<R>, name: &str, settings: impl Into<Arc<Settings>>) -> Self {
        let namespace = Namespace::new(database.name(), name);
        Self { inner: Arc::new(Inner { database, namespace, settings: settings.into() }), documents: PhantomData }
    }

    /// The database that it belongs to.
    pub fn database(&self) -> &Database<R> {
        &self.inner.database
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.inner.namespace.collection()
    }

    /// Database and collection.
    pub fn namespace(&self) -> &Namespace {
        &self.inner.namespace
    }

    pub(crate) fn core(&self) -> &Arc<Core<R>> {
        self.inner.database.client().core()
    }

    pub(crate) fn call(&self) -> Call<R> {
        Call::new(Arc::clone(&self.inner.settings), self.inner.database.session().cloned())
    }

    /// The same collection with all of its operations in a session, and thereby in its transactions. The session must be of the
    /// same client.
    pub fn with_session(&self, session: &ClientSession<R>) -> Self {
        Self::new(self.inner.database.with_session(session), self.name(), Arc::clone(&self.inner.settings))
    }

    /// The same collection with concerns, read preference or timeout of its own.
    pub fn with(&self, overrides: &Overrides) -> Self {
        Self::new(self.inner.database.clone(), self.name(), overrides.over(&self.inner.settings))
    }

    /// The same collection with documents of another type.
    pub fn with_type<U>(&self) -> Collection<R, U> {
        Collection { inner: Arc::clone(&self.inner), documents: PhantomData }
    }

    /// The collection `self.name` + `.` + `name`.
    pub fn sub(&self, name: &str) -> Self {
        let name = format!("{}.{name}", self.name());
        Self::new(self.inner.database.clone(), &name, Arc::clone(&self.inner.settings))
    }

    /// Counts the documents that match, exactly: an aggregation.
    pub fn count_documents(&self, filter: impl Serialize) -> CountDocuments<R> {
        CountDocuments::new(&self.with_type(), &filter)
    }

    /// Estimates how many documents there are, from the collection's metadata.
    pub fn estimated_document_count(&self) -> EstimatedDocumentCount<R> {
        EstimatedDocumentCount::new(&self.with_type())
    }

    /// The distinct values of a field among the documents that match.
    pub fn distinct(&self, key: &str, filter: impl Serialize) -> Distinct<R> {
        Distinct::new(&self.with_type(), key, &filter)
    }

    /// Runs an aggregation. Its results are [`Document`]s until [`Aggregate::with_type`] says otherwise.
    pub fn aggregate(&self, pipeline: impl IntoIterator<Item = Document>) -> Aggregate<R, Document> {
        Aggregate::on_collection(&self.with_type(), pipeline)
    }

    /// Changes the first document that matches.
    pub fn update_one(&self, filter: impl Serialize, update: impl Into<UpdateModifications>) -> Update<R> {
        Update::new(&self.with_type(), &filter, update.into(), false)
    }

    /// Changes all documents that match.
    pub fn update_many(&self, filter: impl Serialize, update: impl Into<UpdateModifications>) -> Update<R> {
        Update::new(&self.with_type(), &filter, update.into(), true)
    }

    /// Deletes the first document that matches.
    pub fn delete_one(&self, filter: impl Serialize) -> Delete<R> {
        Delete::new(&self.with_type(), &filter, true)
    }

    /// Deletes all documents that match.
    pub fn delete_many(&self, filter: impl Serialize) -> Delete<R> {
        Delete::new(&self.with_type(), &filter, false)
    }

    /// Inserts, updates, replaces and deletes, on any server. Ordered (the default), the writes happen one after the other,
    /// neighbours of one kind in one command, and the first that fails ends it. Otherwise all writes of one kind share
    /// commands, and those after a failure are tried as well. Documents are encoded here and now.
    ///
    /// ```no_run
    /// use stator_client::options::{DeleteManyModel, InsertOneModel, UpdateOneModel, WriteModel};
    /// use stator_client::{Collection, ErrorKind, Result, Runtime, doc};
    ///
    /// # async fn example<R: Runtime>(nuts: Collection<R>) -> Result<()> {
    /// let models: [WriteModel; 3] = [
    ///     InsertOneModel::new(doc! { "_id": 1, "size": 5 }).into(),
    ///     UpdateOneModel::new(doc! { "_id": 2 }, doc! { "$set": { "size": 6 } }).upsert(true).into(),
    ///     DeleteManyModel::new(doc! { "size": 7 }).into(),
    /// ];
    /// match nuts.bulk_write(models).ordered(false).await {
    ///     Ok(result) => println!("{} deleted", result.deleted_count),
    ///     Err(error) if error.is_duplicate_key() => {
    ///         let ErrorKind::BulkWrite(failed) = error.kind() else { return Err(error) };
    ///         println!("{:?} but not {:?}", failed.partial_result, failed.write_errors);
    ///     }
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BulkWrite`](crate::ErrorKind::BulkWrite) tells which writes failed and what was done nevertheless.
    pub fn bulk_write(&self, models: impl IntoIterator<Item = impl Into<WriteModel>>) -> BulkWrite<R> {
        BulkWrite::new(&self.with_type(), models)
    }

    /// Creates an index, unless it is there already, and returns its name.
    ///
    /// ```no_run
    /// # async fn example<R: stator_client::Runtime>(people: stator_client::Collection<R>) -> stator_client::Result<()> {
    /// use stator_client::{IndexModel, doc};
    ///
    /// let name = people.create_index(IndexModel::new(doc! { "email": 1 }).unique(true)).await?;
    /// assert_eq!(name, "email_1");
    /// people.create_index(doc! { "born": -1 }).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_index(&self, index: impl Into<IndexModel>) -> CreateIndex<R> {
        CreateIndex::new(&self.with_type(), index.into())
    }

    /// Creates indexes with one command, and returns their names.
    pub fn create_indexes(&self, indexes: impl IntoIterator<Item = IndexModel>) -> CreateIndexes<R> {
        CreateIndexes::new(&self.with_type(), indexes)
    }

    /// Drops an index, by its name or by its keys.
    pub fn drop_index(&self, index: impl Into<Bson>) -> DropIndexes<R> {
        DropIndexes::one(&self.with_type(), &index.into())
    }

    /// Drops all indexes but the one of `_id`.
    pub fn drop_indexes(&self) -> DropIndexes<R> {
        DropIndexes::new(&self.with_type(), &Bson::from("*"))
    }

    /// Lists the indexes; a collection that is not there has none.
    pub fn list_indexes(&self) -> ListIndexes<R> {
        ListIndexes::new(&self.with_type())
    }

    /// Lists the names of the indexes.
    pub fn list_index_names(&self) -> ListIndexNames<R> {
        ListIndexNames::new(&self.with_type())
    }

    /// Creates a search index, and returns its name as the only one (MongoDB Atlas).
    pub fn create_search_index(&self, index: SearchIndexModel) -> CreateSearchIndexes<R> {
        CreateSearchIndexes::new(&self.with_type(), [index])
    }

    /// Creates search indexes, and returns their names.
    pub fn create_search_indexes(&self, indexes: impl IntoIterator<Item = SearchIndexModel>) -> CreateSearchIndexes<R> {
        CreateSearchIndexes::new(&self.with_type(), indexes)
    }

    /// Changes the definition of a search index.
    pub fn update_search_index(&self, name: &str, definition: Document) -> UpdateSearchIndex<R> {
        UpdateSearchIndex::new(&self.with_type(), name, definition)
    }

    /// Drops a search index; that the collection is not there is no error.
    pub fn drop_search_index(&self, name: &str) -> DropSearchIndex<R> {
        DropSearchIndex::new(&self.with_type(), name)
    }

    /// Lists the search indexes, or the one of a name: an aggregation with `$listSearchIndexes`. The collection's read concern does
    /// not count.
    pub fn list_search_indexes(&self, name: Option<&str>) -> Aggregate<R, Document> {
        let filter = name.map_or_else(Document::new, |name| doc! { "name": name });
        Aggregate::on_collection(&self.with_type(), [doc! { "$listSearchIndexes": filter }]).without_concerns()
    }

    /// Gives the collection another name.
    pub fn rename(&self, to: &str) -> RenameCollection<R> {
        RenameCollection::new(&self.with_type(), to)
    }

    /// Changes options of the collection (`collMod`): `doc! { "validator": .. }`, `doc! { "index": .. }` and so on. Returns the
    /// server's reply.
    pub fn modify(&self, changes: Document) -> ModifyCollection<R> {
        ModifyCollection::new(&self.with_type(), changes)
    }

    /// Looks for damage in the collection and its indexes. Returns the server's reply.
    pub fn validate(&self) -> ValidateCollection<R> {
        ValidateCollection::new(&self.with_type())
    }

    /// Counts the documents that match with the command `count`, which may be wrong on sharded clusters and after a
    /// crash; [`count_documents`](Self::count_documents) is exact.
    pub fn count(&self, filter: impl Serialize) -> Count<R> {
        Count::new(&self.with_type(), &filter)
    }

    /// Drops the collection; that it is not there is no error.
    pub fn drop(&self) -> DropCollection<R> {
        DropCollection::new(&self.with_type())
    }
}

impl<R: Runtime, T: Serialize> Collection<R, T> {
    /// Inserts a document; it gets an `_id` (an ObjectId) if it has none. The document is encoded here and now.
    pub fn insert_one(&self, document: impl core::borrow::Borrow<T>) -> InsertOne<R> {
        InsertOne::new(&self.with_type(), document.borrow())
    }

    /// Inserts documents, in as many commands as the server's limits demand. They are encoded here and now.
    pub fn insert_many(&self, documents: impl IntoIterator<Item = impl core::borrow::Borrow<T>>) -> InsertMany<R> {
        InsertMany::new(&self.with_type(), documents)
    }

    /// Replaces the first document that matches.
    pub fn replace_one(&self, filter: impl Serialize, replacement: impl core::borrow::Borrow<T>) -> ReplaceOne<R> {
        ReplaceOne::new(&self.with_type(), &filter, replacement.borrow())
    }
}

impl<R: Runtime, T: DeserializeOwned + Send + 'static> Collection<R, T> {
    /// Finds the documents that match.
    pub fn find(&self, filter: impl Serialize) -> Find<R, T> {
        Find::new(self, &filter)
    }

    /// Finds the first document that matches.
    pub fn find_one(&self, filter: impl Serialize) -> FindOne<R, T> {
        FindOne::new(self, &filter)
    }

    /// Deletes the first document that matches and returns it.
    pub fn find_one_and_delete(&self, filter: impl Serialize) -> FindOneAndDelete<R, T> {
        FindOneAndDelete::new(self, &filter)
    }

    /// Changes the first document that matches and returns it, as it was before unless told otherwise.
    pub fn find_one_and_update(
        &self,
        filter: impl Serialize,
        update: impl Into<UpdateModifications>,
    ) -> FindOneAndUpdate<R, T> {
        FindOneAndUpdate::new(self, &filter, update.into())
    }
}

impl<R: Runtime, T: Serialize + DeserializeOwned + Send + 'static> Collection<R, T> {
    /// Replaces the first document that matches and returns it, as it was before unless told otherwise.
    pub fn find_one_and_replace(
        &self,
        filter: impl Serialize,
        replacement: impl core::borrow::Borrow<T>,
    ) -> FindOneAndReplace<R, T> {
        FindOneAndReplace::new(self, &filter, replacement.borrow())
    }
}
