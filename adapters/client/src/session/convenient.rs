//! `with_transaction`, and the same as a loop.

use core::future::{Future, IntoFuture};
use core::marker::PhantomData;
use core::pin::Pin;
use core::time::Duration;

use stator_proto::retry::Labels;
use stator_proto::session::{self as machine, Outcome, TransactionOptions, TransactionStep};

use super::slot::Abandon;
use super::{ClientSession, Transaction, refused};
use crate::error::{Error, Result};
use crate::runtime::{BlockOn, Runtime};

/// What the callback of a transaction may fail with: the driver's [`Error`], or an error of yours that can hold one.
pub trait TransactionFailure: From<Error> {
    /// The driver's error in it, which decides whether the transaction is tried again; `None` if it is of another kind.
    fn driver_error(&self) -> Option<&Error>;
}

impl TransactionFailure for Error {
    fn driver_error(&self) -> Option<&Error> {
        Some(self)
    }
}

/// Looks through the sources of the error.
impl TransactionFailure for Box<dyn core::error::Error + Send + Sync> {
    fn driver_error(&self) -> Option<&Error> {
        let mut error: &(dyn core::error::Error + 'static) = &**self;
        loop {
            if let Some(error) = error.downcast_ref() {
                return Some(error);
            }
            error = error.source()?;
        }
    }
}

/// A transaction that is repeated while that may help; see [`ClientSession::transaction_loop`].
///
/// Its operations have the timeout of the whole if there is one; giving them one of their own is refused then.
///
/// # Cancel safety
///
/// Dropping it leaves an open transaction as it is: abort it, or drop the session.
#[derive(Debug)]
pub struct TransactionLoop<R: Runtime, E> {
    session: ClientSession<R>,
    options: TransactionOptions,
    /// `None` before the first attempt.
    machine: Option<machine::WithTransaction<Error>>,
    /// What the callback has failed with, as long as that may be the result.
    failure: Option<E>,
}

impl<R: Runtime, E: TransactionFailure> TransactionLoop<R, E> {
    pub(super) fn new(session: &ClientSession<R>, options: TransactionOptions) -> Self {
        Self { session: session.clone(), options, machine: None, failure: None }
    }

    /// The options of the transaction; its timeout is that of the whole, all attempts together, instead of 120 seconds.
    pub fn options(mut self, options: TransactionOptions) -> Self {
        self.options = options;
        self
    }

    /// Starts the next attempt; time is counted from the first.
    ///
    /// # Errors
    ///
    /// Those of [`StartTransaction::begin`](super::StartTransaction::begin).
    pub fn begin(&mut self) -> Result<Transaction<R>> {
        let core = self.session.core();
        let now = core.runtime.now();
        let inherited = self.session.options().default_timeout.or(core.settings.timeout);
        let of_session = self.session.options().default_transaction_options.timeout;
        let timeout = self.options.timeout.or(of_session).or(inherited);
        let machine = self.machine.get_or_insert_with(|| machine::WithTransaction::new(now, timeout, core.random()));
        let started = self.session.start_transaction().options(self.options.clone()).start();
        let mut held = self.session.hold()?;
        held.session().set_deadline(machine.deadline().filter(|_| started.is_ok()));
        machine.handle_begun(now, started.clone());
        started.map(|()| Transaction::new(self.session.clone()))
    }

    /// Ends the attempt with what was done in it: commits it, or aborts it after an error. `None`: try again, with
    /// [`begin`](Self::begin); any necessary wait is over. Otherwise the result of the whole.
    pub fn end<T>(&mut self, outcome: Result<T, E>) -> EndAttempt<'_, R, T, E> {
        EndAttempt { attempts: self, outcome }
    }

