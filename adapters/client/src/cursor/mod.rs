//! Cursors: a stream of documents, batch by batch.

mod end;
mod fetch;

use core::fmt;
use core::future::{Future, poll_fn};
use core::marker::PhantomData;
use core::ops::Range;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::sync::Arc;

use bson::{Document, RawDocument};
use futures_core::Stream;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use stator_proto::ServerAddress;
use stator_proto::cursor::{CursorReply, CursorTimeout};
use stator_proto::operation::{KillCursors, Namespace, Operation, Settings};
use stator_wire::bson::Doc;

use crate::action::BoxFuture;
use crate::call::{Call, due_by};
use crate::convert::{from_doc, from_doc_borrowed, to_raw};
use crate::error::{Error, Result};
use crate::execute::{Route, Served, Within};
use crate::inner::Core;
use crate::lease::{Lease, OwnedLease};
use crate::runtime::{BlockOn, Runtime};
pub use end::CloseCursor;
use fetch::{Batch, Owner, next_batch, next_pinned, next_unasked};

/// The documents that an operation found, fetched batch by batch.
///
/// It is a [`Stream`] of `T`; on a plain thread an [`Iterator`]. [`advance`](Self::advance) and
/// [`current`](Self::current) walk it without copying: documents are slices of the server's reply.
///
/// # Cancel safety
///
/// A dropped `advance` or `next` loses nothing: the request for the next batch stays with the cursor, which can be polled again.
/// Dropping the cursor makes the server forget it, in the background; [`close`](Self::close) waits for that.
/// After an error a cursor has ended, except one that is tailable or was opened with
/// [`TimeoutMode::Iteration`](crate::options::TimeoutMode): a step whose time is up between two batches has lost
/// nothing, and the next one has its own time.
pub struct Cursor<R: Runtime, T = Document> {
    core: Arc<Core<R>>,
    /// Where it lives.
    server: Arc<ServerAddress>,
    machine: stator_proto::Cursor,
    settings: Arc<Settings>,
    fetching: Option<BoxFuture<Result<Batch<R>>>>,
    /// The connection on which the server sends the batches of an exhaust cursor, or through which a load balancer leads to the
    /// cursor's server.
    pinned: Option<OwnedLease<R>>,
    session: Owner<R>,
    current: Option<Range<usize>>,
    timeout: CursorTimeout,
    failed: bool,
    documents: PhantomData<fn() -> T>,
}

/// How long a step goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// Until there is a document, or the cursor has ended.
    UntilDocument,
    /// For one batch, which may be empty.
    OneBatch,
}

impl<R: Runtime, T> Cursor<R, T> {
    /// Runs the operation that opens a cursor; `machine` makes its machine of the reply.
    #[expect(clippy::manual_async_fn, reason = "its arguments would be in its future twice")]
    pub(crate) fn open<O: Operation<Output = CursorReply>>(
        core: Arc<Core<R>>,
        operation: O,
        call: Call<R>,
        machine: impl FnOnce(CursorReply) -> stator_proto::Cursor,
    ) -> impl Future<Output = Result<Self>> {
        async move {
            let (settings, within) = call.begin(&core)?;
            let within = within.unwrap_or(Within::Keep);
            let now = core.runtime.now();
            let timeout = match settings.deadline {
                None => CursorTimeout::new(now, settings.timeout, operation.timeout_mode()),
                // The time is that of the session.
                Some(_) => CursorTimeout::default(),
            };
            let due = settings.due(now);
            let settings = due_by(settings, due);
            let served = core.execute_on(Route::Any, operation, Arc::clone(&settings), within).await?;
            let Served { output, server, mut lease, mut session } = served;
            let machine = machine(output);
            if machine.id() == 0
                && let Some(lease) = &mut lease
            {
                // It goes back with the connection.
                lease.link().session = session.take();
            }
            // What is behind a load balancer knows its own cursors only.
            let pins = machine.id() != 0 && core.config().load_balanced();
            let pinned = lease.filter(|_| pins).and_then(Lease::into_owned);
            let session = match call.session {
                Some(session) => Owner::Explicit(session),
                None => Owner::Implicit(session),
            };
            Ok(Self {
                core: Arc::clone(&core),
                server,
                machine,
                settings,
                fetching: None,
                pinned,
                session,
                current: None,
                timeout,
                failed: false,
                documents: PhantomData,
            })
        }
    }

