//! Takes one operation through check-out and exchanges to its result.
//!
//! ```text
//!   check out --granted--> exchange --reply--> done
//!       |                   ^   |  \--more batches--> exchange
//!       +--refused--> done  |   +--failed--> done      (retries: back to check out)
//!                           |   +--391--> reauthenticate --+
//!                           +------------------------------+
//! ```

use core::time::Duration;

use stator_wire::bson::DocWriter;

use super::stamps::{PreferenceStamp, Stamps};
use super::{CommandError, MaxTime, Operation, OperationError, Progress, Settings};
use crate::Instant;
use crate::concern::WriteConcern;
use crate::connection::{Connection, ConnectionError, Reply, Request, SendBuf};
use crate::handshake::REAUTHENTICATION_REQUIRED;
use crate::read_preference::ReadPreference;
use crate::select::Target;
use crate::topology::TopologyKind;
use crate::uri::ServerApi;

/// What an operation needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A connection: check one out, then [`Exec::handle_checked_out`] or [`Exec::handle_failed`].
    CheckOut,
    /// An exchange on it: [`Exec::send`], write, read, then [`Exec::handle_reply`] or [`Exec::handle_failed`].
    Exchange,
    /// The server wants the connection's user to log in again: [`Handshake::reauthenticate`](crate::Handshake::reauthenticate),
    /// then [`Exec::handle_reauthenticated`] or [`Exec::handle_failed`].
    Reauthenticate,
    /// Wait until then and ask again.
    Sleep(Instant),
    /// Nothing: take the result with [`Exec::finish`].
    Done,
}

/// One operation on its way. `E` is the host's error, which any failure of the operation can become.
#[derive(Debug)]
pub struct Exec<O: Operation, E> {
    operation: O,
    settings: Settings,
    server_api: Option<ServerApi>,
    deadline: Instant,
    partly_done: bool,
    reached: Reached,
    /// Whether the user has logged in again since the last reply that was none of that.
    reauthenticated: bool,
    state: State<O::Output, E>,
}

/// What an operation is to know of the deployment that it has reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// Its shape when the server was selected; it decides what `$readPreference` says (specification *Server Selection*).
    pub topology: TopologyKind,
}

static PRIMARY: ReadPreference = ReadPreference::primary();

#[derive(Debug)]
enum State<T, E> {
    CheckOut,
    Exchange,
    Reauthenticate,
    Done(Result<T, E>),
}

impl<O: Operation, E: From<OperationError> + From<ConnectionError>> Exec<O, E> {
    /// Begins an operation: its deadline is `settings.timeout` from now. A write with a write concern that cannot be
    /// ([`WriteConcern::validate`]) is done at once, with an error.
    pub fn new(now: Instant, operation: O, settings: Settings, server_api: Option<ServerApi>) -> Self {
        let deadline = match settings.timeout {
            Some(timeout) if !timeout.is_zero() => now + timeout,
            _ => Instant::FAR_FUTURE,
        };
        let concern = settings.write_concern.as_ref().filter(|_| operation.traits().write_concern);
        let state = match concern.map_or(Ok(()), WriteConcern::validate) {
            Ok(()) => State::CheckOut,
            Err(_) => State::Done(Err(OperationError::InvalidArgument(INVALID_WRITE_CONCERN).into())),
        };
        Self {
            operation,
            settings,
            server_api,
            deadline,
            partly_done: false,
            reached: Reached::default(),
            reauthenticated: false,
            state,
        }
    }

