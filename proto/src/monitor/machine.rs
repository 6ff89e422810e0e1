//! The machine of one server's checks.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::mem;

use stator_wire::Deframer;

use super::call::{Answer, Call, Unanswered};
use super::{CheckError, FailureKind, HeartbeatEvent, MonitorOptions, Output, Report, Step};
use crate::Instant;
use crate::connection::SendBuf;
use crate::hello::TopologyVersion;

/// The monitor of one server. `C` is the host's error type, cheap to clone.
///
/// It begins with [`Step::Connect`]. After every input, take everything out of [`poll_output`](Self::poll_output), then
/// do as [`poll_step`](Self::poll_step) says.
#[derive(Debug)]
pub struct Monitor<C> {
    options: MonitorOptions,
    call: Call,
    state: State,
    /// Whether the last check has found the server.
    known: bool,
    /// From the last reply on the present connection.
    version: Option<TopologyVersion>,
    /// When a check was last repeated at once.
    retried: Option<Instant>,
    output: VecDeque<Output<C>>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Connecting(Check),
    Exchanging(Check),
    Waiting(Wait),
    Closing(Next),
    Ended,
}

/// A check under way.
#[derive(Clone, Copy, Debug)]
struct Check {
    awaited: bool,
    started: Instant,
    /// When hello was sent, or the reply before read.
    sent: Option<Instant>,
    deadline: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Wait {
    /// The time that a request brings the next check to; never later than `until`.
    soonest: Instant,
    until: Instant,
}

#[derive(Clone, Copy, Debug)]
enum Next {
    Check,
    Wait(Wait),
    End,
}

impl<C: Clone> Monitor<C> {
    /// A monitor whose first check begins now.
    pub fn new(now: Instant, options: MonitorOptions) -> Self {
        let mut monitor = Self {
            options,
            call: Call::default(),
            state: State::Ended,
            known: false,
            version: None,
            retried: None,
            output: VecDeque::new(),
        };
        monitor.begin(now);
        monitor
    }

    /// The options that the monitor was made with.
    pub const fn options(&self) -> &MonitorOptions {
        &self.options
    }

