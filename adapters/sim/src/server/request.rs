//! A command as a server receives it.

use bson::{Bson, Document};
use stator_proto::Instant;

use crate::net::ConnectionId;

/// A command as a server receives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// When it was received.
    pub at: Instant,
    /// The connection that it came on.
    pub connection: ConnectionId,
    /// The header's `requestID`.
    pub request_id: i32,
    /// The client wants no reply (OP_MSG flag `moreToCome`).
    pub more_to_come: bool,
    /// The client accepts several replies (OP_MSG flag `exhaustAllowed`).
    pub exhaust_allowed: bool,
    /// The body: its first key is the command's name.
    pub body: Document,
    /// The document sequences (sections of kind 1), by identifier.
    pub sequences: Vec<(String, Vec<Document>)>,
}

impl Request {
    /// A request that did not come over a connection.
    pub fn new(body: Document) -> Self {
        Self {
            at: Instant::ORIGIN,
            connection: ConnectionId(0),
            request_id: 0,
            more_to_come: false,
            exhaust_allowed: false,
            body,
            sequences: Vec::new(),
        }
    }

    /// The command's name; empty if the body is.
    pub fn name(&self) -> &str {
        self.body.keys().next().map_or("", String::as_str)
    }

    /// The database that the command runs on (`$db`); `admin` if none is named.
    pub fn database(&self) -> &str {
        self.body.get_str("$db").unwrap_or("admin")
    }

    /// The documents of a sequence, or of the array that may stand in its place in the body.
    pub fn documents(&self, field: &str) -> Vec<&Document> {
        let sequences = self.sequences.iter().filter(|(identifier, _)| identifier == field);
        let in_body = self.body.get_array(field).into_iter().flatten().filter_map(Bson::as_document);
        sequences.flat_map(|(_, documents)| documents).chain(in_body).collect()
    }
}
