//! What the suite's tests are given.

use core::fmt::Debug;
use core::time::Duration;

use stator_client::runtime::Instant;
use stator_client::{Client, ClientOptions, Collection, Database, Document, Runtime};

/// What a server can do, as far as tests depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    /// The server's release: major and minor number.
    pub version: (u16, u16),
    /// Whether it is a real mongod: fail points, capped collections, collations, JavaScript.
    pub mongod: bool,
    /// Whether the client may do everything, such as dropping databases.
    pub rights: bool,
}

/// What a test needs of its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    mongod: bool,
    rights: bool,
}

impl Needs {
    /// Reading and writing: every server can do it.
    pub const BASIC: Self = Self { mongod: false, rights: false };
    /// A real mongod.
    pub const MONGOD: Self = Self { mongod: true, rights: false };
    /// A user who may do everything.
    pub const RIGHTS: Self = Self { mongod: false, rights: true };
    /// A real mongod and a user who may do everything.
    pub const ADMIN: Self = Self { mongod: true, rights: true };
}

/// What a run of the suite did.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many tests ran; all of them passed.
    pub ran: usize,
    /// The tests for which the server lacked something.
    pub skipped: Vec<&'static str>,
}

/// A runtime, a server, and names for databases.
#[derive(Debug)]
pub struct Context<R: Runtime> {
    runtime: R,
    uri: String,
    server: Server,
    prefix: String,
}

impl<R: Runtime> Context<R> {
    /// A context for the server at `uri`. Databases' names begin with `prefix`, which nobody else must use at the time
    /// (up to 30 letters, digits and `_`).
    pub fn new(runtime: R, uri: impl Into<String>, server: Server, prefix: impl Into<String>) -> Self {
        Self { runtime, uri: uri.into(), server, prefix: prefix.into() }
    }

    pub(super) fn begin(&self, test: &'static str, needs: Needs) -> Option<Fixture<'_, R>> {
        if (needs.mongod && !self.server.mongod) || (needs.rights && !self.server.rights) {
            return None;
        }
        // A database's name has at most 63 bytes, and no test's name is worth more than this.
        let name: String = test.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(30).collect();
        let name = format!("{}_{name}", self.prefix);
        let client = client(&self.runtime, &self.uri);
        let database = client.database(&name);
        Some(Fixture { context: self, client, database })
    }
}

/// What one test is given: a client and a database of its own.
#[derive(Debug)]
pub struct Fixture<'c, R: Runtime> {
    context: &'c Context<R>,
    pub(super) client: Client<R>,
    pub(super) database: Database<R>,
}

impl<R: Runtime> Fixture<'_, R> {
    pub(super) fn runtime(&self) -> &R {
        &self.context.runtime
    }

    pub(super) fn now(&self) -> Instant {
        self.context.runtime.now()
    }

    pub(super) fn server(&self) -> Server {
        self.context.server
    }

    /// Another client for the same server, with further options of the connection string.
    pub(super) fn client_with(&self, options: &str) -> Client<R> {
        let separator = if self.context.uri.contains('?') { '&' } else { '?' };
        client(&self.context.runtime, &format!("{}{separator}{options}", self.context.uri))
    }

    /// The test's collection.
    pub(super) fn things(&self) -> Collection<R, Document> {
        self.database.collection("things")
    }

    /// The test's collection with these documents.
    pub(super) async fn filled(&self, documents: impl IntoIterator<Item = Document>) -> Collection<R, Document> {
        let things = self.things();
        things.insert_many(documents).await.unwrap();
        things
    }

    /// The test's collection with the documents `{_id: i, x: i}` for all `i` below `count`.
    pub(super) async fn numbered(&self, count: i32) -> Collection<R, Document> {
        self.filled((0..count).map(|i| bson::doc! { "_id": i, "x": i })).await
    }

    pub(super) async fn pause(&self, duration: Duration) {
        self.runtime().sleep_until(self.now() + duration).await;
    }

    /// Asks again and again until it is so.
    pub(super) async fn eventually<F>(&self, what: &str, mut is_so: impl FnMut() -> F)
    where
        F: Future<Output = bool>,
    {
        let deadline = self.now() + PATIENCE;
        while !is_so().await {
            assert!(self.now() < deadline, "never: {what}");
            self.pause(Duration::from_millis(5)).await;
        }
    }

    /// Runs administrative work that must not fail.
    pub(super) async fn command(&self, command: Document) -> Document {
        self.database.run_command(&command).await.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    pub(super) async fn end(self) {
        if self.context.server.rights {
            self.database.drop().await.unwrap();
        } else {
            for name in self.database.list_collection_names().await.unwrap() {
                if !name.starts_with("system.") {
                    self.database.collection::<Document>(&name).drop().await.unwrap();
                }
            }
        }
        // The background may still be at work for a cursor that was dropped.
        self.eventually("nothing is in use", || async {
            let stats = self.client.pool_stats();
            (stats.in_use, stats.owing, stats.waiting) == (0, 0, 0)
        })
        .await;
    }
}

/// How long something may take that is only a matter of time; machines are busy.
const PATIENCE: Duration = Duration::from_secs(20);

fn client<R: Runtime>(runtime: &R, uri: &str) -> Client<R> {
    let client = Client::with_runtime(runtime.clone(), ClientOptions::parse(uri).unwrap()).unwrap();
    assert!(client.warnings().is_empty(), "{uri}: {:?}", client.warnings());
    client
}

/// Says which test it was when one panics.
#[derive(Debug)]
pub(super) struct Running(pub(super) &'static str);

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed in the suite: {}", self.0);
        }
    }
}

/// The documents' values of `key`, as `i32`.
pub(super) fn numbers(documents: &[Document], key: &str) -> Vec<i32> {
    documents.iter().map(|document| document.get_i32(key).unwrap_or_else(|_| panic!("{key} in {document}"))).collect()
}

/// The error of something that must fail.
#[track_caller]
pub(super) fn failure<T: Debug>(result: stator_client::Result<T>) -> stator_client::Error {
    match result {
        Err(error) => error,
        Ok(value) => panic!("it succeeded: {value:?}"),
    }
}
