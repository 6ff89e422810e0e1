//! A minimal blocking client for administration.
//!
//! Deliberately independent of the driver: what prepares and judges a test must not share its faults. One command at a
//! time, no compression, a time limit on every read and write.

use std::{
    fmt, io,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use bson::{Document, doc};

use super::{ServerTls, admin_tls::Transport, scram};

/// OP_MSG, the only opcode spoken here.
const OP_MSG: i32 = 2013;
/// A message header: length, request id, response to, opcode; four little-endian `i32`.
const HEADER: usize = 16;
/// Flag bits and the kind byte of the body section, which stand before the document.
const BODY_PREFIX: usize = 5;
/// The `maxMessageSizeBytes` that every server announces.
const MAX_MESSAGE: usize = 48_000_000;
/// `CommandNotFound`.
const COMMAND_NOT_FOUND: i32 = 59;

/// One connection to one server, for commands such as `createUser`, `replSetInitiate` and `configureFailPoint`.
#[derive(Debug)]
pub struct Admin {
    stream: Transport,
    request_id: i32,
}

/// Why an administrative command failed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AdminError {
    /// The connection failed, or the time limit passed.
    Io(Arc<io::Error>),
    /// The server's bytes made no sense.
    Protocol(String),
    /// The server refused the command.
    Command {
        /// The server's error code.
        code: i32,
        /// The server's message.
        message: String,
    },
}

impl Admin {
    /// Connects. `limit` applies to the connect and to each later read and write.
    pub fn connect(address: SocketAddr, limit: Duration) -> Result<Self, AdminError> {
        Self::connect_over(None, address, limit)
    }

    /// As [`connect`](Self::connect), for a server that speaks TLS.
    pub fn connect_tls(tls: &ServerTls, address: SocketAddr, limit: Duration) -> Result<Self, AdminError> {
        Self::connect_over(Some(tls), address, limit)
    }