    /// What the host is to do next.
    pub const fn poll_step(&self) -> Step {
        match self.state {
            State::Connecting(check) => Step::Connect { deadline: check.deadline },
            State::Exchanging(check) => Step::Exchange { deadline: check.deadline },
            State::Waiting(wait) => Step::Wait { until: wait.until },
            State::Closing(_) => Step::Close,
            State::Ended => Step::Ended,
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due: the end of the wait or the deadline of the check.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let at = match self.state {
            State::Connecting(check) | State::Exchanging(check) => check.deadline,
            State::Waiting(wait) => wait.until,
            State::Closing(_) | State::Ended => return None,
        };
        (!at.is_far_future()).then_some(at)
    }

    /// What there is to tell, in order.
    pub fn poll_output(&mut self) -> Option<Output<C>> {
        self.output.pop_front()
    }

    /// Whether the server streams its replies, so that round-trip times must be measured by an
    /// [`RttMonitor`](super::RttMonitor): start one when this becomes true, stop it when it is false again.
    pub const fn wants_rtt_monitor(&self) -> bool {
        matches!(self.state, State::Exchanging(Check { awaited: true, .. }))
    }

    /// Appends hello to `out`, which must be empty, if it is to be sent; only during [`Step::Exchange`].
    pub fn poll_transmit(&mut self, now: Instant, out: &mut SendBuf) -> bool {
        let State::Exchanging(check) = &mut self.state else { return false };
        if check.sent.is_some() {
            return false;
        }
        check.sent = Some(now);
        let awaited = self.version.filter(|_| check.awaited).map(|v| (v, self.options.heartbeat_frequency));
        match self.call.send(now, &self.options, awaited, check.deadline, out) {
            Ok(()) => true,
            Err(error) => {
                self.fail(now, CheckError::Connection(error), FailureKind::Network);
                false
            }
        }
    }

    /// Says that `count` bytes of `out` were written to the stream.
    pub fn handle_sent(&mut self, now: Instant, out: &mut SendBuf, count: usize) {
        self.call.handle_sent(now, out, count);
    }

    /// Takes all replies out of `input`; only during [`Step::Exchange`].
    pub fn handle_recv(&mut self, now: Instant, input: &mut Deframer) {
        while let State::Exchanging(check) = self.state {
            match self.call.recv(now, input) {
                Ok(None) => return,
                Ok(Some(answer)) => self.succeed(now, check, answer),
                Err(Unanswered::Connection(error)) => {
                    self.fail(now, CheckError::Connection(error), FailureKind::Network);
                }
                Err(Unanswered::Hello(error)) => self.fail(now, CheckError::Hello(error), FailureKind::Command),
            }
        }
    }

    /// Says that the host is connected: what [`Step::Connect`] asked for. In any other step the stream is not wanted.
    pub fn handle_connected(&mut self, _now: Instant) {
        if let State::Connecting(check) = self.state {
            self.call.open();
            self.state = State::Exchanging(check);
        }
    }

    /// Says that connecting, reading or writing has failed; `timed_out` if because the step's deadline has passed.
    pub fn handle_failed(&mut self, now: Instant, error: C, timed_out: bool) {
        let kind = if timed_out { FailureKind::Timeout } else { FailureKind::Network };
        self.fail(now, CheckError::Host(error), kind);
    }

    /// Says that the stream has ended. While waiting, that alone does not make the server unknown.
    pub fn handle_closed(&mut self, now: Instant, input: &Deframer) {
        match self.state {
            State::Exchanging(_) => {
                let error = self.call.handle_closed(now, input);
                self.fail(now, CheckError::Connection(error), FailureKind::Network);
            }
            State::Waiting(wait) => self.leave(now, Next::Wait(wait), false),
            State::Connecting(_) | State::Closing(_) | State::Ended => {}
        }
    }

    /// Says that everything that belonged to the connection is dropped: what [`Step::Close`] asked for.
    pub fn handle_disconnected(&mut self, now: Instant) {
        if let State::Closing(next) = self.state {
            self.enter(now, next);
        }
    }

    /// Someone needs to know the server's state soon: a wait ends now, or `min_heartbeat` after the last check. During
    /// a check this is ignored: whoever is not served by its outcome asks again.
    pub fn handle_check_request(&mut self, now: Instant) {
        match &mut self.state {
            State::Waiting(wait) | State::Closing(Next::Wait(wait)) => wait.until = wait.soonest,
            _ => {}
        }
        self.handle_timeout(now);
    }

    /// An operation has met a network error, so the topology has marked the server as unknown: a check under way is
    /// abandoned without a report, the connection is closed, and the next check comes after `min_heartbeat`.
    pub fn handle_cancel(&mut self, now: Instant) {
        self.known = false;
        match self.state {
            State::Connecting(check) | State::Exchanging(check) => {
                self.tell_failed(now, check, CheckError::Cancelled);
                let dialling = matches!(self.state, State::Connecting(_));
                self.leave(now, Next::Wait(self.short_wait(now)), dialling);
            }
            State::Waiting(wait) => self.leave(now, Next::Wait(wait), false),
            State::Closing(_) | State::Ended => {}
        }
    }

    /// Ends the monitor: a connection is closed, and nothing further is reported.
    pub fn handle_stop(&mut self, now: Instant) {
        let held = match self.state {
            State::Connecting(check) | State::Exchanging(check) => {
                self.tell_failed(now, check, CheckError::Cancelled);
                true
            }
            State::Waiting(_) => false,
            State::Closing(_) => true,
            State::Ended => return,
        };
        self.leave(now, Next::End, held);
    }

    /// Tells the time: ends a wait that is over, and fails a check whose deadline has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.state {
            State::Waiting(wait) if now >= wait.until => self.begin(now),
            State::Connecting(check) | State::Exchanging(check) if now >= check.deadline => {
                self.fail(now, CheckError::TimedOut, FailureKind::Timeout);
            }
            _ => {}
        }
    }

