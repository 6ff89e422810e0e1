//! `delete_one` and `delete_many`.

use std::sync::Arc;

use bson::Document;
use serde::Serialize;
use stator_proto::operation::{self as op, DeleteStatement};
use stator_wire::bson::{DocBuf, ValueBuf};

use super::Doubt;
use crate::call::Call;
use crate::collection::Collection;
use crate::error::Result;
use crate::inner::Core;
use crate::results::DeleteResult;
use crate::runtime::Runtime;

/// Deletes documents; see [`Collection::delete_one`] and [`Collection::delete_many`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct Delete<R: Runtime> {
    collection: Collection<R>,
    statement: DeleteStatement,
    let_vars: Option<DocBuf>,
    comment: Option<ValueBuf>,
    call: Call<R>,
    doubt: Doubt,
}

impl<R: Runtime> Delete<R> {
    pub(crate) fn new(
        collection: &Collection<R, Document>,
        filter: &(impl Serialize + ?Sized),
        limit_one: bool,
    ) -> Self {
        let mut doubt = Doubt::default();
        Self {
            statement: DeleteStatement::new(doubt.doc(filter), limit_one),
            let_vars: None,
            comment: None,
            call: collection.call(),
            collection: collection.clone(),
            doubt,
        }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.collection.core()
    }

    async fn execute(self) -> Result<DeleteResult> {
        self.doubt.check()?;
        let mut op = op::Delete::new(self.collection.namespace().clone(), [self.statement])?;
        op.let_vars = self.let_vars;
        op.comment = self.comment;
        let deleted = self.collection.core().execute(op, self.call).await?;
        Ok(DeleteResult { deleted_count: deleted.count, acknowledged: deleted.acknowledged })
    }
}

setters! { Delete:
    /// Rules for comparing strings.
    doc collation => statement.collation;
    /// The index to use.
    hint hint => statement.hint;
    /// Variables for expressions (5.0 and later).
    doc let_vars => let_vars;
    /// Shown in the server's log and profile.
    value comment => comment;
    /// Instead of the collection's write concern.
    write_concern write_concern => call.given.write_concern;
    /// The time for the whole operation; zero is no limit.
    duration timeout => call.given.timeout;
}

awaitable!(Delete => DeleteResult);