    /// When the whole operation is due.
    pub const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether `timeoutMS` is in force, be it zero: the deprecated timeouts are not then (specification *Client Side
    /// Operations Timeout*).
    pub const fn has_timeout(&self) -> bool {
        self.settings.timeout.is_some()
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

    fn is_unacknowledged(&self) -> bool {
        self.operation.traits().write_concern
            && self.settings.write_concern.as_ref().is_some_and(|concern| !concern.is_acknowledged())
    }

    /// What is needed next.
    pub const fn poll_step(&self) -> Step {
        match self.state {
            State::CheckOut => Step::CheckOut,
            State::Exchange => Step::Exchange,
            State::Reauthenticate => Step::Reauthenticate,
            State::Done(_) => Step::Done,
        }
    }

    /// What server is wanted.
    pub fn target(&self) -> Target<'_> {
        let traits = self.operation.traits();
        if !traits.read_preference {
            return Target::Writable;
        }
        let preference = self.settings.read_preference.as_ref().unwrap_or(&PRIMARY);
        if traits.write_concern { Target::OutputStage(preference) } else { Target::Readable(preference) }
    }

    /// A connection is there.
    pub fn handle_checked_out(&mut self, _now: Instant, reached: Reached) {
        self.reached = reached;
        self.reauthenticated = false;
        if matches!(self.state, State::CheckOut) {
            self.state = State::Exchange;
        }
    }

    /// Check-out, writing or reading failed.
    pub fn handle_failed(&mut self, _now: Instant, error: E) {
        if !matches!(self.state, State::Done(_)) {
            self.state = State::Done(Err(error));
        }
    }

    /// Writes the next request to `out`. A failure ends the operation and leaves the connection as it was.
    pub fn send(&mut self, now: Instant, connection: &mut Connection, out: &mut SendBuf) {
        let outcome = self.try_send(now, connection, out);
        if let Err(error) = outcome {
            self.handle_failed(now, error);
        }
    }

    fn try_send(&mut self, now: Instant, connection: &mut Connection, out: &mut SendBuf) -> Result<(), E> {
        if self.is_unacknowledged() {
            self.operation.check_unacknowledged(connection)?;
        }
        self.operation.prepare(connection)?;
        let stamps = self.stamps(now, connection);
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
        Ok(())
    }

    /// The request of an unacknowledged write has been written whole; no reply will come.
    pub fn handle_sent_unacknowledged(&mut self, _now: Instant) {
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
    pub fn handle_reply(&mut self, _now: Instant, reply: Reply) {
        if !matches!(self.state, State::Exchange) {
            return;
        }
        let outcome = match CommandError::from_reply(&reply) {
            Ok(None) => self.operation.handle_reply(reply),
            Ok(Some(error)) if self.wants_reauthentication(&error) => {
                self.state = State::Reauthenticate;
                return;
            }
            Ok(Some(error)) => self.operation.handle_error(error).map(Progress::Done),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(Progress::More) => (self.partly_done, self.reauthenticated) = (true, false),
            Ok(Progress::Done(output)) => self.state = State::Done(Ok(output)),
            Err(error) => self.state = State::Done(Err(error.into())),
        }
    }

    /// Once for each exchange, whether the operation can be retried or not (specification *Authentication*, "Reauthentication").
    fn wants_reauthentication(&mut self, error: &CommandError) -> bool {
        error.code == REAUTHENTICATION_REQUIRED && !core::mem::replace(&mut self.reauthenticated, true)
    }

    /// The connection's user has logged in again: the exchange is repeated.
    pub fn handle_reauthenticated(&mut self, _now: Instant) {
        if matches!(self.state, State::Reauthenticate) {
            self.state = State::Exchange;
        }
    }

    /// The result; `None` while [`poll_step`](Self::poll_step) is not [`Step::Done`].
    pub fn finish(self) -> Option<Result<O::Output, E>> {
        match self.state {
            State::Done(result) => Some(result),
            _ => None,
        }
    }

    fn stamps(&self, now: Instant, connection: &Connection) -> Stamps<'_> {
        let traits = self.operation.traits();
        let preference = self.settings.read_preference.as_ref().filter(|_| traits.read_preference);
        Stamps {
            database: self.operation.database(),
            read_concern: self.settings.read_concern.as_ref().filter(|_| traits.read_concern),
            write_concern: self.settings.write_concern.as_ref().filter(|_| traits.write_concern),
            preference: PreferenceStamp::of(preference, connection.hello().kind, self.reached.topology),
            max_time_ms: self.max_time_ms(now),
            server_api: self.server_api.as_ref(),
        }
    }

    /// `maxTimeMS`, decided by what the operation is and what is left of `timeoutMS`.
    fn max_time_ms(&self, now: Instant) -> Option<i64> {
        let left = (!self.deadline.is_far_future()).then(|| self.deadline.duration_since(now));
        match self.operation.max_time() {
            MaxTime::Deadline(given) | MaxTime::Unbounded(given) if self.settings.timeout.is_none() => {
                given.map(max_time_ms)
            }
            MaxTime::Deadline(_) => left.map(|left| max_time_ms(left).max(1)),
            MaxTime::Unbounded(_) => None,
            MaxTime::Await(given) => given.map(|given| match left {
                Some(left) if left < given => max_time_ms(left).max(1),
                _ => max_time_ms(given),
            }),
        }
    }
}

const INVALID_WRITE_CONCERN: &str =
    "the write concern contradicts itself (`w: 0` with a journal) or has a number out of range";

/// In milliseconds. Zero means no limit, so less than one is one.
fn max_time_ms(time: Duration) -> i64 {
    let least = i64::from(!time.is_zero());
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX).max(least)
}
