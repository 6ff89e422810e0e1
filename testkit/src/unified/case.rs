//! One case on one deployment, from its initial data to its outcome.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bson::doc;
use stator_client::Runtime;

use super::clients;
use super::data;
use super::deployments::Deployment;
use super::entities::{Entities, Entity};
use super::matching::{match_events, match_logs};
use super::operations::{self, arguments};
use super::schema::{self, Test, TestFile};
use super::signal::{before, lock};
use super::stop::{Outcome, Stop};
use super::threads::Thread;

/// How long a case may take.
const LIMIT: Duration = Duration::from_secs(90);
/// How long events may take to be told after the operation has ended.
const STRAGGLERS: Duration = Duration::from_secs(1);
/// How long the client may take to close.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// This fail point may close the connection of an insert of many and refuse them together; the server then goes on and tries them
/// one by one. Switched off in between, it lets them pass.
const TRANSACTIONAL_WRITE: &str = "onPrimaryTransactionalWrite";

/// A case that runs.
#[derive(Debug)]
pub(super) struct Case<R: Runtime> {
    pub(super) runtime: R,
    pub(super) deployment: Arc<Deployment>,
    pub(super) entities: Entities<R>,
    /// Fail points that are on: their names, and where.
    fail_points: Mutex<Vec<(SocketAddr, String)>>,
    /// Whether fail points are set: monitors look more often then.
    pub(super) quick: bool,
    pub(super) trace: bool,
}

/// Runs one case. The deployment must be one that it wants.
pub(super) async fn run<R: Runtime>(
    runtime: &R,
    deployment: &Arc<Deployment>,
    file: &TestFile,
    test: &Test,
    trace: bool,
) -> Outcome {
    if test.expect_tracing_messages.is_some() {
        return Err(Stop::not_yet("tracing"));
    }
    operations::check_known(&test.operations)?;
    data::prepare(deployment, file.initial_data.as_deref().unwrap_or_default())?;
    let case = Arc::new(Case {
        runtime: runtime.clone(),
        deployment: Arc::clone(deployment),
        entities: Entities::new(),
        fail_points: Mutex::new(Vec::new()),
        quick: operations::set_fail_points(&test.operations),
        trace,
    });
    let deadline = runtime.now() + LIMIT;
    let done = before(runtime, deadline, case.perform(file, test)).await;
    let done = done.unwrap_or_else(|| Err(format!("it took more than {} s", LIMIT.as_secs()).into()));
    if done.is_ok() {
        case.await_records(test).await;
    }
    case.stop_recording();
    let off = case.disable_fail_points();
    let judged = match done {
        Ok(()) => off.map_err(Stop::from).and_then(|()| case.judge(test)),
        failed => failed,
    };
    case.clean_up().await;
    if judged.is_err() || operations::start_transactions(&test.operations) {
        // The next case must not wait for what this one has left, such as the locks of a transaction.
        deployment.kill_sessions()?;
    }
    judged
}

impl<R: Runtime> Case<R> {
    /// Says what happens, if somebody wants to know.
    pub(super) fn trace(&self, what: impl FnOnce() -> String) {
        if self.trace {
            eprintln!("    {}", what());
        }
    }

    async fn perform(self: &Arc<Self>, file: &TestFile, test: &Test) -> Outcome {
        for entity in file.create_entities.as_deref().unwrap_or_default() {
            self.create(entity).await?;
        }
        for (index, operation) in test.operations.iter().enumerate() {
            operations::execute(self, operation).await.map_err(|stop| match stop {
                Stop::Fail(reason) => Stop::Fail(format!("operation {index} ({}): {reason}", operation.name)),
                skip => skip,
            })?;
        }
        Ok(())
    }