    /// Moves to the next document; `false` when there is none any more.
    pub async fn advance(&mut self) -> Result<bool> {
        poll_fn(|cx| self.poll_advance(cx)).await
    }

    /// The document that [`advance`](Self::advance) has moved to, as it came. `None` also if it is nested deeper than any server
    /// stores, because what it would be decoded with has no limit of its own.
    pub fn current(&self) -> Option<&RawDocument> {
        to_raw(self.current_doc()?).ok()
    }

    /// Decodes the current document; borrows from the reply where the type allows.
    ///
    /// # Errors
    ///
    /// No current document, or one that does not fit the type.
    pub fn deserialize_current<'a, U: Deserialize<'a>>(&'a self) -> Result<U> {
        from_doc_borrowed(
            self.current_doc().ok_or_else(|| Error::invalid("there is no current document: advance first"))?,
        )
    }

    fn current_doc(&self) -> Option<Doc<'_>> {
        let range = self.current.clone()?;
        Doc::new(self.machine.batch().frame().get(range)?).ok()
    }

    /// The cursor's id on the server; 0 once the server has given all.
    pub const fn id(&self) -> i64 {
        self.machine.id()
    }

    /// The collection that it reads.
    pub const fn namespace(&self) -> &Namespace {
        self.machine.namespace()
    }

    /// Whether the server may still have documents for it, or some are left in the current batch.
    pub fn is_alive(&self) -> bool {
        !self.failed && !self.machine.is_exhausted()
    }

    /// The same cursor with documents of another type.
    pub fn with_type<U>(mut self) -> Cursor<R, U> {
        let fetching = self.fetching.take();
        let namespace = self.machine.namespace().clone();
        let machine = core::mem::replace(&mut self.machine, stator_proto::Cursor::ended(namespace));
        Cursor {
            core: Arc::clone(&self.core),
            server: Arc::clone(&self.server),
            machine,
            settings: Arc::clone(&self.settings),
            fetching,
            pinned: self.pinned.take(),
            session: core::mem::replace(&mut self.session, Owner::Implicit(None)),
            current: self.current.take(),
            timeout: self.timeout.clone(),
            failed: self.failed,
            documents: PhantomData,
        }
    }

    /// Ends the cursor and waits until the server has forgotten it. This has the whole timeout of the operation that the cursor
    /// came from, or [`CloseCursor::timeout`], whatever has become of the cursor's own.
    pub fn close(self) -> CloseCursor<R, T> {
        CloseCursor::new(self)
    }

    async fn end(mut self, timeout: Option<Duration>) -> Result<()> {
        self.fetching = None;
        let mut pinned = self.pinned.take().filter(|_| self.core.config().load_balanced());
        if self.machine.id() == 0 {
            return Ok(());
        }
        let kill = KillCursors::new(self.machine.namespace().clone(), self.machine.id());
        let route = match &mut pinned {
            Some(pinned) => Route::Connection(pinned),
            None => Route::Server(&self.server),
        };
        let settings = Settings {
            timeout: timeout.or(self.settings.timeout),
            deadline: self.timeout.close(self.core.runtime.now(), timeout),
            ..Settings::clone(&self.settings)
        };
        let within = self.session.within()?;
        let session = self.core.execute_on(route, kill, Arc::new(settings), within).await?.session;
        self.session.put_back(session);
        // Not before: dropped or failed, this leaves the cursor to `drop`.
        self.machine.handle_lost();
        Ok(())
    }

    fn poll_advance(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool>> {
        let outcome = ready!(self.poll_step(cx, Patience::UntilDocument));
        self.timeout.end_step();
        Poll::Ready(outcome)
    }

    fn poll_step(&mut self, cx: &mut Context<'_>, patience: Patience) -> Poll<Result<bool>> {
        self.current = None;
        let mut asked = false;
        loop {
            if let Some(fetching) = &mut self.fetching {
                let outcome = ready!(fetching.as_mut().poll(cx));
                self.fetching = None;
                asked = true;
                match outcome {
                    Ok((reply, pinned, session)) => {
                        self.machine.handle_reply(reply);
                        self.pinned = pinned;
                        self.session.put_back(session);
                        if self.machine.id() == 0 {
                            self.end_session();
                        }
                    }
                    Err(error) => return Poll::Ready(Err(self.fail(error))),
                }
                // An awaiting cursor may have found nothing this time.
            }
            if self.failed {
                return Poll::Ready(Ok(false));
            }
            match self.machine.batch_mut().next_range() {
                Some(Ok(range)) => {
                    self.current = Some(range);
                    return Poll::Ready(Ok(true));
                }
                Some(Err(error)) => return Poll::Ready(Err(self.fail(error.into()))),
                None => {}
            }
            if asked && patience == Patience::OneBatch {
                return Poll::Ready(Ok(false));
            }
            let Some(command) = self.machine.poll_command() else { return Poll::Ready(Ok(false)) };
            let settings = match self.settings_of_step() {
                Ok(settings) => settings,
                // Nothing was sent, so nothing is lost.
                Err(error) if self.timeout.is_renewed() => return Poll::Ready(Err(error)),
                Err(error) => return Poll::Ready(Err(self.fail(error))),
            };
            let core = Arc::clone(&self.core);
            let session = match self.session.within() {
                Ok(session) => session,
                Err(error) => return Poll::Ready(Err(self.fail(error))),
            };
            self.fetching = Some(match self.pinned.take() {
                Some(pinned) if command.exhaust => Box::pin(next_unasked(core, pinned, settings, session)),
                Some(pinned) => Box::pin(next_pinned(core, pinned, command, settings, session)),
                None => Box::pin(next_batch(core, Arc::clone(&self.server), command, settings, session)),
            });
        }
    }

    /// The settings of the next batch: with what is left of the step's time. A step may take many batches, because an
    /// awaiting cursor's can be empty (specification *Client Side Operations Timeout*, tailable cursors).
    fn settings_of_step(&mut self) -> Result<Arc<Settings>> {
        let now = self.core.runtime.now();
        let deadline = self.timeout.step(now);
        if deadline.is_some_and(|deadline| deadline <= now) {
            return Err(Error::expired(Some(&self.server), None));
        }
        Ok(due_by(Arc::clone(&self.settings), deadline))
    }

    fn end_session(&mut self) {
        if let Some(session) = self.session.take_implicit() {
            self.core.give_back_session(session);
        }
    }

    fn fail(&mut self, error: Error) -> Error {
        self.failed = true;
        const CURSOR_NOT_FOUND: i32 = 43;
        if error.code() == Some(CURSOR_NOT_FOUND) {
            self.machine.handle_lost();
        }
        error
    }
}

