//! A walk at random over calls and replies of a session with transactions, beside an oracle of a few lines.

use super::host::{Event, Given, Host, field};
use super::*;
use crate::hello::ServerKind;
use crate::session::{SessionError, SessionOptions, TransactionOptions, TransactionState};

/// What the specification says, with no regard for how.
#[derive(Debug)]
struct Oracle {
    state: TransactionState,
    number: i64,
    /// A command of the transaction was sent.
    used: bool,
    pinned: bool,
    majority: bool,
    dirty: bool,
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// How one attempt ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Ok,
    Lost,
    Unreachable,
    NoServer,
    Fatal,
    Transient,
    Overloaded,
}

impl End {
    const ALL: [Self; 9] = [
        Self::Ok,
        Self::Ok,
        Self::Ok,
        Self::Lost,
        Self::Unreachable,
        Self::NoServer,
        Self::Fatal,
        Self::Transient,
        Self::Overloaded,
    ];

    const fn event(self) -> Event {
        match self {
            Self::Ok => Event::Reply("{ok: 1, n: 1, cursor: {id: 0, ns: \"db.c\", firstBatch: []}}"),
            Self::Lost => Event::Lost,
            Self::Unreachable => Event::Unreachable,
            Self::NoServer => Event::NoServer,
            Self::Fatal => Event::Reply("{ok: 0, code: 2}"),
            Self::Transient => Event::Reply("{ok: 0, code: 251, errorLabels: [\"TransientTransactionError\"]}"),
            Self::Overloaded => {
                Event::Reply("{ok: 0, code: 462, errorLabels: [\"SystemOverloadedError\", \"RetryableError\"]}")
            }
        }
    }

    /// The client has no reply.
    const fn is_unreachable(self) -> bool {
        matches!(self, Self::Lost | Self::Unreachable | Self::NoServer)
    }

    const fn is_sent(self) -> bool {
        !matches!(self, Self::Unreachable | Self::NoServer)
    }
}

/// How the attempts of one operation end, whether it succeeds.
fn attempts(random: &mut Random, transient_retries: bool) -> (Vec<End>, bool) {
    let mut ends = Vec::new();
    let mut allowed = 1;
    loop {
        let end = random.of(&End::ALL);
        ends.push(end);
        let retryable = match end {
            End::Overloaded => {
                allowed = 2;
                true
            }
            End::Lost | End::Unreachable => transient_retries,
            _ => false,
        };
        if !retryable || ends.len() > allowed {
            return (ends, end == End::Ok);
        }
    }
}

impl Oracle {
    fn is_active(&self) -> bool {
        matches!(self.state, TransactionState::Starting | TransactionState::InProgress)
    }

    fn forget(&mut self) {
        (self.state, self.used, self.pinned, self.majority) = (TransactionState::None, false, false, false);
    }
}

