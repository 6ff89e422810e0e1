//! A host with a script: what each attempt of an operation meets, on virtual time.

use alloc::boxed::Box;

use super::*;
use crate::ServerAddress;
use crate::hello::ServerKind;
use crate::retry::{FailureClass, RetryOptions};
use crate::session::{ClusterTime, ServerSession, Session, SessionOptions, TransactionOptions};
use crate::topology::TopologyKind;

/// What an attempt meets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Event {
    /// The server answers.
    Reply(&'static str),
    /// The stream ends when the request was sent.
    Lost,
    /// The deadline passes when the request was sent.
    Late,
    /// `socketTimeoutMS` passes when the request was sent.
    Slow,
    /// No server can be selected.
    NoServer,
    /// The pool is cleared during check-out.
    Cleared,
    /// The network fails during check-out.
    Unreachable,
    /// The server refuses the handshake with this code.
    Refused(i32),
    /// From here on the server is another one.
    Becomes(ServerKind, i32),
}

/// A host's error.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Failed {
    pub(super) class: FailureClass,
    pub(super) code: Option<i32>,
    concern: Option<i32>,
    pub(super) labels: Vec<String>,
    backoff: Option<Duration>,
    pub(super) text: String,
}

impl Failed {
    pub(super) fn new(class: FailureClass, text: &str) -> Self {
        Self { class, code: None, concern: None, labels: Vec::new(), backoff: None, text: text.into() }
    }

    fn of(error: &(impl crate::retry::Failure + fmt::Display), labels: Vec<String>) -> Self {
        Self {
            class: error.class(),
            code: error.code(),
            concern: error.write_concern_code(),
            labels,
            backoff: error.base_backoff(),
            text: format!("{error}"),
        }
    }
}

impl From<OperationError> for Failed {
    fn from(error: OperationError) -> Self {
        let labels = match &error {
            OperationError::Command(error) => error.labels.clone(),
            OperationError::Write(failure) => failure.labels.clone(),
            _ => Vec::new(),
        };
        Self::of(&error, labels)
    }
}

impl From<ConnectionError> for Failed {
    fn from(error: ConnectionError) -> Self {
        Self::of(&error, Vec::new())
    }
}

impl crate::retry::Failure for Failed {
    fn class(&self) -> FailureClass {
        self.class
    }

    fn code(&self) -> Option<i32> {
        self.code
    }

    fn write_concern_code(&self) -> Option<i32> {
        self.concern
    }

    fn has_label(&self, label: &str) -> bool {
        self.labels.iter().any(|known| known == label)
    }

    fn add_label(&mut self, label: &'static str) {
        self.labels.push(label.into());
    }

    fn base_backoff(&self) -> Option<Duration> {
        self.backoff
    }
}

/// What the session of an operation is.
#[derive(Debug)]
pub(super) enum Given {
    Nothing,
    /// A server session is handed over when it is wanted.
    Implicit,
    Explicit(Box<Session>),
}

/// A host, what it knows and what it has seen.
pub(super) struct Host {
    pub(super) now: Instant,
    pub(super) hello: HelloReply,
    pub(super) topology: TopologyKind,
    pub(super) retry: RetryOptions,
    pub(super) settings: Settings,
    pub(super) round_trip: Duration,
    pub(super) cluster_time: Option<ClusterTime>,
    /// All ones: the jitter is what it is, but the same in each run.
    pub(super) random: u64,
    pub(super) requests: Vec<String>,
    pub(super) targets: Vec<String>,
    pub(super) sleeps: Vec<Duration>,
    pub(super) avoided: Vec<String>,
    /// The implicit session that came back.
    pub(super) returned: Option<ServerSession>,
    pub(super) session: Option<Box<Session>>,
    pub(super) wanted_session: bool,
    next_server: u16,
}

impl Host {
    pub(super) fn new(kind: ServerKind) -> Self {
        let topology = match kind {
            ServerKind::Mongos => TopologyKind::Sharded,
            ServerKind::LoadBalancer => TopologyKind::LoadBalanced,
            ServerKind::Standalone => TopologyKind::Single,
            _ => TopologyKind::ReplicaSetWithPrimary,
        };
        let minutes = Some(Duration::from_secs(1800));
        Self {
            now: Instant::from_millis(1000),
            hello: HelloReply { kind, max_wire_version: 17, logical_session_timeout: minutes, ..HelloReply::default() },
            topology,
            retry: RetryOptions::DEFAULT,
            settings: Settings::default(),
            round_trip: Duration::ZERO,
            cluster_time: None,
            random: 7,
            requests: Vec::new(),
            targets: Vec::new(),
            sleeps: Vec::new(),
            avoided: Vec::new(),
            returned: None,
            session: None,
            wanted_session: false,
            next_server: 1,
        }
    }

