//! Takes one operation through check-out, exchanges and retries to its result.
//!
//! ```text
//!                    granted                  reply
//!   +-> check out ------------> exchange ------------> done
//!   |     |    ^                ^  |  | \--more batches--> exchange
//!   |     |    | time has come  |  |  |
//!   |     |    +-- sleep <------|--+  | no time left
//!   |     | retryable           |  |  v
//!   |     +---------------------|--+  expired --the host's error--> done
//!   +---------------------------+  |
//!           retryable              +-- failed --> done
//!                                  +-- refused, with something to tidy up --> exchange --> done
//!                                  +-- error 391 --> reauthenticate --> exchange
//! ```
//!
//! # Sessions
//!
//! An explicit session moves in with [`Exec::with_session`] and out with [`Exec::take_session`]. Otherwise the host asks
//! [`Exec::wants_session`] when it has a connection, and hands over a server session of its pool with
//! [`Exec::handle_session`]; it gets that back with [`Exec::take_session`] as well. Without any of it, commands are
//! sent without a session, and writes are not retried.
//!
//! # Retries
//!
//! With [`Exec::with_retries`] the machine asks for another check-out after an error that may be retried. Whenever
//! [`Exec::wants_address`] is true the host says which server it was that it had selected, with [`Exec::handle_address`].

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use stator_wire::bson::DocWriter;

use super::{CommandError, Operation, OperationError, Progress, Settings, Traits};
use crate::concern::WriteConcern;
use crate::connection::{Connection, ConnectionError, Reply, Request, SendBuf};
use crate::read_preference::ReadPreference;
use crate::retry::{Attempts, Failure, RetryOptions, Stage};
use crate::select::Target;
use crate::session::{ClusterTime, Pin};
use crate::topology::TopologyKind;
use crate::uri::ServerApi;
use crate::{Instant, ServerAddress};

mod attempt;
mod begin;
mod head;
mod reauth;
mod slot;

pub use slot::SessionSlot;

use attempt::Attempt;

/// What an operation needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A connection: check one out of a server that is [`Exec::target`] and preferably not one of [`Exec::avoid`], then
    /// [`Exec::handle_checked_out`] or [`Exec::handle_failed`]. A connection of an earlier attempt is not needed any
    /// more.
    CheckOut,
    /// An exchange on it: [`Exec::send`], write, read, then [`Exec::handle_reply`] or [`Exec::handle_failed`].
    Exchange,
    /// The server wants the connection's user to log in again: [`Handshake::reauthenticate`](crate::Handshake::reauthenticate),
    /// then [`Exec::handle_reauthenticated`] or [`Exec::handle_failed`].
    Reauthenticate,
    /// Wait until then, then [`Exec::handle_timeout`].
    Sleep(Instant),
    /// `timeoutMS` leaves no time for another attempt, or the server has stopped the command for it: make a timeout error, of which [`Exec::take_cause`] is the cause
    /// if there is one, and end with [`Exec::handle_failed`].
    Expired,
    /// Nothing: take the session with [`Exec::take_session`] and the result with [`Exec::finish`].
    Done,
}

/// What an operation is to know of the deployment that it has reached.
#[derive(Clone, Debug, Default)]
pub struct Reached {
    /// Its shape when the server was selected; it decides what `$readPreference` says (specification *Server Selection*).
    pub topology: TopologyKind,
    /// The server's shortest round trip, from the same description: `timeoutMS` must leave more.
    pub min_round_trip_time: Duration,
    /// Whether the connection's server has sessions: it has a `logicalSessionTimeoutMinutes`, or stands behind a load
    /// balancer.
    pub sessions: bool,
    /// The latest cluster time that the client has seen.
    pub cluster_time: Option<ClusterTime>,
}

impl Reached {
    /// A deployment of this shape, of which nothing more is known.
    pub const fn new(topology: TopologyKind) -> Self {
        Self { topology, min_round_trip_time: Duration::ZERO, sessions: false, cluster_time: None }
    }
}

static PRIMARY: ReadPreference = ReadPreference::primary();

/// One operation on its way. `E` is the host's error, which any failure of the operation can become.
#[derive(Debug)]
pub struct Exec<O: Operation, E> {
    operation: O,
    /// As they were when the last batch was cut.
    traits: Traits,
    settings: Arc<Settings>,
    server_api: Option<ServerApi>,
    deadline: Instant,
    has_timeout: bool,
    operation_id: i64,
    partly_done: bool,
    reached: Reached,
    session: SessionSlot,
    /// What the replies have taught, if it is news to the client.
    learnt: Option<ClusterTime>,
    retry: RetryOptions,
    attempts: Attempts,
    attempt: Attempt,
    /// The number of the current write, over all attempts.
    txn_number: Option<i64>,
    /// The last failure was not the refusal of an overloaded server, which any command may be repeated after.
    is_transient_retry: bool,
    avoid: Vec<ServerAddress>,
    /// The operation has failed; one more exchange clears away what it has left.
    tidying: bool,
    /// The error to be returned if no attempt succeeds, and whether the attempt behind it may have had an effect.
    previous: Option<(E, bool)>,
    state: State<O::Output, E>,
}