fn run(seed: u64, kind: ServerKind) {
    let mut random = Random(seed);
    let mut host = Host::new(kind);
    host.session = Some(host.session(SessionOptions::default()));
    let pins = kind != ServerKind::RsPrimary;
    let mut oracle =
        Oracle { state: TransactionState::None, number: 0, used: false, pinned: false, majority: false, dirty: false };
    for _ in 0..60 {
        let nothing = TransactionOptions::default();
        let session = host.session.as_mut().unwrap();
        let before = host.requests.len();
        match random.below(6) {
            0 => {
                let expected = if oracle.is_active() { Err(SessionError::TransactionInProgress) } else { Ok(()) };
                assert_eq!(session.start_transaction(&nothing, &nothing), expected);
                if expected.is_ok() {
                    oracle.forget();
                    oracle.state = TransactionState::Starting;
                    oracle.number += 1;
                }
            }
            1 => {
                let expected = match oracle.state {
                    TransactionState::None => Err(SessionError::NoTransaction),
                    TransactionState::Aborted => Err(SessionError::CommitAfterAbort),
                    _ => Ok(oracle.used),
                };
                let command = session.commit_transaction();
                assert_eq!(command.map(|command| command.is_some()), expected);
                if expected.is_ok() {
                    oracle.state = TransactionState::Committed;
                }
                if let Ok(Some(command)) = command {
                    let (ends, succeeds) = attempts(&mut random, true);
                    let script: Vec<_> = ends.iter().map(|end| end.event()).collect();
                    let result = host.run_explicit(command, &script);
                    assert_eq!(result.is_ok(), succeeds, "{ends:?}");
                    let mut sent = host.requests[before..].iter();
                    for end in ends {
                        if end.is_sent() {
                            let request = sent.next().unwrap();
                            assert_eq!(request.contains("majority"), oracle.majority, "{request}");
                        }
                        oracle.majority |= end != End::Overloaded;
                        oracle.dirty |= end == End::Lost;
                        if end.is_unreachable() || end == End::Transient {
                            oracle.pinned = false;
                        }
                    }
                    assert!(sent.next().is_none());
                }
            }
            2 => {
                let expected = match oracle.state {
                    TransactionState::None => Err(SessionError::NoTransaction),
                    TransactionState::Aborted => Err(SessionError::AbortTwice),
                    TransactionState::Committed => Err(SessionError::AbortAfterCommit),
                    _ => Ok(oracle.used),
                };
                let command = session.abort_transaction();
                assert_eq!(command.map(|command| command.is_some()), expected);
                if expected.is_ok() {
                    oracle.state = TransactionState::Aborted;
                    oracle.pinned = false;
                }
                if let Ok(Some(command)) = command {
                    let (ends, succeeds) = attempts(&mut random, true);
                    let script: Vec<_> = ends.iter().map(|end| end.event()).collect();
                    assert_eq!(host.run_explicit(command, &script).is_ok(), succeeds, "{ends:?}");
                    oracle.dirty |= ends.contains(&End::Lost);
                }
            }
            _ => {
                if !oracle.is_active() {
                    oracle.forget();
                }
                let in_transaction = oracle.is_active();
                let (ends, succeeds) = attempts(&mut random, !in_transaction);
                let script: Vec<_> = ends.iter().map(|end| end.event()).collect();
                let session = host.session.take().unwrap();
                let delete = Delete::new(namespace(), [DeleteStatement::new(doc("{}"), true)]).unwrap();
                let result = host.run_in(Given::Explicit(session), delete, &script);
                assert_eq!(result.is_ok(), succeeds, "{ends:?}");
                let mut sent = host.requests[before..].iter();
                if !in_transaction && ends.iter().any(|end| end.is_sent()) {
                    oracle.number += 1;
                }
                for (index, end) in ends.iter().copied().enumerate() {
                    let is_last = index + 1 == ends.len();
                    oracle.dirty |= end == End::Lost;
                    if in_transaction && pins && !matches!(end, End::Unreachable | End::NoServer) {
                        oracle.pinned = true;
                    }
                    if end.is_sent() {
                        let request = sent.next().unwrap();
                        assert_eq!(field(request, "txnNumber"), Some(format!("{}", oracle.number).as_str()));
                        assert_eq!(request.contains("autocommit: false"), in_transaction);
                        let starts = oracle.state == TransactionState::Starting;
                        assert_eq!(request.contains("startTransaction: true"), starts, "{ends:?}");
                        let repeated = end == End::Overloaded && !is_last;
                        if in_transaction && !(starts && repeated) {
                            oracle.state = TransactionState::InProgress;
                            oracle.used = true;
                        }
                    }
                    if in_transaction && (end.is_unreachable() || end == End::Transient) {
                        oracle.pinned = false;
                        let error = result.as_ref().unwrap_err();
                        assert!(error.labels.contains(&"TransientTransactionError".to_owned()), "{ends:?}");
                    }
                }
                assert!(sent.next().is_none());
            }
        }
        let session = host.session.as_ref().unwrap();
        let transaction = session.transaction();
        assert_eq!(transaction.state(), oracle.state, "seed {seed}");
        assert_eq!(transaction.pin().is_some(), oracle.pinned, "seed {seed}: {oracle:?}");
        assert_eq!(session.is_dirty(), oracle.dirty, "seed {seed}");
    }
    let ended = host.session.as_mut().unwrap().end().unwrap();
    assert_eq!(ended.txn_number(), oracle.number);
}