    pub(super) fn replica_set() -> Self {
        Self::new(ServerKind::RsPrimary)
    }

    pub(super) fn wire_version(mut self, version: i32) -> Self {
        self.hello.max_wire_version = version;
        self
    }

    pub(super) fn with_timeout(mut self, millis: u64) -> Self {
        self.settings.timeout = Some(Duration::from_millis(millis));
        self
    }

    /// A new explicit session.
    pub(super) fn session(&self, options: SessionOptions) -> Box<Session> {
        Box::new(Session::new(options, ServerSession::new(self.now, [9; 16])).unwrap())
    }

    /// A new explicit session with a transaction.
    pub(super) fn transaction(&self, options: TransactionOptions) -> Box<Session> {
        let mut session = self.session(SessionOptions::default());
        session.start_transaction(&options, &TransactionOptions::default()).unwrap();
        session
    }

    /// Runs an operation of no session, but for the implicit one.
    pub(super) fn run<O: Operation>(&mut self, operation: O, script: &[Event]) -> Result<O::Output, Failed> {
        self.run_in(Given::Implicit, operation, script)
    }

    /// Runs an operation in the session that the host has.
    pub(super) fn run_explicit<O: Operation>(&mut self, operation: O, script: &[Event]) -> Result<O::Output, Failed> {
        let session = self.session.take().expect("a session");
        self.run_in(Given::Explicit(session), operation, script)
    }