#[derive(Debug)]
enum State<T, E> {
    CheckOut,
    Exchange,
    Reauthenticate,
    Backoff(Instant),
    Expired,
    Done(Result<T, E>),
}

impl<O: Operation, E: From<OperationError> + From<ConnectionError> + Failure> Exec<O, E> {
    /// The number that monitoring knows the operation by.
    pub const fn operation_id(&self) -> i64 {
        self.operation_id
    }

    /// When the whole operation is due.
    pub const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether `timeoutMS` is in force, be it zero: the deprecated timeouts are not then (specification *Client Side
    /// Operations Timeout*).
    pub const fn has_timeout(&self) -> bool {
        self.has_timeout
    }

    /// Whether an exchange of it has ended and others were to follow: what fails now was done in part.
    pub const fn is_partly_done(&self) -> bool {
        self.partly_done
    }

    /// The command's name.
    pub fn name(&self) -> &str {
        self.operation.name()
    }

    /// Whether the server is to answer at all (unacknowledged writes are not).
    pub fn wants_reply(&self) -> bool {
        !self.is_unacknowledged()
    }

    fn is_acknowledged(&self) -> bool {
        self.settings.write_concern.as_ref().is_none_or(WriteConcern::is_acknowledged)
    }

    /// The write concern of an operation does not count within a transaction.
    fn is_unacknowledged(&self) -> bool {
        !self.is_acknowledged() && self.traits.write_concern && !self.in_transaction()
    }

    /// What is needed next.
    pub const fn poll_step(&self) -> Step {
        match self.state {
            State::CheckOut => Step::CheckOut,
            State::Exchange => Step::Exchange,
            State::Reauthenticate => Step::Reauthenticate,
            State::Backoff(until) => Step::Sleep(until),
            State::Expired => Step::Expired,
            State::Done(_) => Step::Done,
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout). The deadline of the whole is the host's business.
    pub const fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Backoff(until) => Some(until),
            _ => None,
        }
    }

    /// The wait is over, or not yet.
    pub fn handle_timeout(&mut self, now: Instant) {
        if matches!(self.state, State::Backoff(until) if until <= now) {
            self.state = State::CheckOut;
        }
    }

