//! Operations of sessions, and their options.

use std::sync::Arc;
use std::time::Duration;

use bson::{Bson, Document, Timestamp};
use stator_client::options::{ReadConcern, ReadPreference, WriteConcern};
use stator_client::session::{SessionOptions, TransactionFailure, TransactionOptions, TransactionState};
use stator_client::{ClientSession, Error, Runtime};

use super::arguments::{Argument, Arguments, fields};
use super::{Done, Output, attempt, unknown};
use crate::unified::case::Case;
use crate::unified::entities::Entities;
use crate::unified::matching::{Lookup, Place};
use crate::unified::schema::Operation;
use crate::unified::stop::{Outcome, Stop};

pub(super) async fn execute<R: Runtime>(
    case: &Arc<Case<R>>,
    session: &ClientSession<R>,
    operation: &Operation,
    mut arguments: Arguments,
) -> Outcome<Done<R>> {
    let done = match operation.name.as_str() {
        "startTransaction" => {
            let action = session.start_transaction().options(transaction(&mut arguments)?);
            arguments.end()?;
            action.await
        }
        "commitTransaction" => {
            let mut action = session.commit_transaction();
            set!(arguments, action; "timeoutMS" timeout Duration,);
            arguments.end()?;
            action.await
        }
        "abortTransaction" => {
            let mut action = session.abort_transaction();
            set!(arguments, action; "timeoutMS" timeout Duration,);
            arguments.end()?;
            action.await
        }
        "endSession" => {
            arguments.end()?;
            session.end().await
        }
        "getSnapshotTime" => {
            arguments.end()?;
            let time = session.snapshot_time().map_or(Bson::Null, Bson::Timestamp);
            return Ok(Ok(Output::Value(time, Place::Nested)));
        }
        "withTransaction" => return with_transaction(case, session, arguments).await,
        _ => return unknown(operation, "session"),
    };
    Ok(done.map(|()| Output::Nothing))
}

/// Why a callback fails.
enum CallbackError {
    /// An operation did: `withTransaction` is told.
    Driver(Error),
    /// The case is over.
    Stop(Stop),
}

impl From<Error> for CallbackError {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

impl TransactionFailure for CallbackError {
    fn driver_error(&self) -> Option<&Error> {
        match self {
            Self::Driver(error) => Some(error),
            Self::Stop(_) => None,
        }
    }
}

async fn with_transaction<R: Runtime>(
    case: &Arc<Case<R>>,
    session: &ClientSession<R>,
    mut arguments: Arguments,
) -> Outcome<Done<R>> {
    let callback = arguments.part::<Vec<Operation>>("callback")?;
    let options = transaction(&mut arguments)?;
    arguments.end()?;
    let callback = &callback;
    let run = move |_| async move {
        for operation in callback {
            // An error goes on to `withTransaction`, even if it is one that was expected here.
            match attempt(case, operation).await {
                Ok(None) => {}
                Ok(Some(error)) => return Err(CallbackError::Driver(error)),
                Err(stop) => return Err(CallbackError::Stop(stop)),
            }
        }
        Ok(())
    };
    match session.with_transaction(run).options(options).await {
        Ok(()) => Ok(Ok(Output::Nothing)),
        Err(CallbackError::Driver(error)) => Ok(Err(error)),
        Err(CallbackError::Stop(stop)) => Err(stop),
    }
}

/// The options of a session entity, and its snapshot's time.
pub(in crate::unified) fn options<R: Runtime>(
    entities: &Entities<R>,
    given: Option<&Document>,
) -> Outcome<(SessionOptions, Option<Timestamp>)> {
    let (mut options, mut time) = (SessionOptions::default(), None);
    let Some(given) = given else { return Ok((options, time)) };
    let mut given = Arguments::new(given);
    options.causal_consistency = given.take("causalConsistency")?;
    options.snapshot = given.take("snapshot")?.unwrap_or_default();
    if let Some(name) = given.take::<String>("snapshotTime")? {
        time = match entities.bson(&name)? {
            Bson::Timestamp(time) => Some(time),
            other => return Err(Stop::fail(format!("snapshotTime: {other} is no timestamp"))),
        };
    }
    options.default_timeout = given.take("defaultTimeoutMS")?;
    options.default_transaction_options = given.take("defaultTransactionOptions")?.unwrap_or_default();
    given.end()?;
    Ok((options, time))
}

/// The options of a transaction among other arguments.
fn transaction(arguments: &mut Arguments) -> Outcome<TransactionOptions> {
    Ok(TransactionOptions {
        read_concern: arguments.take::<ReadConcern>("readConcern")?,
        write_concern: arguments.take::<WriteConcern>("writeConcern")?,
        read_preference: arguments.take::<ReadPreference>("readPreference")?,
        max_commit_time: arguments.take("maxCommitTimeMS")?,
        timeout: arguments.take("timeoutMS")?,
    })
}

impl Argument for TransactionOptions {
    fn read(value: Bson) -> Result<Self, String> {
        fields(value, transaction)
    }
}

/// The test format's name of a transaction's state.
pub(super) const fn state_name(state: TransactionState) -> &'static str {
    match state {
        TransactionState::None => "none",
        TransactionState::Starting => "starting",
        TransactionState::InProgress => "in_progress",
        TransactionState::Committed => "committed",
        TransactionState::Aborted => "aborted",
    }
}
