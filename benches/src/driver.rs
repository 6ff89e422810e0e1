//! What each driver must be able to do. The tasks are written once, over this.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use crate::gauge::Gauge;
use crate::task::{As, Size};
use crate::{Data, Failure};

/// The database of all tasks.
pub const DATABASE: &str = "perftest";
/// The collection of tweets.
pub const CORPUS: &str = "corpus";
/// The collection that documents are inserted into.
pub const INSERTS: &str = "inserts";
/// The collection of what the LDJSON files hold, `_id`s from 0 on.
pub const LINES: &str = "lines";

/// What a client is made with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server.
    pub address: SocketAddr,
    /// `maxPoolSize`
    pub max_pool: u32,
    /// `minPoolSize`
    pub min_pool: u32,
    /// The documents.
    pub data: Arc<Data>,
    /// Where the LDJSON files are, and where those that are exported go.
    pub folder: PathBuf,
    /// Is told of connections, where a task wants to know.
    pub gauge: Option<Arc<Gauge>>,
}

/// `maxConnecting`, the specifications' default, said to all drivers.
pub const MAX_CONNECTING: u32 = 2;

impl Settings {
    /// As the tasks of the specification want it: up to a hundred connections, of which one is used.
    pub fn new(address: SocketAddr, data: Arc<Data>, folder: PathBuf) -> Self {
        Self { address, max_pool: 100, min_pool: 0, data, folder, gauge: None }
    }

    /// The connection string, with the options that would differ by default made equal. Drivers with or without a session for each
    /// operation are compared as they come.
    pub fn uri(&self) -> String {
        let Self { address, max_pool, min_pool, .. } = self;
        format!(
            "mongodb://{address}/?maxPoolSize={max_pool}&minPoolSize={min_pool}&maxConnecting={MAX_CONNECTING}&directConnection=true&w=1"
        )
    }
}

/// A driver: one client, and the operations of the tasks on it. A clone is another handle on the same client.
///
/// Results are handed to [`black_box`](std::hint::black_box), so that nobody wins by not making them.
pub trait Driver: Clone + Debug + Send + Sync + 'static {
    /// Makes a client.
    fn open(settings: &Settings) -> impl Future<Output = Result<Self, Failure>> + Send;

    /// Closes it, and waits until that is done.
    fn close(&self) -> impl Future<Output = ()> + Send;

    /// `{hello: true}`; its reply is not asked for as a struct.
    fn run_command(&self, into: As) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Finds the tweet of this `_id`; that it is not there is an error.
    fn find_one(&self, id: i32, into: As) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Finds all tweets and says how many.
    fn find_many(&self, into: As) -> impl Future<Output = Result<u64, Failure>> + Send;

    /// Inserts a document; the driver gives it an `_id`.
    fn insert_one(&self, size: Size) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Inserts so many copies, ordered.
    fn insert_many(&self, size: Size, copies: usize) -> impl Future<Output = Result<(), Failure>> + Send;

    /// The collection's bulkWrite of so many insert models, ordered. Not every driver has one.
    fn bulk_write(&self, size: Size, copies: usize) -> impl Future<Output = Result<(), Failure>> + Send {
        let _ = (size, copies);
        async { Err("there is no bulkWrite".into()) }
    }

    /// The same of an insert, a replace and a delete of whatever is there, so many times the three. Not every driver has it.
    fn bulk_mixed(&self, copies: usize) -> impl Future<Output = Result<(), Failure>> + Send {
        let _ = copies;
        async { Err("there is no bulkWrite".into()) }
    }

    /// Reads an LDJSON file and inserts its documents, unordered. Says how many. Not asked for as a struct.
    fn import(&self, from: PathBuf, into: As) -> impl Future<Output = Result<u64, Failure>> + Send;

    /// Writes the lines of these `_id`s to a file. Says how many. Not asked for as a struct.
    fn export(&self, ids: Range<i32>, to: PathBuf, into: As) -> impl Future<Output = Result<u64, Failure>> + Send;
}
