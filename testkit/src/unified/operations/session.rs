//! Operations of sessions, and what the runner asks about them.

use std::sync::Arc;
use std::time::Duration;

use bson::{Bson, Document};
use stator_client::options::{ReadConcern, ReadPreference, WriteConcern};
use stator_client::session::{SessionOptions, TransactionFailure, TransactionOptions, TransactionState};
use stator_client::{ClientSession, Error, Runtime};

use super::arguments::Arguments;
use super::{Done, Output, dispatch, judge, unknown};
use crate::unified::case::Case;
use crate::unified::matching::Place;
use crate::unified::schema::{EventKind, EventType, Operation, SessionEntity};
use crate::unified::stop::{Outcome, Stop};

/// Starts the session that an entity asks for.
pub(in crate::unified) async fn start<R: Runtime>(case: &Case<R>, entity: &SessionEntity) -> Outcome<ClientSession<R>> {
    let client = case.entities.client(&entity.client)?;
    let mut given = Arguments::new(&entity.session_options.clone().unwrap_or_default());
    let mut options = SessionOptions {
        causal_consistency: given.take("causalConsistency")?,
        snapshot: given.take("snapshot")?.unwrap_or(false),
        default_timeout: given.take("defaultTimeoutMS")?,
        ..SessionOptions::default()
    };
    if let Some(mut given) = given.take::<Document>("defaultTransactionOptions")?.map(|given| Arguments::new(&given)) {
        options.default_transaction_options = transaction_options(&mut given)?;
        given.end()?;
    }
    let time = given.take::<String>("snapshotTime")?;
    given.end()?;
    let mut action = client.client.start_session().options(options);
    if let Some(name) = time {
        match crate::unified::matching::Lookup::bson(&case.entities, &name)? {
            Bson::Timestamp(time) => action = action.snapshot_time(time),
            other => return Err(Stop::fail(format!("snapshotTime is {other}"))),
        }
    }
    action.await.map_err(|error| Stop::fail(format!("startSession: {error}")))
}

fn transaction_options(given: &mut Arguments) -> Outcome<TransactionOptions> {
    Ok(TransactionOptions {
        read_concern: given.take::<ReadConcern>("readConcern")?,
        write_concern: given.take::<WriteConcern>("writeConcern")?,
        read_preference: given.take::<ReadPreference>("readPreference")?,
        max_commit_time: given.take::<Duration>("maxCommitTimeMS")?,
        timeout: given.take::<Duration>("timeoutMS")?,
    })
}

pub(super) async fn execute<R: Runtime>(
    case: &Arc<Case<R>>,
    session: &ClientSession<R>,
    operation: &Operation,
) -> Outcome<Done<R>> {
    let mut arguments = Arguments::new(&operation.arguments);
    let nothing = |done: stator_client::Result<()>| Ok(done.map(|()| Output::Nothing));
    match operation.name.as_str() {
        "startTransaction" => {
            let options = transaction_options(&mut arguments)?;
            arguments.end()?;
            nothing(session.start_transaction().options(options).await)
        }
        "commitTransaction" => {
            let mut action = session.commit_transaction();
            set!(arguments, action; "timeoutMS" timeout Duration,);
            arguments.end()?;
            nothing(action.await)
        }
        "abortTransaction" => {
            let mut action = session.abort_transaction();
            set!(arguments, action; "timeoutMS" timeout Duration,);
            arguments.end()?;
            nothing(action.await)
        }
        "endSession" => {
            arguments.end()?;
            nothing(session.end().await)
        }
        "getSnapshotTime" => {
            arguments.end()?;
            let time = session.snapshot_time().map_or(Bson::Null, Bson::Timestamp);
            Ok(Ok(Output::Value(time, Place::Root)))
        }
        "withTransaction" => {
            let callback = arguments.part::<Vec<Operation>>("callback")?;
            let options = transaction_options(&mut arguments)?;
            arguments.end()?;
            let done = session.with_transaction(|_| run(case, &callback)).options(options).await;
            match done {
                Ok(()) => Ok(Ok(Output::Nothing)),
                Err(Failed::Driver(error)) => Ok(Err(error)),
                Err(Failed::Stop(stop)) => Err(stop),
            }
        }
        _ => unknown(operation, "session"),
    }
}