    pub(super) fn connect_over(
        tls: Option<&ServerTls>,
        address: SocketAddr,
        limit: Duration,
    ) -> Result<Self, AdminError> {
        let stream = TcpStream::connect_timeout(&address, limit)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(limit))?;
        stream.set_write_timeout(Some(limit))?;
        Ok(Self { stream: Transport::new(stream, tls)?, request_id: 0 })
    }

    /// Runs one command; an answer without `ok: 1` is an [`AdminError::Command`].
    pub fn run(&mut self, database: &str, mut command: Document) -> Result<Document, AdminError> {
        command.insert("$db", database);
        let body = command.to_vec().map_err(|error| AdminError::Protocol(error.to_string()))?;
        self.send(&body)?;
        let reply = self.receive()?;
        if number(&reply, "ok") == Some(1) {
            return Ok(reply);
        }
        let code = number(&reply, "code").unwrap_or_default();
        Err(AdminError::Command { code, message: reply.get_str("errmsg").unwrap_or("no message").into() })
    }

    /// `hello`, or `isMaster` where the server is too old to know it.
    pub fn hello(&mut self) -> Result<Document, AdminError> {
        match self.run("admin", doc! { "hello": 1 }) {
            Err(AdminError::Command { code: COMMAND_NOT_FOUND, .. }) => self.run("admin", doc! { "isMaster": 1 }),
            result => result,
        }
    }

    /// Authenticates with SCRAM-SHA-256 in the `admin` database. Name and password must be ASCII without `,` and `=`.
    pub fn authenticate(&mut self, user: &str, password: &str) -> Result<(), AdminError> {
        scram::authenticate(self, user, password)
    }

    /// Switches on the fail point `failCommand`, see the server's documentation.
    ///
    /// `mode` is `{times: n}`, `{skip: n}` or the like; `data` names the commands and what befalls them.
    pub fn fail_command(&mut self, mode: Document, data: Document) -> Result<(), AdminError> {
        let command = doc! { "configureFailPoint": "failCommand", "mode": mode, "data": data };
        self.run("admin", command).map(drop)
    }

    /// Switches `failCommand` off.
    pub fn clear_fail_command(&mut self) -> Result<(), AdminError> {
        self.run("admin", doc! { "configureFailPoint": "failCommand", "mode": "off" }).map(drop)
    }

    /// How many connections the server has from clients that call themselves `app_name`, busy and idle ones.
    pub fn connections_of(&mut self, app_name: &str) -> Result<usize, AdminError> {
        let all = doc! { "$currentOp": { "allUsers": true, "idleConnections": true } };
        let of_app = doc! { "$match": { "appName": app_name } };
        let each_once = doc! { "$group": { "_id": "$connectionId" } };
        let command = doc! {
            "aggregate": 1, "pipeline": [all, of_app, each_once, { "$count": "n" }], "cursor": {},
        };
        let reply = self.run("admin", command)?;
        let counted = reply.get_document("cursor").and_then(|cursor| cursor.get_array("firstBatch"));
        let counted = counted.map_err(|error| AdminError::Protocol(error.to_string()))?;
        let count = counted.first().and_then(|first| number(first.as_document()?, "n"));
        Ok(count.and_then(|count| usize::try_from(count).ok()).unwrap_or_default())
    }

    fn send(&mut self, body: &[u8]) -> Result<(), AdminError> {
        self.request_id = self.request_id.wrapping_add(1);
        let length = HEADER + BODY_PREFIX + body.len();
        let header = i32::try_from(length).map_err(|_| AdminError::Protocol("the command is too long".into()))?;
        let mut message = Vec::with_capacity(length);
        for field in [header, self.request_id, 0, OP_MSG, 0] {
            message.extend_from_slice(&field.to_le_bytes());
        }
        message.push(0);
        message.extend_from_slice(body);
        self.stream.write_all(&message)?;
        Ok(self.stream.flush()?)
    }

    fn receive(&mut self) -> Result<Document, AdminError> {
        let mut header = [0; HEADER];
        self.stream.read_exact(&mut header)?;
        let [length, _, response_to, opcode] =
            [0, 4, 8, 12].map(|at| i32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]));
        let length = usize::try_from(length).unwrap_or_default();
        if opcode != OP_MSG || response_to != self.request_id || !(HEADER + BODY_PREFIX..=MAX_MESSAGE).contains(&length)
        {
            let text =
                format!("opcode {opcode}, {length} bytes, in response to {response_to}, not {}", self.request_id);
            return Err(AdminError::Protocol(text));
        }
        let mut rest = vec![0; length - HEADER];
        self.stream.read_exact(&mut rest)?;
        if rest[BODY_PREFIX - 1] != 0 {
            return Err(AdminError::Protocol(format!("section kind {}", rest[BODY_PREFIX - 1])));
        }
        Document::from_reader(&rest[BODY_PREFIX..]).map_err(|error| AdminError::Protocol(error.to_string()))
    }
}

/// Reads a number that the server may send as any numeric type.
pub(super) fn number(document: &Document, key: &str) -> Option<i32> {
    match document.get(key)? {
        bson::Bson::Int32(value) => Some(*value),
        bson::Bson::Int64(value) => i32::try_from(*value).ok(),
        bson::Bson::Double(value) => Some(*value as i32),
        bson::Bson::Boolean(value) => Some(i32::from(*value)),
        _ => None,
    }
}

impl AdminError {
    /// The server's error code, where the server answered.
    pub fn code(&self) -> Option<i32> {
        match self {
            Self::Command { code, .. } => Some(*code),
            _ => None,
        }
    }
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "{error}"),
            Self::Protocol(reason) => write!(f, "unintelligible: {reason}"),
            Self::Command { code, message } => write!(f, "{message} (code {code})"),
        }
    }
}

impl std::error::Error for AdminError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(&**error),
            _ => None,
        }
    }
}

impl From<io::Error> for AdminError {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}
