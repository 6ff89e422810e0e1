//! The machine of one server's monitor.

use alloc::collections::VecDeque;

use stator_wire::Deframer;
use stator_wire::bson::DocWriter;

use super::hello::Hello;
use super::{CheckError, HeartbeatEvent, MonitorOptions, Report, Step};
use crate::connection::{Compression, Connection, ConnectionError, Reply, Request};
use crate::hello::{HelloReply, TopologyVersion};
use crate::operation::{CommandError, OperationError};
use crate::topology::CheckFailure;
use crate::{Instant, SendBuf};

/// Checks one server again and again. `C` is the host's error type.
#[derive(Debug)]
pub struct Monitor<C> {
    options: MonitorOptions,
    state: State,
    /// `None` while there is no stream.
    connection: Option<Connection>,
    /// Whether the hello of this exchange is still to be sent.
    unsent: bool,
    /// When the check under way has begun; connecting is part of it.
    check_began: Instant,
    /// When its hello was sent, or the last of several answers came.
    hello_sent: Instant,
    /// When the last check has ended.
    check_ended: Instant,
    /// Whether the server of the last check has answered.
    known: bool,
    /// Whether a network error on a known server is followed by another check at once.
    retries: bool,
    /// When that has happened last.
    retried: Option<Instant>,
    /// Whether hello was answered on this connection.
    greeted: bool,
    /// Whether the server knows `hello`.
    modern: bool,
    version: Option<TopologyVersion>,
    streaming: bool,
    reports: VecDeque<Report<C>>,
    events: VecDeque<HeartbeatEvent<C>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Connecting {
        deadline: Instant,
    },
    Exchanging {
        deadline: Instant,
        awaited: bool,
    },
    /// Then it waits until the instant; if that has come, it connects.
    Closing {
        then: Instant,
    },
    Waiting {
        until: Instant,
    },
    Ended,
}

impl<C: Clone> Monitor<C> {
    /// A monitor that checks at once.
    pub fn new(now: Instant, options: MonitorOptions) -> Self {
        let mut monitor = Self {
            state: State::Ended,
            connection: None,
            unsent: false,
            check_began: now,
            hello_sent: now,
            check_ended: now,
            known: false,
            retries: true,
            retried: None,
            greeted: false,
            modern: options.server_api.is_some(),
            version: None,
            streaming: false,
            reports: VecDeque::new(),
            events: VecDeque::new(),
            options,
        };
        monitor.begin(now);
        monitor
    }

    /// One that always waits after an error.
    pub(super) fn without_retries(now: Instant, options: MonitorOptions) -> Self {
        Self { retries: false, ..Self::new(now, options) }
    }

    /// What to do next.
    pub const fn poll_step(&self) -> Step {
        match self.state {
            State::Connecting { deadline } => Step::Connect { deadline },
            State::Exchanging { deadline, .. } => Step::Exchange { deadline },
            State::Closing { .. } => Step::Close,
            State::Waiting { until } => Step::Wait { until },
            State::Ended => Step::Ended,
        }
    }

    /// What was seen, oldest first.
    pub fn poll_report(&mut self) -> Option<Report<C>> {
        self.reports.pop_front()
    }

    /// What is to be told, oldest first.
    pub fn poll_event(&mut self) -> Option<HeartbeatEvent<C>> {
        self.events.pop_front()
    }

    /// Whether the server answers only when there is news, so that round trips must be measured on another connection.
    pub const fn wants_rtt_monitor(&self) -> bool {
        self.streaming
    }