    fn begin(&mut self, now: Instant) {
        let awaited = self.options.streaming() && self.version.is_some();
        let deadline = self.options.deadline(now, awaited);
        let check = Check { awaited, started: now, sent: None, deadline };
        self.state = if self.call.is_open() { State::Exchanging(check) } else { State::Connecting(check) };
        self.tell_started(awaited);
    }

    fn succeed(&mut self, now: Instant, check: Check, answer: Answer) {
        let Answer { hello, document, more } = answer;
        let hello = Arc::new(hello);
        self.known = true;
        self.version = hello.topology_version;
        let duration = now - check.sent.unwrap_or(check.started);
        let awaited = check.awaited;
        if self.options.events {
            let server_connection_id = self.call.server_connection_id();
            let event = HeartbeatEvent::Succeeded { awaited, duration, reply: document, server_connection_id };
            self.output.push_back(Output::Event(event));
        }
        let rtt = (!awaited).then_some(duration);
        self.output.push_back(Output::Report(Report::Seen { hello, rtt }));
        if more {
            let deadline = self.options.deadline(now, true);
            self.state = State::Exchanging(Check { awaited, started: now, sent: Some(now), deadline });
            self.tell_started(awaited);
        } else if self.options.streaming() && self.version.is_some() {
            self.begin(now);
        } else {
            self.state = State::Waiting(self.wait(now));
        }
    }

    fn fail(&mut self, now: Instant, error: CheckError<C>, kind: FailureKind) {
        let (check, dialling) = match self.state {
            // A host that reports the failure itself has nothing left to drop.
            State::Connecting(check) => (check, matches!(error, CheckError::TimedOut)),
            State::Exchanging(check) => (check, false),
            State::Waiting(wait) => return self.leave(now, Next::Wait(wait), false),
            State::Closing(_) | State::Ended => return,
        };
        self.tell_failed(now, check, error.clone());
        self.output.push_back(Output::Report(Report::Failed { error, kind }));
        let was_known = mem::take(&mut self.known);
        let next = if !was_known || kind == FailureKind::Command {
            Next::Wait(self.wait(now))
        } else if self.retried.is_none_or(|at| now >= at + self.options.min_heartbeat) {
            self.retried = Some(now);
            Next::Check
        } else {
            // Once: a server that greets and then breaks the connection, again and again, must keep nobody busy.
            Next::Wait(self.short_wait(now))
        };
        self.leave(now, next, dialling);
    }

    /// The wait after a check that has ended now.
    fn wait(&self, now: Instant) -> Wait {
        Wait { soonest: now + self.options.min_heartbeat, until: self.options.next_check(now) }
    }

    fn short_wait(&self, now: Instant) -> Wait {
        let soonest = now + self.options.min_heartbeat;
        Wait { soonest, until: soonest }
    }

    /// Gives up the connection, and the attempt to connect if the host is `dialling`.
    fn leave(&mut self, now: Instant, next: Next, dialling: bool) {
        self.version = None;
        if self.call.close() || dialling {
            self.state = State::Closing(next);
        } else {
            self.enter(now, next);
        }
    }

    fn enter(&mut self, now: Instant, next: Next) {
        match next {
            Next::Check => self.begin(now),
            Next::Wait(wait) => self.state = State::Waiting(wait),
            Next::End => self.state = State::Ended,
        }
    }

    fn tell_started(&mut self, awaited: bool) {
        if self.options.events {
            let server_connection_id = self.call.server_connection_id();
            self.output.push_back(Output::Event(HeartbeatEvent::Started { awaited, server_connection_id }));
        }
    }

    fn tell_failed(&mut self, now: Instant, check: Check, error: CheckError<C>) {
        if self.options.events {
            let server_connection_id = self.call.server_connection_id();
            let (awaited, duration) = (check.awaited, now - check.sent.unwrap_or(check.started));
            let event = HeartbeatEvent::Failed { awaited, duration, error, server_connection_id };
            self.output.push_back(Output::Event(event));
        }
    }
}