/// Why a callback fails.
enum Failed {
    /// The client's error, which the test may expect.
    Driver(Error),
    /// The test has failed.
    Stop(Stop),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

impl TransactionFailure for Failed {
    fn driver_error(&self) -> Option<&Error> {
        match self {
            Self::Driver(error) => Some(error),
            Self::Stop(_) => None,
        }
    }
}

/// The operations of a callback, each judged; the client's errors go on to `withTransaction`, expected or not.
async fn run<R: Runtime>(case: &Arc<Case<R>>, callback: &[Operation]) -> Result<(), Failed> {
    for operation in callback {
        let done = dispatch(case, operation).await.map_err(Failed::Stop)?;
        let error = done.as_ref().err().cloned();
        judge(case, operation, done).map_err(Failed::Stop)?;
        if let Some(error) = error {
            return Err(Failed::Driver(error));
        }
    }
    Ok(())
}

/// `assertSession...`: `None` if the operation is none of them.
pub(super) fn assert<R: Runtime>(case: &Case<R>, name: &str, arguments: Arguments) -> Option<Outcome> {
    match name {
        "assertSessionTransactionState" => Some(assert_state(case, arguments)),
        "assertSessionPinned" => Some(assert_flag(case, arguments, "pinned", true, ClientSession::is_pinned)),
        "assertSessionUnpinned" => Some(assert_flag(case, arguments, "pinned", false, ClientSession::is_pinned)),
        "assertSessionDirty" => Some(assert_flag(case, arguments, "dirty", true, ClientSession::is_dirty)),
        "assertSessionNotDirty" => Some(assert_flag(case, arguments, "dirty", false, ClientSession::is_dirty)),
        "assertSameLsidOnLastTwoCommands" => Some(lsids(case, arguments, true)),
        "assertDifferentLsidOnLastTwoCommands" => Some(lsids(case, arguments, false)),
        _ => None,
    }
}

fn assert_flag<R: Runtime>(
    case: &Case<R>,
    mut arguments: Arguments,
    what: &str,
    wanted: bool,
    is: fn(&ClientSession<R>) -> bool,
) -> Outcome {
    let session = case.entities.session(&arguments.need::<String>("session")?)?;
    arguments.end()?;
    if is(&session) == wanted { Ok(()) } else { Err(Stop::fail(format!("whether it is {what} should be {wanted}"))) }
}

fn assert_state<R: Runtime>(case: &Case<R>, mut arguments: Arguments) -> Outcome {
    let session = case.entities.session(&arguments.need::<String>("session")?)?;
    let wanted = arguments.need::<String>("state")?;
    arguments.end()?;
    let found = match session.transaction_state() {
        TransactionState::None => "none",
        TransactionState::Starting => "starting",
        TransactionState::InProgress => "in_progress",
        TransactionState::Committed => "committed",
        TransactionState::Aborted => "aborted",
    };
    if found == wanted { Ok(()) } else { Err(Stop::fail(format!("the transaction is {found}, not {wanted}"))) }
}

fn lsids<R: Runtime>(case: &Case<R>, mut arguments: Arguments, same: bool) -> Outcome {
    let client = case.entities.client(&arguments.need::<String>("client")?)?;
    arguments.end()?;
    let events = client.recorder.events(EventType::Command);
    let started = events.iter().filter(|event| event.kind == EventKind::CommandStartedEvent);
    let lsids: Vec<_> = started.map(|event| event.command.as_ref().and_then(|command| command.get("lsid"))).collect();
    match lsids[..] {
        [.., Some(one), Some(other)] if (one == other) == same => Ok(()),
        [.., Some(one), Some(other)] => Err(Stop::fail(format!("the last two lsids are {one} and {other}"))),
        _ => Err("there are no two commands with an lsid".into()),
    }
}

/// `targetedFailPoint`: on the router that the session is pinned to.
pub(super) fn targeted_fail_point<R: Runtime>(case: &Case<R>, mut arguments: Arguments) -> Outcome {
    let session = case.entities.session(&arguments.need::<String>("session")?)?;
    let command = arguments.need::<Document>("failPoint")?;
    arguments.end()?;
    let name = command.get_str("configureFailPoint").map_err(|error| error.to_string())?.to_owned();
    let pinned = session.pinned_server().ok_or_else(|| Stop::fail("the session is not pinned to a server"))?;
    let at = pinned.to_string().parse().map_err(|_| Stop::fail(format!("{pinned} is no socket address")))?;
    case.deployment.run_on(at, "admin", command)?;
    case.remember_fail_point(at, &name);
    Ok(())
}

/// The operation without its argument `session`, and that session.
pub(super) fn split<R: Runtime>(
    case: &Case<R>,
    operation: &Operation,
) -> Outcome<Option<(Operation, ClientSession<R>)>> {
    let Ok(name) = operation.arguments.get_str("session") else { return Ok(None) };
    let session = case.entities.session(name)?;
    let mut operation = operation.clone();
    operation.arguments.remove("session");
    Ok(Some((operation, session)))
}
