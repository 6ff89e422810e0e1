//! `find_one_and_delete`, `find_one_and_replace` and `find_one_and_update`.

use std::sync::Arc;

use bson::Document;
use serde::Serialize;
use serde::de::DeserializeOwned;
use stator_proto::operation::{self as op, Change, FindAndModify, Modification};
use stator_wire::bson::DocBuf;

use super::Doubt;
use super::update::change;
use crate::call::Call;
use crate::collection::Collection;
use crate::convert::from_doc;
use crate::error::{Error, Result};
use crate::inner::Core;
use crate::options::{ReturnDocument, UpdateModifications};
use crate::runtime::Runtime;

/// Deletes a document and returns it; see [`Collection::find_one_and_delete`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct FindOneAndDelete<R: Runtime, T = Document> {
    collection: Collection<R, T>,
    op: FindAndModify,
    call: Call<R>,
    doubt: Doubt,
}

/// Replaces a document and returns it; see [`Collection::find_one_and_replace`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct FindOneAndReplace<R: Runtime, T = Document> {
    collection: Collection<R, T>,
    op: FindAndModify,
    call: Call<R>,
    doubt: Doubt,
}

/// Changes a document and returns it; see [`Collection::find_one_and_update`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct FindOneAndUpdate<R: Runtime, T = Document> {
    collection: Collection<R, T>,
    op: FindAndModify,
    call: Call<R>,
    doubt: Doubt,
}

/// The command; a modification that is not what it says it is becomes a doubt.
fn command<R: Runtime, T>(
    collection: &Collection<R, T>,
    filter: DocBuf,
    modification: Modification,
    doubt: &mut Doubt,
) -> FindAndModify {
    let namespace = collection.namespace();
    let checked = FindAndModify::new(namespace.clone(), filter.clone(), modification);
    match checked {
        Ok(op) => op,
        Err(error) => {
            doubt.take::<()>(Err(Error::from(error)));
            FindAndModify::remove(namespace.clone(), filter)
        }
    }
}

impl<R: Runtime, T> FindOneAndDelete<R, T> {
    pub(crate) fn new(collection: &Collection<R, T>, filter: &(impl Serialize + ?Sized)) -> Self {
        let mut doubt = Doubt::default();
        let filter = doubt.doc(filter);
        Self {
            op: FindAndModify::remove(collection.namespace().clone(), filter),
            call: collection.call(),
            collection: collection.clone(),
            doubt,
        }
    }
}

impl<R: Runtime, T> FindOneAndReplace<R, T> {
    pub(crate) fn new(
        collection: &Collection<R, T>,
        filter: &(impl Serialize + ?Sized),
        replacement: &(impl Serialize + ?Sized),
    ) -> Self {
        let mut doubt = Doubt::default();
        let modification = Modification::Replace(doubt.doc(replacement));
        let filter = doubt.doc(filter);
        Self {
            op: command(collection, filter, modification, &mut doubt),
            call: collection.call(),
            collection: collection.clone(),
            doubt,
        }
    }
}

impl<R: Runtime, T> FindOneAndUpdate<R, T> {
    pub(crate) fn new(
        collection: &Collection<R, T>,
        filter: &(impl Serialize + ?Sized),
        update: UpdateModifications,
    ) -> Self {
        let mut doubt = Doubt::default();
        let modification = match change(update, &mut doubt) {
            Change::Pipeline(stages) => Modification::Pipeline(stages),
            Change::Update(document) | Change::Replace(document) => Modification::Update(document),
        };
        let filter = doubt.doc(filter);
        Self {
            op: command(collection, filter, modification, &mut doubt),
            call: collection.call(),
            collection: collection.clone(),
            doubt,
        }
    }
}

macro_rules! find_and_modify {
    ($action:ident) => {
        impl<R: Runtime, T> $action<R, T> {
            fn core(&self) -> &Arc<Core<R>> {
                self.collection.core()
            }
        }

        impl<R: Runtime, T: DeserializeOwned + 'static> $action<R, T> {
            async fn execute(self) -> Result<Option<T>> {
                self.doubt.check()?;
                let found = self.collection.core().execute::<op::FindAndModify>(self.op, self.call).await?;
                found.map(|document| from_doc(document.as_doc())).transpose()
            }
        }

        setters! { $action<T>:
            /// Which of several matching documents it is.
            doc sort => op.sort;
            /// Which fields to return.
            doc projection => op.projection;
            /// The index to use (4.4 and later).
            hint hint => op.hint;
            /// Rules for comparing strings.
            doc collation => op.collation;
            /// Variables for expressions (5.0 and later).
            doc let_vars => op.let_vars;
            /// How long the server may work on the command.
            duration max_time => op.max_time;
            /// Shown in the server's log and profile.
            value comment => op.comment;
            /// Instead of the collection's write concern.
            write_concern write_concern => call.given.write_concern;
            /// The time for the whole operation; zero is no limit.
            duration timeout => call.given.timeout;
        }

        awaitable!($action<T> [DeserializeOwned + Send + 'static] => Option<T>);
    };
}

macro_rules! find_and_change {
    ($action:ident) => {
        impl<R: Runtime, T> $action<R, T> {
            /// Whether to return the document as it was or as it is now; default: as it was.
            pub fn return_document(mut self, which: ReturnDocument) -> Self {
                self.op.return_new = Some(which == ReturnDocument::After);
                self
            }
        }

        setters! { $action<T>:
            /// Whether to insert a document if none matches.
            bool upsert => op.upsert;
            /// Whether to skip the collection's validation rules.
            bool bypass_document_validation => op.bypass_document_validation;
        }
    };
}

find_and_modify!(FindOneAndDelete);
find_and_modify!(FindOneAndReplace);
find_and_modify!(FindOneAndUpdate);
find_and_change!(FindOneAndReplace);
find_and_change!(FindOneAndUpdate);

setters! { FindOneAndUpdate<T>:
    /// Which elements of arrays to change.
    array array_filters => op.array_filters;
}
