//! A replica set under continuous load, whose primary is killed, stepped down, frozen and restarted.
//!
//! [`run`] plays the faults one after the other, each when the last is healed, while readers and writers go on without a pause; the
//! [`Outcome`] says what reached the user, how long nothing went, and what was left behind. Money is transferred in transactions
//! meanwhile, and others read the sum of all accounts in snapshot sessions and in transactions.
//!
//! What a run shows of the server rather than of the driver:
//!
//! - A former primary that was killed or frozen has writes that nobody else has. When it is back it is a secondary for about a
//!   second, then finds that out, closes all connections and rolls back; clients clear its pool, with cause. So a set counts as
//!   healed only when every member has what the primary had written ([`ReplicaSet::wait_until_caught_up`]).
//! - While the primary is frozen, an election takes place in time, but the other secondary goes on waiting for the frozen one,
//!   its sync source, whose connections are open: it leaves that for the new primary about nine seconds after the election, and
//!   until then no write has a majority. The columns `to majority` (a write by a connection which is not the driver's) and
//!   `sync source left` show it: the driver's first write comes with that one.
//!
//! There are two [`Regime`]s. With a timeout nothing may reach the user; without one every error must be of a class that may be
//! tried again, and no operation has more than two tries.

use std::sync::Arc;
use std::time::{Duration, Instant};

use stator_client::action::BoxFuture;
use stator_client::{Client, ClientOptions, Runtime};

use crate::server::{ReplicaSet, ServerError};

mod bank;
mod faults;
mod history;
mod load;
mod outcome;
mod probe;
mod transitions;
mod witness;

pub use faults::Fault;
pub use outcome::{Outcome, Recovery, table};
pub use witness::Clear;

use load::Load;
use witness::Witness;

/// How a run is made.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The faults, in order.
    pub faults: Vec<Fault>,
    /// What users of the client have asked for.
    pub regime: Regime,
    /// Tasks that write, each one document after the other; as many read, and as many transfer, half of them with guards.
    pub tasks: usize,
    /// How long the run goes on after the last fault is healed.
    pub tail: Duration,
}

/// What users of the client have asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regime {
    /// `timeoutMS=30000`, which is longer than any fault: operations are tried again until it has passed.
    Timeout,
    /// Nothing: operations are tried twice.
    Defaults,
}

impl Regime {
    const fn uri_options(self) -> &'static str {
        match self {
            Self::Timeout => "&timeoutMS=30000",
            Self::Defaults => "",
        }
    }
}

impl Default for Plan {
    /// Each fault once, four tasks of each kind, a tail of 5 s.
    fn default() -> Self {
        Self { faults: Fault::ALL.to_vec(), regime: Regime::Timeout, tasks: 4, tail: Duration::from_secs(5) }
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
    spawn: impl Fn(BoxFuture<()>),
) -> Result<Outcome, ServerError> {
    bank::open(&set.uri()).map_err(|error| ServerError::Misuse(format!("the accounts cannot be opened: {error}")))?;
    let timing = "&heartbeatFrequencyMS=1000&connectTimeoutMS=1000&appName=failover";
    let uri = format!("{}{timing}{}", set.uri(), plan.regime.uri_options());
    // The testkit makes these strings itself.
    let mut options = ClientOptions::parse(&uri).expect("the set's connection string is valid");
    let witness = Witness::new();
    options.listeners.push(witness.listener());
    let client = Client::with_runtime(runtime, options).expect("the set's connection string is valid");
    let load = Arc::new(Load::new());
    let tasks = start(&client, &load, plan.tasks, spawn);
    load.wait_for_writes(1, Instant::now() + Duration::from_secs(60))?;
    let mut outcome = Outcome::default();
    for &fault in &plan.faults {
        settle(&client, set)?;
        witness.enter(format!("before {}", fault.as_str()), true);
        load.watch(CALM);
        witness.enter(fault.as_str(), false);
        outcome.recoveries.push(faults::play(fault, set, &load)?);
    }
    settle(&client, set)?;
    witness.enter("at the end", true);
    load.watch(plan.tail);
    witness.enter("after the end", false);
    load.stop();
    load.wait_for_end(tasks)?;
    outcome.leaked = leaked(&client);
    outcome.clears = witness.clears();
    outcome.most_tries = witness.most_tries();
    if plan.regime == Regime::Defaults {
        outcome.tried_often = witness.tried_often();
    }
    if outcome.cleared_without_cause() > 0 {
        outcome.transitions = transitions::of(set);
    }
    load.fill(&mut outcome);
    history::check(set, &load.acknowledged(), &mut outcome)?;
    history::check_bank(set, &load.bank(), &mut outcome)?;
    Ok(outcome)
}

/// Starts the tasks; says how many there are.
fn start<R: Runtime>(client: &Client<R>, load: &Arc<Load>, tasks: usize, spawn: impl Fn(BoxFuture<()>)) -> usize {
    let both = || (client.clone(), Arc::clone(load));
    let mut futures: Vec<BoxFuture<()>> = Vec::new();
    for task in 0..tasks {
        let ((client, load), (reader, read)) = (both(), both());
        futures.push(Box::pin(load::write(client, load, task)));
        futures.push(Box::pin(load::read(reader, read)));
        let (client, load) = both();
        if task % 2 == 0 {
            futures.push(Box::pin(bank::with_guards(client, load, task)));
        } else {
            futures.push(Box::pin(bank::with_callbacks(client, load, task)));
        }
    }
    let ((client, load), (other, seen)) = (both(), both());
    futures.push(Box::pin(bank::read_snapshots(client, load)));
    futures.push(Box::pin(bank::read_in_transactions(other, seen)));
    let count = futures.len();
    futures.into_iter().for_each(spawn);
    count
}

/// Waits until all is well, for the set and for the client.
fn settle<R: Runtime>(client: &Client<R>, set: &ReplicaSet) -> Result<(), ServerError> {
    set.wait_until_caught_up()?;
    let deadline = Instant::now() + Duration::from_secs(20);
    let whole = || client.topology().servers.values().all(|server| server.is_available());
    while !whole() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
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