    async fn conclude<T>(&mut self, outcome: Result<T, E>) -> Option<Result<T, E>> {
        let runtime = self.session.core().runtime.clone();
        let Some(machine) = &mut self.machine else { return Some(outcome) };
        let state = self.session.transaction_state();
        let mut value = None;
        let told = match outcome {
            Ok(output) => {
                value = Some(output);
                Ok(())
            }
            Err(failure) => {
                let error = failure.driver_error().cloned();
                self.failure = Some(failure);
                Err(error.unwrap_or_else(|| Error::invalid("the transaction's callback has failed")))
            }
        };
        machine.handle_ran(runtime.now(), told, state);
        loop {
            match machine.poll_step() {
                TransactionStep::Begin => return None,
                // Only after `begin`.
                TransactionStep::Run => return None,
                TransactionStep::Commit => {
                    let committed = self.session.commit_transaction().await;
                    machine.handle_committed(runtime.now(), committed);
                }
                TransactionStep::Abort => {
                    // It has the time of a whole operation, whatever is left of the transaction's.
                    clear_deadline(&self.session);
                    let _ = self.session.abort_transaction().await;
                    machine.handle_aborted(runtime.now());
                }
                TransactionStep::Sleep(until) => {
                    runtime.sleep_until(until).await;
                    machine.handle_timeout(runtime.now());
                    self.failure = None;
                }
                TransactionStep::Done => break,
            }
        }
        clear_deadline(&self.session);
        let outcome = self.machine.take().and_then(machine::WithTransaction::finish);
        let failed = |failure: Option<E>, error: Error| Some(Err(failure.unwrap_or_else(|| E::from(error))));
        match (outcome, value) {
            (Some(Outcome::Done), Some(value)) => Some(Ok(value)),
            (Some(Outcome::Failed(error)), _) => failed(self.failure.take(), error),
            (Some(Outcome::TimedOut(error)), _) if error.is_timeout() => failed(self.failure.take(), error),
            (Some(Outcome::TimedOut(error)), _) => Some(Err(E::from(out_of_time(error)))),
            (Some(Outcome::Done) | None, _) => Some(Err(E::from(refused(machine::SessionError::NoTransaction)))),
        }
    }
}

/// What is done in the session afterwards has time of its own.
impl<R: Runtime, E> Drop for TransactionLoop<R, E> {
    fn drop(&mut self) {
        if self.machine.is_some() {
            clear_deadline(&self.session);
        }
    }
}

fn clear_deadline<R: Runtime>(session: &ClientSession<R>) {
    if let Ok(mut held) = session.hold() {
        held.session().set_deadline(None);
    }
}

/// A timeout with the labels of its cause.
fn out_of_time(cause: Error) -> Error {
    let labels = cause.labels().map(Labels::of_name).fold(Labels::NONE, |all, label| all | label);
    Error::expired(None, Some(cause)).with_labels(labels)
}

/// Ends one attempt; see [`TransactionLoop::end`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct EndAttempt<'l, R: Runtime, T, E> {
    attempts: &'l mut TransactionLoop<R, E>,
    outcome: Result<T, E>,
}

impl<'l, R: Runtime, T: Send + 'l, E: TransactionFailure + Send + 'l> IntoFuture for EndAttempt<'l, R, T, E> {
    type Output = Option<Result<T, E>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'l>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.attempts.conclude(self.outcome))
    }
}

impl<R: BlockOn, T, E: TransactionFailure> EndAttempt<'_, R, T, E> {
    /// Runs the action to its end on this thread.
    pub fn run(self) -> Option<Result<T, E>> {
        let runtime = self.attempts.session.core().runtime.clone();
        runtime.block_on(self.attempts.conclude(self.outcome))
    }
}

/// Runs a callback in a transaction; see [`ClientSession::with_transaction`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct WithTransaction<'f, R: Runtime, F> {
    session: ClientSession<R>,
    options: TransactionOptions,
    callback: F,
    of: PhantomData<&'f ()>,
}

impl<R: Runtime, F> WithTransaction<'_, R, F> {
    pub(super) fn new(session: &ClientSession<R>, callback: F) -> Self {
        Self { session: session.clone(), options: TransactionOptions::default(), callback, of: PhantomData }
    }

    /// The options of the transaction.
    pub fn options(mut self, options: TransactionOptions) -> Self {
        self.options = options;
        self
    }

    /// The time for the whole, all attempts together, instead of 120 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    async fn execute<Fut, T, E>(mut self) -> Result<T, E>
    where
        F: FnMut(Transaction<R>) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: TransactionFailure,
    {
        let mut attempts = TransactionLoop::new(&self.session, self.options);
        loop {
            let transaction = attempts.begin()?;
            let dropped = Abandon::new(&self.session);
            let outcome = (self.callback)(transaction).await;
            let done = attempts.conclude(outcome).await;
            dropped.disarm();
            if let Some(done) = done {
                return done;
            }
        }
    }
}

impl<'f, R, F, Fut, T, E> IntoFuture for WithTransaction<'f, R, F>
where
    R: Runtime,
    F: FnMut(Transaction<R>) -> Fut + Send + 'f,
    Fut: Future<Output = Result<T, E>> + Send + 'f,
    T: Send + 'f,
    E: TransactionFailure + Send + 'f,
{
    type Output = Result<T, E>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'f>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.execute())
    }
}

impl<R: BlockOn, F> WithTransaction<'_, R, F> {
    /// Runs the action to its end on this thread.
    pub fn run<Fut, T, E>(self) -> Result<T, E>
    where
        F: FnMut(Transaction<R>) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: TransactionFailure,
    {
        let runtime = self.session.core().runtime.clone();
        runtime.block_on(self.execute())
    }
}
