//! Operations of the runner itself.

use std::sync::Arc;
use std::time::Duration;

use bson::{Bson, Document, doc};
use stator_client::Runtime;

use super::arguments::Arguments;
use super::{session, unknown, waits};
use crate::unified::case::Case;
use crate::unified::schema::{Entity, ExpectedEvent, Filled, Operation};
use crate::unified::stop::{Outcome, Stop};

/// How long `waitForEvent` waits.
const EVENT_LIMIT: Duration = Duration::from_secs(15);

pub(super) async fn execute<R: Runtime>(case: &Arc<Case<R>>, operation: &Operation) -> Outcome {
    if operation.expect_error.is_some()
        || operation.expect_result.is_some()
        || operation.save_result_as_entity.is_some()
    {
        return Err("an operation of the runner has no result and no error".into());
    }
    let mut arguments = Arguments::new(&operation.arguments);
    match operation.name.as_str() {
        "failPoint" => fail_point(case, arguments).await,
        "createEntities" => {
            let entities = arguments.part::<Filled<Entity>>("entities")?;
            arguments.end()?;
            for entity in &*entities {
                case.create(entity).await?;
            }
            Ok(())
        }
        "assertCollectionExists" => collection_exists(case, arguments, true),
        "assertCollectionNotExists" => collection_exists(case, arguments, false),
        "assertIndexExists" => index_exists(case, arguments, true),
        "assertIndexNotExists" => index_exists(case, arguments, false),
        "assertNumberConnectionsCheckedOut" => {
            let client = case.entities.client(&arguments.need::<String>("client")?)?;
            let expected = arguments.need::<i64>("connections")?;
            arguments.end()?;
            match client.recorder.checked_out() {
                found if found == expected => Ok(()),
                found => Err(Stop::fail(format!("{found} connections are checked out, not {expected}"))),
            }
        }
        "assertEventCount" => {
            let client = case.entities.client(&arguments.need::<String>("client")?)?;
            let event = arguments.part::<ExpectedEvent>("event")?;
            let expected = arguments.need::<usize>("count")?;
            arguments.end()?;
            match client.recorder.count(&event, &case.entities) {
                found if found == expected => Ok(()),
                found => Err(Stop::fail(format!("{found} x {:?} came, not {expected}", event.kind))),
            }
        }
        "waitForEvent" => {
            let client = case.entities.client(&arguments.need::<String>("client")?)?;
            let event = arguments.part::<ExpectedEvent>("event")?;
            let count = arguments.need::<usize>("count")?;
            arguments.end()?;
            client.recorder.wait(&case.runtime, EVENT_LIMIT, &event, count, &case.entities).await
        }
        "runOnThread" => {
            let thread = case.entities.thread(&arguments.need::<String>("thread")?)?;
            let operation = arguments.part::<Operation>("operation")?;
            arguments.end()?;
            thread.run(operation)
        }
        "waitForThread" => {
            let thread = case.entities.thread(&arguments.need::<String>("thread")?)?;
            arguments.end()?;
            thread.join(&case.runtime).await
        }
        "wait" => {
            let time = arguments.need::<Duration>("ms")?;
            arguments.end()?;
            case.runtime.sleep_until(case.runtime.now() + time).await;
            Ok(())
        }
        "recordTopologyDescription" => waits::record_topology(case, arguments),
        "assertTopologyType" => waits::assert_topology_type(case, arguments),
        "waitForPrimaryChange" => waits::primary_change(case, arguments).await,
        "targetedFailPoint" => session::targeted_fail_point(case, arguments),
        name => session::assert(case, name, arguments).unwrap_or_else(|| unknown(operation, "test runner")),
    }
}

/// Switches a fail point on, through the client entity.
async fn fail_point<R: Runtime>(case: &Case<R>, mut arguments: Arguments) -> Outcome {
    let client = case.entities.client(&arguments.need::<String>("client")?)?;
    let command = arguments.need::<Document>("failPoint")?;
    arguments.end()?;
    let name = command.get_str("configureFailPoint").map_err(|error| error.to_string())?.to_owned();
    let at = case.deployment.primary()?;
    client.client.database("admin").run_command(command).await.map_err(|error| format!("failPoint: {error:?}"))?;
    case.remember_fail_point(at, &name);
    Ok(())
}

fn collection_exists<R: Runtime>(case: &Case<R>, mut arguments: Arguments, wanted: bool) -> Outcome {
    let database = arguments.need::<String>("databaseName")?;
    let name = arguments.need::<String>("collectionName")?;
    arguments.end()?;
    let list = doc! { "listCollections": 1, "filter": { "name": &name }, "nameOnly": true };
    if first_batch(&case.deployment.run(&database, list)?)?.is_empty() == wanted {
        return Err(Stop::fail(format!("whether {database}.{name} exists should be {wanted}")));
    }
    Ok(())
}

fn index_exists<R: Runtime>(case: &Case<R>, mut arguments: Arguments, wanted: bool) -> Outcome {
    /// `NamespaceNotFound`: a collection that is not there has no index.
    const NO_COLLECTION: &str = "(code 26)";
    let database = arguments.need::<String>("databaseName")?;
    let collection = arguments.need::<String>("collectionName")?;
    let name = arguments.need::<String>("indexName")?;
    arguments.end()?;
    let found = match case.deployment.run(&database, doc! { "listIndexes": &collection }) {
        Err(error) if error.contains(NO_COLLECTION) => false,
        reply => first_batch(&reply?)?.iter().any(|index| index.get_str("name").is_ok_and(|known| known == name)),
    };
    if found != wanted {
        return Err(Stop::fail(format!(
            "whether the index {name} of {database}.{collection} exists should be {wanted}"
        )));
    }
    Ok(())
}

fn first_batch(reply: &Document) -> Result<Vec<Document>, String> {
    let batch = reply.get_document("cursor").and_then(|cursor| cursor.get_array("firstBatch"));
    let batch = batch.map_err(|error| error.to_string())?;
    Ok(batch.iter().filter_map(Bson::as_document).cloned().collect())
}
