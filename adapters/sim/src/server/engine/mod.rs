//! An in-memory MongoDB server, as a function from commands to replies: no socket, no clock, no task.
//!
//! It knows what drivers' tests need: CRUD, cursors, a few aggregation stages, fail points, SCRAM. What it does not know
//! it refuses with the server's own error codes; it never pretends.

mod admin;
mod aggregate;
mod auth;
mod bulk_write;
mod cursors;
mod error;
mod external;
mod fail_point;
mod filter;
mod project;
mod reads;
mod store;
mod update;
mod value;
mod writes;

use std::collections::BTreeMap;

use bson::oid::ObjectId;
use bson::{Bson, Document, doc};
use stator_proto::Instant;

use super::request::Request;
pub use auth::Peer;
use cursors::Cursors;
use error::{COMMAND_NOT_FOUND, Failed, ILLEGAL_OPERATION, INVALID_NAMESPACE, UNAUTHORIZED};
pub use error::{code_name, error_reply};
pub use fail_point::Effect;
use fail_point::FailPoint;
use store::Collection;

/// What a server says of itself, and its limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `maxWireVersion` of the hello reply; 17 is MongoDB 6.0.
    pub max_wire_version: i32,
    /// `minWireVersion` of the hello reply.
    pub min_wire_version: i32,
    /// `maxBsonObjectSize` in bytes; longer documents are not inserted.
    pub max_bson_object_size: i32,
    /// `maxMessageSizeBytes`; connections that send longer messages are closed.
    pub max_message_size: i32,
    /// `maxWriteBatchSize`; longer write commands are refused.
    pub max_write_batch_size: i32,
    /// A replica set of which this server is the only member and primary; `None` is a standalone.
    pub set_name: Option<String>,
    /// The server's own `host:port`, which a replica set member tells.
    pub me: String,
    /// Fields that are added to the hello reply, or replace fields of it.
    pub hello: Document,
}

impl Default for Config {
    /// A standalone MongoDB 6.0.
    fn default() -> Self {
        Self {
            max_wire_version: 17,
            min_wire_version: 0,
            max_bson_object_size: 16 * 1024 * 1024,
            max_message_size: 48_000_000,
            max_write_batch_size: 100_000,
            set_name: None,
            me: "localhost:27017".to_owned(),
            hello: Document::new(),
        }
    }
}

/// The server.
#[derive(Debug, Default)]
pub struct Engine {
    config: Config,
    collections: BTreeMap<(String, String), Collection>,
    cursors: Cursors,
    fail_point: Option<FailPoint>,
    users: auth::Users,
    /// Replies to retryable writes, by session and transaction number.
    retried: BTreeMap<(Vec<u8>, i64), Document>,
    generated: u64,
    topology_counter: i64,
}

impl Engine {
    /// An empty server.
    pub fn new(config: Config) -> Self {
        Self { config, ..Self::default() }
    }

    /// What the server says of itself.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Changes what the server says of itself. Awaited hellos are answered, because the topology version moves on.
    pub fn set_config(&mut self, config: Config) {
        self.config = config;
        self.topology_counter += 1;
    }

    /// `topologyVersion.counter` of the hello reply.
    pub fn topology_counter(&self) -> i64 {
        self.topology_counter
    }

    /// The documents of a collection in the order of their insertion.
    pub fn documents(&self, database: &str, collection: &str) -> Vec<Document> {
        let key = (database.to_owned(), collection.to_owned());
        self.collections.get(&key).map(|found| found.documents().cloned().collect()).unwrap_or_default()
    }

    /// How many cursors are open.
    pub fn open_cursors(&self) -> usize {
        self.cursors.len()
    }

    /// Closes all cursors, as the server's cursor timeout would.
    pub fn expire_cursors(&mut self) {
        self.cursors = Cursors::default();
    }

    /// Runs one command. `now` is the server's clock, `peer` what it remembers of the connection. Fail points are
    /// not consulted: see [`effect`](Self::effect).
    pub fn command(&mut self, now: Instant, peer: &mut Peer, request: &Request) -> Document {
        let retry = match self.retry_key(request) {
            Ok(retry) => retry,
            Err(failed) => return failed.reply(),
        };
        if let Some(reply) = retry.as_ref().and_then(|key| self.retried.get(key)) {
            return reply.clone();
        }
        let reply = self.dispatch(now, peer, request).unwrap_or_else(|failed| failed.reply());
        if let Some(key) = retry.filter(|_| reply.get_f64("ok").is_ok_and(|ok| ok == 1.0)) {
            self.retried.insert(key, reply.clone());
        }
        reply
    }

