//! A replica set under continuous load, whose primary is killed, stepped down, frozen and restarted.
//!
//! [`run`] plays the faults one after the other, each when the last is healed, while readers and writers go on without a pause; the
//! [`Outcome`] says what reached the user, how long nothing went, and what was left behind.

use std::sync::Arc;
use std::time::{Duration, Instant};

use stator_client::{Client, ClientOptions, Runtime};

use crate::server::{ReplicaSet, ServerError};

mod faults;
mod history;
mod load;
mod outcome;

pub use faults::Fault;
pub use outcome::{Outcome, Recovery, table};

use load::Load;

/// How a run is made.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The faults, in order.
    pub faults: Vec<Fault>,
    /// Tasks that write, each one document after the other; as many read.
    pub tasks: usize,
    /// How long the run goes on after the last fault is healed.
    pub tail: Duration,
}

impl Default for Plan {
    /// Each fault twice, four tasks of each kind, a tail of 10 s.
    fn default() -> Self {
        let faults = Fault::ALL.iter().flat_map(|&fault| [fault, fault]).collect();
        Self { faults, tasks: 4, tail: Duration::from_secs(10) }
    }
}

/// How long the deployment is watched between two faults, to see that nothing is cleared without cause.
const CALM: Duration = Duration::from_secs(2);

/// Runs the plan against `set` with a client on `runtime`; `start` runs a future in the background, as the runtime's users do.
///
/// It blocks the calling thread, which must not be one of the runtime's.
///
/// # Errors
///
/// A member that does not come back, or a set that elects no primary.
pub fn run<R: Runtime>(
    runtime: R,
    set: &mut ReplicaSet,
    plan: &Plan,
    spawn: impl Fn(stator_client::action::BoxFuture<()>),
) -> Result<Outcome, ServerError> {
    let uri = format!("{}&heartbeatFrequencyMS=1000&connectTimeoutMS=1000&appName=failover", set.uri());
    // The testkit makes these strings itself.
    let options = ClientOptions::parse(&uri).expect("the set's connection string is valid");
    let client = Client::with_runtime(runtime, options).expect("the set's connection string is valid");
    let load = Arc::new(Load::new());
    for task in 0..plan.tasks {
        spawn(Box::pin(load::write(client.clone(), Arc::clone(&load), task)));
        spawn(Box::pin(load::read(client.clone(), Arc::clone(&load))));
    }
    load.wait_for_writes(1, Instant::now() + Duration::from_secs(60))?;
    let mut outcome = Outcome::default();
    for &fault in &plan.faults {
        settle(&client, set)?;
        let before = generations(&client);
        load.watch(CALM);
        outcome.cleared_without_cause += changed(&before, &generations(&client));
        outcome.recoveries.push(faults::play(fault, set, &load)?);
    }
    settle(&client, set)?;
    let before = generations(&client);
    load.watch(plan.tail);
    outcome.cleared_without_cause += changed(&before, &generations(&client));
    load.stop();
    load.wait_for_end(plan.tasks * 2)?;
    outcome.leaked = leaked(&client);
    load.fill(&mut outcome);
    history::check(set, &load.acknowledged(), &mut outcome)?;
    Ok(outcome)
}

/// Waits until all is well, and the client sees it.
///
/// A member that comes back is secondary at first; a moment later it may have to take back writes that no majority had (state
/// ROLLBACK), and closes all connections then. Once it has acknowledged a new write, that is behind it.
fn settle<R: Runtime>(client: &Client<R>, set: &ReplicaSet) -> Result<(), ServerError> {
    let insert = bson::doc! {
        "insert": "settled",
        "documents": [{}],
        "writeConcern": { "w": set.members().len() as i32, "wtimeout": 30_000 },
    };
    set.primary()?.admin()?.run("failover_settled", insert)?;
    let deadline = Instant::now() + Duration::from_secs(20);
    let whole = || client.topology().servers.values().all(|server| server.is_available());
    while !whole() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn generations<R: Runtime>(client: &Client<R>) -> Vec<(String, u32)> {
    client.pools().into_iter().map(|pool| (pool.address.to_string(), pool.generation.0)).collect()
}

fn changed(before: &[(String, u32)], after: &[(String, u32)]) -> u32 {
    let of = |address: &str| after.iter().find(|(known, _)| known == address).map(|(_, generation)| *generation);
    before.iter().map(|(address, old)| of(address).unwrap_or(*old).wrapping_sub(*old)).sum()
}

/// Connections that somebody still has although nobody is at work any more, once replies that are owed have had their time.
fn leaked<R: Runtime>(client: &Client<R>) -> u32 {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let stats = client.pool_stats();
        let busy = stats.in_use + stats.owing + stats.pending + stats.waiting;
        if busy == 0 || Instant::now() > deadline {
            return busy;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
