//! `find` and `find_one`.

use core::future::Future;
use std::sync::Arc;

use bson::Document;
use serde::Serialize;
use serde::de::DeserializeOwned;
use stator_proto::operation::{self as op, CursorType};

use super::Doubt;
use crate::call::Call;
use crate::collection::Collection;
use crate::convert::from_doc;
use crate::cursor::Cursor;
use crate::error::{Error, Result};
use crate::inner::Core;
use crate::runtime::Runtime;

/// Finds documents; see [`Collection::find`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct Find<R: Runtime, T = Document> {
    collection: Collection<R, T>,
    op: op::Find,
    call: Call<R>,
    doubt: Doubt,
}

/// Finds one document; see [`Collection::find_one`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct FindOne<R: Runtime, T = Document> {
    collection: Collection<R, T>,
    op: op::Find,
    call: Call<R>,
    doubt: Doubt,
}

impl<R: Runtime, T> Find<R, T> {
    pub(crate) fn new(collection: &Collection<R, T>, filter: &(impl Serialize + ?Sized)) -> Self {
        let mut doubt = Doubt::default();
        Self {
            op: op::Find::new(collection.namespace().clone(), doubt.doc(filter)),
            call: collection.call(),
            collection: collection.clone(),
            doubt,
        }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.collection.core()
    }

    /// How the cursor behaves at its end; default: it ends.
    pub fn cursor_type(mut self, cursor_type: CursorType) -> Self {
        self.op.cursor_type = cursor_type;
        self
    }

    // Not an `async fn`: its future would hold the action twice.
    fn execute(self) -> impl Future<Output = Result<Cursor<R, T>>> {
        let exhaust = self.op.cursor_type == CursorType::Exhaust;
        let sound = self.doubt.check().and_then(|()| match self.op.limit {
            Some(limit) if exhaust && limit != 0 => Err(Error::invalid("an exhaust cursor cannot have a limit")),
            _ => Ok(()),
        });
        let core = Arc::clone(self.collection.core());
        let (batch_size, comment) = (self.op.batch_size, self.op.options.comment.clone());
        // Only an awaiting cursor's getMore may carry a time (specification *Find, getMore, killCursors*).
        let awaits = self.op.cursor_type == CursorType::TailableAwait;
        let max_await_time = self.op.options.max_await_time.filter(|_| awaits);
        let namespace = self.collection.namespace().clone();
        let limit = self.op.limit.map_or(0, i64::unsigned_abs);
        let machine = move |reply| {
            let cursor = stator_proto::Cursor::new(reply, namespace, batch_size, max_await_time, comment);
            cursor.with_exhaust(exhaust).with_limit(limit)
        };
        let (op, call) = (self.op, self.call);
        async move {
            sound?;
            Cursor::open(core, op, call, machine).await
        }
    }
}

impl<R: Runtime, T> FindOne<R, T> {
    pub(crate) fn new(collection: &Collection<R, T>, filter: &(impl Serialize + ?Sized)) -> Self {
        let mut doubt = Doubt::default();
        Self {
            op: op::Find::new(collection.namespace().clone(), doubt.doc(filter)).one(),
            call: collection.call(),
            collection: collection.clone(),
            doubt,
        }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.collection.core()
    }
}

impl<R: Runtime, T: DeserializeOwned + 'static> FindOne<R, T> {
    // Not an `async fn`: its future would hold the action twice.
    fn execute(self) -> impl Future<Output = Result<Option<T>>> {
        let Self { collection, op, call, doubt } = self;
        async move {
            doubt.check()?;
            let mut reply = collection.core().execute(op, call).await?;
            match reply.batch.next_doc() {
                Some(document) => from_doc(document?).map(Some),
                None => Ok(None),
            }
        }
    }
}

macro_rules! find_setters {
    ($action:ident) => {
        setters! { $action<T>:
            /// The order of the documents.
            doc sort => op.options.sort;
            /// Which fields to return.
            doc projection => op.options.projection;
            /// The index to use.
            hint hint => op.options.hint;
            /// How many documents to pass over.
            u64 skip => op.options.skip;
            /// Shown in the server's log and profile.
            value comment => op.options.comment;
            /// How long the server may work on the command.
            duration max_time => op.options.max_time;
            /// The exclusive upper bound of an index; needs `hint`.
            doc max => op.options.max;
            /// The inclusive lower bound of an index; needs `hint`.
            doc min => op.options.min;
            /// Whether to return only the index's keys.
            bool return_key => op.options.return_key;
            /// Whether to add the record's id to each document.
            bool show_record_id => op.options.show_record_id;
            /// Whether a mongos returns what it has when shards are missing.
            bool allow_partial_results => op.options.allow_partial_results;
            /// Rules for comparing strings.
            doc collation => op.options.collation;
            /// Whether the server may use temporary files to sort.
            bool allow_disk_use => op.options.allow_disk_use;
            /// Variables for expressions (5.0 and later).
            doc let_vars => op.options.let_vars;
            /// Instead of the collection's read concern.
            read_concern read_concern => call.given.read_concern;
            /// Instead of the collection's read preference.
            read_preference read_preference => call.given.read_preference;
            /// The time for the whole operation; zero is no limit.
            duration timeout => call.given.timeout;
        }
    };
}

find_setters!(Find);
find_setters!(FindOne);

setters! { Find<T>:
    /// The most documents to return; a negative number: in a single batch.
    i64 limit => op.limit;
    /// The most documents in a batch.
    u32 batch_size => op.batch_size;
    /// Whether the server must not close the cursor after 10 minutes without use.
    bool no_cursor_timeout => op.options.no_cursor_timeout;
    /// No effect on servers since 4.4; there for old code.
    bool oplog_replay => op.options.oplog_replay;
    /// What the timeout counts for: the whole life of the cursor (the default, unless it is tailable) or each step of it. Needs a
    /// timeout.
    timeout_mode timeout_mode => op.timeout_mode;
    /// How long the server waits for documents on a tailable, awaiting cursor. Must be shorter than the timeout, if there is one.
    duration max_await_time => op.options.max_await_time;
}

awaitable!(Find<T> ['static] => Cursor<R, T>);
awaitable!(FindOne<T> [DeserializeOwned + Send + 'static] => Option<T>);
