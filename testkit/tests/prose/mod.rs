//! Simulated mongoses.

use stator_client::{Client, doc};
use stator_sim::Sim;
use stator_sim::server::{Config, FakeServer};
use stator_testkit::prose::Record;

/// Mongoses in a simulated world, and a recorded client of all of them with these options.
pub(crate) fn mongoses(sim: &Sim, record: &Record, count: u8, options: &str) -> (Client<Sim>, Vec<FakeServer>) {
    let addresses: Vec<String> = (1..=count).map(|number| format!("10.0.0.{number}:27017")).collect();
    let start = |me: &String| {
        let hello = doc! { "msg": "isdbgrid" };
        FakeServer::start_with(sim, me.parse().unwrap(), Config { me: me.clone(), hello, ..Config::default() })
    };
    let servers = addresses.iter().map(start).collect();
    let uri = format!("mongodb://{}/?directConnection=false&{options}", addresses.join(","));
    (record.client(sim.clone(), &uri), servers)
}
