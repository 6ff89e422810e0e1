//! From a frame to what a line says of it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use stator_wire::bson::{BsonError, Doc};
use stator_wire::op_compressed::compressor;
use stator_wire::op_msg::Flags;
use stator_wire::{Header, Message, OpCode, OpCompressed, OpMsg, WireError};

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// To the server.
    Request,
    /// To the client.
    Reply,
}

impl Direction {
    pub(crate) fn arrow(self) -> &'static str {
        match self {
            Self::Request => "->",
            Self::Reply => "<-",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Request => "what the client says",
            Self::Reply => "what the server says",
        }
    }
}

/// What is said of a message.
#[derive(Debug, PartialEq)]
pub(crate) struct Line {
    /// `requestID`
    pub(crate) id: i32,
    /// `responseTo`, of replies.
    pub(crate) answers: Option<i32>,
    /// The opcode.
    pub(crate) kind: String,
    /// The length of the message, its header included.
    pub(crate) bytes: usize,
    /// Since the request.
    pub(crate) latency: Option<Duration>,
    /// The command, or how it went.
    pub(crate) text: String,
    /// The document. It may hold user data, never credentials.
    pub(crate) body: Option<String>,
}

/// The requests of one connection that are not answered yet.
#[derive(Debug, Default)]
pub(crate) struct InFlight(HashMap<i32, Request>);

#[derive(Debug)]
struct Request {
    name: String,
    /// Whether it, and so its reply, may hold credentials.
    sensitive: bool,
    sent: Instant,
}

/// The name of a request that could not be read.
const UNKNOWN: &str = "?";

/// Not every message is answered (old opcodes): beyond this, all that wait are forgotten.
const MAX_IN_FLIGHT: usize = 10_000;

impl InFlight {
    /// Describes a frame, and remembers requests until they are answered.
    pub(crate) fn describe(&mut self, direction: Direction, frame: &[u8], now: Instant) -> Line {
        let header = Header::parse(frame).unwrap_or(Header {
            length: 0,
            request_id: 0,
            response_to: 0,
            op_code: OpCode::Other(0),
        });
        let request = match direction {
            Direction::Request => None,
            Direction::Reply => self.0.remove(&header.response_to),
        };
        let (said, awaited) = match (Message::parse(frame), direction) {
            (Ok(Message::Msg(message)), Direction::Request) => command(&message),
            (Ok(Message::Msg(message)), Direction::Reply) => reply(&message, request.as_ref()),
            (Ok(Message::Compressed(message)), _) => (compressed(&message, request.as_ref()), None),
            (Ok(Message::Opaque(..)), _) => (Said::text("passed on unread"), None),
            (Err(error), _) => (Said::text(unreadable(&error)), None),
        };
        let next = match direction {
            // Some requests are opaque to us; they are answered all the same.
            Direction::Request if said.no_reply => None,
            Direction::Request => Some(awaited.unwrap_or_else(|| (UNKNOWN.to_owned(), true))),
            // The reply announces another one, which will answer this reply.
            Direction::Reply => awaited,
        };
        if let Some((name, sensitive)) = next {
            if self.0.len() >= MAX_IN_FLIGHT {
                self.0.clear();
            }
            self.0.insert(header.request_id, Request { name, sensitive, sent: now });
        }
        Line {
            id: header.request_id,
            answers: (direction == Direction::Reply).then_some(header.response_to),
            kind: kind(header.op_code),
            bytes: frame.len(),
            latency: request.map(|request| now.duration_since(request.sent)),
            text: said.text,
            body: said.body,
        }
    }
}

/// A line's text, and whether a request wants a reply.
struct Said {
    text: String,
    body: Option<String>,
    no_reply: bool,
}

impl Said {
    fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), body: None, no_reply: false }
    }
}

/// The command's name and whether it is sensitive, where (another) reply is awaited.
type Awaited = Option<(String, bool)>;

fn command(message: &OpMsg<'_>) -> (Said, Awaited) {
    let body = message.body();
    let (name, target) = match head(body) {
        Ok(head) => head,
        Err(error) => return (Said::text(format!("unreadable command: {error}")), None),
    };
    let sensitive = is_sensitive(&name, body);
    let mut text = format!("{name} {target}");
    let mut shown = shown(body, sensitive);
    for sequence in message.sequences() {
        let documents = sequence.documents().filter(Result::is_ok).count();
        let identifier = clean(&String::from_utf8_lossy(sequence.identifier()));
        text.push_str(&format!(" {identifier}[{documents}]"));
        if let Some(Ok(first)) = sequence.documents().next().filter(|_| !sensitive) {
            shown.push_str(&clean(&format!(" {identifier}[0]: {first:?}")));
        }
    }
    text.push_str(&flags(message.flags()));
    let no_reply = message.flags().contains(Flags::MORE_TO_COME);
    (Said { text, body: Some(shown), no_reply }, Some((name, sensitive)))
}

fn reply(message: &OpMsg<'_>, request: Option<&Request>) -> (Said, Awaited) {
    let (name, sensitive) = match request {
        Some(request) => (request.name.as_str(), request.sensitive),
        // To be on the safe side.
        None => (UNKNOWN, true),
    };
    let outcome = outcome(message.body(), sensitive).unwrap_or_else(|error| format!("unreadable reply: {error}"));
    let text = format!("{name}: {outcome}{}", flags(message.flags()));
    let again = message.flags().contains(Flags::MORE_TO_COME).then(|| (name.to_owned(), sensitive));
    (Said { text, body: Some(shown(message.body(), sensitive)), no_reply: false }, again)
}