    /// Appends the next hello to `out`, which must be empty, if there is one to send.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut SendBuf) -> bool {
        let State::Exchanging { awaited, .. } = self.state else { return false };
        if !core::mem::take(&mut self.unsent) {
            return false;
        }
        let hello = Hello { first: !self.greeted, modern: self.modern, newer_than: self.version.filter(|_| awaited) };
        let options = &self.options;
        let body = |doc: &mut DocWriter<'_>| hello.write(options, doc);
        let request = Request { name: hello.name(), body: &body, sequences: &[], exhaust: awaited, no_reply: false };
        self.hello_sent = now;
        let Some(connection) = &mut self.connection else { return false };
        match connection.send(now, &request, Instant::FAR_FUTURE, out) {
            Ok(()) => true,
            Err(error) => {
                self.fail(now, CheckError::Connection(error), CheckFailure::Network);
                false
            }
        }
    }

    /// Says that `count` bytes of `out` were written to the stream.
    pub fn handle_sent(&mut self, now: Instant, out: &mut SendBuf, count: usize) {
        if let Some(connection) = &mut self.connection {
            connection.handle_sent(now, out, count);
        }
    }

    /// The stream is there.
    pub fn handle_connected(&mut self, now: Instant) {
        if matches!(self.state, State::Connecting { .. }) {
            self.connection = Some(Connection::new(Compression::none()));
            self.greeted = false;
            // Another server may answer by now, an older one.
            self.modern = self.options.server_api.is_some();
            self.exchange(now, false);
        }
    }

    /// Reads what has come.
    pub fn handle_recv(&mut self, now: Instant, input: &mut Deframer) {
        while let State::Exchanging { awaited, .. } = self.state {
            let Some(connection) = &mut self.connection else { return };
            match connection.handle_recv(now, input) {
                Ok(Some(reply)) => self.handle_reply(now, &reply, awaited),
                Ok(None) => return,
                Err(error) => return self.fail(now, CheckError::Connection(error), CheckFailure::Network),
            }
            if self.unsent {
                return;
            }
        }
    }

    /// The stream could not be had, or has failed.
    pub fn handle_failed(&mut self, now: Instant, error: C, timed_out: bool) {
        if matches!(self.state, State::Connecting { .. } | State::Exchanging { .. }) {
            let failure = if timed_out { CheckFailure::Timeout } else { CheckFailure::Network };
            self.fail(now, CheckError::Host(error), failure);
        }
    }

    /// The stream has ended. While the monitor waits, that alone says nothing of the server: the next check connects anew.
    pub fn handle_closed(&mut self, now: Instant, input: &Deframer) {
        if let State::Waiting { until } = self.state
            && self.connection.is_some()
        {
            self.close(until);
        }
        if matches!(self.state, State::Exchanging { .. }) {
            let error = match &mut self.connection {
                Some(connection) => connection.handle_closed(now, input),
                None => ConnectionError::Closed { mid_reply: false },
            };
            self.fail(now, CheckError::Connection(error), CheckFailure::Network);
        }
    }

    /// The stream is closed.
    pub fn handle_disconnected(&mut self, now: Instant) {
        if let State::Closing { then } = self.state {
            self.state = State::Waiting { until: then };
            self.handle_timeout(now);
        }
    }

    /// Time has passed. Harmless when nothing is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let State::Waiting { until } = self.state
            && until <= now
        {
            self.begin(now);
        }
    }

    /// Somebody wants to know soon: the next check begins as soon as the end of the last one is `min_heartbeat` ago. One
    /// that is under way is soon enough.
    pub fn handle_check_request(&mut self, now: Instant) {
        let soonest = self.check_ended + self.options.min_heartbeat;
        match &mut self.state {
            State::Waiting { until: then } | State::Closing { then } => *then = (*then).min(soonest),
            State::Connecting { .. } | State::Exchanging { .. } | State::Ended => {}
        }
        self.handle_timeout(now);
    }

    /// An operation has found the server gone: the check under way may never end, and is given up without a report; the
    /// connection is closed. The server is unknown already; the next check comes in its time, or by order.
    pub fn handle_cancel(&mut self, now: Instant) {
        self.known = false;
        match self.state {
            State::Connecting { .. } | State::Exchanging { .. } => {
                self.tell_failed(now, CheckError::Cancelled);
                self.check_ended = now;
                self.close(self.next_check());
            }
            State::Waiting { until } if self.connection.is_some() => self.close(until),
            State::Waiting { .. } | State::Closing { .. } | State::Ended => {}
        }
    }

    /// The server is no longer part of the deployment, or the client is closed: the stream is dropped.
    pub fn handle_stop(&mut self, now: Instant) {
        if matches!(self.state, State::Connecting { .. } | State::Exchanging { .. }) {
            self.tell_failed(now, CheckError::Cancelled);
        }
        self.connection = None;
        self.streaming = false;
        self.state = State::Ended;
    }

    /// Begins a check.
    fn begin(&mut self, now: Instant) {
        self.check_began = now;
        if self.connection.is_some() {
            return self.exchange(now, false);
        }
        self.tell(|| HeartbeatEvent::Started { awaited: false });
        self.state = State::Connecting { deadline: self.deadline(now) };
    }

    fn exchange(&mut self, now: Instant, awaited: bool) {
        if self.greeted {
            self.tell(|| HeartbeatEvent::Started { awaited });
        }
        self.unsent = true;
        self.hello_sent = now;
        self.state = State::Exchanging { deadline: self.deadline_of(now, awaited), awaited };
    }

    fn deadline(&self, now: Instant) -> Instant {
        let timeout = self.options.connect_timeout.filter(|timeout| !timeout.is_zero());
        timeout.map_or(Instant::FAR_FUTURE, |timeout| now + timeout)
    }

    /// When the next check is due if nobody asks for one.
    fn next_check(&self) -> Instant {
        self.check_ended + self.options.heartbeat_frequency.max(self.options.min_heartbeat)
    }

    fn deadline_of(&self, now: Instant, awaited: bool) -> Instant {
        let deadline = self.deadline(now);
        if awaited { deadline + self.options.heartbeat_frequency } else { deadline }
    }

    fn handle_reply(&mut self, now: Instant, reply: &Reply, awaited: bool) {
        let refused = match CommandError::from_reply(reply) {
            Ok(None) => None,
            Ok(Some(error)) => Some(OperationError::Command(error)),
            Err(error) => Some(error),
        };
        let parsed = match refused {
            None => HelloReply::parse(reply.body()).map_err(OperationError::from),
            Some(error) => Err(error),
        };
        let hello = match parsed {
            Ok(hello) => hello,
            Err(error) => return self.fail(now, CheckError::Hello(error), CheckFailure::Command),
        };
        let duration = now - self.hello_sent;
        self.hello_sent = now;
        self.check_ended = now;
        self.known = true;
        self.greeted = true;
        self.modern = hello.hello_ok || self.options.server_api.is_some();
        self.version = hello.topology_version;
        let streams = self.options.streams() && self.version.is_some();
        self.streaming = streams;
        let rtt = (!awaited).then_some(duration);
        self.tell(|| HeartbeatEvent::Succeeded { awaited, duration, reply: reply.to_doc_buf() });
        self.reports.push_back(Report::Seen { hello, rtt });
        if reply.more_to_come() {
            self.tell(|| HeartbeatEvent::Started { awaited: true });
            self.state = State::Exchanging { deadline: self.deadline_of(now, true), awaited: true };
        } else if streams {
            self.check_began = now;
            self.exchange(now, true);
        } else {
            self.state = State::Waiting { until: self.next_check() };
        }
    }

    fn fail(&mut self, now: Instant, error: CheckError<C>, failure: CheckFailure) {
        self.tell_failed(now, error.clone());
        self.reports.push_back(Report::Failed { error, failure });
        self.check_ended = now;
        let was_known = core::mem::take(&mut self.known);
        let next = if !was_known || failure == CheckFailure::Command || !self.retries {
            self.next_check()
        } else if self.retried.is_none_or(|at| now >= at + self.options.min_heartbeat) {
            // A server that was there a moment ago may have closed an old connection only.
            self.retried = Some(now);
            now
        } else {
            // Once: one that greets and then breaks the connection, again and again, must keep nobody busy.
            now + self.options.min_heartbeat
        };
        self.close(next);
    }

    fn tell_failed(&mut self, now: Instant, error: CheckError<C>) {
        let awaited = matches!(self.state, State::Exchanging { awaited: true, .. });
        let duration = now - if self.connection.is_some() { self.hello_sent } else { self.check_began };
        self.tell(|| HeartbeatEvent::Failed { awaited, duration, error });
    }

    fn close(&mut self, then: Instant) {
        self.connection = None;
        self.unsent = false;
        self.version = None;
        self.streaming = false;
        self.greeted = false;
        self.state = State::Closing { then };
    }

    fn tell(&mut self, event: impl FnOnce() -> HeartbeatEvent<C>) {
        if self.options.events {
            self.events.push_back(event());
        }
    }
}