    /// What a fail point does to the command, if one is set for it; this counts as one of its times.
    pub fn effect(&mut self, request: &Request) -> Option<Effect> {
        self.fail_point.as_mut()?.effect(request)
    }

    /// The key under which a retryable write is remembered.
    fn retry_key(&self, request: &Request) -> Result<Option<(Vec<u8>, i64)>, Failed> {
        let Ok(number) = request.body.get_i64("txnNumber") else { return Ok(None) };
        if request.body.contains_key("autocommit") {
            return Err(Failed::new(ILLEGAL_OPERATION, "transactions are not simulated"));
        }
        let is_mongos = self.config.hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid");
        if self.config.set_name.is_none() && !is_mongos {
            let why = "Transaction numbers are only allowed on a replica set member or mongos";
            return Err(Failed::new(ILLEGAL_OPERATION, why));
        }
        match request.body.get_document("lsid").ok().and_then(|lsid| lsid.get("id")) {
            Some(Bson::Binary(session)) => Ok(Some((session.bytes.clone(), number))),
            _ => Err(Failed::field("lsid.id")),
        }
    }

    fn dispatch(&mut self, now: Instant, peer: &mut Peer, request: &Request) -> Result<Document, Failed> {
        let name = request.name();
        match name {
            "hello" | "isMaster" | "ismaster" => return Ok(self.hello(now, peer, request)),
            "saslStart" => return self.sasl_start(peer, &request.body),
            "saslContinue" => return self.sasl_continue(peer, &request.body),
            "ping" | "buildInfo" | "buildinfo" | "endSessions" => {}
            _ if self.users.is_empty() || peer.is_authenticated() => {}
            _ => return Err(Failed::new(UNAUTHORIZED, format!("Command {name} requires authentication"))),
        }
        match name {
            "ping" | "endSessions" => Ok(doc! { "ok": 1.0 }),
            "buildInfo" | "buildinfo" => Ok(self.build_info()),
            "insert" => self.insert(request),
            "update" => self.update(request),
            "delete" => self.delete(request),
            "bulkWrite" => self.bulk_write(request),
            "findAndModify" | "findandmodify" => self.find_and_modify(request),
            "find" => self.find(request),
            "getMore" => self.get_more(request),
            "killCursors" => self.kill_cursors(request),
            "count" => self.count(request),
            "distinct" => self.distinct(request),
            "aggregate" => self.aggregate(request),
            "create" => self.create(request),
            "drop" => self.drop_collection(request),
            "dropDatabase" => Ok(self.drop_database(request)),
            "listCollections" => self.list_collections(request),
            "listDatabases" => self.list_databases(request),
            "configureFailPoint" => self.configure_fail_point(request),
            _ => Err(Failed::new(COMMAND_NOT_FOUND, format!("no such command: '{name}'"))),
        }
    }

    /// The collection that the command names in its first field.
    fn namespace(request: &Request) -> Result<(String, String), Failed> {
        let database = request.database();
        match request.body.get_str(request.name()) {
            Ok(collection) if !collection.is_empty() && !collection.contains('\0') && !database.is_empty() => {
                Ok((database.to_owned(), collection.to_owned()))
            }
            _ => {
                let why = format!("collection name has invalid type or is empty in '{}'", request.name());
                Err(Failed::new(INVALID_NAMESPACE, why))
            }
        }
    }

    /// An `_id` for a document that came without one.
    fn generate_id(&mut self) -> Bson {
        self.generated += 1;
        let mut bytes = *b"sim-\0\0\0\0\0\0\0\0";
        bytes[4..].copy_from_slice(&self.generated.to_be_bytes());
        Bson::ObjectId(ObjectId::from_bytes(bytes))
    }
}

/// An optional field that is a document; empty if it is absent.
fn document_field(body: &Document, field: &str) -> Result<Document, Failed> {
    match body.get(field) {
        None | Some(Bson::Null) => Ok(Document::new()),
        Some(Bson::Document(document)) => Ok(document.clone()),
        Some(_) => Err(Failed::field(field)),
    }
}

/// An optional field that is a number of things; `None` if it is absent.
fn count_field(body: &Document, field: &str) -> Result<Option<usize>, Failed> {
    match body.get(field) {
        None | Some(Bson::Null) => Ok(None),
        Some(value) => {
            let count = value::integer(value).and_then(|count| usize::try_from(count).ok());
            count.map(Some).ok_or_else(|| Failed::bad_value(format!("'{field}' must be a number of at least 0")))
        }
    }
}

/// Length of a document in bytes.
fn length(document: &Document) -> usize {
    document.to_vec().map_or(0, |bytes| bytes.len())
}

#[cfg(test)]
mod tests;
