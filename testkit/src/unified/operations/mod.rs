//! The operations of a case: carried out, and judged by what they return.

use std::sync::Arc;

use bson::{Bson, Document};
use stator_client::{Collection, Cursor, Runtime};

use super::case::Case;
use super::entities::Entity;
use super::matching::{Place, match_error, matches};
use super::schema::Operation;
use super::stop::{Outcome, Stop};

/// Sets options of an action from the arguments that are there.
macro_rules! set {
    ($arguments:ident, $action:ident; $($name:literal $setter:ident $type:ty,)*) => {
        $(if let Some(value) = $arguments.take::<$type>($name)? {
            $action = $action.$setter(value);
        })*
    };
}

pub(super) mod arguments;
mod bulk;
mod client;
mod collection;
mod cursor;
mod database;
mod errors;
mod indexes;
mod known;
mod modify;
mod runner;
pub(super) mod session;
mod waits;

pub(super) use known::{check_known, set_fail_points, start_transactions};

/// What an operation returned.
#[derive(Debug)]
pub(super) enum Output<R: Runtime> {
    /// Nothing that could be compared.
    Nothing,
    /// A value, and what in it is a root document.
    Value(Bson, Place),
    /// A collection that was created.
    Collection(Collection<R>),
    /// A cursor that nobody has iterated.
    Cursor(Box<Cursor<R, Document>>),
}

impl<R: Runtime> Output<R> {
    fn root(document: Document) -> Self {
        Self::Value(Bson::Document(document), Place::Root)
    }

    fn roots(documents: Vec<Document>) -> Self {
        Self::Value(documents.into_iter().map(Bson::Document).collect(), Place::Roots)
    }

    fn maybe(document: Option<Document>) -> Self {
        Self::Value(document.map_or(Bson::Null, Bson::Document), Place::Root)
    }
}

/// What the client made of an operation.
pub(super) type Done<R> = stator_client::Result<Output<R>>;

/// Carries out an operation, and compares.
pub(super) fn execute<'a, R: Runtime>(
    case: &'a Arc<Case<R>>,
    operation: &'a Operation,
) -> std::pin::Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
    Box::pin(async move {
        case.trace(|| format!("{}.{} {}", operation.object, operation.name, operation.arguments));
        if operation.object == "testRunner" {
            return runner::execute(case, operation).await;
        }
        let done = dispatch(case, operation).await?;
        case.trace(|| match &done {
            Ok(Output::Cursor(_)) => "  = a cursor".into(),
            Ok(output) => format!("  = {output:?}"),
            Err(error) => format!("  ! {error:?}"),
        });
        judge(case, operation, done)
    })
}

/// Boxed, because a callback's operations come back here.
fn dispatch<'a, R: Runtime>(
    case: &'a Arc<Case<R>>,
    operation: &'a Operation,
) -> std::pin::Pin<Box<dyn Future<Output = Outcome<Done<R>>> + Send + 'a>> {
    Box::pin(async move {
        let entity = case.entities.get(&operation.object)?;
        if let Some((operation, session)) = session::split(case, operation)? {
            let operation = &operation;
            return match entity {
                Entity::Client(entity) => client::execute(&entity, operation, Some(&session)).await,
                Entity::Database(entity) => database::execute(&entity.with_session(&session), operation).await,
                Entity::Collection(entity) => collection::execute(&entity.with_session(&session), operation).await,
                _ => Err(Stop::fail(format!("entity {} has no operations in sessions", operation.object))),
            };
        }
        match entity {
            Entity::Client(entity) => client::execute(&entity, operation, None).await,
            Entity::Database(entity) => database::execute(&entity, operation).await,
            Entity::Collection(entity) => collection::execute(&entity, operation).await,
            Entity::Session(entity) => session::execute(case, &entity, operation).await,
            Entity::Cursor(entity) => cursor::execute(&entity, operation).await,
            Entity::Thread(_) | Entity::Topology(_) | Entity::Value(_) => {
                Err(Stop::fail(format!("entity {} has no operations", operation.object)))
            }
        }
    })
}

/// Fails for an operation that the entity does not have.
fn unknown<T>(operation: &Operation, what: &str) -> Outcome<T> {
    Err(Stop::fail(format!("a {what} has no operation {}", operation.name)))
}

fn judge<R: Runtime>(case: &Case<R>, operation: &Operation, done: Done<R>) -> Outcome {
    if operation.ignore_result_and_error {
        return Ok(());
    }
    let output = match (done, &operation.expect_error) {
        (Err(error), Some(expected)) => {
            return Ok(match_error(expected, &errors::facts(&operation.name, &error), &case.entities)?);
        }
        (Err(error), None) => return Err(Stop::fail(format!("failed: {error} ({error:?})"))),
        (Ok(output), Some(expected)) => {
            return Err(Stop::fail(format!("succeeded with {output:?}; should fail with {expected:?}")));
        }
        (Ok(output), None) => output,
    };
    if let Some(expected) = &operation.expect_result {
        let (actual, place) = match &output {
            Output::Nothing => (None, Place::Root),
            Output::Value(value, place) => (Some(value), *place),
            Output::Collection(_) => return Err("a collection cannot be compared".into()),
            Output::Cursor(_) => return Err("a cursor cannot be compared".into()),
        };
        matches(expected, actual, place, &case.entities).map_err(|reason| format!("result: {reason}"))?;
    }
    match (&operation.save_result_as_entity, output) {
        (Some(name), Output::Value(value, _)) => Ok(case.entities.add(name, Entity::Value(value))?),
        (Some(name), Output::Collection(made)) => Ok(case.entities.add(name, Entity::Collection(made))?),
        (Some(name), Output::Cursor(cursor)) => {
            let slot = Arc::new(std::sync::Mutex::new(Some(cursor)));
            Ok(case.entities.add(name, Entity::Cursor(slot))?)
        }
        (Some(name), Output::Nothing) if operation.name == "createCollection" => {
            // Drivers whose helper returns the collection keep that.
            let created = operation.arguments.get_str("collection").map_err(|error| error.to_string())?;
            let collection = case.entities.database(&operation.object)?.collection(created);
            Ok(case.entities.add(name, Entity::Collection(collection))?)
        }
        (Some(_), Output::Nothing) => Err("there is no result to keep".into()),
        (None, _) => Ok(()),
    }
}
