//! A server that shakes hands, made of `wire` and the server's side of SCRAM. It holds a conversation as a mongod
//! does; a test changes what it knows, or edits a reply on its way out.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use stator_wire::Deframer;
use stator_wire::bson::{Doc, DocBuf, DocWriter};
use stator_wire::op_msg::{Builder, Flags, OpMsg};

use super::external::External;
use crate::auth::scram::{Nonce, server};

/// A value in a reply.
#[derive(Clone, Debug)]
pub(super) enum Field {
    I32(i32),
    F64(f64),
    Bool(bool),
    Str(String),
    Bytes(Vec<u8>),
    Strings(Vec<String>),
    Id([u8; 12]),
    Doc(Fields),
    /// Nothing is written.
    Absent,
}

/// The fields of a reply, in order.
pub(super) type Fields = Vec<(&'static str, Field)>;

/// Replaces the field `key`, or adds it.
pub(super) fn set(fields: &mut Fields, key: &'static str, value: Field) {
    match fields.iter_mut().find(|(known, _)| *known == key) {
        Some((_, old)) => *old = value,
        None => fields.push((key, value)),
    }
}

/// What becomes of a reply: it is told the step and may change the fields.
type Edit = Box<dyn Fn(&str, &mut Fields)>;

/// The server, with what it knows and what it has heard.
pub(super) struct Server {
    /// Of each mechanism that the user has, what is stored.
    pub(super) stored: Vec<server::StoredCredentials>,
    /// `minWireVersion` and `maxWireVersion`.
    pub(super) wire_versions: (i32, i32),
    /// The compressors that the server has.
    pub(super) compressors: Vec<&'static str>,
    /// Whether it knows speculative authentication (servers from 4.4).
    pub(super) speculative: bool,
    /// Whether it knows `skipEmptyExchange` (servers from 4.4).
    pub(super) skip_empty: bool,
    /// `serviceId`.
    pub(super) service_id: Option<[u8; 12]>,
    /// The payload that PLAIN must have.
    pub(super) plain: Vec<u8>,
    /// MONGODB-AWS and MONGODB-OIDC.
    pub(super) external: External,
    /// Changes replies. The steps are `hello`, `speculative`, `start`, `continue`, `empty`, `authenticate`.
    pub(super) edit: Edit,
    /// The commands received, in order.
    pub(super) commands: Vec<DocBuf>,
    input: Deframer,
    pub(super) state: State,
    next_id: i32,
}

pub(super) enum State {
    Idle,
    Challenged { exchange: Box<server::Challenged>, skip: bool },
    Empty,
    Aws,
    Principal,
    LoggedIn,
}

/// What the server numbers its conversations with.
pub(super) const CONVERSATION: i32 = 7;

impl Server {
    pub(super) fn new(stored: Vec<server::StoredCredentials>) -> Self {
        Self {
            stored,
            wire_versions: (0, 17),
            compressors: vec![],
            speculative: true,
            skip_empty: true,
            service_id: None,
            plain: vec![],
            external: External { sts_host: "sts.amazonaws.com", ..External::default() },
            edit: Box::new(|_, _| {}),
            commands: vec![],
            input: Deframer::new(48_000_000),
            state: State::Idle,
            next_id: 1000,
        }
    }

    /// The commands as text.
    pub(super) fn commands(&self) -> Vec<String> {
        self.commands.iter().map(|command| alloc::format!("{:?}", command.as_doc())).collect()
    }

    /// The names of the commands.
    pub(super) fn names(&self) -> Vec<String> {
        let name = |command: &DocBuf| Some(command.as_doc().iter().next()?.ok()?.key().ok()?.to_string());
        self.commands.iter().filter_map(name).collect()
    }

    pub(super) const fn is_logged_in(&self) -> bool {
        matches!(self.state, State::LoggedIn)
    }

    /// Takes bytes; appends what the server answers to `out`.
    pub(super) fn handle(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.input.push(bytes);
        while let Some(frame) = self.input.next_frame().unwrap() {
            let request = OpMsg::parse(&frame).unwrap();
            let command = DocBuf::slice_of(&frame, request.body());
            let mut fields = self.answer(command.as_doc());
            self.commands.push(command);
            if !fields.iter().any(|(key, _)| *key == "ok") {
                fields.push(("ok", Field::F64(1.0)));
            }
            let mut reply = Builder::new(out, self.next_id, request.header().request_id, Flags::NONE);
            self.next_id += 1;
            let mut body = reply.body();
            write(&mut body, &fields);
            body.finish().unwrap();
            reply.finish().unwrap();
        }
    }

    fn answer(&mut self, command: Doc<'_>) -> Fields {
        let name = command.iter().next().unwrap().unwrap().key().unwrap().to_string();
        let (step, mut fields) = match name.as_str() {
            "hello" | "isMaster" => ("hello", self.hello(command)),
            "saslStart" => ("start", self.start(command).unwrap_or_else(|| failure(18, "Authentication failed."))),
            "saslContinue" => self.advance(command),
            "authenticate" => ("authenticate", self.authenticate()),
            _ => ("other", failure(59, "no such command")),
        };
        (self.edit)(step, &mut fields);
        fields
    }

    fn hello(&mut self, command: Doc<'_>) -> Fields {
        let mut fields = vec![
            ("isWritablePrimary", Field::Bool(true)),
            ("minWireVersion", Field::I32(self.wire_versions.0)),
            ("maxWireVersion", Field::I32(self.wire_versions.1)),
        ];
        let asked: Vec<_> =
            command.get_array("compression").unwrap().unwrap().iter().map(|e| e.unwrap().value()).collect();
        let both = asked.iter().filter_map(|name| name.as_str().ok()).filter(|name| self.compressors.contains(name));
        let both: Vec<String> = both.map(String::from).collect();
        if !both.is_empty() {
            fields.push(("compression", Field::Strings(both)));
        }
        if let Some(id) = self.service_id {
            fields.push(("serviceId", Field::Id(id)));
        }
        if command.get("saslSupportedMechs").unwrap().is_some() {
            let names = self.stored.iter().map(|stored| stored.hash.mechanism_name().to_string());
            fields.push(("saslSupportedMechs", Field::Strings(names.collect())));
        }
        if self.speculative
            && let Some(speculative) = command.get_doc("speculativeAuthenticate").unwrap()
        {
            let answer = match speculative.iter().next().unwrap().unwrap().key().unwrap() {
                "saslStart" => self.start(speculative),
                _ => Some(self.authenticate()),
            };
            if let Some(mut answer) = answer {
                (self.edit)("speculative", &mut answer);
                fields.push(("speculativeAuthenticate", Field::Doc(answer)));
            }
        }
        fields
    }

    /// `None` if the user does not have the mechanism.
    fn start(&mut self, command: Doc<'_>) -> Option<Fields> {
        let mechanism = command.get_str("mechanism").unwrap().unwrap();
        let (_, payload) = command.get_binary("payload").unwrap().unwrap();
        if mechanism == "PLAIN" {
            if payload != self.plain {
                return None;
            }
            self.state = State::LoggedIn;
            return Some(step(vec![], true));
        }
        match mechanism {
            "MONGODB-AWS" => return self.start_aws(payload),
            "MONGODB-OIDC" => return self.start_oidc(payload),
            _ => {}
        }
        let stored = self.stored.iter().find(|stored| stored.hash.mechanism_name() == mechanism)?;
        let options = command.get_doc("options").unwrap();
        let skip = options.and_then(|options| options.get_bool("skipEmptyExchange").unwrap()).unwrap_or(false);
        let hello = server::Hello::parse(payload).ok()?;
        let exchange = hello.challenge(Some(stored), &Nonce::from_random(&[8; 24])).ok()?;
        let answer = step(exchange.payload().to_vec(), false);
        self.state = State::Challenged { exchange: Box::new(exchange), skip: skip && self.skip_empty };
        Some(answer)
    }

    fn advance(&mut self, command: Doc<'_>) -> (&'static str, Fields) {
        assert_eq!(command.get_i32("conversationId").unwrap(), Some(CONVERSATION));
        let (_, payload) = command.get_binary("payload").unwrap().unwrap();
        match core::mem::replace(&mut self.state, State::Idle) {
            State::Challenged { exchange, skip } => match exchange.verify(payload) {
                Ok(answer) => {
                    self.state = if skip { State::LoggedIn } else { State::Empty };
                    ("continue", step(answer, skip))
                }
                Err(_) => ("continue", failure(18, "Authentication failed.")),
            },
            State::Aws => {
                ("continue", self.finish_aws(payload).unwrap_or_else(|| failure(18, "Authentication failed.")))
            }
            State::Principal => {
                ("continue", self.take_token(payload).unwrap_or_else(|| failure(18, "Authentication failed.")))
            }
            State::Empty if payload.is_empty() => {
                self.state = State::LoggedIn;
                ("empty", step(vec![], true))
            }
            _ => ("continue", failure(17, "no SASL session state found")),
        }
    }

    fn authenticate(&mut self) -> Fields {
        self.state = State::LoggedIn;
        vec![("dbname", Field::Str("$external".into())), ("user", Field::Str("CN=client".into()))]
    }
}

pub(super) fn step(payload: Vec<u8>, done: bool) -> Fields {
    vec![("conversationId", Field::I32(CONVERSATION)), ("done", Field::Bool(done)), ("payload", Field::Bytes(payload))]
}

pub(super) fn failure(code: i32, message: &str) -> Fields {
    vec![("ok", Field::F64(0.0)), ("errmsg", Field::Str(message.into())), ("code", Field::I32(code))]
}

fn write(body: &mut DocWriter<'_>, fields: &Fields) {
    for (key, field) in fields {
        match field {
            Field::I32(value) => body.i32(key, *value),
            Field::F64(value) => body.f64(key, *value),
            Field::Bool(value) => body.bool(key, *value),
            Field::Str(value) => body.str(key, value),
            Field::Bytes(value) => body.binary(key, 0, value),
            Field::Absent => continue,
            Field::Id(value) => body.object_id(key, *value),
            Field::Strings(values) => {
                let mut array = body.array_of(key);
                for value in values {
                    array.str(value);
                }
                continue;
            }
            Field::Doc(fields) => {
                write(&mut body.document(key), fields);
                continue;
            }
        };
    }
}
