//! Ways to do the tasks.

use std::error::Error;
use std::net::SocketAddr;

use crate::{Data, Task};

pub mod blocking;
pub mod floor;
#[cfg_attr(not(feature = "official"), path = "no_official.rs")]
pub mod official;
pub mod tokio;

/// Why a run ended early.
pub type Failure = Box<dyn Error + Send + Sync>;

/// The database of all tasks.
pub const DATABASE: &str = "perftest";
/// The collection of tweets.
pub const CORPUS: &str = "corpus";
/// The collection that small documents are inserted into.
pub const INSERTS: &str = "inserts";

/// A way to do the tasks.
pub trait Runner {
    /// The name in reports and on the command line.
    fn name(&self) -> &'static str;

    /// The runner of the official driver that this one is compared with.
    fn peer(&self) -> &'static str;

    /// Whether it can do `task`.
    fn supports(&self, task: Task) -> bool {
        let _ = task;
        true
    }

    /// Does at least `count` operations and says how many it did: finds of many come by the collection.
    ///
    /// # Errors
    ///
    /// Whatever the driver or the socket reports, or a reply without what was asked for.
    fn run(&mut self, task: Task, count: u64) -> Result<u64, Failure>;
}

/// Every runner of this build, connected to the server at `address` on first use.
pub fn all(address: SocketAddr, data: &Data) -> Result<Vec<Box<dyn Runner>>, Failure> {
    let mut runners: Vec<Box<dyn Runner>> = vec![
        Box::new(floor::Floor::connect(address, data)?),
        Box::new(floor::Floor::connect(address, data)?.walking()),
        Box::new(tokio::OnTokio::multi_thread(address, data)?),
        Box::new(tokio::OnTokio::current_thread(address, data)?),
        Box::new(blocking::OnThread::new(address, data)?),
    ];
    runners.extend(official::runners(address, data)?);
    Ok(runners)
}

/// The connection string, with the options that would differ by default made equal.
pub(crate) fn uri(address: SocketAddr) -> String {
    format!("mongodb://{address}/?maxPoolSize=100&minPoolSize=0&directConnection=true")
}

/// The corpus must have given as many documents as it holds, so that nobody wins by finding fewer.
fn expect(found: u64, wanted: u64) -> Result<u64, Failure> {
    if found == wanted { Ok(found) } else { Err(format!("found {found} documents instead of {wanted}").into()) }
}