    /// What server is wanted.
    pub fn target(&self) -> Target<'_> {
        let traits = self.traits;
        if let Some(Pin::Server(address)) = self.pin() {
            return Target::Address(address);
        }
        if !traits.read_preference {
            return Target::Writable;
        }
        if self.in_transaction() {
            return if traits.write_concern { Target::Writable } else { Target::Readable(&PRIMARY) };
        }
        let preference = self.settings.read_preference.as_ref().unwrap_or(&PRIMARY);
        if traits.write_concern { Target::OutputStage(preference) } else { Target::Readable(preference) }
    }

    /// The servers that have failed this operation, to be selected only if no other is suitable ("deprioritized").
    pub fn avoid(&self) -> &[ServerAddress] {
        &self.avoid
    }

    /// A connection is there.
    pub fn handle_checked_out(&mut self, _now: Instant, reached: Reached) {
        if !matches!(self.state, State::CheckOut) {
            return;
        }
        self.state = State::Exchange;
        self.attempt = Attempt { stage: Stage::Prepare, ..Attempt::default() };
        match reached.topology {
            TopologyKind::Sharded => self.attempt.wants_pin = self.wants_pin(),
            TopologyKind::LoadBalanced if self.wants_pin() => self.pin_to(Pin::Connection),
            _ => {}
        }
        self.reached = reached;
    }

    /// Whether [`handle_address`](Self::handle_address) is wanted. Ask after each `handle_*` while the server is known: a
    /// transaction stays with it, or the next attempt avoids it.
    pub const fn wants_address(&self) -> bool {
        self.attempt.wants_pin || self.attempt.wants_avoid
    }

    /// The server of the last selection, and the shape of its deployment.
    pub fn handle_address(&mut self, address: &ServerAddress, topology: TopologyKind) {
        if core::mem::take(&mut self.attempt.wants_pin) {
            self.pin_to(Pin::Server(address.clone()));
        }
        let avoids = topology == TopologyKind::Sharded || self.attempt.retargets;
        if core::mem::take(&mut self.attempt.wants_avoid) && avoids && !self.avoid.contains(address) {
            self.avoid.push(address.clone());
        }
    }

    /// Writes the next request to `out`. A failure ends the operation or the attempt, and leaves the connection as it
    /// was.
    pub fn send(&mut self, now: Instant, connection: &mut Connection, out: &mut SendBuf) {
        if !matches!(self.state, State::Exchange) {
            return;
        }
        if let Err(error) = self.try_send(now, connection, out) {
            self.fail(now, error, true);
        }
    }

    fn try_send(&mut self, now: Instant, connection: &mut Connection, out: &mut SendBuf) -> Result<(), E> {
        self.attempt.meet(connection.hello());
        if self.is_too_late(now) {
            match self.tidying {
                true => self.handle_tidied(),
                false => self.state = State::Expired,
            }
            return Ok(());
        }
        if self.is_unacknowledged() {
            self.operation.check_unacknowledged(connection)?;
        }
        self.operation.prepare(connection)?;
        self.traits = self.operation.traits();
        self.prepare_session(connection.hello())?;
        let repeated = self.repeated_write_concern();
        let stamps = self.stamps(now, repeated.as_ref());
        let operation = &self.operation;
        let body = |body: &mut DocWriter<'_>| {
            operation.write(body);
            stamps.write(body);
        };
        let request = Request {
            name: operation.name(),
            body: &body,
            sequences: operation.sequences(),
            exhaust: operation.exhaust(),
            no_reply: self.is_unacknowledged(),
        };
        connection.send(now, &request, self.deadline, out)?;
        self.note_sent(now);
        Ok(())
    }

    /// The request of an unacknowledged write has been written whole; no reply will come.
    pub fn handle_sent_unacknowledged(&mut self, _now: Instant) {
        self.attempt.stage = Stage::Prepare;
        match self.operation.unacknowledged() {
            Some(Progress::Done(output)) => self.state = State::Done(Ok(output)),
            Some(Progress::More) => self.partly_done = true,
            None => {
                let error = OperationError::InvalidArgument("this operation cannot be unacknowledged");
                self.state = State::Done(Err(error.into()));
            }
        }
    }

    /// The reply is there.
    pub fn handle_reply(&mut self, now: Instant, reply: Reply) {
        if !matches!(self.state, State::Exchange) {
            return;
        }
        let labels = self.learn(&reply);
        if self.tidying {
            // The operation may note that it was done; the failure stays what it is.
            let _ = self.operation.handle_reply(reply);
            return self.handle_tidied();
        }
        let outcome = match CommandError::from_reply(&reply) {
            Ok(None) => {
                if self.retries_instead(now, &reply, labels) {
                    return;
                }
                self.operation.handle_reply(reply)
            }
            Ok(Some(error)) if self.reauthenticates_after(&error) => return,
            Ok(Some(mut error)) => {
                if self.txn_number.is_some() {
                    error.explain_refused_number();
                }
                match self.operation.handle_error(error) {
                    Ok(output) => Ok(Progress::Done(output)),
                    Err(error) => return self.fail(now, error, true),
                }
            }
            Err(error) => Err(error),
        };
        match outcome {
            Ok(progress) => self.succeed(progress),
            Err(error) => self.fail(now, error, false),
        }
    }

    /// Check-out, writing or reading failed; or the host's error where the time is up.
    pub fn handle_failed(&mut self, now: Instant, error: E) {
        match self.state {
            State::Done(_) => {}
            State::Expired => self.state = State::Done(Err(error)),
            // What goes wrong there is told, not retried.
            State::Reauthenticate => self.fail(now, error, false),
            _ => self.fail(now, error, true),
        }
    }

    /// The operation is dropped before its end. If a request is in flight, the session is dirty, and a transaction can
    /// only be aborted; the latter also if some of its commands were carried out and others were not. Then
    /// [`take_session`](Self::take_session).
    pub fn handle_dropped(&mut self) {
        if self.attempt.stage == Stage::Exchange && matches!(self.state, State::Exchange) {
            self.session.handle_dropped();
        }
        let (is_end, partly_done) = (self.traits.session.transaction_end().is_some(), self.partly_done);
        match self.transaction_mut() {
            Some(transaction) if is_end => transaction.handle_end_dropped(),
            Some(transaction) if partly_done => transaction.handle_partly_dropped(),
            _ => {}
        }
    }

    /// The error of the last attempt, if it is the one that would be returned: for the host to add what it knows, such as
    /// the server that it came from.
    pub fn error_mut(&mut self) -> Option<&mut E> {
        match &mut self.state {
            _ if !self.attempt.is_fresh => None,
            State::Done(Err(error)) => Some(error),
            State::Done(Ok(_)) => None,
            _ => self.previous.as_mut().map(|(error, _)| error),
        }
    }

    /// Where the time is up: the error of the last attempt.
    pub fn take_cause(&mut self) -> Option<E> {
        self.previous.take().map(|(error, _)| error)
    }

    /// The result; `None` while [`poll_step`](Self::poll_step) is not [`Step::Done`].
    pub fn finish(self) -> Option<Result<O::Output, E>> {
        match self.state {
            State::Done(result) => Some(result),
            _ => None,
        }
    }
}