    /// Runs an operation. The whole script must be used up. Every attempt takes 10 ms.
    pub(super) fn run_in<O: Operation>(
        &mut self,
        given: Given,
        operation: O,
        script: &[Event],
    ) -> Result<O::Output, Failed> {
        let mut script = script.iter().copied().peekable();
        let mut connection = Connection::new(Compression::none());
        let (mut out, mut input) = (SendBuf::new(), Deframer::new(Limits::MAX_FRAME));
        let mut exec = Exec::<O, Failed>::new(self.now, operation, self.settings.clone(), None)
            .with_retries(self.retry, self.random)
            .with_operation_id(42);
        let implicit = matches!(given, Given::Implicit);
        if let Given::Explicit(session) = given {
            exec = exec.with_session(session);
        }
        self.wanted_session = false;
        loop {
            match exec.poll_step() {
                Step::CheckOut => {
                    while let Some(Event::Becomes(kind, version)) = script.peek().copied() {
                        self.hello.kind = kind;
                        self.hello.max_wire_version = version;
                        script.next();
                    }
                    let pinned = if exec.uses_pinned_connection() { ", pinned" } else { "" };
                    self.targets.push(format!("{}{pinned}", exec.target()));
                    self.avoided = exec.avoid().iter().map(|address| format!("{address}")).collect();
                    let failure = match script.peek() {
                        Some(Event::NoServer) => Failed::new(FailureClass::Selection, "no server"),
                        Some(Event::Cleared) => Failed::new(FailureClass::PoolCleared, "cleared"),
                        Some(Event::Unreachable) => Failed::new(FailureClass::Network, "unreachable"),
                        Some(Event::Refused(code)) => {
                            Failed { code: Some(*code), ..Failed::new(FailureClass::Server, "refused") }
                        }
                        _ => {
                            self.reach(&mut exec, &mut connection, implicit);
                            continue;
                        }
                    };
                    script.next();
                    self.now = self.now + Duration::from_millis(10);
                    exec.handle_failed(self.now, failure);
                    self.tell_address(&mut exec);
                }
                Step::Exchange => {
                    exec.send(self.now, &mut connection, &mut out);
                    if out.is_empty() {
                        continue;
                    }
                    let request = out.slices().concat();
                    connection.handle_sent(self.now, &mut out, request.len());
                    let request = OpMsg::parse(&request).unwrap();
                    self.requests.push(text_of(&request));
                    self.now = self.now + Duration::from_millis(10);
                    if !exec.wants_reply() {
                        exec.handle_sent_unacknowledged(self.now);
                        continue;
                    }
                    match script.next().expect("the operation asks once more") {
                        Event::Reply(reply) => {
                            input.push(&message(request.header().request_id, doc(reply).as_doc()));
                            let reply = connection.handle_recv(self.now, &mut input).unwrap().unwrap();
                            exec.handle_reply(self.now, reply);
                        }
                        Event::Late => {
                            self.now = exec.deadline();
                            exec.handle_failed(self.now, Failed::new(FailureClass::Timeout, "late"));
                        }
                        Event::Slow => {
                            connection = Connection::new(Compression::none());
                            exec.handle_failed(self.now, Failed::new(FailureClass::Timeout, "slow"));
                        }
                        Event::Lost => {
                            connection = Connection::new(Compression::none());
                            exec.handle_failed(self.now, Failed::new(FailureClass::Network, "lost"));
                        }
                        other => panic!("not for an exchange: {other:?}"),
                    }
                    self.tell_address(&mut exec);
                }
                Step::Reauthenticate => {
                    self.requests.push("login".into());
                    match script.peek().copied() {
                        Some(Event::Refused(code)) => {
                            script.next();
                            let refused = Failed::new(FailureClass::Server, "refused");
                            exec.handle_failed(self.now, Failed { code: Some(code), ..refused });
                        }
                        Some(Event::Unreachable) => {
                            script.next();
                            exec.handle_failed(self.now, Failed::new(FailureClass::Network, "unreachable"));
                        }
                        _ => exec.handle_reauthenticated(self.now),
                    }
                }
                Step::Sleep(until) => {
                    assert_eq!(exec.poll_timeout(), Some(until));
                    self.sleeps.push(until - self.now);
                    exec.handle_timeout(self.now);
                    assert!(until <= self.now || exec.poll_step() == Step::Sleep(until), "woken too early");
                    self.now = self.now.max(until);
                    exec.handle_timeout(self.now);
                }
                Step::Expired => {
                    let text = match exec.take_cause() {
                        Some(cause) => format!("timed out: {}", cause.text),
                        None => "timed out".to_owned(),
                    };
                    exec.handle_failed(self.now, Failed::new(FailureClass::Timeout, &text));
                }
                Step::Done => break,
            }
        }
        assert_eq!(script.next().map(|event| format!("{event:?}")), None, "events that did not happen");
        assert_eq!(exec.operation_id(), 42);
        if let Some(time) = exec.take_cluster_time() {
            self.cluster_time = Some(time);
        }
        match exec.take_session() {
            SessionSlot::None => {}
            SessionSlot::Implicit(session) => self.returned = Some(session),
            SessionSlot::Explicit(session) => self.session = Some(session),
        }
        exec.finish().unwrap()
    }

    fn reach<O: Operation>(&mut self, exec: &mut Exec<O, Failed>, connection: &mut Connection, implicit: bool) {
        connection.set_hello(self.hello.clone(), None);
        let reached = Reached {
            topology: self.topology,
            min_round_trip_time: self.round_trip,
            sessions: self.hello.logical_session_timeout.is_some(),
            cluster_time: self.cluster_time.clone(),
        };
        exec.handle_checked_out(self.now, reached);
        self.tell_address(exec);
        if exec.wants_session() {
            self.wanted_session = true;
            if implicit {
                assert_eq!(exec.handle_session(ServerSession::new(self.now, [8; 16])), None);
                assert!(!exec.wants_session());
            }
        }
    }

    /// Each server that is asked about is another one: `s1`, `s2`, ...
    fn tell_address<O: Operation>(&mut self, exec: &mut Exec<O, Failed>) {
        if exec.wants_address() {
            let address = ServerAddress::Tcp { host: format!("s{}", self.next_server), port: 27017 };
            self.next_server += 1;
            exec.handle_address(&address, self.topology);
            assert!(!exec.wants_address());
        }
    }
}

/// The value of `key` in the text of a request, up to the next comma on its level.
pub(super) fn field<'a>(request: &'a str, key: &str) -> Option<&'a str> {
    let start = request.find(&format!("{key}: "))? + key.len() + 2;
    let rest = &request[start..];
    let mut depth = 0;
    for (index, byte) in rest.bytes().enumerate() {
        match byte {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' if depth == 0 => return Some(&rest[..index]),
            b'}' | b']' | b')' => depth -= 1,
            b',' if depth == 0 => return Some(&rest[..index]),
            _ => {}
        }
    }
    Some(rest)
}