impl<R: Runtime, T: DeserializeOwned + 'static> Cursor<R, T> {
    fn poll_next_document(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        match ready!(self.poll_advance(cx)) {
            Ok(true) => Poll::Ready(self.current_doc().map(from_doc)),
            Ok(false) => Poll::Ready(None),
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }

    /// The next document; `None` when there is none any more.
    pub async fn try_next(&mut self) -> Result<Option<T>> {
        poll_fn(|cx| self.poll_next_document(cx)).await.transpose()
    }

    /// The next document, if the server has one: it is asked at most once. For a tailable cursor `None` only says that there is
    /// nothing new; [`is_alive`](Self::is_alive) says whether there may be more.
    pub async fn next_if_any(&mut self) -> Result<Option<T>> {
        let found = poll_fn(|cx| {
            let outcome = ready!(self.poll_step(cx, Patience::OneBatch));
            self.timeout.end_step();
            Poll::Ready(outcome)
        });
        match found.await? {
            true => self.current_doc().map(from_doc).transpose(),
            false => Ok(None),
        }
    }

    /// All that is left, or the next `limit` documents; the cursor stays usable.
    pub async fn to_list(&mut self, limit: impl Into<Option<usize>>) -> Result<Vec<T>> {
        let limit = limit.into().unwrap_or(usize::MAX);
        let mut out = Vec::new();
        while out.len() < limit {
            match self.try_next().await? {
                Some(document) => out.push(document),
                None => break,
            }
        }
        Ok(out)
    }
}

impl<R: Runtime, T: DeserializeOwned + 'static> Stream for Cursor<R, T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        self.poll_next_document(cx)
    }
}

impl<R: Runtime, T> Unpin for Cursor<R, T> {}

impl<R: BlockOn, T: DeserializeOwned + 'static> Iterator for Cursor<R, T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        let runtime = self.core.runtime.clone();
        runtime.block_on(poll_fn(|cx| self.poll_next_document(cx)))
    }
}

impl<R: Runtime, T> fmt::Debug for Cursor<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursor")
            .field("id", &self.machine.id())
            .field("namespace", self.machine.namespace())
            .field("alive", &self.is_alive())
            .finish_non_exhaustive()
    }
}