#[test]
fn any_order_of_calls_and_replies_agrees_with_the_specification() {
    for seed in 0..150 {
        for kind in [ServerKind::RsPrimary, ServerKind::Mongos, ServerKind::LoadBalancer] {
            run(seed, kind);
        }
    }
}

/// Whatever a host calls when, in whatever order.
#[test]
fn calls_in_any_order_never_panic_and_end_once() {
    use super::host::Failed;
    use crate::ServerAddress;
    use crate::retry::{FailureClass, RetryOptions};
    use crate::session::ServerSession;
    use crate::topology::TopologyKind;

    const CLASSES: [FailureClass; 6] = [
        FailureClass::Selection,
        FailureClass::PoolCleared,
        FailureClass::Network,
        FailureClass::Timeout,
        FailureClass::Server,
        FailureClass::Other,
    ];
    let address = ServerAddress::Tcp { host: "a".into(), port: 1 };
    for seed in 0..2000 {
        let mut random = Random(seed);
        let mut host = Host::replica_set();
        if seed % 3 == 0 {
            host = host.with_timeout(40);
        }
        let mut connection = Connection::new(Compression::none());
        connection.set_hello(host.hello.clone(), None);
        let delete = Delete::new(namespace(), [DeleteStatement::new(doc("{}"), true)]).unwrap();
        let mut exec = Exec::<_, Failed>::new(host.now, delete, host.settings.clone(), None)
            .with_retries(RetryOptions::DEFAULT, seed);
        if seed % 2 == 0 {
            exec = exec.with_session(host.transaction(TransactionOptions::default()));
        }
        let mut was_done = false;
        for _ in 0..40 {
            host.now = host.now + Duration::from_millis(random.below(5) as u64);
            let text = random.of(&[End::Ok, End::Fatal, End::Transient, End::Overloaded]);
            let reply = || {
                let Event::Reply(text) = text.event() else { panic!("each of them is a reply") };
                Reply::parse(message(1, doc(text).as_doc()).into()).unwrap()
            };
            match random.below(11) {
                0 => exec.handle_checked_out(
                    host.now,
                    Reached {
                        sessions: random.below(2) == 0,
                        ..Reached::new(random.of(&[
                            TopologyKind::Sharded,
                            TopologyKind::LoadBalanced,
                            TopologyKind::Single,
                        ]))
                    },
                ),
                1 => {
                    if !connection.is_idle() {
                        connection = Connection::new(Compression::none());
                        connection.set_hello(host.hello.clone(), None);
                    }
                    exec.send(host.now, &mut connection, &mut SendBuf::new());
                }
                2 => exec.handle_reply(host.now, reply()),
                3 => exec.handle_failed(host.now, Failed::new(random.of(&CLASSES), "?")),
                4 => exec.handle_timeout(host.now),
                5 => exec.handle_address(&address, TopologyKind::Sharded),
                6 => drop(exec.handle_session(ServerSession::new(host.now, [1; 16]))),
                7 if random.below(4) == 0 => drop(exec.take_session()),
                8 if random.below(4) == 0 => exec.handle_dropped(),
                9 if random.below(4) == 0 => drop(exec.take_cause()),
                _ => drop(exec.error_mut().map(|error| error.labels.clone())),
            }
            let is_done = exec.poll_step() == Step::Done;
            assert!(is_done || !was_done, "it does not come back");
            was_done = is_done;
            let _ = (exec.target(), exec.wants_session(), exec.uses_pinned_connection(), exec.avoid().len());
        }
        assert_eq!(exec.finish().is_some(), was_done);
    }
}