/// What is inside stays inside: this proxy has no codecs.
fn compressed(message: &OpCompressed<'_>, request: Option<&Request>) -> Said {
    let codec = match message.compressor() {
        compressor::NOOP => "noop".to_owned(),
        compressor::SNAPPY => "snappy".to_owned(),
        compressor::ZLIB => "zlib".to_owned(),
        compressor::ZSTD => "zstd".to_owned(),
        other => format!("compressor {other}"),
    };
    let what = match request.filter(|request| request.name != UNKNOWN) {
        Some(request) => format!("{}: ", request.name),
        None => String::new(),
    };
    let size = message.uncompressed_size();
    Said::text(format!("{what}{} in {codec}, {size} bytes unpacked", kind(message.original())))
}

/// A command's name, and the namespace that it is about.
fn head(body: Doc<'_>) -> Result<(String, String), BsonError> {
    let Some(first) = body.iter().next().transpose()? else { return Ok(("(empty)".into(), String::new())) };
    let name = first.key()?;
    let database = body.get_str("$db")?.unwrap_or_default();
    let collection = match (name, first.value().as_str()) {
        ("getMore", _) => body.get_str("collection")?,
        (_, collection) => collection.ok(),
    };
    let target = match collection {
        Some(collection) => format!("{database}.{collection}"),
        None => database.to_owned(),
    };
    Ok((clean(name), clean(&target)))
}

/// How a command went. The text of an error may repeat what was sent.
fn outcome(body: Doc<'_>, sensitive: bool) -> Result<String, BsonError> {
    if !body.get_truthy("ok")?.unwrap_or(false) {
        let code = body.get_number_i64("code")?.unwrap_or(0);
        let name = body.get_str("codeName")?.unwrap_or_default();
        let message = body.get_str("errmsg")?.filter(|_| !sensitive).unwrap_or("(left out)");
        return Ok(format!("error {code} {}: {}", clean(name), clean(message)));
    }
    let mut text = "ok".to_owned();
    if let Some(n) = body.get("n")?.and_then(|n| n.as_number_i64().ok()) {
        text.push_str(&format!(", n {n}"));
    }
    if let Some(cursor) = body.get("cursor")?.and_then(|cursor| cursor.as_doc().ok()) {
        let batch = match cursor.get_array("firstBatch")? {
            Some(batch) => Some(batch),
            None => cursor.get_array("nextBatch")?,
        };
        let documents = batch.map_or(0, |batch| batch.iter().filter(Result::is_ok).count());
        text.push_str(&format!(", {}", count(documents, "document")));
        match cursor.get_number_i64("id")? {
            Some(0) | None => text.push_str(", cursor at its end"),
            Some(id) => text.push_str(&format!(", cursor {id}")),
        }
    }
    if let Some(errors) = body.get("writeErrors")?.and_then(|errors| errors.as_array().ok()) {
        let first = errors.iter().next().transpose()?.and_then(|first| first.value().as_doc().ok());
        let code = first.map_or(Ok(None), |first| first.get_number_i64("code"))?.unwrap_or(0);
        let errors = errors.iter().filter(Result::is_ok).count();
        text.push_str(&format!(", {} (code {code})", count(errors, "write error")));
    }
    if body.get("writeConcernError")?.is_some() {
        text.push_str(", write concern error");
    }
    Ok(text)
}

/// Whether a command or its reply may hold credentials (specification *Command Logging and Monitoring*, "Security").
fn is_sensitive(name: &str, body: Doc<'_>) -> bool {
    const ALWAYS: [&str; 9] = [
        "authenticate",
        "saslStart",
        "saslContinue",
        "getnonce",
        "createUser",
        "updateUser",
        "copydbgetnonce",
        "copydbsaslstart",
        "copydb",
    ];
    const SPECULATIVE: [&str; 2] = ["hello", "isMaster"];
    let is = |known: &&str| known.eq_ignore_ascii_case(name);
    let speculates = || !matches!(body.get("speculativeAuthenticate"), Ok(None));
    ALWAYS.iter().any(is) || (SPECULATIVE.iter().any(is) && speculates())
}

fn shown(body: Doc<'_>, sensitive: bool) -> String {
    if sensitive { "(left out: it may hold credentials)".into() } else { clean(&format!("{body:?}")) }
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn kind(code: OpCode) -> String {
    match code {
        OpCode::Reply => "OP_REPLY".into(),
        OpCode::Query => "OP_QUERY".into(),
        OpCode::Compressed => "OP_COMPRESSED".into(),
        OpCode::Msg => "OP_MSG".into(),
        other => format!("opcode {}", other.to_i32()),
    }
}

fn flags(flags: Flags) -> String {
    let known = [
        (Flags::CHECKSUM_PRESENT, " [checksumPresent]"),
        (Flags::MORE_TO_COME, " [moreToCome]"),
        (Flags::EXHAUST_ALLOWED, " [exhaustAllowed]"),
    ];
    known.into_iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, name)| name).collect()
}

fn unreadable(error: &WireError) -> String {
    clean(&format!("unreadable: {error}"))
}

/// Peers must not be able to write lines of their own, nor endless ones.
fn clean(text: &str) -> String {
    const MAX: usize = 700;
    text.chars().take(MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
#[path = "describe_tests.rs"]
mod tests;
