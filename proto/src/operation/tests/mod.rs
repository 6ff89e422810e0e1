//! Operations against a scripted server: an [`Exec`] and a [`Connection`] in virtual time, without a socket.

mod bson_text;
mod bulk_write;
mod client_bulk_write;
mod cursors;
mod ddl;
mod deadline;
mod find_and_modify;
mod host;
mod reads;
mod reauth;
mod retries;
mod sessions;
mod timeouts;
mod transactions;
mod walk;
mod writes;

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use stator_wire::Deframer;
use stator_wire::bson::Doc;
use stator_wire::op_msg::{Builder, Flags, OpMsg};

use self::bson_text::{array, doc, value};
use super::*;
use crate::Instant;
use crate::concern::{ReadConcern, ReadConcernLevel};
use crate::connection::{Compression, ConnectionError, SendBuf};
use crate::hello::{HelloReply, Limits};
use crate::topology::TopologyKind;

#[derive(Debug, PartialEq)]
enum Failure {
    Operation(OperationError),
    Connection(ConnectionError),
}

impl From<OperationError> for Failure {
    fn from(error: OperationError) -> Self {
        Self::Operation(error)
    }
}

impl From<ConnectionError> for Failure {
    fn from(error: ConnectionError) -> Self {
        Self::Connection(error)
    }
}

impl crate::retry::Failure for Failure {
    fn class(&self) -> crate::retry::FailureClass {
        match self {
            Self::Operation(error) => error.class(),
            Self::Connection(error) => error.class(),
        }
    }
}

/// A server that answers with what it was given, and what it was asked.
struct Server {
    hello: HelloReply,
    settings: Settings,
    replies: Vec<DocBuf>,
    /// How long each reply takes.
    delay: Duration,
    /// The requests as text: the body, then `|` and the sequences.
    requests: Vec<String>,
}

impl Server {
    /// Answers with the documents that `replies` describe, in order.
    fn new(replies: &[&str]) -> Self {
        Self {
            hello: HelloReply { max_wire_version: 17, ..HelloReply::default() },
            settings: Settings::default(),
            replies: replies.iter().map(|reply| doc(reply)).collect(),
            delay: Duration::from_millis(100),
            requests: Vec::new(),
        }
    }

    /// Its limit for the writes of one command.
    fn with_batches_of(mut self, writes: usize) -> Self {
        self.hello.limits = Limits { max_write_batch_size: writes, ..Limits::default() };
        self
    }

    /// What the client has set for its operations.
    fn with(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Runs an operation to its end. All replies must be used up.
    fn run<O: Operation>(&mut self, operation: O) -> Result<O::Output, Failure> {
        let mut now = Instant::from_millis(1000);
        let mut connection = Connection::new(Compression::none());
        connection.set_hello(self.hello.clone(), None);
        let (mut out, mut input) = (SendBuf::new(), Deframer::new(Limits::MAX_FRAME));
        let mut replies = core::mem::take(&mut self.replies).into_iter();
        let mut exec = Exec::<O, Failure>::new(now, operation, self.settings.clone(), None);
        loop {
            match exec.poll_step() {
                Step::CheckOut => exec.handle_checked_out(now, Reached::new(TopologyKind::Single)),
                Step::Exchange => {
                    exec.send(now, &mut connection, &mut out);
                    if out.is_empty() {
                        continue;
                    }
                    let request = out.slices().concat();
                    connection.handle_sent(now, &mut out, request.len());
                    let request = OpMsg::parse(&request).unwrap();
                    self.requests.push(text_of(&request));
                    assert_eq!(request.flags().contains(Flags::MORE_TO_COME), !exec.wants_reply());
                    if !exec.wants_reply() {
                        exec.handle_sent_unacknowledged(now);
                        continue;
                    }
                    now = now + self.delay;
                    let reply = replies.next().expect("the operation asks once more");
                    input.push(&message(request.header().request_id, reply.as_doc()));
                    let reply = connection.handle_recv(now, &mut input).unwrap().unwrap();
                    exec.handle_reply(now, reply);
                }
                Step::Reauthenticate => {
                    self.requests.push("login".into());
                    exec.handle_reauthenticated(now);
                }
                Step::Sleep(until) => {
                    now = until;
                    exec.handle_timeout(now);
                }
                Step::Expired => panic!("the time is up"),
                Step::Done => break,
            }
        }
        assert_eq!(replies.len(), 0, "replies that nobody asked for");
        exec.finish().unwrap()
    }
}

/// The text of the only request of `operation`, which is answered with `reply`.
#[track_caller]
fn request(operation: impl Operation, reply: &str) -> String {
    let mut server = Server::new(&[reply]);
    assert!(server.run(operation).is_ok(), "refused: {reply}");
    assert_eq!(server.requests.len(), 1);
    server.requests.remove(0)
}

/// What `operation` makes of one reply.
fn reply<O: Operation>(operation: O, reply: &str) -> Result<O::Output, Failure> {
    Server::new(&[reply]).run(operation)
}

/// The failure of a write.
#[track_caller]
fn write_failure<T: fmt::Debug>(result: Result<T, Failure>) -> WriteFailure {
    match result {
        Err(Failure::Operation(OperationError::Write(failure))) => *failure,
        other => panic!("not a failed write: {other:?}"),
    }
}

/// The code of a refused command.
#[track_caller]
fn command_code<T: fmt::Debug>(result: Result<T, Failure>) -> i32 {
    match result {
        Err(Failure::Operation(OperationError::Command(error))) => error.code,
        other => panic!("not a refused command: {other:?}"),
    }
}

fn namespace() -> Namespace {
    Namespace::new("db", "c")
}

fn unacknowledged() -> Settings {
    Settings { write_concern: Some(WriteConcern::unacknowledged()), ..Settings::default() }
}

/// Both concerns, so that a command shows which of them it takes.
fn concerns() -> Settings {
    Settings {
        read_concern: Some(ReadConcern::new(ReadConcernLevel::Majority)),
        write_concern: Some(WriteConcern::majority()),
        ..Settings::default()
    }
}

fn message(response_to: i32, body: Doc<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut builder = Builder::new(&mut bytes, 1, response_to, Flags::NONE);
    builder.body_doc(body);
    builder.finish().unwrap();
    bytes
}

/// Element by element, because `Debug` of a whole document is cut off.
fn text_of(message: &OpMsg<'_>) -> String {
    let elements = message.body().iter().map(|element| {
        let element = element.unwrap();
        format!("{}: {:?}", element.key().unwrap(), element.value())
    });
    let mut text = ["{", &elements.collect::<Vec<_>>().join(", "), "}"].concat();
    for sequence in message.sequences() {
        let documents: Vec<_> = sequence.documents().map(|document| format!("{:?}", document.unwrap())).collect();
        let identifier = core::str::from_utf8(sequence.identifier()).unwrap().to_owned();
        text.push_str(&[" | ", &identifier, ": ", &documents.join(", ")].concat());
    }
    text
}