    /// Makes an entity.
    pub(super) async fn create(self: &Arc<Self>, entity: &schema::Entity) -> Outcome {
        let (name, made) = match entity {
            schema::Entity::Client(client) => {
                let made = clients::create(self, client).await?;
                (&client.id, Entity::Client(Arc::new(made)))
            }
            schema::Entity::Database(database) => {
                let client = self.entities.client(&database.client)?;
                let overrides = arguments::overrides(database.database_options.as_ref())?;
                let made = client.client.database_with(&database.database_name, &overrides);
                (&database.id, Entity::Database(made))
            }
            schema::Entity::Collection(collection) => {
                let database = self.entities.database(&collection.database)?;
                let overrides = arguments::overrides(collection.collection_options.as_ref())?;
                let made = database.collection_with(&collection.collection_name, &overrides);
                (&collection.id, Entity::Collection(made))
            }
            schema::Entity::Thread(thread) => (&thread.id, Entity::Thread(Thread::start(self)?)),
            schema::Entity::Session(session) => {
                (&session.id, Entity::Session(operations::session::start(self, session).await?))
            }
            schema::Entity::Bucket(_) => return Err(Stop::not_yet("GridFS")),
            schema::Entity::ClientEncryption(_) => return Err(Stop::not_yet("in-use encryption")),
        };
        Ok(self.entities.add(name, made)?)
    }

    /// Remembers that a fail point is on.
    pub(super) fn remember_fail_point(&self, at: SocketAddr, name: &str) {
        lock(&self.fail_points).push((at, name.into()));
    }

    fn disable_fail_points(&self) -> Result<(), String> {
        let fail_points = std::mem::take(&mut *lock(&self.fail_points));
        for (address, name) in fail_points {
            if name == TRANSACTIONAL_WRITE {
                self.deployment.await_numbered_writes(address)?;
            }
            let off = doc! { "configureFailPoint": name, "mode": "off" };
            self.deployment.run_on(address, "admin", off)?;
        }
        Ok(())
    }

    /// Waits for the events and messages that are expected, as many as they are. They are told in order by whichever thread is at it,
    /// which may be another one than that of the operation which has ended: then the last ones are still on their way.
    async fn await_records(&self, test: &Test) {
        let deadline = self.runtime.now() + STRAGGLERS;
        for expected in test.expect_events.as_deref().unwrap_or_default() {
            let Ok(client) = self.entities.client(&expected.client) else { continue };
            let all = || (client.recorder.events(expected.event_type).len() >= expected.events.len()).then_some(());
            client.recorder.changed.until(&self.runtime, deadline, all).await;
        }
        for expected in test.expect_log_messages.as_deref().unwrap_or_default() {
            let Ok(client) = self.entities.client(&expected.client) else { continue };
            let all = || (client.recorder.logs().len() >= expected.messages.len()).then_some(());
            client.recorder.changed.until(&self.runtime, deadline, all).await;
        }
    }

    fn stop_recording(&self) {
        self.entities.for_each_client(|client| client.recorder.stop());
    }

    /// Compares events, log messages and data with what was expected.
    fn judge(&self, test: &Test) -> Outcome {
        for expected in test.expect_events.as_deref().unwrap_or_default() {
            let seen = self.entities.client(&expected.client)?.recorder.events(expected.event_type);
            match_events(expected, &seen, &self.entities).map_err(|reason| format!("{}: {reason}", expected.client))?;
        }
        for expected in test.expect_log_messages.as_deref().unwrap_or_default() {
            let seen = self.entities.client(&expected.client)?.recorder.logs();
            match_logs(expected, &seen, &self.entities).map_err(|reason| format!("{}: {reason}", expected.client))?;
        }
        for expected in test.outcome.as_deref().unwrap_or_default() {
            data::compare(&self.deployment, expected)?;
        }
        Ok(())
    }

    async fn clean_up(&self) {
        for entity in self.entities.clear() {
            match entity {
                Entity::Thread(thread) => thread.close(),
                Entity::Cursor(slot) => drop(lock(&slot).take()),
                Entity::Client(client) => {
                    let deadline = self.runtime.now() + CLOSE_LIMIT;
                    if before(&self.runtime, deadline, client.client.close()).await.is_none() {
                        self.trace(|| "a client did not close in time".into());
                    }
                }
                Entity::Database(_)
                | Entity::Collection(_)
                | Entity::Session(_)
                | Entity::Topology(_)
                | Entity::Value(_) => {}
            }
        }
    }
}
